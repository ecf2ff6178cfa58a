"""Identifiers sort by time, never repeat, and anything else is simply unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cronplug.ids import IdGenerator, decode_id, encode_id, first_id_at, time_of_id

NOW = datetime(2026, 11, 23, 12, 0, 0, 123_000, tzinfo=UTC)


@given(st.integers(0, (1 << 63) - 1))
def test_text_and_number_are_the_same_thing(number: int) -> None:
    assert decode_id(encode_id(number)) == number


@given(st.lists(st.integers(0, (1 << 63) - 1), min_size=2))
def test_text_sorts_like_the_number(numbers: list[int]) -> None:
    assert sorted(map(encode_id, numbers)) == [encode_id(n) for n in sorted(numbers)]


@given(st.text(max_size=20))
def test_any_other_text_is_an_unknown_identifier(text: str) -> None:
    number = decode_id(text)
    assert number == -1 or encode_id(number) == text


def test_identifiers_rise_even_when_the_clock_goes_back() -> None:
    ids = IdGenerator()
    made = [ids.new(NOW) for _ in range(40_000)]
    made += [ids.new(NOW - timedelta(hours=1)), ids.new(NOW + timedelta(seconds=1))]
    assert made == sorted(set(made))


def test_two_nodes_never_make_the_same_identifier() -> None:
    one, other = IdGenerator(0), IdGenerator(1)
    assert {one.new(NOW) for _ in range(1000)}.isdisjoint({other.new(NOW) for _ in range(1000)})


def test_two_nodes_that_took_the_same_number_hardly_ever_make_the_same_identifier() -> None:
    one, other = IdGenerator(5), IdGenerator(5)
    moments = [NOW + timedelta(milliseconds=n) for n in range(200)]
    assert len({one.new(at) for at in moments} & {other.new(at) for at in moments}) <= 3


def test_the_instant_can_be_read_back() -> None:
    made = IdGenerator().new(NOW)
    assert time_of_id(made) == NOW
    assert first_id_at(NOW) <= decode_id(made) < first_id_at(NOW + timedelta(milliseconds=1))


@pytest.mark.parametrize(("year", "number"), [(1970, 0), (2200, (1 << 63) - 1), (9999, (1 << 63) - 1)])
def test_an_instant_no_identifier_can_have_gives_the_nearest_one(year: int, number: int) -> None:
    assert first_id_at(datetime(year, 1, 1, tzinfo=UTC)) == number


def test_a_node_number_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="node number"):
        IdGenerator(128)
