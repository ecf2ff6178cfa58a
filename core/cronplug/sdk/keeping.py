"""What a running function leaves with its execution: files for people, and the results of work not to be done twice."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
import mimetypes
import re
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from cronplug.errors import PluginError
from cronplug.sdk.values import as_json, make_storable

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

MAX_ARTIFACT_BYTES = 10 * 1024 * 1024
MAX_ARTIFACTS_BYTES = 50 * 1024 * 1024
"""Of all artifacts of one execution together."""
MAX_ARTIFACTS = 100
MAX_ARTIFACT_NAME_LENGTH = 200
MAX_KEY_LENGTH = 200
MAX_ONCE_BYTES = 1024 * 1024
"""Of all that `ctx.once` keeps for one execution, keys and values."""

_under_way: contextvars.ContextVar[frozenset[tuple[int, str]]] = contextvars.ContextVar(
    "works of ctx.once under way", default=frozenset()
)

_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}(; ?[\w-]{1,30}=[\w.+-]{1,60})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that belongs to an execution."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """What earlier attempts of the execution left: results by key, and the sizes of artifacts by name."""

    once: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, int] = field(default_factory=dict)


class Keeper(Protocol):
    """Where it goes. Implemented by workers, inline and by tests."""

    def put_artifact(self, artifact: Artifact) -> None:
        """Take it; it is kept at the latest with the end of the attempt."""
        ...

    def put_once(self, key: str, value: Any) -> None:
        """Keep a result, from a thread without an event loop; durable on return. Raises PluginError when it cannot."""
        ...

    async def put_once_async(self, key: str, value: Any) -> None:
        """The same from an event loop."""
        ...


class MemoryKeeper:
    """Keeps everything in memory: for tests."""

    def __init__(self) -> None:
        self.artifacts: dict[str, Artifact] = {}
        self.once: dict[str, Any] = {}

    def put_artifact(self, artifact: Artifact) -> None:
        """Remember it under its name."""
        self.artifacts[artifact.name] = artifact

    def put_once(self, key: str, value: Any) -> None:
        """Remember it."""
        self.once[key] = value

    async def put_once_async(self, key: str, value: Any) -> None:
        """Remember it."""
        self.once[key] = value


class Belongings:
    """What one attempt leaves: checks what a function gives against the limits before it goes to the keeper."""

    def __init__(self, keeper: Keeper, earlier: Kept) -> None:
        self._keeper = keeper
        self._sizes = dict(earlier.artifacts)
        self._once = dict(earlier.once)
        self._once_bytes = sum(len(key) + len(as_json(value)[1]) for key, value in earlier.once.items())
        self._async_turns: dict[str, asyncio.Lock] = {}
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    # -- artifacts -------------------------------------------------------------------------------------------------------

    def add_artifact(self, name: str, data: str | bytes | bytearray | memoryview, media_type: str | None) -> None:
        """Keep a file; raises ValueError for a bad name or media type, or beyond the limits, TypeError for other data."""
        _check_name(name)
        if not isinstance(data, str | bytes | bytearray | memoryview):
            raise TypeError(
                f"an artifact is text or bytes, not {type(data).__name__}; make JSON a text with json.dumps"
            )
        kind = _media_type(name, data, media_type)
        content = data.encode(errors="replace") if isinstance(data, str) else bytes(data)
        if len(content) > MAX_ARTIFACT_BYTES:
            raise ValueError(
                f"the artifact {name!r} has {len(content):,} bytes; one may have {MAX_ARTIFACT_BYTES:,} (10 MiB)"
            )
        others = {known: size for known, size in self._sizes.items() if known != name}
        if len(others) >= MAX_ARTIFACTS:
            raise ValueError(f"the artifact {name!r} would be one more than the {MAX_ARTIFACTS} an execution may have")
        if sum(others.values()) + len(content) > MAX_ARTIFACTS_BYTES:
            raise ValueError(
                f"the artifact {name!r} with {len(content):,} bytes would be too much: the execution's others have"
                f" {sum(others.values()):,} already, and together they may have {MAX_ARTIFACTS_BYTES:,} (50 MiB)"
            )
        self._sizes[name] = len(content)
        self._keeper.put_artifact(Artifact(name, kind, content))

    # -- work that is done once --------------------------------------------------------------------------------------------

    def once(self, key: str, work: Callable[[], Any] | None) -> Any:
        """`Pending` on an event loop, else the value."""
        import asyncio  # here and below: importing cronplug is to be cheap for those who never come here

        _check_key(key)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._once_here(key, work)
        return Pending(lambda: self._once_async(key, work))

    def _once_here(self, key: str, work: Callable[[], Any] | None) -> Any:
        self._refuse_itself(key)
        with self._turns[key], _working_on(self, key):
            if key in self._once:
                return self._once[key] if work is not None else False
            result = True if work is None else work()
            if inspect.isawaitable(result):
                raise TypeError("in a plain function the work of ctx.once is a plain function too")
            value = self._storable(key, None if work is None else result)
            self._keeper.put_once(key, value)
            self._remember(key, value)
            return True if work is None else value

    async def _once_async(self, key: str, work: Callable[[], Any] | None) -> Any:
        import asyncio

        self._refuse_itself(key)
        async with self._async_turns.setdefault(key, asyncio.Lock()):
            with _working_on(self, key):
                return await self._work_async(key, work)

    async def _work_async(self, key: str, work: Callable[[], Any] | None) -> Any:
        if key in self._once:
            return self._once[key] if work is not None else False
        result = True if work is None else work()
        if inspect.isawaitable(result):
            result = await result
        value = self._storable(key, None if work is None else result)
        await self._keeper.put_once_async(key, value)
        self._remember(key, value)
        return True if work is None else value

    def _refuse_itself(self, key: str) -> None:
        """Work that asks for its own key would wait for its own end."""
        if (id(self), key) in _under_way.get() and key not in self._once:
            raise RuntimeError(
                f"the work of ctx.once({key!r}) calls ctx.once({key!r}) itself: give the inner one another key"
            )

    def _storable(self, key: str, result: Any) -> Any:
        value, text, complaint = as_json(result)
        if complaint is not None:
            raise ValueError(f"the result of the work {key!r} {complaint}, so ctx.once cannot keep it")
        if self._once_bytes + len(key) + len(text) > MAX_ONCE_BYTES:
            raise ValueError(f"the result of the work {key!r} is too much: ctx.once keeps 1 MiB for an execution")
        return value

    def _remember(self, key: str, value: Any) -> None:
        self._once[key] = value
        self._once_bytes += len(key) + len(as_json(value)[1])


@contextlib.contextmanager
def _working_on(belongings: Belongings, key: str) -> Iterator[None]:
    """What is called within, tasks that it starts included, belongs to the work of that key."""
    token = _under_way.set(_under_way.get() | {(id(belongings), key)})
    try:
        yield
    finally:
        _under_way.reset(token)


class Pending(Generic[T]):
    """The answer of `ctx.once` in an async function: it must be awaited, and says so when that is forgotten."""

    def __init__(self, start: Callable[[], Awaitable[T]]) -> None:
        self._start = start

    def __await__(self) -> Generator[Any, None, T]:
        return self._start().__await__()

    def __bool__(self) -> bool:
        raise TypeError("in an async function write `await ctx.once(...)`")


class NoKeeper:
    """Refuses everything: a context outside of any attempt."""

    def put_artifact(self, artifact: Artifact) -> None:
        """Refuse."""
        raise PluginError("there is no execution here that could keep an artifact")

    def put_once(self, key: str, value: Any) -> None:
        """Refuse."""
        raise PluginError("there is no execution here that could keep a result")

    async def put_once_async(self, key: str, value: Any) -> None:
        """Refuse."""
        self.put_once(key, value)


def _check_key(key: object) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_LENGTH or make_storable(key) != key:
        raise ValueError(f"a key of ctx.once is a text of 1 to {MAX_KEY_LENGTH} characters, not {key!r}")


def _check_name(name: object) -> None:
    bad = (
        not isinstance(name, str)
        or not 0 < len(name) <= MAX_ARTIFACT_NAME_LENGTH
        or name in (".", "..")
        or not name.isprintable()
        or any(char in name for char in "/\\")
    )
    if bad:
        raise ValueError(
            f"an artifact's name is like a file's, 1 to {MAX_ARTIFACT_NAME_LENGTH} characters without slashes and"
            f" control characters, not {name!r}"
        )


def check_artifact(artifact: Artifact) -> None:
    """Raise ValueError unless it is one that `Belongings.add_artifact` could have made: whoever made it is not trusted."""
    _check_name(artifact.name)
    if not _MEDIA_TYPE.fullmatch(artifact.media_type) or len(artifact.data) > MAX_ARTIFACT_BYTES:
        raise ValueError("not an artifact")


def _media_type(name: str, data: object, given: str | None) -> str:
    kind = given
    if kind is None:
        kind = _guess(name) or ("text/plain" if isinstance(data, str) else "application/octet-stream")
    if not _MEDIA_TYPE.fullmatch(str(kind)):
        raise ValueError(f"a media type looks like 'text/csv', not {kind!r}")
    return f"{kind}; charset=utf-8" if isinstance(data, str) and kind.startswith("text/") and ";" not in kind else kind


@functools.lru_cache(maxsize=1)
def _types() -> mimetypes.MimeTypes:
    return mimetypes.MimeTypes()  # Python's own table: the host's differs from machine to machine


def _guess(name: str) -> str | None:
    return _types().guess_type(name)[0]
