"""Discovery with good, bad and hostile plugins installed for real."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from cronplug.errors import FieldError
from cronplug.model import HookFault, PluginRecord, RetryBackoff
from cronplug.registry import Registry
from cronplug.registry.payloads import check_payload, make_validator
from cronplug.registry.secrets import MASK
from tests.registry.installing import FIRST_PARTY, Site

GOOD = """
    from cronplug import function

    @function("good.run", timeout=60, max_retries=2, retry_backoff="exponential", retry_on=[OSError], tags=["a"])
    async def run(region: str, days: int | None = None) -> str:
        "Run it."
        return region
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path / "site")
    site.put_on_path(monkeypatch)
    return site


@pytest.fixture
def make_registry() -> Callable[..., Registry]:
    def make(*, blocked: frozenset[str] = frozenset(), trusted: frozenset[str] = frozenset()) -> Registry:
        return Registry(blocked=blocked | FIRST_PARTY, trusted=trusted, import_deadline_seconds=2.0)

    return make


async def records_of(registry: Registry) -> dict[str, PluginRecord]:
    return {record.name: record for record in await registry.rescan() if record.name not in FIRST_PARTY}


class TestGoodPlugins:
    async def test_a_function_is_described_without_being_imported_here(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        site.install("good", GOOD, version="2.1")
        registry = make_registry()

        records = await records_of(registry)

        function = registry.function("good.run")
        assert function is not None
        assert (function.plugin, function.version, function.title) == ("good", "2.1", "Run")
        assert (function.description, function.timeout_seconds, function.max_retries) == ("Run it.", 60, 2)
        assert (function.retry_backoff, function.retry_on) == (RetryBackoff.EXPONENTIAL, ("OSError",))
        assert (function.retry_delay_seconds, function.no_retry_on) == (None, ())
        assert (function.is_async, function.isolation, function.tags) == (True, "worker", ("a",))
        assert function.payload_schema["required"] == ["region"]
        assert (records["good"].status, records["good"].functions) == ("ok", ("good.run",))
        assert registry.entry_point_of("good.run") == ("good", "good", "good")
        assert "good" not in sys.modules

    @pytest.mark.parametrize(
        ("target", "names"),
        [
            ("kinds", ["kinds.one"]),
            ("kinds:one", ["kinds.one"]),
            ("kinds:several", ["kinds.one", "kinds.two"]),
            ("kinds:Plugin", ["kinds.one", "kinds.made"]),
            ("kinds:instance", ["kinds.one", "kinds.made"]),
        ],
    )
    async def test_an_entry_point_may_name_many_kinds_of_things(
        self, site: Site, make_registry: Callable[..., Registry], target: str, names: list[str]
    ) -> None:
        source = """
            from cronplug import function, hookimpl

            @function("kinds.one")
            def one() -> None: ...

            def two() -> None: ...

            several = [one, function("kinds.two")(two)]

            class Plugin:
                attribute = one

                @hookimpl
                def scheduler_functions(self):
                    def made() -> None: ...
                    return [function("kinds.made")(made)]

                @hookimpl
                def scheduler_startup(self): ...

            instance = Plugin()
        """
        site.install("kinds", source, entry_points={"kinds": target})
        registry = make_registry()

        records = await records_of(registry)

        assert records["kinds"].error is None
        assert [function.name for function in registry.functions()] == sorted(names)

    async def test_observing_hooks_are_known_by_plugin(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        source = """
            from cronplug import hookimpl

            @hookimpl
            def scheduler_startup(node): ...

            @hookimpl
            async def scheduler_after_execution(execution): ...

            @hookimpl
            def scheduler_from_the_future(thing): ...
        """
        site.install("watcher", source)
        registry = make_registry()

        records = await records_of(registry)

        assert set(records["watcher"].hooks) == {"scheduler_startup", "scheduler_after_execution"}
        assert "scheduler_from_the_future is unknown" in records["watcher"].warnings[0]
        assert registry.observers() == {
            "scheduler_startup": [("watcher", "watcher", "watcher")],
            "scheduler_after_execution": [("watcher", "watcher", "watcher")],
        }

    async def test_a_pip_installed_package_is_found(self, site: Site, make_registry: Callable[..., Registry]) -> None:
        example = Path(__file__).parents[2] / "plugins" / "example"
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"),
                *("--disable-pip-version-check", "--target", str(site.folder), str(example)),
            ],
            check=True,
        )
        registry = Registry(blocked=FIRST_PARTY - {"cronplug-example"})

        await registry.rescan()

        assert [f.name for f in registry.functions()] == [
            "example.crunch",
            "example.flaky",
            "example.greet",
            "example.report",
        ]


