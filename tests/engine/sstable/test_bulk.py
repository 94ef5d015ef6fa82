"""Many blocks read and decoded together give what each gives alone."""

from __future__ import annotations

import os

import pyarrow as pa
import pytest

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.columns import FIRST_VALUE, KEY, column_values, run_from_records
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.options import Options
from lsmsql.engine.schema import make_schema
from lsmsql.engine.sstable import bulk
from lsmsql.engine.sstable.block import parse_block
from lsmsql.engine.sstable.bulk import BulkReader
from lsmsql.engine.sstable.meta import file_name
from lsmsql.engine.sstable.reader import SSTable
from lsmsql.engine.sstable.writer import TableWriter

SCHEMA = make_schema("t", {"k": "BLOB", "text": "TEXT", "any": "ANY"}, "k", table_id=9)
ROWS = [(f"text {i}", i if i % 3 else "x") for i in range(95)]
KEYS = [b"%03d" % i for i in range(95)]
POSITIONS = [KEY, FIRST_VALUE, FIRST_VALUE + 1, FIRST_VALUE + 2]
fs = OsFileSystem()


@pytest.fixture
def table(tmp_path):
    """95 rows in blocks of 10."""
    path = os.path.join(tmp_path, file_name(3))
    writer = TableWriter(fs, path, 3, SCHEMA, Options(block_rows=10), bottom=False)
    writer.add(run_from_records(KEYS, [5] * 95, ROWS, SCHEMA.slot_types))
    return SSTable(fs, path, writer.finish(), BlockCache(0), Counters())


def reader_of(table: SSTable) -> BulkReader:
    opened = table.opened()
    return BulkReader(opened.file, table.path, opened.index, opened.codec, Counters())


def rows_of(columns: list[pa.Array]):
    return list(zip(*map(column_values, columns), strict=True))


EXPECTED = [(key, *row, None) for key, row in zip(KEYS, ROWS, strict=True)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("most", [1, 3, 100])
def test_the_rows_are_those_of_the_blocks(table, most, reverse):
    reader = reader_of(table)
    pieces = [rows_of(c) for c in reader.columns(range(10), POSITIONS, most, reverse=reverse)]
    assert len(pieces) == -(-10 // most)
    if reverse:
        pieces.reverse()
    assert [row for piece in pieces for row in piece] == EXPECTED
    assert reader.counters.blocks_read == 10
    assert reader.counters.decoded_positions[KEY] == 10


def test_some_blocks_of_a_file(table):
    (columns,) = reader_of(table).columns(range(2, 4), POSITIONS, 100)
    assert rows_of(columns) == EXPECTED[20:40]
    assert list(reader_of(table).columns(range(4, 4), POSITIONS, 100)) == []


@pytest.mark.parametrize("name", ["READ_BYTES", "MAX_RUN_BYTES"])
@pytest.mark.parametrize("reverse", [False, True])
def test_blocks_that_are_too_large_together_come_one_by_one(table, monkeypatch, name, reverse):
    monkeypatch.setattr(bulk, name, 1)
    found = list(reader_of(table).columns(range(10), POSITIONS, 100, reverse=reverse))
    assert len(found) == 10
    pieces = [rows_of(columns) for columns in found]
    assert [row for piece in (pieces[::-1] if reverse else pieces) for row in piece] == EXPECTED


def test_damage_is_told_of_the_block_it_is_in(table):
    index = table.index
    data = bytearray(fs.read_all(table.path))
    data[index.offsets[7] + 100] ^= 1
    with open(table.path, "wb") as file:
        file.write(data)
    reader = reader_of(table)
    with pytest.raises(CorruptionError, match=f"offset {index.offsets[7]}: .*checksum"):
        list(reader.columns(range(10), POSITIONS, 100))
    assert len(list(reader.columns(range(7), POSITIONS, 100))) == 1


def test_a_hostile_column_is_told_of_the_block_it_is_in(table, monkeypatch):
    parse = parse_block

    def lying(data, offset):
        rows, columns = parse(data, offset)
        if offset == table.index.offsets[4]:
            header, chunk = columns[FIRST_VALUE]
            columns[FIRST_VALUE] = ([*header[:2], 1 << 20, *header[3:]], chunk)
        return rows, columns

    monkeypatch.setattr(bulk, "parse_block", lying)
    with pytest.raises(CorruptionError, match=f"offset {table.index.offsets[4]}: column 3: "):
        list(reader_of(table).columns(range(10), POSITIONS, 100))


def test_a_file_that_is_cut_short_is_corruption(table):
    reader = reader_of(table)
    fs.truncate(table.path, table.index.offsets[5] + 3)
    with pytest.raises(CorruptionError, match=f"offset {table.index.offsets[5]}: .*too few"):
        list(reader.columns(range(10), POSITIONS, 100))
