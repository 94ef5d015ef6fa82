"""Records that do not fit their table, and tables as files describe them."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.column import Column
from lsmsql.engine.columns import FIRST_VALUE, KEY, KIND, run_from_records
from lsmsql.engine.errors import Error
from lsmsql.engine.schema import make_schema
from lsmsql.engine.sstable.format import Properties
from lsmsql.engine.values import ColumnType
from lsmsql.engine.verify.shape import Shape, described_table, problem_of_order

SCHEMA = make_schema(
    "t",
    [
        Column("a", ColumnType.ANY),
        Column("b", ColumnType.TEXT),
        Column("n", ColumnType.INTEGER, not_null=True),
        Column("x", ColumnType.ANY),
    ],
    ["a", "b"],
    descending=["b"],
    table_id=4,
)
SHAPE = Shape(SCHEMA)

keys = st.tuples(
    st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    st.text(),
)
anything = st.none() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text() | st.binary()
rows = st.none() | st.tuples(st.integers(-(2**63), 2**63 - 1), anything)


def make_run(records: list[tuple[tuple[Any, ...], tuple[Any, ...] | None]]) -> pa.RecordBatch:
    """A run of records: the values of the key, and the rest of the row or None."""
    encoded = {SHAPE.codec.encode(key): (key, row) for key, row in records}
    ordered = sorted(encoded.items())
    payloads = [
        None if row is None else (SHAPE.codec.real_mask(key), *row) for _, (key, row) in ordered
    ]
    return run_from_records(
        [key for key, _ in ordered], range(1, len(ordered) + 1), payloads, SCHEMA.slot_types
    )


@given(st.lists(st.tuples(keys, rows), min_size=1, max_size=20))
def test_what_a_table_takes_fits_it(records):
    run = make_run(records)
    assert SHAPE.problem(run) is None
    assert problem_of_order(run, assigned=False) is None


RECORDS: list[tuple[tuple[Any, ...], tuple[Any, ...] | None]] = [
    ((1.0, "one"), (7, None)),
    (("k", "two"), (8, b"x")),
]


@pytest.mark.parametrize(
    ("position", "column", "problem"),
    [
        (KIND, pa.array([1, 3]), "a record is neither PUT nor DELETE"),
        (FIRST_VALUE + 1, pa.array(["7", "8"]), "slot 1 is declared INTEGER and holds string"),
        (FIRST_VALUE + 1, pa.array([7, None]), "NULL in column n, which is NOT NULL"),
        (FIRST_VALUE, pa.array([1, 1]), "the mark of a REAL in the key does not fit"),
        (KEY, pa.array([b"\x30", b"\x30k"], pa.binary()), "malformed key: "),
    ],
)
def test_what_it_does_not_take_is_found(position, column, problem):
    run = make_run(RECORDS)
    changed = run.set_column(position, run.schema.names[position], column)
    assert problem in (SHAPE.problem(changed) or "")


def test_keys_must_be_in_the_form_in_which_they_are_written():
    run = make_run(RECORDS)
    minus_zero = SHAPE.codec.encode([0.0, "one"]).replace(b"\x80", b"\x7f", 1)
    column = pa.array([minus_zero, run.column(KEY)[1].as_py()], pa.binary())
    assert SHAPE.problem(run.set_column(KEY, "key", column)) is not None


def test_versions_of_a_key_must_be_the_newest_first():
    key = SHAPE.codec.encode([1, "a"])

    def run(*sequences: int) -> pa.RecordBatch:
        rows = [(None, 1, 1)] * len(sequences)
        return run_from_records([key] * len(rows), sequences, rows, SCHEMA.slot_types)

    assert problem_of_order(run(3, 2), assigned=False) is None
    wrong = "the versions of a key are not in order, the newest first"
    assert problem_of_order(run(2, 3), assigned=False) == wrong
    assert problem_of_order(run(2, 2), assigned=False) == wrong
    assert problem_of_order(run(3, 2), assigned=True) == "a key is there twice"


PROPERTIES = Properties(
    4, "t", ["INTEGER", "INTEGER", "ANY"], ["a ANY", "b TEXT DESC"], 1, 1, 0, 1, b"a", b"a", 1, 1,
    "lz4", 10, "", "",
)  # fmt: skip


def test_a_table_is_what_its_file_says():
    table = described_table(PROPERTIES)
    assert (table.id, table.name, table.key_types) == (4, "t", SCHEMA.key_types)
    assert (table.slot_types, table.descending) == (SCHEMA.slot_types, SCHEMA.descending)
    assert [column.name for column in table.columns] == ["a", "b", "column1", "column2"]


@pytest.mark.parametrize(
    "changes",
    [
        {"key": []},
        {"key": ["a"]},
        {"key": ["a WORD"]},
        {"slots": ["INTEGER", "NUMBER"]},
        {"slots": []},
    ],
)
def test_what_describes_no_table_is_refused(changes):
    with pytest.raises((Error, ValueError)):
        described_table(msgspec.structs.replace(PROPERTIES, **changes))
