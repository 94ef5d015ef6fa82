"""Blocks are found without footer and index, and nothing is taken for a block that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.columns import run_from_records
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.options import Options
from lsmsql.engine.schema import make_schema
from lsmsql.engine.sstable.format import FOOTER_SIZE, decode_footer
from lsmsql.engine.sstable.salvage import Place, find_blocks
from lsmsql.engine.sstable.writer import TableWriter

SCHEMA = make_schema("t", {"k": "BLOB", "v": "TEXT"}, "k", table_id=2)
ROWS, BLOCKS = 5, 6


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[bytes, list[Place]]:
    """A file, and the places of its blocks: the data, then the index."""
    path = str(tmp_path_factory.mktemp("salvage") / "000003.sst")
    writer = TableWriter(OsFileSystem(), path, 3, SCHEMA, Options(block_rows=ROWS), bottom=False)
    count = ROWS * BLOCKS
    keys = [f"{i:03}".encode() for i in range(count)]
    rows = [(f"text {i * i}",) for i in range(count)]
    writer.add(run_from_records(keys, range(1, count + 1), rows, SCHEMA.slot_types))
    writer.finish()
    data = OsFileSystem().read_all(path)
    index = decode_footer(data[-FOOTER_SIZE:], len(data), path).index
    places = list(find_blocks(data))
    assert places[-1] == Place(index.offset, index.length, BLOCKS, False)
    return data, places


def test_all_blocks_follow_one_another(written):
    _, (*blocks, _) = written
    assert [block.rows for block in blocks] == [ROWS] * BLOCKS
    assert all(block.data for block in blocks)
    assert [block.offset for block in blocks[1:]] == [block.end for block in blocks[:-1]]


@given(st.lists(st.tuples(st.integers(0), st.integers(1, 255)), min_size=1, max_size=5))
def test_what_is_not_damaged_is_found_and_nothing_else(written, flips):
    data, places = written
    damaged = bytearray(data)
    for place, bits in flips:
        damaged[place % len(data)] ^= bits
    same = [p for p in places if damaged[p.offset : p.end] == data[p.offset : p.end]]
    assert list(find_blocks(bytes(damaged))) == same


@given(st.integers(0), st.integers(0))
def test_a_file_that_was_cut_has_the_blocks_before_the_cut(written, size, zeros):
    data, places = written
    size %= len(data)
    found = list(find_blocks(data[:size] + bytes(zeros % 100)))
    assert found == [place for place in places if place.end <= size]


@given(st.binary(max_size=300))
def test_other_bytes_hold_no_blocks(content):
    assert list(find_blocks(content)) == []
