"""The index answers as a search through all blocks would, and trusts no file."""

from __future__ import annotations

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.columns import build_column
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.sstable.block import Block, encode_block
from lsmsql.engine.sstable.column import Codec
from lsmsql.engine.sstable.format import Section
from lsmsql.engine.sstable.index import BlockIndex, IndexBuilder, Zone, column_zones
from lsmsql.engine.values import ColumnType

OFFSET = 1000
LZ4 = Codec("lz4")


def build(blocks: list[list[bytes]]) -> BlockIndex:
    """An index of blocks with these keys, ten bytes each."""
    builder = IndexBuilder(slots=0)
    for number, keys in enumerate(blocks):
        builder.add(keys[0], keys[-1], Section(10 * number, 10), len(keys), [])
    return open_index(builder.encode(OFFSET, LZ4), 10 * len(blocks))


def open_index(data: bytes, data_end: int) -> BlockIndex:
    block = Block(data, "x.sst", OFFSET, LZ4, Counters())
    return BlockIndex(block, "x.sst", OFFSET, data_end)


keys = st.binary(max_size=2)


@given(st.sets(keys, min_size=1), st.integers(1, 4), st.none() | keys, st.none() | keys)
def test_searches_find_the_blocks_that_hold_the_keys(found, size, start, stop):
    ordered = sorted(found)
    blocks = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    index = build(blocks)
    assert len(index) == len(blocks)
    for number, block in enumerate(blocks):
        assert {index.locate(key) for key in block} == {number}
    low, high = index.overlapping(start, stop)
    inside = {
        number
        for number, block in enumerate(blocks)
        for key in block
        if (start is None or key >= start) and (stop is None or key < stop)
    }
    assert inside <= set(range(low, high))
    assert 0 <= low <= high <= len(blocks)
    least, most = index.rows_between(start, stop)
    within = [k for k in ordered if (start or b"") <= k and (stop is None or k < stop)]
    assert 0 <= least <= len(within) <= most <= sum(map(len, blocks[low:high]))
    if start is stop is None:
        assert least == most == len(ordered)


def test_a_key_in_no_block_is_in_none():
    index = build([[b"b", b"d"], [b"f", b"h"]])
    assert [index.locate(key) for key in (b"a", b"c", b"e", b"i")] == [-1, 0, -1, -1]


@pytest.mark.parametrize(
    ("items", "declared", "zone"),
    [
        ([3, 1, 2], ColumnType.INTEGER, Zone(1, 3, 0)),
        ([3, None, 2], ColumnType.INTEGER, Zone(2, 3, 1)),
        ([None, None], ColumnType.TEXT, Zone(None, None, 2)),
        (["b", "a", None], ColumnType.TEXT, Zone("a", "b", 1)),
        (["\uffff", "\U00010000"], ColumnType.TEXT, Zone("\uffff", "\U00010000", 0)),
        ([b"b", b"a"], ColumnType.BLOB, Zone(b"a", b"b", 0)),
        ([2.5, -1.0], ColumnType.REAL, Zone(-1.0, 2.5, 0)),
        ([1, "a"], ColumnType.ANY, Zone(None, None, 0)),
        (["a", "b" * 100], ColumnType.TEXT, Zone("a", None, 0)),
        (["a" * 200, "b" * 200], ColumnType.TEXT, Zone(None, None, 0)),
    ],
)
def test_a_zone_bounds_what_it_can(items, declared, zone):
    column = build_column(items * 3, declared)
    size = len(items)
    zones = column_zones(column.slice(size), [0, size, 2 * size])
    assert zones == [zone, zone]


def test_zones_of_several_types_come_back():
    builder = IndexBuilder(slots=1)
    zones = [Zone(1, 2, 0), Zone("a", "b", 1), Zone(None, None, 5), Zone(1.5, 1.5, 0)]
    for number, zone in enumerate(zones):
        key = b"%d" % number
        builder.add(key, key, Section(10 * number, 10), 5, [zone])
    index = open_index(builder.encode(OFFSET, LZ4), 40)
    assert [index.zone(number, 0) for number in range(4)] == zones
    assert index.zone(2, 7) == Zone(None, None, 5)


SOUND = {
    "first": [b"a", b"c"],
    "last": [b"b", b"d"],
    "offset": [0, 10],
    "length": [10, 10],
    "rows": [1, 1],
}


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("first", [b"a", b"b"]),
        ("first", [b"c", b"c"]),
        ("first", ["a", "c"]),
        ("last", [b"b", None]),
        ("offset", [0, 11]),
        ("offset", [1, 10]),
        ("offset", [0, -10]),
        ("offset", [0.0, 10.0]),
        ("length", [10, 11]),
        ("length", [20, 0]),
        ("rows", [0, 1]),
        ("rows", [None, 1]),
        ("rows", [1, "1"]),
    ],
)
def test_an_index_that_contradicts_itself_is_corruption(name, column):
    assert len(index_of(SOUND)) == 2
    with pytest.raises(CorruptionError, match="offset 1000: .* contradict"):
        index_of(SOUND | {name: column})


def index_of(columns, *more: pa.Array) -> BlockIndex:
    arrays = [*map(build_column, columns.values()), *more]
    return open_index(encode_block(arrays, OFFSET, LZ4, [False] * len(arrays))[0], 20)


def test_an_index_of_a_wrong_width_is_corruption():
    with pytest.raises(CorruptionError, match="an index of 6 columns"):
        index_of(SOUND, pa.nulls(2))
    with pytest.raises(CorruptionError, match="an index of 4 columns"):
        index_of({name: SOUND[name] for name in list(SOUND)[:4]})


def test_a_zone_without_a_count_is_corruption():
    index = index_of(SOUND, pa.nulls(2), pa.nulls(2), pa.array(["many", None]))
    for block in (0, 1):
        with pytest.raises(CorruptionError, match="zone map"):
            index.zone(block, 0)


def test_headers_are_msgpack():
    data, headers = encode_block([build_column([1, 2])], OFFSET, LZ4, [False])
    size = int.from_bytes(data[:4], "little")
    assert msgspec.msgpack.decode(data[4 : 4 + size]) == [2, headers]
