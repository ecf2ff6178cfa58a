"""HTTP tasks: one shared client, a guarded connect, a capped answer."""

from __future__ import annotations

import asyncio
import codecs
import json
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import Literal, NoReturn

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport

from cronplug.executors.base import AttemptSpec, HttpCall, Outcome, Output, Stop
from cronplug.executors.expectations import matches_status, retry_after_seconds
from cronplug.executors.guard import AddressPolicy, AddressRefused, guarded_connector
from cronplug.model import Json, Reason
from cronplug.sdk.calls import make_storable

MAX_REDIRECTS = 5
BODY_KEPT_BYTES = 64 * 1024
"""How much of an answer's decoded body is kept in the result."""
BODY_READ_BYTES = 1024 * 1024
"""How much of it is read at all; after that the connection is closed."""
EXCERPT_CHARACTERS = 500
_KEPT_HEADERS = ("content-type", "content-length", "date", "etag", "location", "retry-after", "server", "x-request-id")


_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Python's codecs beyond charsets: they know no error handler, or need a time that grows with the square of the text."""


class HttpExecutor:
    """Runs the attempts of HTTP tasks.

    An answer that its task does not expect (by default any but 2xx) is a failure, which may be tried again when its
    `Retry-After` says so; up to five redirects are followed, each through the same address check. The
    environment's proxies and `.netrc` are not used, and nothing is remembered between attempts: no cookies.
    """

    def __init__(
        self, policy: AddressPolicy, *, resolver: AbstractResolver | None = None, dns_cache_seconds: int = 10
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._dns_cache_seconds = dns_cache_seconds
        self._client: httpx.AsyncClient | None = None

    async def start(self) -> None:
        """Open the shared client. Certificates are those of certifi, or of SSL_CERT_FILE and SSL_CERT_DIR."""
        ssl_context = await asyncio.to_thread(httpx.create_ssl_context)
        session = aiohttp.ClientSession(
            connector=guarded_connector(
                self._policy, ssl=ssl_context, resolver=self._resolver, dns_cache_seconds=self._dns_cache_seconds
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            auto_decompress=False,
            trust_env=False,
        )
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(verify=ssl_context, client=session),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": f"cronplug/{version('cronplug')}", "Accept": "*/*", "Accept-Encoding": "gzip"},
            follow_redirects=False,
            trust_env=False,
            timeout=None,  # noqa: S113 - the attempt's own time limit covers every step
        )

    async def close(self) -> None:
        """Close the client and its connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def run(self, spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        """Send the request of `spec` and judge the answer; ends at the time limit or when `stop` is requested."""
        assert self._client is not None, "start() comes first"
        assert spec.http is not None, "not the attempt of an HTTP task"
        progress = _Progress(started_at=asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(spec.timeout_seconds) as limit, asyncio.TaskGroup() as group:
                exchange = _exchange(self._client, spec.http, spec.idempotency_key, output, progress)
                call = group.create_task(exchange, name=f"http {spec.execution_id}")
                watch = group.create_task(_cancel_on_stop(stop, call), name=f"stop {spec.execution_id}")
                await asyncio.wait({call})
                watch.cancel()
        except TimeoutError:
            assert limit.expired()
            outcome = _timed_out(spec, progress)
        else:
            outcome = _stopped(stop, progress) if call.cancelled() else call.result()
        if outcome.error_message is not None:
            output.line("log", outcome.error_message, level="error")
        return outcome


@dataclass(slots=True)
class _Progress:
    """How far an exchange got, for the sentence that says what it was waiting for."""

    started_at: float
    waiting_for: str = "a connection and the answer"


class _Failed(Exception):
    """An exchange that ended without an answer to judge."""

    def __init__(self, message: str, *, reason: Reason = Reason.HTTP_ERROR, permanent: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.permanent = permanent


async def _cancel_on_stop(stop: Stop, call: asyncio.Task[Outcome]) -> None:
    await stop.wait()
    call.cancel()


async def _exchange(
    client: httpx.AsyncClient, call: HttpCall, idempotency_key: str, output: Output, progress: _Progress
) -> Outcome:
    loop = asyncio.get_running_loop()
    try:
        request = _build_request(client, call, idempotency_key)
        output.line("log", f"{request.method} {_shown(request.url)}", level="info")
        response = await _send_following_redirects(client, request, call, output)
        try:
            progress.waiting_for = f"the rest of the answer ({response.status_code})"
            body = await _read_body(response)
        finally:
            await response.aclose()
    except _Failed as failed:
        return Outcome(verdict="failed", reason=failed.reason, error_message=str(failed), permanent=failed.permanent)
    except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
        return Outcome(verdict="failed", reason=Reason.HTTP_ERROR, error_message=_sentence_of(error))
    return _judge(call, response, body, elapsed_seconds=loop.time() - progress.started_at, output=output)


def _build_request(client: httpx.AsyncClient, call: HttpCall, idempotency_key: str) -> httpx.Request:
    try:
        headers = httpx.Headers([_header(name, value) for name, value in call.headers.items()])
        content = None if call.body is None else call.body.encode()
        if "idempotency-key" not in headers:
            headers["Idempotency-Key"] = idempotency_key
        if content is not None and "content-type" not in headers:
            headers["Content-Type"] = "application/json" if _is_json(content) else "text/plain; charset=utf-8"
        request = client.build_request(call.method, call.url, headers=headers, content=content)
    except (httpx.InvalidURL, ValueError) as error:
        raise _Failed(f"The request cannot be made: {error}", permanent=True) from error
    return _with_plain_url(request)


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    # RFC 9110 5.1 and 5.5: a line break in a header would start another one.
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError(f"{name!r} is not a header's name")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise ValueError(f"the header {name} holds a control character")
    return name.encode("ascii"), value.encode()


def _is_json(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict | list)
    except (ValueError, RecursionError):
        return False


def _with_plain_url(request: httpx.Request) -> httpx.Request:
    """Move a name and password from the URL to the Authorization header, where logs do not show them."""
    url = request.url
    if url.userinfo:
        if "authorization" not in request.headers:
            request = next(httpx.BasicAuth(url.username, url.password).sync_auth_flow(request))
        request.url = url.copy_with(username=None, password=None)
    return request


async def _send_following_redirects(
    client: httpx.AsyncClient, request: httpx.Request, call: HttpCall, output: Output
) -> httpx.Response:
    # Not httpx's own following: that reads the whole body of each redirect, however long it is.
    for _ in range(MAX_REDIRECTS + 1):
        response = await _send(client, request)
        if response.next_request is None or matches_status(response.status_code, call.expect_status):
            return response
        await response.aclose()
        request = _with_plain_url(response.next_request)
        output.line("log", f"{response.status_code}, redirected to {_shown(request.url)}", level="info")
    raise _Failed(f"More than {MAX_REDIRECTS} redirects; the last one leads to {_shown(request.url)}")


async def _send(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    try:
        return await client.send(request, stream=True)
    except (httpx.HTTPError, aiohttp.ClientError, ValueError) as error:
        _raise_failed(error)


def _raise_failed(error: Exception) -> NoReturn:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            raise _Failed(str(cause), reason=Reason.HTTP_REFUSED, permanent=True) from error
        cause = getattr(cause, "os_error", None) or cause.__cause__
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL | ValueError):
        raise _Failed(f"The request cannot be made: {error}", permanent=True) from error
    raise _Failed(_sentence_of(error)) from error


def _sentence_of(error: BaseException) -> str:
    """What went wrong with the connection, in the words of the cause: httpx's class names often mislead here."""
    cause = error.__cause__ or error
    if isinstance(cause, aiohttp.ClientConnectorError):
        return f"No complete answer: Cannot connect to host {cause.host}:{cause.port}: {_connect_fault(cause)}"
    return f"No complete answer: {str(cause) or type(cause).__name__}"


def _connect_fault(error: aiohttp.ClientConnectorError) -> str:
    """Why no connection came about, without what aiohttp adds for those who debug it."""
    fault = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error.os_error
    if isinstance(fault, OSError) and fault.strerror:
        if fault.errno is not None and fault.strerror.startswith("Connect call failed"):
            return os.strerror(fault.errno)
        return fault.strerror
    return str(fault) or type(fault).__name__


@dataclass(slots=True)
class _Body:
    """The beginning of an answer's decoded body."""

    kept: bytearray = field(default_factory=bytearray)
    read_bytes: int = 0
    complete: bool = True

    @property
    def cut(self) -> bool:
        return not self.complete or self.read_bytes > len(self.kept)

    def add(self, data: bytes) -> None:
        self.read_bytes += len(data)
        self.kept += data[: BODY_KEPT_BYTES - len(self.kept)]


async def _read_body(response: httpx.Response) -> _Body:
    """Read and decode the body within the limits, so that neither an endless nor a tightly packed one costs memory."""
    body = _Body()
    coding = response.headers.get("content-encoding", "").strip().lower()
    unzip = zlib.decompressobj(wbits=31) if coding in ("gzip", "x-gzip") else None
    async for chunk in response.aiter_raw():
        if unzip is None:
            body.add(chunk)
        else:
            try:
                body.add(unzip.decompress(chunk, BODY_READ_BYTES + 1 - body.read_bytes))
            except zlib.error as error:
                raise _Failed(
                    f"The answer ({response.status_code}) is not the gzip it claims to be: {error}"
                ) from error
        if body.read_bytes > BODY_READ_BYTES:
            body.complete = False
            break
    return body


def _judge(call: HttpCall, response: httpx.Response, body: _Body, *, elapsed_seconds: float, output: Output) -> Outcome:
    status = f"{response.status_code} {response.reason_phrase}".strip()
    size = _size_text(body.read_bytes) if body.complete else f"over {_size_text(BODY_READ_BYTES)}"
    summary = f"{status}, {size} in {elapsed_seconds * 1000:.0f} ms"
    text = _text_of(response, body)
    output.line("log", summary, level="info")
    result: dict[str, Json] = {
        "status": response.status_code,
        "url": _shown(response.url),
        "headers": _kept(response.headers),
        "body": text,
        "bodyTruncated": body.cut,
        "elapsedMilliseconds": round(elapsed_seconds * 1000),
    }
    expected = matches_status(response.status_code, call.expect_status)
    if expected and call.expect_body is not None and (text is None or call.expect_body not in text):
        where = f"the first {_size_text(len(body.kept))} of its body" if body.cut else "its body"
        return Outcome(
            verdict="failed",
            reason=Reason.HTTP_BODY,
            error_message=f"The server answered {status}, but {where} does not contain the expected text.",
            result=result,
            result_summary=summary,
        )
    if expected:
        return Outcome(verdict="success", reason=Reason.COMPLETED, result=result, result_summary=summary)
    excerpt = "" if text is None else " ".join(text.split())[:EXCERPT_CHARACTERS]
    headers = response.headers
    return Outcome(
        verdict="failed",
        reason=Reason.HTTP_STATUS,
        error_message=f"The server answered {status}: {excerpt}" if excerpt else f"The server answered {status}",
        result=result,
        result_summary=summary,
        permanent=bool(call.retry_status) and not matches_status(response.status_code, call.retry_status),
        retry_after_seconds=retry_after_seconds(headers.get("retry-after"), date=headers.get("date")),
    )


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in _KEPT_HEADERS if name in headers}


def _text_of(response: httpx.Response, body: _Body) -> str | None:
    """The kept body as text without NUL characters and lone surrogates; None when it is not text."""
    data = bytes(body.kept)
    if b"\0" in data or response.headers.get("content-encoding", "").lower() not in ("", "identity", "gzip", "x-gzip"):
        return None
    return make_storable(data.decode(_charset_of(response), errors="replace"))


def _charset_of(response: httpx.Response) -> str:
    """The charset that the answer names, UTF-8 where it names none that Python knows."""
    try:
        name = codecs.lookup(response.charset_encoding or "utf-8").name
        "".encode(name)  # refuses those that are no text encodings, such as rot13
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if name in _NO_CHARSETS else name


def _size_text(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def _shown(url: httpx.URL) -> str:
    return str(url.copy_with(username=None, password=None) if url.userinfo else url)  # a copy is parsed anew


def _timed_out(spec: AttemptSpec, progress: _Progress) -> Outcome:
    return Outcome(
        verdict="timed_out",
        reason=Reason.TIMEOUT,
        error_message=f"Timed out after {spec.timeout_seconds:g} s waiting for {progress.waiting_for}.",
    )


def _stopped(stop: Stop, progress: _Progress) -> Outcome:
    verdict: Literal["cut_off", "cancelled"]
    if stop.why == "shutdown":
        verdict, reason = "cut_off", Reason.SHUTDOWN
        message = f"Cut off by the server's shutdown while waiting for {progress.waiting_for}."
    else:
        verdict, reason = "cancelled", Reason.CANCELLED_BY_REQUEST
        message = f"Cancelled on request while waiting for {progress.waiting_for}."
    return Outcome(verdict=verdict, reason=reason, error_message=message)
