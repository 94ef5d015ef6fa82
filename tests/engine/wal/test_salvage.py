"""What is sound in a log behind damage is found, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.errors import FormatError
from lsmsql.engine.wal.format import (
    HEADER_SIZE,
    LOG,
    Header,
    decode_header,
    encode_frame,
    encode_header,
    put_record,
)
from lsmsql.engine.wal.reader import LogReader
from lsmsql.engine.wal.salvage import salvage

NUMBER = 7


def log(sizes: list[int]) -> tuple[bytes, list[tuple[int, int]]]:
    """A log whose frames have payloads of these sizes, and where each of them begins and ends."""
    data = encode_header(LOG, NUMBER)
    places = []
    for sequence, size in enumerate(sizes, 1):
        start = len(data)
        record = put_record(b"k", bytes([size % 256]) * size)
        data += encode_frame(NUMBER, sequence, 1, record, durable=start)
        places.append((start, len(data)))
    return data, places


@given(
    st.lists(st.integers(0, 300), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0), st.integers(1, 255)), max_size=4),
    st.integers(0, 100),
)
def test_every_frame_that_is_not_damaged_is_found_and_no_other(sizes, flips, zeros):
    data, places = log(sizes)
    damaged = bytearray(data + bytes(zeros))
    for place, bits in flips:
        damaged[place % len(data)] ^= bits
    same = [(s, e) for s, e in places if damaged[s:e] == data[s:e]]
    found = salvage(bytes(damaged), "log", NUMBER)
    assert list(zip(found.offsets, found.ends, strict=True)) == same
    assert (found.header is None) == (damaged[:HEADER_SIZE] == data[:HEADER_SIZE])
    covered = sum(e - s for s, e in same) + sum(e - s for s, e in found.gaps)
    assert covered <= len(damaged) - HEADER_SIZE


def test_a_sound_log_has_no_gaps():
    data, places = log([5, 0, 2000])
    found = salvage(data + bytes(500), "log", NUMBER)
    assert (found.gaps, found.header, len(found.offsets)) == ((), None, len(places))


def test_what_is_left_makes_a_sound_log():
    data, places = log([10, 20, 30])
    start, end = places[1]
    damaged = b"\xff" * 8 + data[8 : start + 3] + b"?" + data[start + 4 :]
    found = salvage(damaged, "log", NUMBER)
    assert found.gaps == ((start, end),)
    clean = found.clean(damaged, LOG, NUMBER)
    assert decode_header(clean, "log") == Header(1, LOG, NUMBER)
    frames = list(LogReader(clean, "log", newest=False).frames())
    assert [frame.sequence for frame in frames] == [1, 3]


def test_frames_of_another_file_are_not_taken_for_its_own():
    data, _ = log([10, 20])
    found = salvage(data, "log", NUMBER + 1)
    assert (found.offsets, found.gaps) == ((), ((HEADER_SIZE, len(data)),))


def test_a_newer_format_is_refused(monkeypatch):
    monkeypatch.setattr("lsmsql.engine.wal.format.VERSION", 2)
    newer = encode_header(LOG, NUMBER)
    monkeypatch.undo()
    with pytest.raises(FormatError, match="log format 2"):
        salvage(newer, "log", NUMBER)
