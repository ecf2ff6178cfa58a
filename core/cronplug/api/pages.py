"""The admin's built files, served below Quart: precompressed, cached for ever where their names carry a hash.

Everything is read into memory (a few megabytes), so no path given by a caller is ever joined to a folder. A new build
is noticed by its new `index.html`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

STATIC_FOLDER = Path(__file__).parent.parent / "static"
BASE = "/admin/scheduler"

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
"""Ours, because the host's table differs from machine to machine."""

_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_NOT_BUILT = b"""<!doctype html><html lang="en"><title>cronplug</title>
<h1>The admin is not built</h1>
<p>This server was started from a clone without its web pages. Run <code>./dev run</code>, or <code>./dev build</code>.
The REST API under <code>/api/scheduler</code> works.</p></html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str
    hashed: bool
    encoded: tuple[tuple[str, bytes], ...]
    tag: str


class AdminPages:
    """ASGI middleware: answers for the admin's paths and hands everything else on."""

    def __init__(self, inner: Asgi, folder: Path) -> None:
        self._inner = inner
        self._index = folder / "index.html"
        self._built_at: int | None = None
        self._files: dict[str, _File] = {}
        self._notice_build()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == "/" or path == BASE or path.startswith(f"{BASE}/")):
            await self._inner(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            await _send(send, scope, 405, {"Allow": "GET, HEAD"}, b"")
        elif path in ("/", BASE):
            query = scope.get("query_string", b"")
            await _send(
                send, scope, 307, {"Location": f"{BASE}/" + (f"?{query.decode('latin-1')}" if query else "")}, b""
            )
        else:
            await self._file(path[len(BASE) + 1 :], scope, send)

    def _notice_build(self) -> None:
        try:
            built_at = self._index.stat().st_mtime_ns
        except OSError:
            built_at = None
        if built_at != self._built_at:
            self._built_at, self._files = built_at, _read_files(self._index.parent)

    async def _file(self, name: str, scope: Scope, send: Send) -> None:
        self._notice_build()
        file = self._files.get(name)
        # The address of a function's page ends in its name, which has dots.
        if file is None and "." in name.rpartition("/")[2] and not name.startswith("functions/"):
            await _send(send, scope, 404, {"Content-Type": "text/plain; charset=utf-8"}, b"There is no such file.\n")
            return
        if file is None:
            file = self._files.get("index.html")
        if file is None:
            await _send(
                send, scope, 200, {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}, _NOT_BUILT
            )
            return
        headers = {
            "Content-Type": file.media_type,
            "Cache-Control": "public, max-age=31536000, immutable" if file.hashed else "no-cache",
            "ETag": file.tag,
            "Vary": "Accept-Encoding",
        }
        if file.tag in _header(scope, b"if-none-match"):
            await _send(send, scope, 304, headers, b"")
            return
        accepted = _accepted_encodings(_header(scope, b"accept-encoding"))
        for encoding, body in file.encoded:
            if encoding in accepted:
                await _send(send, scope, 200, headers | {"Content-Encoding": encoding}, body)
                return
        await _send(send, scope, 200, headers, file.body)


def _read_files(folder: Path) -> dict[str, _File]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: _read_file(name, path, files) for name, path in files.items() if not name.endswith((".br", ".gz"))}


def _read_file(name: str, path: Path, files: dict[str, Path]) -> _File:
    body = path.read_bytes()
    return _File(
        body=body,
        media_type=_MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
        hashed=name.startswith("assets/"),
        encoded=tuple(
            (encoding, files[name + suffix].read_bytes()) for encoding, suffix in _ENCODINGS if name + suffix in files
        ),
        tag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
    )


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def _accepted_encodings(header: str) -> set[str]:
    """The named codings whose weight is not 0 (RFC 9110, 12.5.3)."""
    accepted = set()
    for part in header.split(","):
        coding, _, weight = part.partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            accepted.add(coding.strip().lower())
    return accepted


async def _send(send: Send, scope: Scope, status: int, headers: dict[str, str], body: bytes) -> None:
    sent: Iterable[tuple[str, str]] = (SECURITY_HEADERS | headers | {"Content-Length": str(len(body))}).items()
    if status == 304:
        sent = [(name, value) for name, value in sent if name != "Content-Length"]
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in sent]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
