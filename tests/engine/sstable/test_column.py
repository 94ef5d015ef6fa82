"""Columns become bytes and come back; bytes that are none are refused."""

from __future__ import annotations

import copy

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.columns import TAGGED, build_column, column_values
from lsmsql.engine.sstable.block import MAX_ROWS
from lsmsql.engine.sstable.column import (
    CONSTANT,
    DICTIONARY,
    INTEGER,
    NULLS,
    REAL,
    TAGGED_KIND,
    TEXT,
    Codec,
    chunk_size,
    decode_column,
    stored_type,
)
from lsmsql.engine.sstable.encoding import encode_column

LOW, HIGH = -(1 << 63), (1 << 63) - 1
integers = st.integers(LOW, HIGH) | st.sampled_from([0, 1, 255, 256, LOW, HIGH, 1 << 32])
reals = st.floats(allow_nan=False)
texts = st.text(max_size=8) | st.just("long " * 20)
blobs = st.binary(max_size=8) | st.just(bytes(300))
columns = st.one_of(
    *(
        st.lists(kind, min_size=1, max_size=60)
        for kind in (
            st.none() | integers,
            st.none() | reals,
            texts,
            st.none() | texts,
            blobs,
            integers | texts | st.none() | reals | blobs,
            st.sampled_from(["red", "green", "blue", None]),
            st.sampled_from([0.0, -0.0, None]),
            st.sampled_from([b"", b"\0", 1, None]),
            st.none(),
            st.just("same"),
            st.just(HIGH),
        )
    )
)
codecs = st.sampled_from([Codec("lz4"), Codec("zstd"), Codec("none")])


def encoded(array: pa.Array, codec: Codec, dictionary: bool):
    """Header and chunk as they come out of a file."""
    header, chunk = encode_column(array, codec, dictionary=dictionary)
    data = b"".join(chunk)
    assert chunk_size(header) == len(data)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(header)), memoryview(data)


def exactly(items):
    return [(type(item), repr(item)) for item in items]


@given(columns, st.integers(0, 2), codecs, st.booleans())
def test_a_column_comes_back_as_it_was(items, start, codec, dictionary):
    items = items * 3  # so that dictionaries pay
    array = build_column(items).slice(start)
    header, chunk = encoded(array, codec, dictionary)
    decoded = decode_column(header, chunk, len(array), codec)
    decoded.validate(full=True)
    assert exactly(column_values(decoded)) == exactly(items[start:])
    if array.null_count < len(array):
        assert decoded.type == array.type
    if array.null_count == 0:
        assert stored_type(header) == array.type
    else:
        assert stored_type(header) is None


@pytest.mark.parametrize(
    ("items", "kind", "size"),
    [
        ([None] * 9, NULLS, 0),
        ([7] * 9, CONSTANT, 0),
        (["x"] * 9, CONSTANT, 0),
        ([b""] * 9, CONSTANT, 0),
        ([b"\x7f\xff"] * 9, CONSTANT, 0),
        (["ö"] * 9, CONSTANT, 0),
        ([-0.0] * 9, CONSTANT, 0),
        ([0.0, -0.0], REAL, 16),
        ([7, None, 7], INTEGER, 1),
        ([1000, 1255], INTEGER, 2),
        ([1000, 1256], INTEGER, 4),
        ([0, 1 << 32], INTEGER, 16),
        ([LOW, HIGH], INTEGER, 16),
        (["ab", "cd"], TEXT, 4),
        (["a", "cd"], TEXT, 5),
        (["a", 1], TAGGED_KIND, 13),
        (["a", "b"] * 8, DICTIONARY, 18),
        (["a", "b", None, "a"] * 4, DICTIONARY, 20),
    ],
)
def test_a_column_takes_the_form_that_fits(items, kind, size):
    header, chunk = encoded(build_column(items), Codec("none"), True)
    assert (header[0], len(chunk)) == (kind, size)


def test_a_buffer_is_compressed_only_if_that_is_smaller():
    codec = Codec("lz4")
    assert len(codec.compress(b"a" * 1000)) < 50
    noise = bytes(range(200))
    assert codec.compress(noise) is noise


def test_bytes_under_nulls_are_not_stored():
    array = pa.array(["secret", "b"]).filter(pa.array([True, True]))
    hidden = pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(b"\x02"), *array.buffers()[1:]])
    header, chunk = encoded(hidden, Codec("none"), False)
    assert b"secret" not in bytes(chunk)
    assert decode_column(header, chunk, 2, Codec("none")).to_pylist() == [None, "b"]


