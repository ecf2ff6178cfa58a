"""`@function`: what it accepts, what it refuses, and how a payload reaches the callable."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import BaseModel, Field

from cronplug import Context, function
from cronplug.errors import PluginError
from cronplug.sdk.context import Facts
from cronplug.sdk.functions import InvalidPayload

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def make_context() -> Context:
    facts = Facts(
        execution_id="e",
        attempt=2,
        task_id="t",
        task_name="Nightly",
        scheduled_for=WHEN,
        deadline=WHEN,
        idempotency_key="e",
    )
    return Context(facts, log=logging.Logger("test"), report_progress=lambda fraction, note: None)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Part(BaseModel):
    size: int = Field(1, ge=1)


class Order(BaseModel):
    colour: Colour
    parts: list[Part] = []


class TestNamesAndOptions:
    @pytest.mark.parametrize("name", ["acme.run", "acme.nightly-report", "a.b.c_d", "a1.b2", "a." + "b" * 98])
    def test_accepts(self, name: str) -> None:
        assert function(name)(lambda: None).name == name

    @pytest.mark.parametrize(
        "name",
        ["run", "Acme.run", "acme.", ".run", "acme..run", "acme.run\n", "acme run.x", "1a.b", "a." + "b" * 99, ""],
    )
    def test_refuses(self, name: str) -> None:
        with pytest.raises(ValueError, match=r"vendor\.verb"):
            function(name)

    def test_used_without_parentheses_says_what_is_missing(self) -> None:
        with pytest.raises(ValueError, match=r"vendor\.verb"):
            function(lambda: None)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "options",
        [
            {"timeout": 0},
            {"timeout": 604_801},
            {"timeout": 1.5},
            {"timeout": True},
            {"max_retries": -1},
            {"max_retries": 101},
            {"retry_delay": 0},
            {"retry_delay": 86_401},
            {"retry_backoff": "linear"},
            {"retry_max_delay": 604_801},
            {"retry_jitter": 101},
            {"retry_on": ["no name"]},
            {"no_retry_on": ["x" * 101]},
            {"no_retry_on": [f"E{number}" for number in range(21)]},
            {"isolation": "thread"},
        ],
    )
    def test_refuses_bounds_that_no_task_could_have(self, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(options))):
            function("acme.run", **options)

    def test_failures_are_named_by_class_or_by_name(self) -> None:
        decorate = function("acme.run", retry_on=[ConnectionError, "timeout", "ConnectionError"], no_retry_on=())
        assert (decorate(lambda: None).retry_on, decorate(lambda: None).no_retry_on) == (
            ("ConnectionError", "timeout"), (),
        )  # fmt: skip

    @pytest.mark.parametrize("kinds", ["timeout", TimeoutError, 5, [[]]])
    def test_failures_are_a_list(self, kinds: Any) -> None:
        with pytest.raises(TypeError):
            function("acme.run", retry_on=kinds)

    def test_title_comes_from_the_name_and_description_from_the_docstring(self) -> None:
        @function("acme.nightly-report", tags=["sales"])
        def report() -> None:
            """Build the report.

            At night.
            """

        assert report.title == "Nightly report"
        assert report.description == "Build the report.\n\nAt night."
        assert report.tags == ("sales",)

    def test_inline_needs_an_async_function(self) -> None:
        with pytest.raises(TypeError, match="async def"):
            function("acme.run", isolation="inline")(lambda: None)

    def test_stays_an_ordinary_callable(self) -> None:
        @function("acme.add")
        def add(a: int, b: int = 1) -> int:
            """Add."""
            return a + b

        assert add(1, b=2) == 3
        assert (vars(add)["__name__"], add.__doc__, add.__module__) == ("add", "Add.", __name__)


class TestSignatures:
    def test_one_model_is_the_payload(self) -> None:
        @function("acme.order")
        def order(payload: Order) -> str:
            return f"{payload.colour}:{sum(part.size for part in payload.parts)}"

        assert order.invoke(make_context(), {"colour": "red", "parts": [{"size": 2}, {}]}) == "red:3"

    def test_the_context_is_found_by_annotation_or_name_at_any_place(self) -> None:
        @function("acme.last")
        def last(payload: Order, context: Context) -> int:
            return context.attempt

        @function("acme.first")
        def first(ctx, a: int) -> int:  # type: ignore[no-untyped-def]
            return int(ctx.attempt) + a

        assert last.invoke(make_context(), {"colour": "red"}) == 2
        assert first.invoke(make_context(), {"a": 1}) == 3
        assert last.wants_ctx

    def test_parameters_become_fields_with_defaults_and_bounds(self) -> None:
        @function("acme.spread")
        def spread(region: str, days: Annotated[int, Field(ge=1)] = 7, *, json: bool = False) -> tuple[str, int, bool]:
            return region, days, json

        assert spread.invoke(make_context(), {"region": "north"}) == ("north", 7, False)
        with pytest.raises(InvalidPayload, match=r"days: .*greater than or equal to 1"):
            spread.invoke(make_context(), {"region": "north", "days": 0})
        with pytest.raises(InvalidPayload, match="dys"):
            spread.invoke(make_context(), {"region": "north", "dys": 1})

    def test_a_plain_dictionary_is_allowed(self) -> None:
        @function("acme.anything")
        def anything(payload: dict[str, Any]) -> dict[str, Any]:
            return payload

        assert anything.payload is None
        assert anything.invoke(make_context(), {"a": [1]}) == {"a": [1]}

    def test_no_parameters_means_an_empty_payload(self) -> None:
        @function("acme.nothing")
        def nothing() -> int:
            return 1

        assert nothing.invoke(make_context(), {}) == 1
        with pytest.raises(InvalidPayload, match="extra"):
            nothing.invoke(make_context(), {"extra": 1})

    def test_callable_objects_work(self) -> None:
        class Adder:
            async def __call__(self, a: int) -> int:
                return a + 1

        made = function("acme.adder")(Adder())

        assert made.is_async
        assert made.payload_schema()["required"] == ["a"]

    @pytest.mark.parametrize(
        ("func", "complaint"),
        [
            (lambda a: None, "annotate a"),
            (lambda *args: None, r"\*args"),
            (lambda **kwargs: None, r"\*args, \*\*kwargs"),
            (Order, "belongs on a function"),
        ],
    )
    def test_refuses_what_has_no_schema(self, func: Callable[..., Any], complaint: str) -> None:
        with pytest.raises(TypeError, match=complaint):
            function("acme.run")(func)

    def test_refuses_generators(self) -> None:
        async def generator() -> Any:
            yield 1

        with pytest.raises(TypeError, match="generator"):
            function("acme.run")(generator)

    def test_an_annotation_that_cannot_be_found_is_named(self) -> None:
        def later(payload: Missing) -> None:  # type: ignore[name-defined]  # noqa: F821
            return None

        with pytest.raises(TypeError, match="'Missing' cannot be found"):
            function("acme.run")(later)


class TestSchemas:
    def test_schema_is_valid_2020_12_with_enums_and_nested_parts(self) -> None:
        @function("acme.order")
        def order(payload: Order) -> None: ...

        schema = order.payload_schema()

        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$defs"]["Colour"]["enum"] == ["red", "blue"]
        assert schema["$defs"]["Part"]["properties"]["size"]["minimum"] == 1

    def test_a_dictionary_has_the_schema_of_any_object(self) -> None:
        @function("acme.anything")
        def anything(payload: dict[str, Any]) -> None: ...

        assert anything.payload_schema()["type"] == "object"


class TestContext:
    def test_platform_is_closed_to_others(self) -> None:
        with pytest.raises(PluginError, match="SCHEDULER_PLUGINS_TRUSTED"):
            _ = make_context().platform

    @pytest.mark.parametrize(("given", "reported"), [(0.5, 0.5), (-1, 0.0), (7, 1.0), (float("inf"), 1.0)])
    def test_progress_is_cut_to_its_range(self, given: float, reported: float) -> None:
        seen: list[tuple[float, str]] = []
        facts = make_context()._facts
        context = Context(facts, log=logging.Logger("test"), report_progress=lambda *progress: seen.append(progress))

        context.progress(given, "note")

        assert seen == [(reported, "note")]

    def test_progress_refuses_what_is_no_number(self) -> None:
        with pytest.raises(ValueError, match="NaN"):
            make_context().progress(float("nan"))
