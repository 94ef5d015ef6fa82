"""A block: columns decoded when asked for, every flaw an error that names the place."""

from __future__ import annotations

import struct
from bisect import bisect_left

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.checksum import checksum
from lsmsql.engine.columns import run_from_records
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError, LimitError
from lsmsql.engine.sstable.block import MAX_ROWS, Block, encode_block
from lsmsql.engine.sstable.column import CONSTANT, Codec
from lsmsql.engine.values import ColumnType

OFFSET = 4096
HIGH = (1 << 63) - 1
LZ4 = Codec("lz4")
KEYS = [b"key %03d" % i for i in range(0, 200, 2)]
ROWS = [(i, f"text {i % 5}", "mixed" if i % 2 else i) for i in range(100)]
TYPES = [ColumnType.INTEGER, ColumnType.TEXT, ColumnType.ANY]
RUN = run_from_records(KEYS, list(range(1, 101)), ROWS, TYPES)


def block_bytes(run=RUN, offset: int = OFFSET, codec: Codec = LZ4) -> bytes:
    return encode_block(run.columns, offset, codec, [True] * run.num_columns)[0]


def open_block(data: bytes, counters: Counters | None = None, codec: Codec = LZ4) -> Block:
    return Block(data, "x.sst", OFFSET, codec, counters or Counters())


def sealed(header: object, chunks: bytes = b"") -> bytes:
    """A block with any header, and a right checksum."""
    head = msgspec.msgpack.encode(header)
    return seal_bytes(struct.pack("<I", len(head)) + head + chunks)


def seal_bytes(body: bytes) -> bytes:
    return body + struct.pack("<Q", checksum(body, OFFSET))


@pytest.mark.parametrize("codec", ["lz4", "zstd", "none"])
def test_a_block_holds_the_columns_it_was_made_of(codec):
    block = open_block(block_bytes(codec=Codec(codec)), codec=Codec(codec))
    assert (block.rows, block.width) == (100, 6)
    assert block.keys == KEYS
    assert [block.values(p) for p in (3, 4, 5)] == [list(c) for c in zip(*ROWS, strict=True)]
    assert block.column(3).equals(RUN.column(3))


def test_only_the_columns_asked_for_are_decoded_and_once():
    counters = Counters()
    block = open_block(block_bytes(), counters)
    assert counters.columns_decoded == 0
    for _ in range(3):
        block.find(KEYS[7])
        block.values(4)
        block.column(4)
    assert counters.decoded_positions == {0: 1, 4: 1}
    assert counters.columns_decoded == 2


@pytest.mark.parametrize("position", [3, 4, 5])
def test_single_values_are_those_of_the_column(position):
    block = open_block(block_bytes())
    assert [block.value(position, row) for row in range(100)] == [r[position - 3] for r in ROWS]


def test_a_key_is_found_or_not():
    block = open_block(block_bytes())
    assert [block.find(key) for key in KEYS] == list(range(100))
    assert [block.find(key) for key in (b"", b"key 001", b"key 1980", b"z")] == [-1] * 4


def test_of_several_versions_the_first_is_found():
    run = run_from_records([b"a", b"b", b"b", b"c"], [1, 9, 5, 1], [()] * 4, [])
    assert open_block(block_bytes(run)).find(b"b") == 1


def test_a_block_grows_with_what_it_decodes_and_says_so():
    block = open_block(block_bytes())
    block.settle()
    sizes = [block.nbytes]
    block.grown = lambda: sizes.append(block.nbytes)
    for _ in range(2):
        for position in range(block.width):
            block.column(position)
    assert len(sizes) == 1 + block.width
    assert sizes[0] >= len(block_bytes())
    assert sizes[-1] >= sum(block.column(position).nbytes for position in range(block.width))


def test_a_stretch_of_a_column():
    block = open_block(block_bytes())
    for position in (0, 3, 4, 5):
        whole = block.values(position)
        assert block.values(position, 10, 17) == whole[10:17]
        assert block.values(position, 90) == whole[90:]


@pytest.mark.parametrize("value", [0, HIGH, -0.5, "same", "", b"same"])
def test_a_column_that_is_all_one_value_is_read_without_an_array(value):
    counters = Counters()
    block = open_block(sealed([1000, [[CONSTANT, value]]]), counters)
    assert block.values(0) == [value] * 1000
    assert block.values(0, 990) == block.values(0, 5, 15) == [value] * 10
    assert block.values(0, 7, 7) == []
    assert counters.columns_decoded == 0
    assert block.column(0).to_pylist() == block.values(0)


