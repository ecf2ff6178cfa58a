"""Cutting bytes into frames, lines and marks, whatever pieces they come in."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cronplug.executors.frames import MAX_FRAME_BYTES, BrokenFrame, FrameReader, encode_frame
from cronplug.executors.lines import MAX_LINE_LENGTH, LineSplitter, MarkedBytes


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@given(st.lists(st.binary(max_size=50)), st.lists(st.integers(0, 500)))
def test_frames_come_out_as_they_went_in(bodies: list[bytes], cuts: list[int]) -> None:
    reader = FrameReader()

    received = [body for piece in in_pieces(b"".join(map(encode_frame, bodies)), cuts) for body in reader.feed(piece)]

    assert received == bodies


def test_a_frame_of_absurd_length_is_refused_before_it_is_read() -> None:
    with pytest.raises(BrokenFrame):
        list(FrameReader().feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big")))


@given(st.text(alphabet="ab\r\n", max_size=60), st.lists(st.integers(0, 60)))
def test_lines_are_the_same_however_the_text_comes(text: str, cuts: list[int]) -> None:
    lines: list[str] = []
    splitter = LineSplitter(lines.append)

    for piece in in_pieces(text.encode(), cuts):
        splitter.feed(piece.decode())
    splitter.finish()

    expected = [line.removesuffix("\r") for line in text.split("\n")]
    assert lines == (expected if text.split("\n")[-1] else expected[:-1])


def test_a_line_without_an_end_is_never_held_whole() -> None:
    lines: list[str] = []
    splitter = LineSplitter(lines.append)

    for _ in range(100):
        splitter.feed("x" * 1_000)
        assert len(splitter._partial) <= MAX_LINE_LENGTH
    splitter.finish()

    assert "".join(lines) == "x" * 100_000
    assert max(map(len, lines)) == MAX_LINE_LENGTH


@given(st.lists(st.text(alphabet="aé\0:1\n", max_size=20), max_size=5), st.lists(st.integers(0, 300)))
def test_marks_end_the_output_before_them(outputs: list[str], cuts: list[int]) -> None:
    told: list[tuple[str, int | str]] = []
    marked = MarkedBytes("token", lambda text, run: told.append(("text", text)), lambda run: told.append(("mark", run)))
    data = b"".join(output.encode() + f"\0token:{run}\n".encode() for run, output in enumerate(outputs))

    for piece in in_pieces(data, cuts):
        marked.feed(piece)
    marked.finish()

    received: list[str] = [""]
    for kind, value in told:
        if kind == "mark":
            assert value == len(received) - 1
            received.append("")
        else:
            received[-1] += str(value)
    assert received == [*outputs, ""]
