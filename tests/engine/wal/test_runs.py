"""A log read as runs of columns says what it says record by record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsmsql.engine import columns
from lsmsql.engine.columns import KEY, KIND, SEQUENCE, column_values
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.values import ColumnType, Row
from lsmsql.engine.wal import changes, runs
from lsmsql.engine.wal.changes import encode_changes
from lsmsql.engine.wal.format import (
    HEADER_SIZE,
    LOG,
    delete_record,
    edit_record,
    encode_frame,
    encode_header,
    put_record,
    rows_record,
    table_record,
)
from lsmsql.engine.wal.payloads import encode_payload
from lsmsql.engine.wal.rows import pack_rows
from lsmsql.engine.wal.runs import log_runs

NUMBER = 3
TYPES = (ColumnType.INTEGER, ColumnType.ANY)
values = st.none() | st.integers(-9, 9) | st.text(max_size=2) | st.binary(max_size=40)
rows = st.none() | st.tuples(st.none() | st.integers(0, 3), values)
records = st.dictionaries(st.binary(min_size=1, max_size=5), rows, min_size=1, max_size=6)
commits = st.lists(st.dictionaries(st.sampled_from([1, 7, 9]), records, max_size=3), max_size=25)


def log(*frames: tuple[int, bytes]) -> bytes:
    """A log of frames, each a number of records and a payload; the first commit is number 1."""
    data = encode_header(LOG, NUMBER)
    for sequence, (count, payload) in enumerate(frames, start=1):
        data += encode_frame(NUMBER, sequence, count, payload, 0)
    return data


def contents(data: bytes, *tables: int) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for table_id, pieces in log_runs(data, "log", dict.fromkeys(tables, TYPES)).items():
        found[table_id] = []
        for run in pieces:
            run.validate(full=True)
            found[table_id] += zip(*map(column_values, run.columns), strict=True)
    return found


def _place(record: Any) -> tuple[int, bytes, int]:
    return record[SEQUENCE], record[KEY], record[KIND]


def single(key: bytes, row: Row | None) -> tuple[int, bytes]:
    """A commit of one row of kv, as it is written without a TABLE record."""
    return 1, delete_record(key) if row is None else put_record(key, encode_payload(row))


@given(
    commits=commits,
    singles=st.lists(st.tuples(st.integers(0, 25), st.binary(max_size=5), rows), max_size=40),
    worth=st.integers(1, 7),
    piece=st.integers(1, 300),
)
@settings(deadline=None)
def test_every_record_is_there_in_the_order_of_the_log(
    commits: list[dict[int, dict[bytes, Row | None]]],
    singles: list[tuple[int, bytes, Row | None]],
    worth: int,
    piece: int,
) -> None:
    frames: list[tuple[int, bytes]] = []
    expected: dict[int, list[Any]] = {1: [], 7: []}

    def expect(table_id: int, key: bytes, row: Row | None) -> None:
        kind = columns.DELETE if row is None else columns.PUT
        if table_id in expected:
            expected[table_id].append((key, len(frames) + 1, kind, *(row or (None, None))))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "WORTH_COLUMNS", worth)
        patch.setattr(runs, "PIECE_BYTES", piece)
        for number, commit in enumerate([*commits, {}]):
            for place, key, row in singles:
                if place == number:
                    expect(1, key, row)
                    frames.append(single(key, row))
            for table_id, changed in commit.items():
                for key, row in changed.items():
                    expect(table_id, key, row)
            payload, count, _ = encode_changes(commit)
            frames.append((count, payload))
        found = contents(log(*frames), 1, 7)

    for table_id, table in found.items():
        sequences = [record[SEQUENCE] for record in table]
        assert sequences == sorted(sequences)
        assert repr(sorted(table, key=_place)) == repr(sorted(expected[table_id], key=_place))


def test_what_was_set_aside_and_not_used_is_not_read() -> None:
    data = log(single(b"a", (None, 1)), single(b"b", None))
    expected = {1: [(b"a", 1, columns.PUT, None, 1), (b"b", 2, columns.DELETE, None, None)]}
    assert contents(data, 1) == contents(data + bytes(5000), 1) == expected
    assert contents(data, 5) == {5: []}
    assert contents(encode_header(LOG, NUMBER), 1) == {1: []}


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (put_record(b"a", b"\xc1"), "malformed row"),
        (put_record(b"a", b"\x91\xa1\xff"), "malformed row"),  # not UTF-8
        (put_record(b"a", b"\x91" * 100_000), "malformed row"),  # arrays in arrays
        (put_record(b"a", encode_payload([True])), "malformed row"),
        (rows_record(b"\xc1"), "malformed rows"),
        (rows_record(pack_rows({b"a": ("text", 1)})), "malformed rows"),
        (rows_record(pack_rows({b"a": (1, 1 << 63), b"b": (1, "t")})), "malformed rows"),
        (rows_record(pack_rows({b"a": (1 << 63, 1)})), "malformed rows"),
        (edit_record(b"x"), "type 4 in a log"),
        (put_record(b"a", b"")[:-1], "records of a frame"),
    ],
)
@pytest.mark.parametrize("table", [b"", table_record(1)])
def test_what_no_writer_makes_is_damage_with_its_own_place(
    record: bytes, problem: str, table: bytes
) -> None:
    first = single(b"k", (None, 1))
    data = log(first, first, (2 if table else 1, table + record), first)
    place = HEADER_SIZE + 2 * len(encode_frame(NUMBER, 1, *first, 0))
    with pytest.raises(CorruptionError, match=problem) as caught:
        log_runs(data, "log", {1: TYPES})
    assert caught.value.offset == place


@pytest.mark.parametrize("row", [("text", 1), (1 << 63, 1), (1, 1 << 63)])
def test_values_of_another_type_than_their_column_are_damage(row: Row) -> None:
    data = log(single(b"k", row), single(b"l", (1, "of another type")))
    with pytest.raises(CorruptionError, match="do not fit the table") as caught:
        log_runs(data, "log", {1: TYPES})
    assert caught.value.offset == HEADER_SIZE


@pytest.mark.parametrize("record", [put_record(b"k", encode_payload((1, 1))), table_record(1)])
@pytest.mark.parametrize("sequence", [1 << 63, (1 << 64) - 1])
def test_a_sequence_number_that_no_commit_has_is_damage(record: bytes, sequence: int) -> None:
    header = encode_header(LOG, NUMBER)
    with pytest.raises(CorruptionError, match="there is no commit") as caught:
        log_runs(header + encode_frame(NUMBER, sequence, 1, record, 0), "log", {1: TYPES})
    assert caught.value.offset == HEADER_SIZE


@given(st.data())
@settings(deadline=None)
def test_a_bad_byte_anywhere_is_damage(data: st.DataObject) -> None:
    frames = [single(b"key", (None, i)) for i in range(5)]
    content = bytearray(log(*frames))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptionError):
        log_runs(bytes(content), "log", {1: TYPES})
