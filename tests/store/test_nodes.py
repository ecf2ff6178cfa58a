"""Nodes and the outages between them."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from cronplug.store import Store, nodes
from tests.store.making import NOW, after


async def join(store: Store, node_id: str, at: datetime) -> None:
    await store.write(
        lambda conn: nodes.insert_node(
            conn, node_id, now=at, lease_until=at + nodes.KEPT, version="1.0", host="here", pid=7
        )
    )


async def renew(store: Store, node_id: str, at: float) -> bool:
    return await store.write(lambda conn: nodes.renew_node(conn, node_id, now=after(at), lease_until=after(at + 30)))


async def last_alive_at(store: Store, except_node: str = "me") -> datetime | None:
    return await store.read(lambda conn: nodes.last_alive_at(conn, except_node=except_node))


async def test_the_first_node_finds_nobody(store: Store) -> None:
    await join(store, "me", NOW)

    assert await last_alive_at(store) is None


async def test_others_were_alive_until_their_last_sign_or_the_end_of_their_lease(store: Store) -> None:
    for node_id in ("a", "b", "me"):
        await join(store, node_id, after(-60))
    await renew(store, "a", 5)
    await renew(store, "b", 9)
    await renew(store, "me", 99)

    assert await last_alive_at(store) == (after(9) if store.dialect == "sqlite" else after(39))
    assert await last_alive_at(store, except_node="b") == (after(99) if store.dialect == "sqlite" else after(129))


async def test_a_node_that_has_stopped_was_alive_until_then(store: Store) -> None:
    await join(store, "a", after(-60))
    await renew(store, "a", 5)

    await store.write(lambda conn: nodes.stop_node(conn, "a", now=after(7)))

    assert await last_alive_at(store) == after(7)
    assert not await renew(store, "a", 9)
    assert not await renew(store, "never-joined", 9)


async def test_nodes_of_long_ago_are_forgotten_but_never_the_last(store: Store) -> None:
    long_ago = NOW - 2 * nodes.KEPT
    await join(store, "oldest", long_ago - nodes.KEPT)
    await join(store, "old", long_ago)
    await join(store, "me", NOW)

    assert not await renew(store, "oldest", 0)
    alive_at = await last_alive_at(store)
    assert alive_at == (long_ago if store.dialect == "sqlite" else long_ago + nodes.KEPT)


async def test_outages_are_told_while_they_matter(store: Store) -> None:
    for down_from, down_until in ((50, 60), (10, 20), (10, 20), (30, 40)):
        await store.write(partial(nodes.insert_outage, down_from=after(down_from), down_until=after(down_until)))

    async def since(at: float) -> list[tuple[datetime, datetime]]:
        return await store.read(lambda conn: nodes.select_outages(conn, since=after(at)))

    assert await since(20) == [(after(30), after(40)), (after(50), after(60))]
    assert await since(19.999) == [(after(10), after(20)), (after(30), after(40)), (after(50), after(60))]
    assert await since(60) == []