@pytest.mark.parametrize("value", [None, True, HIGH + 1, [1], "x" * 257, b"x" * 257])
def test_a_constant_that_cannot_be_one_is_refused_however_it_is_read(value):
    reads = [lambda b: b.values(0), lambda b: b.values(0, 1, 2), lambda b: b.value(0, 0)]
    for read in (*reads, lambda b: b.column(0)):
        block = open_block(sealed([3, [[CONSTANT, value]]]))
        with pytest.raises(CorruptionError, match="x.sst, .* column 0: .*(constant|base)"):
            read(block)


def test_the_first_row_from_a_key_on():
    block = open_block(block_bytes())
    for key in (b"", b"key 000", b"key 001", b"key 101", b"key 198", b"key 199", b"z"):
        assert block.lower_bound(key) == bisect_left(KEYS, key)


@given(st.lists(st.binary(max_size=6), min_size=1, max_size=90, unique=True), st.data())
def test_searches_find_the_place_of_a_key_whatever_the_sizes(keys, data):
    keys.sort()
    run = run_from_records(keys, [1] * len(keys), [()] * len(keys), [])
    block = open_block(block_bytes(run))
    for key in data.draw(st.lists(st.sampled_from(keys) | st.binary(max_size=6), max_size=6)):
        place = bisect_left(keys, key)
        assert block.lower_bound(key) == place
        assert block.next_bound(key, data.draw(st.integers(0, place))) == place


def test_every_flipped_bit_is_found():
    data = block_bytes(RUN.slice(0, 20))
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(CorruptionError, match="x.sst, offset 4096: .*checksum"):
            open_block(bytes(damaged))


def test_every_truncation_is_found():
    data = block_bytes(RUN.slice(0, 20))
    for size in range(len(data)):
        with pytest.raises(CorruptionError, match="checksum|too few"):
            open_block(data[:size])


def test_a_block_in_another_place_is_found():
    with pytest.raises(CorruptionError, match="checksum"):
        open_block(block_bytes(offset=OFFSET + 8))


@pytest.mark.parametrize(
    "data",
    [
        sealed([0, []]),
        sealed([-1, []]),
        sealed([MAX_ROWS + 1, [[0]]]),
        sealed([1]),
        sealed({"a": 1}),
        sealed(None),
        sealed([1, [None]]),
        sealed([1, [[3, 0, 8]]], b"short"),
        sealed([1, [[3, 0, 8]]], b"too long to be it"),
        sealed([1, [[99]]]),
        seal_bytes(struct.pack("<I", 1 << 31)),
        seal_bytes(struct.pack("<I", 3) + b"\xc1\xc1\xc1"),
        seal_bytes(struct.pack("<I", 100_000) + b"\x91" * 100_000),
        seal_bytes(struct.pack("<I", 3) + b"\x81\x80\x01"),
    ],
)
def test_a_hostile_header_is_corruption(data):
    with pytest.raises(CorruptionError, match="x.sst, offset 4096"):
        open_block(data)


@pytest.mark.parametrize(
    ("header", "chunk"),
    [
        ([1, None], b""),
        ([1, 1 << 63], b""),
        ([2, 0, 0, [], 0], b""),
        ([4, 0, 1, 0, 0, 3], b"\xff\xff\xff"),
        ([6, 0, 1, 0, 0, 3], b"xyz"),
        ([3, 0, 5], b"12345"),
    ],
)
def test_a_hostile_column_is_corruption_when_it_is_decoded(header, chunk):
    block = open_block(sealed([3, [[0], header]], chunk))
    assert block.values(0) == [None] * 3
    for ask in (block.column, block.values, lambda p: block.value(p, 0)):
        with pytest.raises(CorruptionError, match="x.sst, offset 4096: column 1"):
            ask(1)


@given(st.data())
def test_damage_under_a_right_checksum_gives_values_or_corruption(data):
    body = bytearray(block_bytes(RUN.slice(0, 30))[:-8])
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        block = open_block(seal_bytes(bytes(body)))
        columns = [block.values(position) for position in range(block.width)]
    except CorruptionError:
        return
    assert {len(column) for column in columns} <= {block.rows}


def test_a_block_of_too_many_rows_is_not_written():
    with pytest.raises(LimitError, match="1,048,577 rows; the limit is 1,048,576"):
        encode_block([pa.nulls(MAX_ROWS + 1)], 0, LZ4, [False])
