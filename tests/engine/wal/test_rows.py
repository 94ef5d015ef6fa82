"""Rows that are packed and unpacked are the rows, and the run, that they were."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.columns import column_values, run_from_records
from lsmsql.engine.values import ColumnType, Row
from lsmsql.engine.wal.rows import Rows, pack_rows, read_rows, unpack_objects, unpack_run

integers = st.none() | st.integers(-(1 << 63), (1 << 63) - 1)
reals = st.none() | st.floats()
texts = st.none() | st.text()
blobs = st.none() | st.binary()
declared = {
    ColumnType.INTEGER: integers,
    ColumnType.REAL: reals,
    ColumnType.TEXT: texts,
    ColumnType.BLOB: blobs,
    ColumnType.ANY: integers | reals | texts | blobs,
}
TYPES = (*declared, ColumnType.ANY, ColumnType.BLOB)
payloads = st.tuples(*declared.values(), st.binary(), st.binary())
rows = st.none() | payloads
records = st.dictionaries(st.binary(), rows, min_size=1)


@given(records)
def test_packing_changes_nothing(records: dict[bytes, Row | None]) -> None:
    read = read_rows(pack_rows(records))
    keys, payloads = unpack_objects(read)
    assert repr(dict(zip(keys, payloads, strict=True))) == repr(records)
    run = unpack_run(read, 7, TYPES)
    run.validate(full=True)
    expected = run_from_records(list(records), [7] * len(records), list(records.values()), TYPES)
    assert run.schema == expected.schema
    for column, wanted in zip(run.columns, expected.columns, strict=True):
        assert repr(column_values(column)) == repr(column_values(wanted))


def test_a_table_of_keys_alone_has_no_columns() -> None:
    records: dict[bytes, Row | None] = {b"a": (), b"b": None}
    read = read_rows(pack_rows(records))
    assert read.columns == ()
    assert unpack_run(read, 3, ()).equals(run_from_records([b"a", b"b"], [3, 3], [(), None], ()))
    assert unpack_objects(read) == ([b"a", b"b"], [(), None])


@pytest.mark.parametrize("values", [[b"x", b""], [b"x", None], ["x", "y"]])
def test_only_bytes_are_laid_end_to_end(values: list[Any]) -> None:
    read = read_rows(pack_rows({b"a": (values[0],), b"b": (values[1],)}))
    assert isinstance(read.columns[0], list) == (values != [b"x", b""])


def test_the_bytes_are_those_of_the_format() -> None:
    packed = pack_rows({b"k": (None, b"v"), b"key": (5, b"")})
    keys = bytes([1, 0, 0, 0, 3, 0, 0, 0]) + b"kkey"
    column = bytes([1, 0, 0, 0, 0, 0, 0, 0]) + b"v"
    assert msgspec.msgpack.decode(packed) == [2, keys, None, [[None, 5], column]]


@pytest.mark.parametrize(
    ("malformed", "problem"),
    [
        (b"\xc1", "MessagePack"),
        (b"\x94\x01\xc4\x05\x01\0\0\0k\xc0\x91\x91\xa1\xff", "utf-8"),
        (b"\x94\x01\xc4\x05\x01\0\0\0k\xc0" + b"\x91" * 100_000, "recursion"),
        (msgspec.msgpack.encode([1, 2]), "Expected"),
        (Rows(2, b"", None, ()), "2 rows, with 0 bytes"),
        (Rows(0, b"", None, ()), "0 rows"),
        (Rows(-1, b"\0\0\0\0", None, ()), "-1 rows"),
        (Rows(1 << 60, b"\0\0\0\0", None, ()), "rows, with 4 bytes"),
        (Rows(1, b"\x02\0\0\0k", None, ()), "lengths"),
        (Rows(1, b"\x01\0\0\0k", b"\0\0", ()), "deleted"),
        (Rows(1, b"\x01\0\0\0k", None, ([],)), "0 values for 1 rows"),
        (Rows(1, b"\x01\0\0\0k", None, ([True],)), "no values"),
        (Rows(1, b"\x01\0\0\0k", None, (b"\xff\xff\xff\xffv",)), "lengths"),
    ],
)
def test_what_no_writer_makes_is_refused(malformed: bytes | Rows, problem: str) -> None:
    value = malformed if isinstance(malformed, bytes) else msgspec.msgpack.encode(malformed)
    for unpack in (unpack_objects, lambda rows: unpack_run(rows, 1, TYPES)):
        with pytest.raises(ValueError, match=problem):
            unpack(read_rows(value))


@given(st.binary(max_size=60))
def test_any_bytes_are_rows_or_a_value_error(value: bytes) -> None:
    try:
        rows = read_rows(value)
        keys, payloads = unpack_objects(rows)
    except ValueError:
        return
    assert len(keys) == len(payloads) == rows.count
