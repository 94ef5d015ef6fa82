"""Records that are packed and unpacked are the run that they would be at once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.background.records import Records, pack_records, unpack_records
from lsmsql.engine.columns import column_values, run_from_records
from lsmsql.engine.values import ColumnType

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
rows = (
    st.none()
    | payloads
    | st.integers(0, len(TYPES)).flatmap(lambda width: payloads.map(lambda row: row[:width]))
)
records = st.lists(st.tuples(st.binary(), st.integers(0, (1 << 63) - 1), rows), min_size=1)


@given(records)
def test_packing_and_a_journey_change_nothing(found: list[tuple[bytes, int, Any]]) -> None:
    keys, sequences, payload = (list(column) for column in zip(*found, strict=True))
    packed = pack_records(keys, sequences, payload, len(TYPES))
    arrived = msgspec.msgpack.decode(msgspec.msgpack.encode(packed), type=Records)
    expected = run_from_records(keys, sequences, payload, TYPES)
    for records in (packed, arrived):
        run = unpack_records(records, TYPES)
        run.validate(full=True)
        assert run.schema == expected.schema
        for column, wanted in zip(run.columns, expected.columns, strict=True):
            assert repr(column_values(column)) == repr(column_values(wanted))


def test_a_table_of_keys_alone_has_no_columns() -> None:
    packed = pack_records([b"a", b"b"], [1, 2], [(), None], 0)
    assert unpack_records(packed, ()).equals(run_from_records([b"a", b"b"], [1, 2], [(), None], ()))


@pytest.mark.parametrize("values", [[b"x", b""], [b"x", None], ["x", "y"]])
def test_only_bytes_are_laid_end_to_end(values: list[Any]) -> None:
    packed = pack_records([b"a", b"b"], [1, 1], [(value,) for value in values], 1)
    assert isinstance(packed.columns[0], list) == (values != [b"x", b""])
