"""One read for all who ask the same at the same time: nobody is told what was before they asked."""

from __future__ import annotations

import asyncio

import pytest
from quart import Response

from cronplug.api.sharing import SharedReads
from cronplug.errors import NotFound
from tests.api.conftest import Api, new_name

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Book:
    """Something that is read slowly, and written meanwhile."""

    def __init__(self) -> None:
        self.text = "first"
        self.reads = 0
        self.error: Exception | None = None
        self.may_end = asyncio.Event()
        self.shared = SharedReads()

    async def read(self) -> Response:
        self.reads += 1
        text, error = self.text, self.error
        await self.may_end.wait()
        if error is not None:
            raise error
        return Response(text, headers={"ETag": text})

    async def ask(self) -> str:
        response = await self.shared.answer("book", self.read)
        assert "X-Mine" not in response.headers
        response.headers["X-Mine"] = "yes"
        assert response.headers["ETag"] == await response.get_data(as_text=True)
        return await response.get_data(as_text=True)


@pytest.fixture
def book() -> Book:
    return Book()


async def asked(book: Book, count: int = 1) -> list[asyncio.Task[str]]:
    """So many who have asked, each as far as they get."""
    asking = [asyncio.create_task(book.ask()) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return asking


async def test_those_who_ask_during_a_read_share_the_next_one_which_begins_after_them(book: Book) -> None:
    [first] = await asked(book)
    second, third = await asked(book, 2)
    book.text = "second"
    [fourth] = await asked(book)
    book.may_end.set()

    assert await first == "first"
    assert [await second, await third, await fourth] == ["second"] * 3
    assert book.reads == 2


async def test_who_asks_during_the_read_that_others_share_waits_for_another_one(book: Book) -> None:
    [first] = await asked(book)
    [second] = await asked(book)
    book.may_end.set()
    await first
    book.may_end.clear()
    await asyncio.sleep(0)
    assert book.reads == 2
    book.text = "third"
    [third] = await asked(book)
    book.may_end.set()

    assert (await second, await third) == ("first", "third")
    assert book.reads == 3


async def test_what_else_is_asked_for_waits_for_nothing(book: Book) -> None:
    waiting = await asked(book, 2)

    other = await book.shared.answer("other", lambda: asyncio.sleep(0, Response("other")))

    assert await other.get_data(as_text=True) == "other"
    book.may_end.set()
    await asyncio.gather(*waiting)


async def test_an_error_is_told_to_all_who_share_and_kept_for_nobody(book: Book) -> None:
    [first] = await asked(book)
    book.error = NotFound("book", "x")
    sharing = await asked(book, 3)
    book.may_end.set()

    assert await first == "first"
    assert [type(it) for it in await asyncio.gather(*sharing, return_exceptions=True)] == [NotFound] * 3
    book.error = None
    assert await book.ask() == "first"


@pytest.mark.parametrize("leaving", [0, 1])
async def test_who_leaves_takes_nothing_from_the_others(book: Book, leaving: int) -> None:
    asking = [*await asked(book), *await asked(book, 2)]
    asking[leaving].cancel()
    await asyncio.sleep(0)
    book.may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await asking[leaving]
    others = [it for it in asking if it is not asking[leaving]]
    assert await asyncio.gather(*others) == ["first", "first"]


async def test_what_was_acknowledged_before_a_request_is_in_its_answer(api: Api) -> None:
    tag = new_name()
    made: set[str] = set()

    async def make(number: int) -> None:
        body = {"name": f"{tag} {number}", "type": "http", "httpUrl": "https://example.com", "tags": [tag]}
        made.add((await api("POST", "/tasks", json=body)).json()["id"])

    async def look() -> None:
        while len(made) < 20:
            before = set(made)
            listed = (await api("GET", f"/tasks?tag={tag}&pageSize=100")).json()
            assert before <= {task["id"] for task in listed["list"]}

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(look())
        for number in range(20):
            await make(number)
