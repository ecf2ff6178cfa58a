"""Secrets in HTTP requests: values of headers that sign in, and the password in an address.

They are masked like the secrets of payloads, and a mask that comes back stands for the stored value, as long as the
request goes to the same server: whoever may change a task could else have its secrets sent to a server of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from cronplug.errors import FieldError, json_pointer
from cronplug.model import TaskDefinition
from cronplug.registry.secrets import MASK

_NAMED = frozenset({"authorization", "proxy-authorization", "cookie"})
_TELLING = re.compile(r"token|secret|key|password", re.IGNORECASE)
_OPEN = frozenset({"idempotency-key", "sec-websocket-key"})
"""Whose names only sound like secrets."""

_PASSWORD = re.compile(r"([a-z][a-z0-9+.-]*://[^/?#:]*:)([^/?#]+)@", re.IGNORECASE)
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[^/?#]*@)?([^/?#]*)", re.IGNORECASE)


def is_secret_header(name: str) -> bool:
    """Whether the values of a header are never shown.

    >>> [is_secret_header(name) for name in ("Authorization", "X-Api-Key", "Accept", "Idempotency-Key")]
    [True, True, False, False]
    """
    lower = name.lower()
    return lower in _NAMED or (lower not in _OPEN and _TELLING.search(lower) is not None)


def hide_in_request(definition: TaskDefinition) -> TaskDefinition:
    """The definition with a mask for each secret of its request; the very same when there is none."""
    headers, url = definition.http_headers, definition.http_url
    if any(value and is_secret_header(name) for name, value in headers.items()):
        hidden = {name: MASK if value and is_secret_header(name) else value for name, value in headers.items()}
        definition = replace(definition, http_headers=hidden)
    if url is not None and _password(url) is not None:
        definition = replace(definition, http_url=_with_password(url, MASK))
    return definition


def fill_in_request(
    definition: TaskDefinition, *, before: TaskDefinition | None
) -> tuple[TaskDefinition, list[FieldError]]:
    """The definition with the secrets of `before` in the place of masks, and a fault for each that stands for nothing."""
    url = definition.http_url
    masked = [name for name, value in definition.http_headers.items() if value == MASK and is_secret_header(name)]
    if not masked and (url is None or _password(url) != MASK):
        return definition, []
    elsewhere = before is not None and _origin(before.http_url) != _origin(url)
    known = before if not elsewhere else None
    headers, faults = _fill_headers(definition.http_headers, masked, {} if known is None else known.http_headers)
    if url is not None and _password(url) == MASK:
        password = None if known is None or known.http_url is None else _password(known.http_url)
        if password is None:
            faults.append(_fault(["httpUrl"]))
        else:
            url = _with_password(url, password)
    if elsewhere:
        faults = [replace(fault, message=_ELSEWHERE) for fault in faults]
    return replace(definition, http_headers=headers, http_url=url), faults


def _fill_headers(
    given: Mapping[str, str], masked: list[str], stored: Mapping[str, str]
) -> tuple[dict[str, str], list[FieldError]]:
    values = {name.lower(): value for name, value in stored.items()}
    filled, faults = dict(given), []
    for name in masked:
        if value := values.get(name.lower()):
            filled[name] = value
        else:
            faults.append(_fault(["httpHeaders", name]))
    return filled, faults


_NOTHING_STORED = "This only stands for a stored value, and none is stored here: give the value itself."
_ELSEWHERE = "This stands for a value that was given for another server: give the value itself."


def _fault(path: list[str]) -> FieldError:
    return FieldError(".".join(path), _NOTHING_STORED, "masked", pointer=json_pointer(path))


def _password(url: str) -> str | None:
    """The password in an address: what is before the last `@` of the authority (RFC 3986, 3.2.1)."""
    found = _PASSWORD.match(url)
    return None if found is None else found[2]


def _with_password(url: str, password: str) -> str:
    return _PASSWORD.sub(lambda found: f"{found[1]}{password}@", url, count=1)


def _origin(url: str | None) -> tuple[str, str] | None:
    """Scheme, host and port."""
    found = None if url is None else _ORIGIN.match(url)
    return None if found is None else (found[1].lower(), found[2].lower())
