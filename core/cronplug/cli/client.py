"""A small client of the REST API, for commands that ask a running server."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:  # half of a short command's time would go into this import
    import httpx

Command = Callable[..., Any]
_STREAM_SILENCE_SECONDS = 40  # the server sends a comment every 15 s
_RECONNECTS = 10


class _Refusal(click.ClickException):
    """Ends a command with one line on standard error."""

    def show(self, file: Any = None) -> None:
        """Print the line."""
        click.echo(f"cronplug: {self.message}", err=True)


class ServerError(_Refusal):
    """The server's answer is no: the thing is not there, or its state does not allow this."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class SignInRefused(_Refusal):
    """The server does not accept the token, or wants one."""

    exit_code = 3


class Unreachable(_Refusal):
    """No server answers."""

    exit_code = 3


class Client:
    """Calls of one server under `/api/scheduler`; answers are plain JSON values."""

    def __init__(self, url: str, token: str | None) -> None:
        import httpx

        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http: httpx.Client = httpx.Client(
            base_url=f"{self._url}/api/scheduler/",
            headers=headers,
            timeout=httpx.Timeout(30, connect=5),
            trust_env=urlsplit(url).hostname not in ("127.0.0.1", "::1", "localhost"),  # no proxy leads to ourselves
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The answer to GET; parameters that are None are not sent."""
        return self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer to POST."""
        return self._call("POST", path, json=dict(body or {}))

    def upload(self, path: str, data: bytes, media_type: str, **query: Any) -> Any:
        """The answer to a POST of a file; parameters that are None are not sent."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._call("POST", path, content=data, headers={"Content-Type": media_type}, params=given)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        import httpx

        try:
            response = self._http.request(method, path, **options)
            self._check(response)
            return response.json()
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error
        except ValueError as error:
            raise Unreachable(f"{self._url} does not answer like a cronplug server.") from error

    def stream(self, path: str) -> Iterator[tuple[str, Any]]:
        """Server-sent events as (event, data) until `end`; a broken connection is taken up where it broke."""
        import httpx

        last_id: str | None = None
        failures = 0
        while True:
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
            try:
                with self._http.stream("GET", path, headers=headers, timeout=_STREAM_SILENCE_SECONDS) as response:
                    if response.is_error:
                        response.read()
                    self._check(response)
                    for event_id, event, data in _events(response.iter_lines()):
                        failures = 0
                        last_id = event_id or last_id
                        yield event, data
                        if event == "end":
                            return
            except httpx.TransportError as error:
                failures += 1
                if failures > _RECONNECTS:
                    raise self._unreachable(error) from error
            else:
                failures += 1  # said goodbye, or went without a word
                if failures > _RECONNECTS:
                    raise Unreachable(f"{self._url} keeps closing the stream.")
            time.sleep(1)

    def _check(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        if response.status_code == 401:
            raise SignInRefused(
                f"{self._url} wants a valid token: give --token or set SCHEDULER_ADMIN_TOKEN "
                "(`cronplug token` makes one)."
            )
        try:
            problem = response.json()
            text = problem.get("detail") or problem["title"]
        except (ValueError, KeyError, AttributeError):
            text = f"{self._url} answered {response.status_code} {response.reason_phrase}"
        raise ServerError(text, status=response.status_code)

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(
            f"cannot reach {self._url} ({error}). Is `cronplug serve` running there? --url or SCHEDULER_BASE_URL name "
            "another place."
        )


def _events(lines: Iterator[str]) -> Iterator[tuple[str | None, str, Any]]:
    """The events of an event stream (HTML standard, 9.2.6) as (id, event, data)."""
    event_id: str | None = None
    event = "message"
    data: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data or event != "message":
                yield event_id, event, json.loads("\n".join(data)) if data else None
            event, data = "message", []
        elif name == "id":
            event_id = value
        elif name == "event":
            event = value
        elif name == "data":
            data.append(value)


def with_client(command: Command) -> Command:
    """Give a command --url and --token, and a Client as its first argument."""

    @functools.wraps(command)
    def run(url: str | None, token: str | None, **arguments: Any) -> Any:
        from cronplug.settings import load_settings

        if url is None or token is None:
            settings = load_settings(os.environ, env_file=Path(".env"))
            url = url or settings.public_url
            token = token or settings.admin_token
        with Client(url, token) as client:
            return command(client, **arguments)

    decorated: Command = click.option(
        "--token", help="Admin or API token.  [default: SCHEDULER_ADMIN_TOKEN]", metavar="TOKEN"
    )(run)
    return click.option("--url", help="The server.  [default: SCHEDULER_BASE_URL, or this machine's]", metavar="URL")(
        decorated
    )