BAD = {
    "import-error": ("import nothing_like_this", "ModuleNotFoundError"),
    "raises": ("raise RuntimeError('on purpose')", "on purpose"),
    "exits": ("import sys; sys.exit(4)", "sys.exit(4)"),
    "exits-hard": ("import os; os._exit(3)", "exited with code 3"),
    "segfaults": ("import ctypes; ctypes.string_at(0)", "killed by SIGSEGV"),
    "hangs": ("import threading; threading.Event().wait()", "did not end within 2 s"),
    "bad-hook": (
        "from cronplug import hookimpl\n@hookimpl\ndef scheduler_startup(no_such_argument): ...",
        "no_such_argument",
    ),
    "bad-name": ("from cronplug import function\n@function('Nope')\ndef f(): ...", "vendor.verb"),
}


class TestBadPlugins:
    async def test_each_is_recorded_as_broken_and_the_others_work(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        for name, (source, _) in BAD.items():
            site.install(name, source)
        site.install("a-first", GOOD.replace("good.run", "first.run"))
        site.install("z-last", GOOD.replace("good.run", "last.run"))
        registry = make_registry()

        records = await records_of(registry)

        assert {name: records[name].status for name in BAD} == dict.fromkeys(BAD, "broken")
        for name, (_, told) in BAD.items():
            assert told in str(records[name].error), name
        assert [function.name for function in registry.functions()] == ["first.run", "last.run"]
        assert list(records) == sorted(records)

    async def test_nothing_half_loaded_stays_of_a_broken_plugin(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        site.install("half", GOOD, entry_points={"a": "half", "b": "half:missing"})
        registry = make_registry()

        records = await records_of(registry)

        assert (records["half"].status, records["half"].functions) == ("broken", ())
        assert registry.functions() == []

    async def test_a_name_taken_twice_is_refused_for_the_second(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        site.install("acme", GOOD)
        site.install("better", GOOD + '\n    @function("better.own")\n    def own() -> None: ...\n')
        site.install("copycat", GOOD)
        registry = make_registry()

        records = await records_of(registry)

        function = registry.function("good.run")
        assert function is not None
        assert function.plugin == "acme"
        assert (records["better"].status, records["better"].functions) == ("ok", ("better.own",))
        assert records["better"].warnings == ("The function good.run is refused: acme already provides that name.",)
        assert records["copycat"].status == "broken"
        assert "acme already provides" in str(records["copycat"].error)

    async def test_a_function_without_a_schema_is_left_out(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        source = (
            GOOD
            + """
    import threading
    from pydantic import BaseModel, ConfigDict

    class Odd(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        lock: threading.Event

    @function("good.odd")
    def odd(payload: Odd) -> None: ...
"""
        )
        site.install("good", source)
        registry = make_registry()

        records = await records_of(registry)

        assert records["good"].functions == ("good.run",)
        assert "good.odd is left out" in records["good"].warnings[0]

    async def test_output_at_import_does_not_confuse_the_manifest(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        site.install(
            "noisy",
            'import os\n    print("hello")\n    os.write(1, b"raw")\n'.replace("    ", "")
            + GOOD.replace("\n    ", "\n"),
        )
        registry = make_registry()

        await registry.rescan()

        assert registry.function("good.run") is not None

    async def test_a_blocked_plugin_is_listed_and_never_imported(
        self, site: Site, make_registry: Callable[..., Registry], tmp_path: Path
    ) -> None:
        trace = tmp_path / "imported"
        site.install("Acme_Bad", f"open({str(trace)!r}, 'w')")
        registry = make_registry(blocked=frozenset({"acme-bad"}))

        records = await records_of(registry)

        assert (records["Acme_Bad"].status, records["Acme_Bad"].error) == ("disabled", None)
        assert not trace.exists()


class TestInline:
    SOURCE = GOOD.replace("timeout=60", 'isolation="inline"')

    async def test_is_granted_to_trusted_distributions_only(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        site.install("good", self.SOURCE)
        registry = make_registry()

        records = await records_of(registry)

        function = registry.function("good.run")
        assert function is not None
        assert function.isolation == "worker"
        assert "SCHEDULER_PLUGINS_TRUSTED" in records["good"].warnings[0]
        with pytest.raises(KeyError):
            registry.inline("good.run")

    async def test_a_trusted_function_is_imported_here(
        self, site: Site, make_registry: Callable[..., Registry], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.put_on_path(monkeypatch, in_process=True)
        site.install("trusted-one", self.SOURCE)
        registry = make_registry(trusted=frozenset({"trusted-one"}))

        records = await records_of(registry)

        function = registry.function("good.run")
        assert function is not None
        assert (function.isolation, records["trusted-one"].warnings) == ("inline", ())
        assert registry.inline("good.run").name == "good.run"

    async def test_changed_inline_code_is_told_to_wait_for_a_restart(
        self, site: Site, make_registry: Callable[..., Registry], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.put_on_path(monkeypatch, in_process=True)
        site.install("trusted-two", self.SOURCE)
        registry = make_registry(trusted=frozenset({"trusted-two"}))
        await registry.rescan()

        site.install("trusted-two", self.SOURCE + "\n    more = 1\n", version="1.1")
        records = await records_of(registry)

        assert "until cronplug restarts" in records["trusted-two"].warnings[0]


class TestRescan:
    async def test_sees_new_upgraded_and_removed_plugins(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        registry = make_registry()
        assert registry.generation == 0
        await registry.rescan()
        empty = registry.generation

        site.install("good", GOOD)
        await registry.rescan()
        installed = registry.generation
        assert registry.function("good.run") is not None

        await registry.rescan()
        unchanged = registry.generation

        site.install("good", GOOD.replace("Run it.", "Run it well."), version="1.1")
        await registry.rescan()
        upgraded = registry.generation
        function = registry.function("good.run")
        assert function is not None
        assert function.description == "Run it well."

        site.uninstall("good")
        await registry.rescan()

        assert registry.function("good.run") is None
        assert empty < installed == unchanged < upgraded < registry.generation

    async def test_sees_code_that_changed_without_a_new_version(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        site.install("good", GOOD)
        registry = make_registry()
        await registry.rescan()
        before = registry.generation

        site.install("good", GOOD.replace("return region", "return region.upper()"))
        await registry.rescan()

        assert registry.generation > before

    async def test_side_by_side_are_one_look_that_began_after_all_of_them(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        registry = make_registry()
        first = asyncio.create_task(registry.rescan())
        await asyncio.sleep(0)  # it has begun

        site.install("good", GOOD)
        later = await asyncio.gather(*(registry.rescan() for _ in range(5)))
        await first

        assert all("good" in [record.name for record in records] for records in later)
        assert registry._looks_begun == 2

    async def test_a_look_ahead_changes_nothing(self, site: Site, make_registry: Callable[..., Registry]) -> None:
        site.install("good", GOOD)
        registry = make_registry()
        await registry.rescan()
        generation = registry.generation

        site.install("good", GOOD.replace("good.run", "good.walk"), version="2.0")
        new = await registry.look_at("Good")

        assert new is not None
        assert (new.version, new.error, list(new.schemas)) == ("2.0", None, ["good.walk"])
        assert registry.generation == generation
        assert registry.function("good.run") is not None
        assert await registry.look_at("nothing-like-this") is None
        assert await registry.look_at("--\0") is None

    async def test_what_a_hook_did_wrong_is_kept_until_its_code_changes(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        site.install("good", GOOD)
        registry = make_registry()
        await registry.rescan()
        at = datetime(2026, 1, 1, tzinfo=UTC)

        registry.note_hook_fault("good", "scheduler_startup", "ValueError: no", at=at)
        registry.note_hook_fault("good", "scheduler_startup", "too slow", at=at)

        expected = (HookFault(hook="scheduler_startup", at=at, message="too slow", count=2),)
        assert (await records_of(registry))["good"].hook_faults == expected
        site.install("good", GOOD, version="1.1")
        assert (await records_of(registry))["good"].hook_faults == ()

    async def test_the_error_of_an_import_begins_in_the_plugin(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        site.install("bad", "def fail():\n    return 1 / 0\n\nfail()")
        site.install("nowhere", "", entry_points={"nowhere": "no_such_module"})

        records = await records_of(make_registry())

        lines = str(records["bad"].error).splitlines()
        assert lines[1] == f'  File "{site.folder / "bad.py"}", line 4, in <module>'
        assert lines[-1] == "ZeroDivisionError: division by zero"
        assert records["nowhere"].error == "ModuleNotFoundError: No module named 'no_such_module'"

    async def test_secrets_stay_known_when_their_function_is_gone(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        source = "from pydantic import SecretStr\n" + textwrap.dedent(GOOD).replace("region: str", "region: SecretStr")
        site.install("good", source)
        registry = make_registry()
        await registry.rescan()
        site.uninstall("good")
        await registry.rescan()
        restarted = make_registry()
        restarted.remember_secrets(registry.secret_schemas())

        assert registry.mask_payload("good.run", {"region": "x"}) == {"region": MASK}
        assert restarted.mask_payload("good.run", {"region": "x"}) == {"region": MASK}

    async def test_all_of_a_payload_may_be_secret_whose_function_was_never_known(
        self, site: Site, make_registry: Callable[..., Registry]
    ) -> None:
        site.install("good", GOOD)
        registry = make_registry()
        await registry.rescan()
        told = make_registry()
        told.remember_secrets(registry.secret_schemas())
        payload = {"region": {"of": "x"}, "days": None}

        assert make_registry().mask_payload("good.run", payload) == {"region": MASK, "days": None}
        assert make_registry().fill_payload("good.run", {"region": MASK, "days": 1}, payload) == (
            {"region": {"of": "x"}, "days": 1},
            [],
        )
        assert told.mask_payload("good.run", payload) == payload


class TestPayloads:
    SOURCE = """
        from typing import Literal
        from pydantic import BaseModel, Field
        from cronplug import function

        class Part(BaseModel):
            size: int = Field(1, ge=1, le=9)

        class Order(BaseModel):
            model_config = {"extra": "forbid"}
            name: str = Field(min_length=2)
            colour: Literal["red", "blue"] = "red"
            days: int | None = Field(None, ge=1)
            parts: list[Part] = []

        @function("shop.order")
        def order(payload: Order) -> None: ...

        @function("shop.any")
        def anything(payload: dict) -> None: ...
    """

    @pytest.fixture
    async def registry(self, site: Site, make_registry: Callable[..., Registry]) -> Registry:
        site.install("shop", self.SOURCE)
        registry = make_registry()
        await registry.rescan()
        return registry

    async def test_faults_are_named_by_field(self, registry: Registry) -> None:
        def fault(field: str, message: str, code: str) -> FieldError:
            pointer = "/functionPayload/" + field.replace(".", "/")
            return FieldError(f"functionPayload.{field}", message, code, pointer=pointer)

        cases: list[tuple[dict[str, object], list[FieldError]]] = [
            ({"name": "ok"}, []),
            ({"name": "ok", "days": None, "parts": [{}]}, []),
            ({}, [fault("name", "This field is required.", "required")]),
            ({"name": "x"}, [fault("name", "Must have at least 2 characters.", "minLength")]),
            ({"name": 4}, [fault("name", "Must be of type string.", "type")]),
            ({"name": "ok", "colour": "green"}, [fault("colour", "Must be one of red, blue.", "enum")]),
            ({"name": "ok", "days": 0}, [fault("days", "Must be at least 1.", "minimum")]),
            ({"name": "ok", "days": "x"}, [fault("days", "Must be of type integer.", "type")]),
            ({"name": "ok", "parts": [{}, {"size": 10}]}, [fault("parts.1.size", "Must be at most 9.", "maximum")]),
            (
                {"name": "ok", "a": 1, "b": 2},
                [
                    fault("a", "There is no such field.", "unknown_field"),
                    fault("b", "There is no such field.", "unknown_field"),
                ],
            ),
        ]
        for payload, expected in cases:
            assert registry.validate_payload("shop.order", payload) == expected, payload

    @pytest.mark.parametrize(
        ("payload", "fields"),
        [
            ({"kind": "mail", "to": "a"}, []),
            ({"kind": "mail"}, ["functionPayload.channel.to"]),
            ({"kind": "chat", "room": 0}, ["functionPayload.channel.room"]),
            ({"kind": "fax"}, ["functionPayload.channel.kind"]),
            ({}, ["functionPayload.channel.kind"]),
            ({"kind": []}, ["functionPayload.channel.kind"]),
            (5, ["functionPayload.channel"]),
        ],
    )
    def test_of_several_models_the_one_that_is_meant_tells_the_fault(self, payload: object, fields: list[str]) -> None:
        class Mail(BaseModel):
            kind: Literal["mail"]
            to: str

        class Chat(BaseModel):
            kind: Literal["chat"]
            room: int = Field(ge=1)

        class Channels(BaseModel):
            channel: Mail | Chat = Field(discriminator="kind")

        validator = make_validator(Channels.model_json_schema())
        assert [fault.field for fault in check_payload(validator, {"channel": payload})] == fields

    def test_a_schema_may_say_true_and_false(self) -> None:
        [fault] = check_payload(make_validator({"properties": {"a": {"anyOf": [False, {"type": "null"}]}}}), {"a": 1})
        assert fault.field == "functionPayload.a"

    async def test_a_dictionary_function_takes_any_object(self, registry: Registry) -> None:
        assert registry.validate_payload("shop.any", {"a": {"b": [1]}}) == []

    @pytest.mark.parametrize(
        ("schema", "told"),
        [
            ({"properties": {"a": {"minimum": "x"}}}, "not valid JSON Schema"),
            ({"properties": {"a": {"$ref": "https://example.com/other"}}}, "does not contain"),
        ],
    )
    def test_a_faulty_schema_is_told_as_the_functions_fault(self, schema: dict[str, object], told: str) -> None:
        [fault] = check_payload(make_validator(schema), {"a": 1})
        assert told in fault.message

    def test_a_pattern_that_only_pydantic_knows_is_left_to_the_worker(self) -> None:
        schema = {"properties": {"pattern": {"pattern": r"^\p{L}+$", "maxLength": 3}}}
        [fault] = check_payload(make_validator(schema), {"pattern": "1234"})
        assert (fault.field, fault.code) == ("functionPayload.pattern", "maxLength")

    def test_a_payload_nested_too_deep_to_be_checked_is_refused(self) -> None:
        schema = {
            "$ref": "#/$defs/tree",
            "$defs": {"tree": {"properties": {"a": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]}}}},
        }
        payload: dict[str, object] = {}
        for _ in range(199):
            payload = {"a": payload}
        [fault] = check_payload(make_validator(schema), payload)
        assert "too deep" in fault.message

    async def test_an_unknown_function_is_a_key_error(self, registry: Registry) -> None:
        with pytest.raises(KeyError):
            registry.validate_payload("shop.nothing", {})
        with pytest.raises(KeyError):
            registry.entry_point_of("shop.nothing")
