"""What the writer writes the reader reads: whole files, point reads, ranges, damage."""

from __future__ import annotations

import gc
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.columns import (
    FIRST_VALUE,
    KEY,
    KIND,
    PUT,
    SEQUENCE,
    column_values,
    run_from_records,
)
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError, Error
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.options import Options
from lsmsql.engine.schema import make_schema
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.reader import Cached, SSTable, block_row, block_value
from lsmsql.engine.sstable.writer import TableWriter, block_ends

SCHEMA = make_schema(
    "t", {"k": "BLOB", "i": "INTEGER", "t": "TEXT", "a": "ANY", "r": "REAL"}, "k", table_id=9
)
fs = OsFileSystem()

Record = tuple[bytes, int, tuple[Any, ...] | None]


def make_run(records: list[Record]):
    keys, sequences, rows = zip(*records, strict=True)
    return run_from_records(keys, sequences, rows, SCHEMA.slot_types)


def write(directory, records: list[Record], cuts: Collection[int] = (), **settings) -> FileMeta:
    """File 3 of the records; ``cuts`` part them into the runs that the writer gets."""
    path = os.path.join(directory, file_name(3))
    writer = TableWriter(fs, path, 3, SCHEMA, Options(**settings), bottom=False)
    edges = [0, *sorted(set(cuts) - {0, len(records)}), len(records)]
    for low, high in pairwise(edges):
        writer.add(make_run(records[low:high]))
    return writer.finish()


@dataclass
class Opened:
    """A reader and what it shares with others."""

    meta: FileMeta
    directory: str
    counters: Counters = field(default_factory=Counters)
    cache: BlockCache[Cached] = field(default_factory=lambda: BlockCache(1 << 20))

    def __post_init__(self) -> None:
        path = os.path.join(self.directory, file_name(self.meta.number))
        self.table: Any = SSTable(fs, path, self.meta, self.cache, self.counters)


def read_back(table: SSTable, start=None, stop=None, **options) -> list[Record]:
    """All records that ``runs`` gives, ascending."""
    runs = list(table.runs(start, stop, range(SCHEMA.slots), **options))
    if options.get("reverse"):
        runs.reverse()
    records: list[Record] = []
    for run in runs:
        columns = [column_values(column) for column in run.columns[FIRST_VALUE:]]
        rows = zip(*columns, strict=True)
        puts = [kind == PUT for kind in run.column(KIND).to_pylist()]
        found = [row if put else None for row, put in zip(rows, puts, strict=True)]
        keys, sequences = run.column(KEY).to_pylist(), run.column(SEQUENCE).to_pylist()
        records += zip(keys, sequences, found, strict=True)
    return records


