"""Every error cronplug raises on purpose: one tree, stable codes, names that tell the situation.

Each class has a `code` (stable, part of the API) and a `status` (the HTTP status a REST caller sees).
The text of an error says what is wrong and, where the reader can do something, what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault in one field of some input.

    `field` is the dotted JSON name (`functionPayload.days`), "" for the whole input. `position` counts characters
    from 0 in the text of the field; None when no place can be named. `pointer` is the JSON Pointer of the field where
    its dotted name may be ambiguous, None where it follows from that.
    """

    field: str
    message: str
    code: str | None = None
    position: int | None = None
    pointer: str | None = None


def json_pointer(path: Iterable[str]) -> str:
    """The JSON Pointer (RFC 6901) of a place.

    >>> json_pointer(["functionPayload", "a/b", "0"])
    '/functionPayload/a~1b/0'
    """
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


class CronplugError(Exception):
    """Base of the tree. `str(error)` is a sentence for a person."""

    code = "internal"
    status = 500


class InvalidInput(CronplugError):
    """Input that is well formed but not acceptable; `errors` names each field and what would be right."""

    code = "invalid"
    status = 422

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in errors))
        self.errors = tuple(errors)


class MalformedRequest(CronplugError):
    """A request that cannot be read at all (broken JSON, a NUL character)."""

    code = "malformed"
    status = 400


class Unauthorized(CronplugError):
    """No valid token or session."""

    code = "unauthorized"
    status = 401


class CrossSiteRefused(CronplugError):
    """A cookie-authenticated write that does not come from our own origin."""

    code = "csrf"
    status = 403


class HostRefused(CronplugError):
    """A request to a loopback server by a name that is not this machine's (DNS rebinding)."""

    code = "host"
    status = 403


class NotFound(CronplugError):
    """What the caller named does not exist."""

    code = "not_found"
    status = 404

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"There is no {kind} {identifier[:80]!r}.")
        self.kind = kind
        self.identifier = identifier


class Conflict(CronplugError):
    """The thing exists, but its state does not allow this."""

    code = "conflict"
    status = 409


class TaskRunning(Conflict):
    """A task with unfinished work was to be deleted without `force`."""

    code = "task_running"


class CalendarInUse(Conflict):
    """A calendar that tasks heed was to be deleted."""

    code = "calendar_in_use"


class ExecutionEnded(Conflict):
    """An ended execution was to be cancelled."""

    code = "execution_ended"


class ExecutionNotEnded(Conflict):
    """An unfinished execution was to be retried."""

    code = "execution_not_ended"


class IdempotencyKeyReused(Conflict):
    """An `Idempotency-Key` came a second time with another body."""

    code = "idempotency_key_reused"


class RevisionMismatch(CronplugError):
    """`If-Match` names a revision that is no longer the current one."""

    code = "stale_revision"
    status = 412

    def __init__(self, current: int, *, kind: str = "task") -> None:
        super().__init__(f"The {kind} was changed meanwhile: it is now at revision {current}. Load it again.")
        self.current = current


class StoreError(CronplugError):
    """The database cannot be used; the text tells the operator what to do."""

    code = "store"
    status = 503


class StoreLocked(StoreError):
    """Another process already uses this SQLite file."""

    code = "store_locked"


class SchemaAhead(StoreError):
    """The database was migrated by a newer cronplug than this one."""

    code = "schema_ahead"


class SettingsError(CronplugError):
    """A setting is unknown or has a bad value; the start is refused with this one line."""

    code = "settings"


class PluginError(CronplugError):
    """A plugin breaks the contract; recorded beside the plugin, never fatal."""

    code = "plugin"


class PluginsUnreadable(PluginError):
    """The server's Python cannot tell which plugins are installed; what was known of them stays in force."""

    code = "plugins_unreadable"
    status = 502
