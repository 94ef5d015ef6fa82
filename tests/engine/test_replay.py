"""Logs become memtables again."""

from __future__ import annotations

import gc

import msgspec
import pytest

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.memtable.memtable import Forgotten
from lsmsql.engine.replay import Replay
from lsmsql.engine.values import Row
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
from lsmsql.engine.wal.reader import LogReader
from lsmsql.engine.wal.rows import pack_rows

NUMBER = 3
encode = msgspec.msgpack.Encoder().encode


def put(key: bytes, *row: object) -> bytes:
    return put_record(key, encode(row))


def log(*frames: tuple[int, list[bytes]]) -> LogReader:
    """A log of frames, each a sequence number and records."""
    data = encode_header(LOG, NUMBER)
    for sequence, records in frames:
        data += encode_frame(NUMBER, sequence, len(records), b"".join(records), 0)
    return LogReader(data, "log", newest=False)


def replayed(replay: Replay) -> dict[int, dict[bytes, tuple[int, Row | None]]]:
    """The newest version of each key, by table."""
    found: dict[int, dict[bytes, tuple[int, Row | None]]] = {}
    for table_id, memtable in replay.memtables().items():
        keys = [key for piece in memtable.slices() for key in piece]
        keys, sequences, rows = memtable.records(keys, None)
        found[table_id] = dict(zip(keys, zip(sequences, rows, strict=True), strict=True))
    return found


def test_the_newest_version_of_each_key_is_there_by_table():
    replay = Replay(flushed=4)
    replay.add(log((1, [put(b"a", None, 1)]), (2, [put(b"b", None, "two")])))
    replay.add(log((5, [delete_record(b"a"), table_record(7), put(b"a", 2.5, b"x")])))
    assert replayed(replay) == {
        1: {b"a": (5, None), b"b": (2, (None, "two"))},
        7: {b"a": (5, (2.5, b"x"))},
    }
    assert replay.sequence == 5
    memtable = replay.memtables()[1]
    assert memtable.max_sequence == 5
    assert memtable.nbytes > 0


def test_of_many_changes_of_a_key_the_last_counts_also_within_a_commit():
    replay = Replay(flushed=1999)
    replay.add(
        log(
            (1, [put(b"a", None, 1), put(b"b", None, 1), delete_record(b"a")]),
            (2, [delete_record(b"b")]),
            *((3 + i, [put(b"c", None, i)]) for i in range(1000)),
            (2000, [put(b"b", None, 2)]),
        )
    )
    expected = {b"a": (1, None), b"b": (2000, (None, 2)), b"c": (1002, (None, 999))}
    assert replayed(replay) == {1: expected}


def test_with_a_floor_all_versions_above_it_are_there():
    replay = Replay(flushed=1, floor=3)
    replay.add(log(*((2 + i, [put(b"a", None, i)]) for i in range(300))))
    last = [put(b"a", 1), put(b"a", 2), rows_record(pack_rows({b"b": (1,)}))]
    replay.add(log((302, last), (303, [delete_record(b"a"), delete_record(b"b")])))
    (memtable,) = replay.memtables().values()

    def row(key: bytes, sequence: int) -> Row | None:
        version = memtable.get(key, sequence)
        assert version is not None
        return version.row

    assert [row(b"a", sequence) for sequence in (3, 4, 301, 302, 303)] == [
        (None, 1), (None, 2), (None, 299), (2,), None
    ]  # fmt: skip
    assert [row(b"b", sequence) for sequence in (302, 303)] == [(1,), None]
    with pytest.raises(Forgotten):
        memtable.get(b"a", 2)
    assert memtable.nbytes > 300 * 300


@pytest.mark.parametrize("second", [1, 2])
def test_commits_out_of_order_are_damage(second):
    replay = Replay(flushed=1)
    replay.add(log((2, [put(b"a", 1)])))
    with pytest.raises(CorruptionError, match="out of order") as caught:
        replay.add(log((second, [put(b"a", 1)])))
    assert caught.value.offset == HEADER_SIZE


@pytest.mark.parametrize(("flushed", "first"), [(0, 2), (5, 7), (5, 100)])
def test_a_commit_that_is_neither_in_a_file_nor_in_a_log_is_damage(flushed, first):
    replay = Replay(flushed)
    with pytest.raises(CorruptionError, match="between them is lost") as caught:
        replay.add(log((first, [put(b"a", 1)])))
    assert caught.value.offset == HEADER_SIZE


def test_commits_of_files_may_lie_between_those_of_logs():
    replay = Replay(flushed=8)
    replay.add(log((1, [put(b"a", 1)]), (2, [put(b"a", 2)])))
    replay.add(log((6, [put(b"a", 6)]), (9, [put(b"a", 9)]), (10, [put(b"a", 10)])))
    assert replay.sequence == 10
    with pytest.raises(CorruptionError, match="commit 12 comes after 10"):
        replay.add(log((12, [put(b"a", 12)])))


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (put_record(b"a", encode({"no": "array"})), "malformed row"),
        (put_record(b"a", encode([True])), "malformed row"),
        (put_record(b"a", encode([[1]])), "malformed row"),
        (put_record(b"a", b"\xc1"), "malformed row"),
        (put_record(b"a", b"\x91\xa1\xff"), "malformed row"),
        (put_record(b"a", b"\x91" * 100_000), "malformed row"),
        (put_record(b"a", b""), "malformed row"),
        (edit_record(b"x"), "type 4 in a log"),
    ],
)
def test_what_no_writer_makes_is_damage(record, problem):
    with pytest.raises(CorruptionError, match=problem):
        Replay().add(log((1, [record])))


def test_the_collector_is_on_again_afterwards():
    assert gc.isenabled()
    with pytest.raises(CorruptionError):
        Replay().add(log((1, [edit_record(b"x")])))
    assert gc.isenabled()


@pytest.mark.parametrize("value", [b"\xc1", encode([True]), encode(5), b""])
def test_damage_is_reported_with_its_own_place(value):
    frames = [(i, [put(b"k", i)]) for i in range(1, 300)]
    at = HEADER_SIZE + sum(len(encode_frame(NUMBER, i, 1, p[0], 0)) for i, p in frames)
    frames.append((300, [delete_record(b"d"), put_record(b"bad", value)]))
    frames += [(i, [put(b"k", i)]) for i in range(301, 400)]
    with pytest.raises(CorruptionError, match="malformed row") as caught:
        Replay().add(log(*frames))
    assert caught.value.offset == at


def test_rows_that_are_columns_replace_and_are_replaced():
    replay = Replay()
    many = pack_rows({b"%03d" % i: None if i == 7 else (None, i) for i in range(200)})
    replay.add(log((1, [put(b"003", None, "old"), put(b"x", None, 1)]), (2, [rows_record(many)])))
    replay.add(log((3, [put(b"005", None, "new")]), (4, [table_record(7), rows_record(many)])))
    tables = replayed(replay)
    expected = {b"%03d" % i: (2, None if i == 7 else (None, i)) for i in range(200)}
    assert tables[1] == {**expected, b"x": (1, (None, 1)), b"005": (3, (None, "new"))}
    assert tables[7] == {key: (4, row) for key, (_, row) in expected.items()}
    assert replay.memtables()[1].nbytes > len(many)


def test_malformed_columns_are_damage():
    frames = (1, [put(b"a", 1)]), (2, [rows_record(b"\xc1")])
    with pytest.raises(CorruptionError, match="malformed rows") as caught:
        Replay().add(log(*frames))
    assert caught.value.offset == HEADER_SIZE + len(encode_frame(NUMBER, 1, 1, put(b"a", 1), 0))