def plain(count: int) -> list[Record]:
    """Even keys, all of sequence number 5."""
    return [
        (b"%06d" % (2 * i), 5, (i, f"color {i % 7}", "x" if i % 3 else i, i / 4))
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Opened:
    """1000 records in blocks of 10, none of them read yet."""
    directory = str(tmp_path_factory.mktemp("sample"))
    return Opened(write(directory, plain(1000), block_rows=10), directory)


def fresh(opened: Opened) -> Opened:
    """Another reader of the same file, with nothing in its cache."""
    return Opened(opened.meta, opened.directory)


values = st.tuples(
    st.none() | st.integers(-3, 3),
    st.none() | st.sampled_from(["", "a", "zz", "long" * 30]),
    st.none() | st.integers(-3, 3) | st.text(max_size=2) | st.floats(-2, 2) | st.binary(max_size=2),
    st.none() | st.floats(-2, 2),
)
tables = st.dictionaries(
    st.binary(max_size=2),
    st.dictionaries(st.integers(1, 30), st.none() | values, min_size=1, max_size=6),
    min_size=1,
    max_size=30,
)


def as_records(table) -> list[Record]:
    """In key order, newest version first."""
    return [
        (key, sequence, versions[sequence])
        for key, versions in sorted(table.items())
        for sequence in sorted(versions, reverse=True)
    ]


def run_edges(records: list[Record]) -> list[int]:
    """Where a run may end: between keys."""
    return [i for i in range(1, len(records)) if records[i][0] != records[i - 1][0]]


@settings(max_examples=60)
@given(st.data(), tables, st.integers(1, 5), st.integers(1, 400), st.sampled_from(["lz4", "none"]))
def test_any_table_reads_back(tmp_path_factory, data, table, block_rows, block_bytes, codec):
    records = as_records(table)
    edges = run_edges(records)
    cuts = data.draw(st.sets(st.sampled_from(edges))) if edges else []
    directory = str(tmp_path_factory.mktemp("table"))
    sizes = {"block_rows": block_rows, "block_bytes": block_bytes}
    meta = write(directory, records, cuts, codec=codec, **sizes)
    opened = Opened(meta, directory)
    reader = opened.table

    assert read_back(reader) == records
    together = data.draw(st.integers(1, 4))
    assert read_back(reader, blocks_per_run=together, reverse=True) == records
    start, stop = (data.draw(st.none() | st.binary(max_size=2)) for _ in range(2))
    inside = [
        r for r in records if (start is None or r[0] >= start) and (stop is None or r[0] < stop)
    ]
    assert read_back(reader, start, stop, blocks_per_run=together) == inside
    assert read_back(reader, start, stop, reverse=True) == inside
    least, most = reader.index.rows_between(start, stop)
    assert least <= len(inside) <= most <= len(records)

    check_facts(meta, records)
    check_blocks(reader)
    key = data.draw(st.binary(max_size=2) | st.sampled_from(sorted(table)))
    sequence = data.draw(st.integers(0, 31))
    check_find(reader, table.get(key, {}), key, sequence)


def check_facts(meta: FileMeta, records: list[Record]) -> None:
    assert (meta.number, meta.table_id, meta.rows) == (3, 9, len(records))
    assert meta.keys == len({key for key, _, _ in records})
    assert meta.tombstones == sum(row is None for _, _, row in records)
    assert (meta.smallest, meta.largest) == (records[0][0], records[-1][0])
    sequences = [sequence for _, sequence, _ in records]
    assert (meta.min_sequence, meta.max_sequence) == (min(sequences), max(sequences))


def check_blocks(reader: SSTable) -> None:
    """No key is in two blocks, and the zone maps say what is in them."""
    index = reader.index
    keys = [set(reader.block(number).keys) for number in range(len(index))]
    assert sum(map(len, keys)) == len(set().union(*keys))
    for number in range(len(index)):
        block = reader.block(number)
        assert (index.first[number], index.last[number]) == (block.keys[0], block.keys[-1])
        for slot in range(SCHEMA.slots):
            items = block.values(FIRST_VALUE + slot)
            known = [item for item in items if item is not None]
            zone = index.zone(number, slot)
            assert zone.nulls == len(items) - len(known)
            if zone.minimum is not None:
                assert zone.minimum == min(known)
            if zone.maximum is not None:
                assert zone.maximum == max(known)
            if slot == 0 and known:
                assert zone.minimum is not None


def check_find(reader: SSTable, versions: dict[int, Any], key: bytes, sequence: int) -> None:
    visible = [number for number in versions if number <= sequence]
    found = reader.find(key, sequence)
    assert (found is not None) == bool(visible)
    if found is not None:
        block, row = found
        assert block.values(SEQUENCE)[row] == max(visible)
        expected = versions[max(visible)]
        assert reader.is_tombstone(block, row) == (expected is None)
        assert block_row(block, row) == (expected or (None,) * SCHEMA.slots)


def test_a_point_read_reads_one_block(sample):
    opened = fresh(sample)
    block, row = opened.table.find(b"000500", 5)
    assert block_row(block, row) == (250, "color 5", "x", 62.5)
    assert opened.counters.blocks_read == 1
    opened.table.find(b"000502", 5)
    assert (opened.counters.blocks_read, opened.counters.cache_hits) == (1, 1)


def test_a_point_read_decodes_keys_and_the_column_asked_for(sample):
    opened = fresh(sample)
    block, row = opened.table.find(b"000500", 5)
    assert not opened.table.is_tombstone(block, row)
    assert block_value(block, FIRST_VALUE + 1, row) == "color 5"
    assert opened.counters.decoded_positions == {KEY: 1, FIRST_VALUE + 1: 1}


def test_most_absent_keys_read_no_block(sample):
    opened = fresh(sample)
    absent = [b"%06d" % (2 * i + 1) for i in range(999)]
    assert [key for key in absent if opened.table.find(key, 5)] == []
    counters = opened.counters
    assert counters.bloom_checks > 700  # no need to ask where the block is in memory already
    assert counters.bloom_checks - counters.bloom_negatives == counters.blocks_read < 60


def test_a_file_that_is_asked_often_gets_a_hash_index(sample):
    opened = fresh(sample)
    keys = [b"%06d" % i for i in range(2000)]
    before = [opened.table.find(key, 5) is not None for key in keys]
    asked = opened.counters.bloom_checks
    places = [opened.table.find(key, 5) for key in keys]
    assert opened.counters.bloom_checks == asked
    assert [place is not None for place in places] == before
    found = [(key, place) for key, place in zip(keys, places, strict=True) if place is not None]
    assert all(block.value(KEY, row) == key for key, (block, row) in found)
    opened.cache.forget(opened.meta.number)
    assert [opened.table.find(key, 5) is not None for key in keys] == before


def test_a_hash_index_leads_to_the_newest_version_that_is_seen(tmp_path):
    keys = [b"%04d" % (i // 3) for i in range(3000)]
    row = (1, "x", None, None)
    rows: list[Record] = [(key, (30, 20, 10)[i % 3], row) for i, key in enumerate(keys)]
    opened = Opened(write(tmp_path, rows), tmp_path)
    for _ in range(2):
        for sequence, wanted in ((99, 30), (30, 30), (29, 20), (15, 10)):
            block, row = opened.table.find(b"0500", sequence)
            assert opened.table.sequence_of(block, row) == wanted
        assert opened.table.find(b"0500", 9) is None
        for i in range(600):
            opened.table.find(b"%04d" % i, 99)


def test_absent_keys_outside_the_file_do_not_even_ask_the_filter(sample):
    opened = fresh(sample)
    assert opened.table.find(b"", 5) is opened.table.find(b"9", 5) is None
    assert opened.counters.bloom_checks == 0


def test_a_reader_from_before_the_file_sees_nothing(sample):
    assert sample.table.find(b"000500", 4) is None


def test_blocks_read_once_need_not_stay(sample):
    opened = fresh(sample)
    assert len(read_back(opened.table, blocks_per_run=8)) == 1000
    assert len(opened.cache) == 0
    assert opened.counters.blocks_read == 100


def test_a_range_reads_only_its_blocks(sample):
    opened = fresh(sample)
    assert len(read_back(opened.table, b"000200", b"000240")) == 20
    assert opened.counters.blocks_read == 2


def test_a_slot_that_the_file_does_not_know_is_null(sample):
    (run, *_) = sample.table.runs(None, None, [SCHEMA.slots])
    assert run.column(FIRST_VALUE).to_pylist() == [None] * 10
    assert block_value(sample.table.block(0), FIRST_VALUE + SCHEMA.slots, 0) is None
    assert sample.table.index.zone(0, SCHEMA.slots).nulls == 10


def test_more_versions_than_a_block_has_rows_stay_together(tmp_path):
    records: list[Record] = [(b"a", 1, None)]
    records += [(b"k", sequence, (sequence, None, None, None)) for sequence in range(50, 0, -1)]
    records += [(b"z", 1, None)]
    opened = Opened(write(str(tmp_path), records, block_rows=4), str(tmp_path))
    assert opened.table.index.rows == [51, 1]
    for sequence in range(1, 51):
        block, row = opened.table.find(b"k", sequence)
        assert block.value(FIRST_VALUE, row) == sequence


def test_blocks_of_the_deepest_level_are_larger(tmp_path):
    path = str(tmp_path / "x")
    options = Options(block_rows=10, bottom_block_factor=3)
    writer = TableWriter(fs, path, 3, SCHEMA, options, bottom=True)
    writer.add(make_run(plain(90)))
    meta = writer.finish()
    assert meta.rows == 90
    table = SSTable(fs, path, meta, BlockCache(0), Counters())
    assert table.index.rows == [30, 30, 30]


@pytest.mark.parametrize(
    "other",
    [
        {"table_id": 8},
        {"size": 1},
        {"rows": 21},
        {"keys": 19},
        {"tombstones": 1},
        {"smallest": b""},
        {"largest": b"z"},
        {"max_sequence": 99},
    ],
)
def test_a_file_of_another_store_is_not_taken_for_this_one(tmp_path, other):
    meta = msgspec.structs.replace(write(str(tmp_path), plain(20)), **other)
    with pytest.raises(CorruptionError, match="not the file that the manifest describes"):
        Opened(meta, str(tmp_path)).table.index  # noqa: B018


def test_a_column_that_was_mixed_is_narrow_again_in_blocks_that_are_not(tmp_path):
    records: list[Record] = [
        (b"%03d" % i, 1, (None, None, "odd" if i == 5 else i, None)) for i in range(30)
    ]
    opened = Opened(write(str(tmp_path), records, block_rows=10), str(tmp_path))
    zones = [opened.table.index.zone(number, 2) for number in range(3)]
    assert [(zone.minimum, zone.maximum) for zone in zones] == [(None, None), (10, 19), (20, 29)]


def test_blocks_are_cut_by_bytes_and_never_empty():
    records: list[Record] = [(b"%03d" % i, 1, (None, "x" * 100, None, None)) for i in range(10)]
    assert block_ends(make_run(records), None, 300, 100) == [3, 6, 9, 10]
    assert block_ends(make_run(records), None, 1, 100) == list(range(1, 11))
    assert block_ends(make_run(records).slice(3), None, 1 << 20, 4) == [4, 7]


def test_a_retired_file_is_removed_with_its_last_reference(tmp_path):
    opened = Opened(write(str(tmp_path), plain(20)), str(tmp_path))
    table, path = opened.table, opened.table.path
    table.find(b"000002", 5)
    runs = table.runs(None, None, [0])
    next(runs)
    table.retire()
    opened.table = None
    del table
    gc.collect()
    assert fs.exists(path)
    assert len(opened.cache) == 1
    del runs
    gc.collect()
    assert not fs.exists(path)
    assert len(opened.cache) == 0


def test_a_file_in_force_stays_when_its_reader_goes(tmp_path):
    opened = Opened(write(str(tmp_path), plain(20)), str(tmp_path))
    path = opened.table.path
    opened.table = None
    gc.collect()
    assert fs.exists(path)


def test_a_retired_file_that_is_gone_already_is_no_error(tmp_path):
    opened = Opened(write(str(tmp_path), plain(20)), str(tmp_path))
    fs.remove(opened.table.path)
    opened.table.retire()
    opened.table = None
    gc.collect()
    assert len(opened.cache) == 0


def test_a_closed_reader_opens_again(sample):
    table = fresh(sample).table
    table.find(b"000500", 5)
    table.close()
    assert table.find(b"000500", 5) is not None


def test_an_abandoned_file_is_removed(tmp_path):
    path = str(tmp_path / "x")
    writer = TableWriter(fs, path, 3, SCHEMA, Options(), bottom=False)
    writer.add(make_run(plain(3)))
    writer.abandon()
    assert not fs.exists(path)


def read_everything(opened: Opened) -> list[Record]:
    opened.table.find(opened.meta.smallest, 5)
    return read_back(opened.table)


def test_every_flipped_byte_is_found_when_it_is_read(tmp_path):
    directory = str(tmp_path)
    meta = write(directory, plain(12), block_rows=5)
    path = tmp_path / file_name(3)
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :])
        with pytest.raises(Error, match="000003.sst"):
            read_everything(Opened(meta, directory))


def test_every_truncation_is_found(tmp_path):
    directory = str(tmp_path)
    meta = write(directory, plain(12), block_rows=5)
    path = tmp_path / file_name(3)
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(CorruptionError, match="000003.sst"):
            read_everything(Opened(meta, directory))


def test_a_file_in_the_place_of_another_is_corruption(tmp_path):
    directory = str(tmp_path)
    write(directory, plain(5))
    os.rename(tmp_path / file_name(3), tmp_path / file_name(4))
    meta = FileMeta(4, 9, 0, 0, 0, 0, b"", b"\xff", 0, 9)
    with pytest.raises(CorruptionError, match="this is file 3, not 4"):
        read_everything(Opened(meta, directory))
