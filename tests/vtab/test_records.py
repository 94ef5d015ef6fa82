"""Records of rows that SQL writes are those that the engine makes of any row."""

from __future__ import annotations

import pytest

import vtab
from lsmsql.engine.errors import LimitError
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.values import Value
from vtab.failures import RowLimitError
from vtab.records import RecordEncoder

ROWS: list[tuple[Value, ...]] = [
    ("a", 1, 2.5, b"x"),
    ("a", -1, 1.0, None),
    ("", 0, 3, "text"),
    ("é", 2**63 - 1, "y", 4),
]


@pytest.mark.parametrize("key", ["a", "b", "c", "a, b", "b, c", "c, a", "b, a DESC", "c, b, a"])
@pytest.mark.parametrize("behind", [(), (None,)])
def test_records_are_those_of_the_engine(key: str, behind: tuple[None, ...]) -> None:
    schema = vtab.parse_create(
        f"CREATE TABLE t(a TEXT, b INT, c ANY, d ANY, PRIMARY KEY ({key})) STRICT"
    ).schema
    rows = RowCodec(schema)
    encoder = RecordEncoder(rows)
    for row in ROWS:
        encode = encoder.for_types([type(value) for value in row])
        assert encode((*row, *behind)) == rows.encode_values(row)


def test_a_key_that_is_too_long_is_refused() -> None:
    encoder = RecordEncoder(
        RowCodec(vtab.parse_create("CREATE TABLE t(a TEXT PRIMARY KEY)").schema)
    )
    encode = encoder.for_types([str])
    with pytest.raises(RowLimitError) as caught:
        encode(("a" * 100_000,))
    assert isinstance(caught.value, LimitError)
