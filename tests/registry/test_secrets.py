"""Secrets in payloads: which parts they are, how they are masked, and which stored value a mask stands for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from cronplug.registry.payloads import check_payload, make_validator
from cronplug.registry.secrets import MASK, fill_secrets, has_secrets, mask_secrets, without_secret_defaults


class Door(BaseModel):
    host: str
    key: SecretStr = SecretStr("factory")


class Tree(BaseModel):
    pin: SecretStr | None = None
    children: list[Tree] = []


class House(BaseModel):
    name: str = "home"
    token: SecretStr = Field(SecretStr("changeme"), min_length=4)
    spare: SecretStr | None = None
    front: Door | None = None
    doors: list[Door] = []
    named: dict[str, SecretStr] = {}
    pair: tuple[str, SecretStr] = ("a", SecretStr("b"))
    either: Door | int = 1
    tree: Tree = Tree()


SCHEMA = House.model_json_schema()
WHOLE: dict[str, Any] = {
    "name": "x",
    "token": "t0ken",
    "spare": None,
    "front": {"host": "a", "key": "k1"},
    "doors": [{"host": "a", "key": "k1"}, {"host": "b", "key": "k2"}],
    "named": {"a": "n1"},
    "pair": ["left", "right"],
    "either": {"host": "c", "key": "k3"},
    "tree": {"pin": "1", "children": [{"pin": "2", "children": []}]},
    "not in the schema": "shown",
}
MASKED: dict[str, Any] = {
    "name": "x",
    "token": MASK,
    "spare": None,
    "front": {"host": "a", "key": MASK},
    "doors": [{"host": "a", "key": MASK}, {"host": "b", "key": MASK}],
    "named": {"a": MASK},
    "pair": ["left", MASK],
    "either": {"host": "c", "key": MASK},
    "tree": {"pin": MASK, "children": [{"pin": MASK, "children": []}]},
    "not in the schema": "shown",
}


def test_every_secret_is_masked_and_nothing_else() -> None:
    assert has_secrets(SCHEMA)
    assert mask_secrets(WHOLE, [SCHEMA]) == MASKED
    assert mask_secrets(WHOLE, []) == WHOLE


def test_a_payload_that_does_not_fit_is_masked_all_the_same() -> None:
    assert mask_secrets({"token": {"a": 1}, "doors": {"key": "k"}, "named": ["x"]}, [SCHEMA]) == {
        "token": MASK, "doors": {"key": "k"}, "named": ["x"],
    }  # fmt: skip


def test_what_was_a_secret_in_an_older_version_stays_one() -> None:
    older = {"properties": {"old_token": {"writeOnly": True}}}
    assert mask_secrets({"old_token": "x", "token": "y"}, [older, SCHEMA]) == {"old_token": MASK, "token": MASK}


def test_masks_that_come_back_are_the_stored_values() -> None:
    assert fill_secrets(MASKED, WHOLE, [SCHEMA]) == (WHOLE, [])


def test_a_new_value_wins_and_a_mask_of_nothing_is_told() -> None:
    assert fill_secrets({"token": "new"}, WHOLE, [SCHEMA]) == ({"token": "new"}, [])
    assert fill_secrets({"token": MASK, "spare": MASK}, WHOLE, [SCHEMA])[1] == [("spare",)]
    assert fill_secrets({"front": {"host": "a", "key": MASK}}, None, [SCHEMA])[1] == [("front", "key")]
    assert fill_secrets({"name": MASK}, None, [SCHEMA]) == ({"name": MASK}, [])


@pytest.mark.parametrize(
    ("doors", "keys", "unknown"),
    [
        ([("b", MASK), ("a", MASK)], ["k2", "k1"], []),  # other order
        ([("b", MASK)], ["k2"], []),  # one fewer
        ([("new", "k9"), ("a", MASK), ("b", MASK)], ["k9", "k1", "k2"], []),  # one more
        ([("a", MASK), ("changed", MASK)], ["k1", "k2"], []),  # one edited in its place
        ([("changed", MASK)], [MASK], [("doors", "0", "key")]),  # whose is it?
    ],
)
def test_no_secret_moves_to_another_item(
    doors: list[tuple[str, str]], keys: list[str], unknown: list[tuple[str, ...]]
) -> None:
    given = {"doors": [{"host": host, "key": key} for host, key in doors]}
    filled, missing = fill_secrets(given, WHOLE, [SCHEMA])
    assert ([door["key"] for door in filled["doors"]], missing) == (keys, unknown)


def test_a_schema_tells_no_default_of_a_secret() -> None:
    stripped = without_secret_defaults(SCHEMA)
    properties = stripped["properties"]
    assert "default" not in properties["token"]
    assert "default" not in stripped["$defs"]["Door"]["properties"]["key"]
    assert "default" not in properties["pair"]
    assert (properties["name"]["default"], properties["spare"]["default"]) == ("home", None)
    assert properties["token"]["writeOnly"] is True


def test_no_fault_shows_a_value() -> None:
    schema = {
        "properties": {"a": {"type": "array", "uniqueItems": True, "items": {"writeOnly": True}}},
        "dependentRequired": {"b": ["c"]},
        "not": {"required": ["d"]},
    }
    faults = check_payload(make_validator(schema), {"a": ["s3cret", "s3cret"], "b": "s3cret", "d": "s3cret"})
    assert len(faults) == 3
    assert "s3cret" not in str(faults)


def test_a_fault_has_a_json_pointer() -> None:
    schema = {"properties": {"a/b.c": {"items": {"type": "integer"}}}}
    [fault] = check_payload(make_validator(schema), {"a/b.c": [1, "x"]})
    assert (fault.field, fault.pointer) == ("functionPayload.a/b.c.1", "/functionPayload/a~1b.c/1")
