"""`@function`: a typed callable becomes something that can be scheduled, called and drawn as a form."""

from __future__ import annotations

import inspect
import re
import typing
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast

import pydantic

from cronplug.sdk.context import Context

P = ParamSpec("P")
R = TypeVar("R")
Isolation = Literal["auto", "worker", "inline"]
Backoff = Literal["fixed", "exponential"]
FailureKind = type[BaseException] | str

FAILURE_KIND = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,99}")
NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+")
MAX_NAME_LENGTH = 100
MAX_TIMEOUT_SECONDS = 604_800
MAX_RETRIES = 100
MAX_RETRY_DELAY_SECONDS = 86_400
MAX_RETRY_CAP_SECONDS = 604_800
MAX_FAILURE_KINDS = 20
MIN_MEMORY_MB = 32
MAX_MEMORY_MB = 1_048_576
JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, kw_only=True, eq=False)
class Function(Generic[P, R]):
    """A callable registered under a name; calling it still calls the original.

    `payload` is the pydantic model of the payload, None for a plain dictionary. `timeout`, `max_retries` and what
    begins with `retry_` are what new tasks get that do not say it themselves (seconds, percent, kinds of failure), None
    leaves the platform's default. `memory_mb` is the most its process may hold, None for no limit. `parameters` says how
    the payload reaches the callable: as one argument, or spread over its parameters.
    """

    name: str
    func: Callable[P, R]
    payload: type[pydantic.BaseModel] | None
    is_async: bool
    wants_ctx: bool
    isolation: Isolation
    timeout: int | None
    max_retries: int | None
    retry_delay: int | None
    retry_backoff: Backoff | None
    retry_max_delay: int | None
    retry_jitter: int | None
    retry_on: tuple[str, ...]
    no_retry_on: tuple[str, ...]
    memory_mb: int | None
    idempotent: bool
    title: str
    description: str
    tags: tuple[str, ...]
    parameters: _Parameters = field(repr=False)

    def __post_init__(self) -> None:
        for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
            object.__setattr__(self, attribute, getattr(self.func, attribute, None))
        object.__setattr__(self, "__wrapped__", self.func)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the original, unchecked."""
        return self.func(*args, **kwargs)

    def payload_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the payload."""
        if self.payload is None:
            schema: dict[str, Any] = {"type": "object"}
        else:
            schema = self.payload.model_json_schema(mode="validation")
        return {"$schema": JSON_SCHEMA_DIALECT, **schema}

    def invoke(self, ctx: Context, raw: Mapping[str, Any]) -> R:
        """Validate `raw` and call: the result, or for an async function its awaitable.

        Raises InvalidPayload (naming each field) before anything of the function runs.
        """
        kwargs = self.parameters.arguments(self.payload, raw)
        if self.parameters.ctx is not None:
            kwargs[self.parameters.ctx] = ctx
        return cast("Callable[..., R]", self.func)(**kwargs)


class InvalidPayload(Exception):
    """A payload that does not fit the function; `str` names each field."""

    def __init__(self, error: pydantic.ValidationError) -> None:
        super().__init__("; ".join(_sentence(fault["loc"], fault["msg"]) for fault in error.errors(include_url=False)))


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(part) for part in location)
    return f"{where}: {message}" if where else message