HOSTILE = [
    ([CONSTANT, 1 << 63], b""),
    ([CONSTANT, None], b""),
    ([CONSTANT, [1]], b""),
    ([CONSTANT, b"x" * 1_000_000], b""),
    ([INTEGER, 0, 0, 3, 3], b"abc"),
    ([INTEGER, 0, 0, [], 3], b"abc"),
    ([INTEGER, 0, 1 << 64, 0, 0], b""),
    ([INTEGER, 0, "base", 1, 1], b"a"),
    ([INTEGER, 5, 0, 1, 1], b"abcdef"),
    ([REAL, 0, 5], b"abcde"),
    ([REAL, 0, 0], b""),
    ([TEXT, 0, 1, 0, 0, 1], b"\xff"),
    ([TEXT, 0, -1, 0, 0, 1], b"a"),
    ([TEXT, 0, 1 << 40, 0, 0, 1], b"a"),
    ([TEXT, 0, 1 << 62, 0, 0, 1], b"a"),
    ([TEXT, 0, 0, 8, 8, 1], b"\x01" + b"\0" * 8),
    ([TAGGED_KIND, 0, 1, 0, 0, MAX_ROWS], b"x" * MAX_ROWS),
    ([DICTIONARY, 0, 1, 1, 1, [CONSTANT, 1]], b"\x01"),
    ([DICTIONARY, 0, 0, 0, 0, [CONSTANT, 1]], b""),
    ([DICTIONARY, 0, 0, 0, "1", [CONSTANT, 1]], b""),
    ([DICTIONARY, 0, 0, 0, 1 << 40, [CONSTANT, 1]], b""),
    ([DICTIONARY, 0, 0, 0, 1, [TAGGED_KIND, 0, 9000, 0, 0, 9000]], b"b" * 9000),
    ([DICTIONARY, 0, 0, 0, 1, [TEXT, 0, 9000, 0, 0, 9000]], b"b" * 9000),
]


@pytest.mark.parametrize("rows", [1, MAX_ROWS])
@pytest.mark.parametrize(("header", "chunk"), HOSTILE)
def test_a_hostile_column_is_refused_or_fits(header, chunk, rows):
    assert chunk_size(header) == len(chunk)
    try:
        array = decode_column(header, memoryview(chunk), rows, Codec("lz4"))
    except (ValueError, TypeError):
        return
    assert rows == 1, "what one row may be is beyond reason for a million"
    array.validate(full=True)
    assert len(array) == 1


@pytest.mark.parametrize(
    "header",
    [
        [],
        [99],
        [8, 0, 0],
        [INTEGER],
        [INTEGER, -1, 0, 0, 0],
        [INTEGER, 1 << 32, 0, 0, 0],
        [INTEGER, "1", 0, 0, 0],
        [INTEGER, True, 0, 0, 0],
        [DICTIONARY, 0, 1, 0, 1, [DICTIONARY, 0, 1, 0, 1, [0]]],
        [DICTIONARY, 0, 1, 0, 1, 5],
        "text",
        None,
    ],
)
def test_a_malformed_header_is_refused(header):
    with pytest.raises(ValueError, match="malformed"):
        chunk_size(header)


junk = st.none() | st.booleans() | st.integers(-2, 1 << 65) | st.binary(max_size=3)


@given(columns, codecs, st.booleans(), st.data())
def test_any_change_of_a_column_gives_an_array_or_a_plain_error(items, codec, dictionary, data):
    items = items * 3
    header, chunk = encoded(build_column(items), codec, dictionary)
    header, content = copy.deepcopy(header), bytearray(chunk)
    part = header
    if isinstance(header[-1], list) and data.draw(st.booleans()):
        part = header[-1]
    at = data.draw(st.integers(0, len(part) - 1))
    change = data.draw(st.sampled_from(["header", "chunk", "rows"]))
    rows = len(items)
    if change == "header":
        part[at] = data.draw(junk | st.integers(0, 70))
    elif change == "chunk" and content:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    elif change == "rows":
        rows = data.draw(st.integers(1, MAX_ROWS))
    try:
        if chunk_size(header) > len(content):
            return
        array = decode_column(header, memoryview(content), rows, codec)
    except (ValueError, TypeError):
        return
    array.validate(full=True)
    assert len(array) == rows
    if array.type == TAGGED:
        column_values(array)


def test_an_unknown_codec_is_refused():
    with pytest.raises(ValueError, match="'gzip' is not one of lz4, zstd, none"):
        Codec("gzip")


@given(st.binary(min_size=1, max_size=40), st.integers(2, 60), st.integers(1, 400))
def test_lz4_that_stands_for_fewer_bytes_is_refused(piece, times, more):
    codec = Codec("lz4")
    data = piece * times + bytes(5)  # as memory that was never written to may be
    stored = memoryview(codec.compress(data))
    assert bytes(codec.decompress(stored, len(data))) == data
    if len(stored) < len(data):
        with pytest.raises(ValueError, match="cannot stand|fewer than|Lz4"):
            codec.decompress(stored, len(data) + more)


@pytest.mark.parametrize(("codec", "factor"), [("lz4", 255), ("zstd", 1 << 16), ("none", 1)])
def test_no_more_memory_is_asked_for_than_a_codec_can_fill(codec, factor):
    for stored in (memoryview(bytes(10)), memoryview(bytes(1000))):
        with pytest.raises(ValueError, match="cannot stand"):
            Codec(codec).decompress(stored, len(stored) * max(factor, 4096) + 1)
