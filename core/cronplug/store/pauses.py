"""The pause of all schedules, one fact in `meta`."""

from __future__ import annotations

import json

from cronplug.clock import from_millis, to_millis
from cronplug.model import Pause
from cronplug.store.access import get_meta, set_meta
from cronplug.store.conn import Conn

KEY = "pause"


async def select_pause(conn: Conn) -> Pause | None:
    """The newest pause, in force or over; None when there never was one.

    One that is over still tells of the fire times it covered: those that nobody has planned yet are skipped for it.
    """
    stored = await get_meta(conn, KEY)
    if stored is None:
        return None
    values = json.loads(stored)
    until = values["until"]
    return Pause(
        since=from_millis(values["since"]),
        until=None if until is None else from_millis(until),
        reason=values["reason"],
    )


async def set_pause(conn: Conn, pause: Pause) -> None:
    """Keep a pause in place of the one before; to lift one, set it again with an `until` that has come."""
    until = None if pause.until is None else to_millis(pause.until)
    await set_meta(conn, KEY, json.dumps({"since": to_millis(pause.since), "until": until, "reason": pause.reason}))
