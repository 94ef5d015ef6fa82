"""The columns of a row come out the same from rows, runs and blocks."""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.column import Column
from lsmsql.engine.columns import concat_runs, make_run, run_from_records
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.projection import FEW_KEYS, Projection, key_codec
from lsmsql.engine.schema import make_schema
from lsmsql.engine.sstable.block import Block, encode_block
from lsmsql.engine.sstable.column import Codec
from lsmsql.engine.values import ColumnType

SCHEMA = make_schema(
    "t",
    {"v": "INTEGER", "a": "ANY", "n": "INTEGER", "w": "ANY", "b": "ANY"},
    ("a", "n", "b"),
    descending=["n"],
)
CODEC = key_codec(SCHEMA)
LZ4 = Codec("lz4")

scalars = st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 2.5, -3.0]) | st.text(max_size=2)
rows = st.tuples(
    st.none() | st.integers(-3, 3), scalars, st.integers(-3, 3), st.none() | scalars, scalars
)


def records(table):
    """Keys, ascending, and payloads of rows in column order."""
    stored = {}
    for v, a, n, w, b in table:
        key = (a, n, b)
        stored[CODEC.encode(key)] = (CODEC.real_mask(key), v, w)
    keys = sorted(stored)
    return keys, [stored[key] for key in keys]


def block_of(run) -> Block:
    data, _ = encode_block(run.columns, 0, LZ4, [True] * run.num_columns)
    return Block(data, "x.sst", 0, LZ4, Counters())


def exactly(columns):
    return [[(type(value), value) for value in column] for column in columns]


@given(st.lists(rows, min_size=1), st.lists(st.integers(0, 4), unique=True), st.data())
def test_rows_runs_and_blocks_agree(table, wanted, data):
    keys, payloads = records(table)
    projection = Projection(SCHEMA, CODEC, wanted)
    given_rows = {CODEC.encode((r[1], r[2], r[4])): r for r in table}
    expected = [[given_rows[key][column] for key in keys] for column in wanted]
    assert exactly(projection.assemble(keys, projection.row_slots(payloads))) == exactly(expected)
    one = [projection.from_row(k, p) for k, p in zip(keys, payloads, strict=True)]
    assert exactly(one) == exactly([list(row) for row in zip(*expected, strict=True)] or one)

    run = run_from_records(keys, [1] * len(keys), payloads, SCHEMA.slot_types)
    names = ["key", "sequence", "kind", *map(str, projection.slots)]
    assert exactly(projection.from_run(run.select(names))) == exactly(expected)
    low = data.draw(st.integers(0, len(keys)))
    high = data.draw(st.integers(low, len(keys)))
    block = block_of(run)
    found = projection.from_block(block, low, high)
    assert exactly(found) == exactly([column[low:high] for column in expected])
    many = block_of(concat_runs([run] * (2 + 2 * FEW_KEYS // len(keys))))
    found = projection.from_block(many, 0, many.rows)
    assert exactly(found) == exactly([column * (many.rows // len(keys)) for column in expected])


def test_a_column_younger_than_the_file_is_null():
    grown = dataclasses.replace(
        SCHEMA, columns=(*SCHEMA.columns, Column("new", ColumnType.TEXT, slot=3)), slots=4
    )
    keys, payloads = records([(1, "x", 2, None, 3.0)])
    projection = Projection(grown, CODEC, [5, 0])
    run = run_from_records(keys, [1], payloads, SCHEMA.slot_types)
    assert projection.from_block(block_of(run), 0, 1) == [[None], [1]]
    assert projection.from_row(keys[0], payloads[0]) == [None, 1]
    assert projection.assemble(keys, projection.row_slots(payloads)) == [[None], [1]]


def test_a_malformed_key_is_corruption_that_names_the_block():
    number = pa.array([1])
    run = make_run(pa.array([b"\x99"], pa.binary()), number, number, [number] * 3)
    with pytest.raises(CorruptionError, match="x.sst, offset 0: malformed key"):
        Projection(SCHEMA, CODEC, [1]).from_block(block_of(run), 0, 1)
