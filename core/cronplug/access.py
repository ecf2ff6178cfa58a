"""Who may sign in: the admin token, API tokens, and the browser sessions made from them.

Tokens have 256 bits of randomness, so a fast hash is enough to keep them (nothing can be guessed from a stolen
database), and comparing takes constant time. A token reads `sch_<id>_<secret><checksum>`: scanners find leaked ones,
and a mistyped one is told apart without the database.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from datetime import datetime, timedelta

from cronplug.clock import Clock
from cronplug.settings import Settings
from cronplug.store import Conn, Store, access

SESSION_IDLE_HOURS = 12
SESSION_DAYS = 7
ADMIN_NAME = "admin"
_TOUCH_SECONDS = 60
_TOKEN = re.compile(r"sch_(?P<id>[0-9a-f]{10})_(?P<secret>[A-Za-z0-9_-]{43})(?P<checksum>[0-9a-f]{8})")


class Access:
    """Checks and makes tokens and sessions. One object per process; safe to call side by side."""

    def __init__(self, *, store: Store, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    async def ensure_admin_token(self) -> str | None:
        """Make the admin token at the first start; its text, to be shown once, or None when there already is one.

        With `SCHEDULER_ADMIN_TOKEN` nothing is made: that one wins over a stored one.
        """
        if self._settings.admin_token is not None or self._settings.auth == "none":
            return None
        text = _new_token()

        async def keep(conn: Conn) -> bool:
            return await access.insert_admin_token_hash(conn, _hash(text), now=self._clock.now())

        return text if await self._store.write(keep) else None

    async def create_token(self, *, name: str = "command line") -> str:
        """Store a new API token and return its text, which cannot be read again."""
        text = _new_token()
        match = _TOKEN.fullmatch(text)
        assert match is not None
        now = self._clock.now()

        async def keep(conn: Conn) -> None:
            token = access.Token(id=match["id"], name=name, secret_hash=_hash(text), created_at=now)
            await access.insert_token(conn, token)

        await self._store.write(keep)
        return text

    async def check_token(self, text: str) -> str | None:
        """The name of the admin token, or of the valid API token, that `text` is; None for any other text.

        That a stored one is used is written down at most once a minute.
        """
        configured = self._settings.admin_token
        if configured is not None and _same(_hash(text), _hash(configured)):
            return ADMIN_NAME
        match = _TOKEN.fullmatch(text)
        if match is None or not _same(_checksum(text[:-8]), match["checksum"]):
            return None
        ids = [match["id"]] if configured is not None else [access.ADMIN_TOKEN_ID, match["id"]]

        async def select(conn: Conn) -> list[access.Token | None]:
            return [await access.select_token_by_id(conn, id_) for id_ in ids]

        given, now = _hash(text), self._clock.now()
        for token in await self._store.read(select):
            if token is None or (token.expires_at is not None and token.expires_at <= now):
                continue
            if _same(given, token.secret_hash):
                await self._touch(token, now)
                return token.name
        return None

    async def _touch(self, token: access.Token, now: datetime) -> None:
        if token.last_used_at is None or token.last_used_at + timedelta(seconds=_TOUCH_SECONDS) <= now:
            await self._store.write(lambda conn: access.touch_token(conn, token.id, now=now))

    async def create_session(self, token: str) -> tuple[str, datetime] | None:
        """A session's text and the instant it ends when it stays idle; None when `token` is not valid."""
        if await self.check_token(token) is None:
            return None
        text = secrets.token_urlsafe(32)
        now = self._clock.now()

        async def keep(conn: Conn) -> None:
            session = access.Session(
                id_hash=self._session_hash(text),
                created_at=now,
                seen_at=now,
                expires_at=now + timedelta(days=SESSION_DAYS),
            )
            await access.insert_session(conn, session)

        await self._store.write(keep)
        return text, now + timedelta(hours=SESSION_IDLE_HOURS)

    async def check_session(self, text: str) -> datetime | None:
        """When a living session ends if it stays idle from now on; None for any other text.

        Being looked at keeps it alive, written down at most once a minute.
        """
        hashed, now = self._session_hash(text), self._clock.now()
        session = await self._store.read(lambda conn: access.select_session(conn, hashed))
        idle = timedelta(hours=SESSION_IDLE_HOURS)
        if session is None or session.expires_at <= now or session.seen_at + idle <= now:
            return None
        if session.seen_at + timedelta(seconds=_TOUCH_SECONDS) <= now:
            await self._store.write(lambda conn: access.touch_session(conn, hashed, now=now))
        return min(now + idle, session.expires_at)

    async def delete_session(self, text: str) -> None:
        """End a session; an unknown one is ignored."""
        await self._store.write(lambda conn: access.delete_session(conn, self._session_hash(text)))

    def _session_hash(self, text: str) -> str:
        """Bound to the configured admin token: changing that ends every session."""
        return _hash(f"{self._settings.admin_token or ''}\n{text}")


def _new_token() -> str:
    body = f"sch_{secrets.token_hex(5)}_{secrets.token_urlsafe(32)}"
    return body + _checksum(body)


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode(), b.encode())