def function(
    name: str,
    *,
    timeout: int | None = None,
    max_retries: int | None = None,
    retry_delay: int | None = None,
    retry_backoff: Backoff | None = None,
    retry_max_delay: int | None = None,
    retry_jitter: int | None = None,
    retry_on: Iterable[FailureKind] = (),
    no_retry_on: Iterable[FailureKind] = (),
    memory_mb: int | None = None,
    idempotent: bool = False,
    isolation: Isolation = "auto",
    title: str = "",
    description: str = "",
    tags: Iterable[str] = (),
) -> Callable[[Callable[P, R]], Function[P, R]]:
    """Register the decorated callable under `name` (`vendor.verb`, lower case, at most 100 characters).

    The payload is one parameter annotated with a pydantic model, one parameter called `payload` annotated `dict`, or
    any annotated parameters. A parameter annotated `Context` or called `ctx` receives the context.
    `timeout` is in seconds (1 to 604800); `title` defaults to the verb, `description` to the docstring.
    `max_retries` (0 to 100), `retry_delay` (1 to 86400 seconds), `retry_backoff` (`"fixed"` or `"exponential"`, then at
    most `retry_max_delay`, 1 to 604800 seconds) and `retry_jitter` (0 to 100 percent) are for new tasks that do not say
    it themselves, and so are `retry_on` and `no_retry_on`: the failures that are, or are not, tried again, as exception
    classes (their subclasses too), names of such, or reasons such as `"timeout"`; at most 20 each.
    `memory_mb` (32 to 1048576) ends an attempt whose process, with all it started, holds more; an async function then
    has a worker to itself.
    `idempotent` tells people that a second attempt after a crash does no harm and gives the same; it changes nothing.
    `isolation="inline"` runs an async function of a trusted distribution inside the server; all else runs in workers.

    Raises ValueError for a bad name or bound, TypeError for a signature that has no schema.
    """
    _check_options(name, timeout=timeout, max_retries=max_retries, memory_mb=memory_mb, isolation=isolation)
    _check_retries(name, delay=retry_delay, backoff=retry_backoff, max_delay=retry_max_delay, jitter=retry_jitter)
    kinds, other_kinds = _failure_kinds(name, "retry_on", retry_on), _failure_kinds(name, "no_retry_on", no_retry_on)
    if isinstance(tags, str):
        raise TypeError(f"{name}: tags must be a list of texts, not one text")

    def register(func: Callable[P, R]) -> Function[P, R]:
        is_async = _is_async(name, func)
        if isolation == "inline" and not is_async:
            raise TypeError(f"{name}: isolation='inline' needs an `async def` function")
        parameters, model = _read_signature(name, func)
        return Function(
            name=name,
            func=func,
            payload=model,
            is_async=is_async,
            wants_ctx=parameters.ctx is not None,
            isolation=isolation,
            timeout=timeout,
            max_retries=max_retries,
            retry_delay=retry_delay,
            retry_backoff=retry_backoff,
            retry_max_delay=retry_max_delay,
            retry_jitter=retry_jitter,
            retry_on=kinds,
            no_retry_on=other_kinds,
            memory_mb=memory_mb,
            idempotent=bool(idempotent),
            title=title or _title(name),
            description=description or inspect.getdoc(func) or "",
            tags=tuple(tags),
            parameters=parameters,
        )

    return register


def _check_options(
    name: object, *, timeout: int | None, max_retries: int | None, memory_mb: int | None, isolation: str
) -> None:
    if not isinstance(name, str) or len(name) > MAX_NAME_LENGTH or not NAME.fullmatch(name):
        raise ValueError(
            f"a function's name looks like 'vendor.verb': lower case, parts joined by dots, at most"
            f" {MAX_NAME_LENGTH} characters; not {name!r}"
        )
    if timeout is not None and not _is_whole_number(timeout, 1, MAX_TIMEOUT_SECONDS):
        raise ValueError(f"{name}: timeout is whole seconds from 1 to {MAX_TIMEOUT_SECONDS}, not {timeout!r}")
    if max_retries is not None and not _is_whole_number(max_retries, 0, MAX_RETRIES):
        raise ValueError(f"{name}: max_retries is from 0 to {MAX_RETRIES}, not {max_retries!r}")
    if memory_mb is not None and not _is_whole_number(memory_mb, MIN_MEMORY_MB, MAX_MEMORY_MB):
        raise ValueError(f"{name}: memory_mb is from {MIN_MEMORY_MB} to {MAX_MEMORY_MB}, not {memory_mb!r}")
    if memory_mb is not None and isolation == "inline":
        raise ValueError(f"{name}: memory_mb is for workers, isolation='inline' has none")
    if isolation not in typing.get_args(Isolation):
        raise ValueError(f"{name}: isolation is 'auto', 'worker' or 'inline', not {isolation!r}")


def _check_retries(
    name: str, *, delay: int | None, backoff: str | None, max_delay: int | None, jitter: int | None
) -> None:
    if delay is not None and not _is_whole_number(delay, 1, MAX_RETRY_DELAY_SECONDS):
        raise ValueError(f"{name}: retry_delay is whole seconds from 1 to {MAX_RETRY_DELAY_SECONDS}, not {delay!r}")
    if max_delay is not None and not _is_whole_number(max_delay, 1, MAX_RETRY_CAP_SECONDS):
        raise ValueError(
            f"{name}: retry_max_delay is whole seconds from 1 to {MAX_RETRY_CAP_SECONDS}, not {max_delay!r}"
        )
    if jitter is not None and not _is_whole_number(jitter, 0, 100):
        raise ValueError(f"{name}: retry_jitter is percent from 0 to 100, not {jitter!r}")
    if backoff is not None and backoff not in typing.get_args(Backoff):
        raise ValueError(f"{name}: retry_backoff is 'fixed' or 'exponential', not {backoff!r}")


