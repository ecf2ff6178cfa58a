"""`ctx.artifact` and `ctx.once`: their rules, wherever the function runs."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from cronplug.errors import PluginError
from cronplug.sdk.context import Context, Facts
from cronplug.sdk.keeping import MAX_ARTIFACT_BYTES, MAX_ARTIFACTS, Kept, MemoryKeeper

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def context(keeper: MemoryKeeper | None, kept: Kept | None = None) -> Context:
    facts = Facts(
        execution_id="e",
        attempt=1,
        task_id=None,
        task_name=None,
        scheduled_for=NOW,
        deadline=NOW,
        idempotency_key="e",
    )
    return Context(facts, log=logging.getLogger(), report_progress=lambda *_: None, keeper=keeper, kept=kept)


class TestArtifacts:
    @pytest.mark.parametrize(
        ("name", "data", "given", "media_type"),
        [
            ("a.csv", "1;2", None, "text/csv; charset=utf-8"),
            ("a.html", b"<p>", None, "text/html"),
            ("a.json", "{}", None, "application/json"),
            ("notes", "x", None, "text/plain; charset=utf-8"),
            ("blob", b"\0", None, "application/octet-stream"),
            ("a.txt", "x", "text/markdown; charset=utf-8", "text/markdown; charset=utf-8"),
        ],
    )
    def test_the_media_type_follows_from_the_name(
        self, name: str, data: str | bytes, given: str | None, media_type: str
    ) -> None:
        keeper = MemoryKeeper()

        context(keeper).artifact(name, data, given)

        kept = keeper.artifacts[name]
        assert kept.media_type == media_type
        assert kept.data == (data.encode() if isinstance(data, str) else data)

    @pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\nb", "x" * 201, "\ud800", 3, None])
    def test_a_name_is_like_a_files(self, name: Any) -> None:
        with pytest.raises(ValueError, match="name is like a file's"):
            context(MemoryKeeper()).artifact(name, b"x")

    def test_other_faults_are_told(self) -> None:
        ctx = context(MemoryKeeper())

        with pytest.raises(TypeError, match=r"json\.dumps"):
            ctx.artifact("a", {"a": 1})  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="media type looks like"):
            ctx.artifact("a", b"", "text/html\r\nSet-Cookie: a=b")
        with pytest.raises(PluginError, match="no execution"):
            context(None).artifact("a", b"")

    def test_the_limits_are_told_with_figures(self) -> None:
        ctx = context(MemoryKeeper(), Kept(artifacts={"earlier": 15 * 1024**2}))

        with pytest.raises(ValueError, match=r"has 10,485,761 bytes; one may have 10,485,760 \(10 MiB\)"):
            ctx.artifact("big", bytes(MAX_ARTIFACT_BYTES + 1))
        for number in range(3):
            ctx.artifact(f"{number}", bytes(MAX_ARTIFACT_BYTES))
        ctx.artifact("0", bytes(MAX_ARTIFACT_BYTES))  # the same name is no more
        with pytest.raises(
            ValueError, match=r"10,485,760 bytes would be too much: the execution's others have 47,185,920"
        ):
            ctx.artifact("one more", bytes(MAX_ARTIFACT_BYTES))
        ctx.artifact("earlier", b"small now")
        ctx.artifact("one more", bytes(MAX_ARTIFACT_BYTES))

    def test_there_is_a_number_of_them(self) -> None:
        ctx = context(MemoryKeeper())
        for number in range(MAX_ARTIFACTS):
            ctx.artifact(f"{number}", b"")

        with pytest.raises(ValueError, match="one more than the 100"):
            ctx.artifact("one more", b"")


class TestOnce:
    def test_the_work_is_done_once_and_its_result_kept(self) -> None:
        keeper, calls = MemoryKeeper(), []

        def pay(cents: int, *, to: str) -> dict[str, Any]:
            calls.append(to)
            return {"paid": (cents, to)}

        ctx = context(keeper)
        first, again = (ctx.once("pay", pay, 5, to="ada") for _ in range(2))
        later = context(MemoryKeeper(), Kept(once=json.loads(json.dumps(keeper.once)))).once("pay", pay, 5, to="ada")

        assert first == again == later == {"paid": [5, "ada"]}
        assert calls == ["ada"]

    async def test_async_work_too_even_when_it_is_asked_for_twice_at_once(self) -> None:
        keeper, calls = MemoryKeeper(), []

        async def pay() -> str:
            calls.append(1)
            await asyncio.sleep(0)
            return "paid"

        ctx = context(keeper)
        answers = await asyncio.gather(ctx.once("pay", pay), ctx.once("pay", pay))

        assert list(answers) == ["paid", "paid"]
        assert calls == [1]

    def test_a_mark_is_new_once(self) -> None:
        ctx = context(MemoryKeeper())

        assert [ctx.once("greeted"), ctx.once("greeted"), ctx.once("other")] == [True, False, True]

    async def test_in_an_async_function_it_must_be_awaited(self) -> None:
        ctx = context(MemoryKeeper())

        with pytest.raises(TypeError, match="await ctx"):
            assert ctx.once("greeted")
        assert await ctx.once("greeted") is True

    def test_work_that_fails_is_not_kept(self) -> None:
        ctx = context(MemoryKeeper())

        def fail() -> None:
            raise OSError("no luck")

        with pytest.raises(OSError, match="no luck"):
            ctx.once("pay", fail)
        assert ctx.once("pay", lambda: "paid") == "paid"

    def test_work_that_asks_for_its_own_key_is_told_so_and_does_not_wait_for_itself(self) -> None:
        ctx = context(MemoryKeeper())

        with pytest.raises(RuntimeError, match=r"ctx\.once\('pay'\) itself"):
            ctx.once("pay", lambda: ctx.once("pay", lambda: 1))
        assert ctx.once("pay", lambda: ctx.once("part", lambda: 1)) == 1

    async def test_async_work_that_asks_for_its_own_key_is_told_so_in_tasks_of_its_own_too(self) -> None:
        ctx = context(MemoryKeeper())

        async def pay() -> Any:
            async with asyncio.timeout(10):
                return await asyncio.gather(ctx.once("pay"), ctx.once("part"))

        with pytest.raises(RuntimeError, match=r"ctx\.once\('pay'\) itself"):
            await ctx.once("pay", pay)
        assert await ctx.once("pay") is True

    def test_what_cannot_be_kept_is_an_error(self) -> None:
        ctx = context(MemoryKeeper(), Kept(once={f"{number}": "x" * 250_000 for number in range(4)}))

        with pytest.raises(ValueError, match="is not JSON"):
            ctx.once("set", lambda: {1})
        with pytest.raises(ValueError, match="keeps 1 MiB"):
            ctx.once("long", lambda: "x" * 200_000)
        for key in ("", "x" * 201, 3, "\0"):
            with pytest.raises(ValueError, match="a key of"):
                ctx.once(key)  # type: ignore[arg-type]

    def test_async_work_has_no_place_in_a_plain_function(self) -> None:
        async def work() -> None: ...

        coroutine = work()
        with pytest.raises(TypeError, match="plain function"):
            context(MemoryKeeper()).once("x", lambda: coroutine)  # type: ignore[unused-awaitable]
        coroutine.close()