def _failure_kinds(name: str, option: str, given: Iterable[FailureKind]) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{name}: {option} must be a list of exception classes or names, not {given!r}")
    kinds = tuple(dict.fromkeys(kind.__name__ if isinstance(kind, type) else kind for kind in given))
    if len(kinds) > MAX_FAILURE_KINDS:
        raise ValueError(f"{name}: {option} has at most {MAX_FAILURE_KINDS} kinds of failure")
    for kind in kinds:
        if not FAILURE_KIND.fullmatch(str(kind)):
            raise ValueError(f"{name}: {option} takes exception classes, their names, or reasons; not {kind!r}")
    return kinds


def _is_whole_number(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_async(name: str, func: object) -> bool:
    if isinstance(func, Function):
        raise TypeError(f"{name}: this is already the function {func.name}")
    if not callable(func) or inspect.isclass(func):
        raise TypeError(f"{name}: @function belongs on a function, not on {func!r}")
    if inspect.isasyncgenfunction(func) or inspect.isgeneratorfunction(func):
        raise TypeError(f"{name}: a generator cannot be a function; return a value instead of yielding")
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(getattr(func, "__call__", None))  # noqa: B004


def _title(name: str) -> str:
    words = re.split(r"[-_]+", name.rsplit(".", 1)[-1])
    return " ".join(word for word in words if word).capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parameters:
    """Which parameter gets the context, and which ones the payload: one whole, or each field its own."""

    ctx: str | None
    whole: str | None = None
    spread: tuple[str, ...] = ()

    def arguments(self, model: type[pydantic.BaseModel] | None, raw: Mapping[str, Any]) -> dict[str, Any]:
        if model is None:
            assert self.whole is not None
            return {self.whole: dict(raw)}
        try:
            payload = model.model_validate(dict(raw))
        except pydantic.ValidationError as error:
            raise InvalidPayload(error) from error
        if self.whole is not None:
            return {self.whole: payload}
        return {name: getattr(payload, name) for name in self.spread}


def _read_signature(name: str, func: Callable[..., Any]) -> tuple[_Parameters, type[pydantic.BaseModel] | None]:
    parameters = inspect.signature(func).parameters
    hints = _type_hints(name, func)
    ctx = next((p for p in parameters if hints.get(p) is Context), "ctx" if "ctx" in parameters else None)
    rest = {p: parameter for p, parameter in parameters.items() if p != ctx}
    for parameter in parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{name}: *args, **kwargs and positional-only parameters have no schema; name each one")
    missing = [p for p in rest if p not in hints]
    if missing:
        raise TypeError(f"{name}: annotate {', '.join(missing)}, the payload's form is made from the annotations")
    if len(rest) == 1:
        only = next(iter(rest))
        if inspect.isclass(hints[only]) and issubclass(hints[only], pydantic.BaseModel):
            return _Parameters(ctx=ctx, whole=only), hints[only]
        if only == "payload" and _is_dictionary(hints[only]):
            return _Parameters(ctx=ctx, whole=only), None
    return _Parameters(ctx=ctx, spread=tuple(rest)), _make_model(name, rest, hints)


def _type_hints(name: str, func: Callable[..., Any]) -> dict[str, Any]:
    target = func if inspect.isroutine(func) else type(func).__call__
    try:
        return typing.get_type_hints(target, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"{name}: the annotation {error.name!r} cannot be found when the module is imported;"
            " import it outside TYPE_CHECKING and define it at module level"
        ) from error


def _is_dictionary(hint: Any) -> bool:
    origin = typing.get_origin(hint) or hint
    return inspect.isclass(origin) and issubclass(origin, Mapping)


def _make_model(
    name: str, parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]
) -> type[pydantic.BaseModel]:
    fields: dict[str, Any] = {
        p: (hints[p], ... if parameter.default is parameter.empty else parameter.default)
        for p, parameter in parameters.items()
    }
    title = "".join(word.capitalize() for word in re.split(r"[\W_]+", name)) + "Payload"
    with warnings.catch_warnings():
        # A parameter called `json` or `copy` hides a method of BaseModel that nobody calls here.
        warnings.filterwarnings("ignore", message="Field name .* shadows an attribute", category=UserWarning)
        return pydantic.create_model(
            title, __config__=pydantic.ConfigDict(extra="forbid", protected_namespaces=()), **fields
        )
