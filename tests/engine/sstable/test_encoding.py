"""Columns of many blocks at once are what they would be one by one."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lsmsql.engine.columns import build_column, column_values, concat_columns
from lsmsql.engine.sstable import column as column_module
from lsmsql.engine.sstable.column import (
    CONSTANT,
    DICTIONARY,
    Codec,
    Stored,
    decode_column,
    decode_columns,
)
from lsmsql.engine.sstable.encoding import (
    DictionaryTrials,
    encode_column,
    encode_columns,
    encode_values,
)
from lsmsql.engine.values import Value

LZ4 = Codec("lz4")
LOW, HIGH = -(1 << 63), (1 << 63) - 1

integers = st.integers(LOW, HIGH) | st.sampled_from([0, 1, 256, LOW, HIGH])
reals = st.floats(allow_nan=False)
texts = st.text(max_size=4) | st.just("long " * 30)
blobs = st.binary(max_size=4)
kinds = st.sampled_from(
    [
        integers,
        st.none() | integers,
        st.sampled_from([0.0, -0.0]),
        st.none() | reals,
        texts,
        st.none() | texts,
        st.none() | blobs,
        st.sampled_from(["red", "green", None]),
        st.none(),
        st.just(7),
        st.just("same"),
        integers | texts | blobs | reals,
    ]
)


@st.composite
def pieces_of_one_kind(draw):
    """The values of some blocks, each the same few times so that dictionaries pay."""
    kind = draw(kinds)
    pieces = draw(st.lists(st.lists(kind, min_size=1, max_size=8), min_size=1, max_size=5))
    return [piece * draw(st.sampled_from([1, 20])) for piece in pieces]


def exactly(items):
    return [(type(item), repr(item)) for item in items]


def stored(encoded, rows) -> list[Stored]:
    return [
        (header, memoryview(b"".join(chunk)), count)
        for (header, chunk), count in zip(encoded, rows, strict=True)
    ]


@given(pieces_of_one_kind(), st.integers(0, 3), st.booleans())
def test_pieces_of_an_array_are_encoded_as_each_would_be_alone(pieces, skipped, dictionary):
    skipped = min(skipped, len(pieces[0]) - 1)
    array = build_column([item for piece in pieces for item in piece]).slice(skipped)
    pieces[0] = pieces[0][skipped:]
    edges = [0, *accumulate(map(len, pieces))]
    alone = [array.slice(start, stop - start) for start, stop in pairwise(edges)]
    trials = [DictionaryTrials() for _ in pieces]
    together = encode_columns(array, edges, LZ4, DictionaryTrials() if dictionary else None)
    for piece, own, (header, chunk) in zip(alone, trials, together, strict=True):
        expected = encode_columns(piece, [0, len(piece)], LZ4, own if dictionary else None)
        if header[0] != DICTIONARY and expected[0][0][0] == DICTIONARY:
            expected = encode_columns(piece, [0, len(piece)], LZ4, None)
        assert [(header, b"".join(chunk))] == [(h, b"".join(c)) for h, c in expected]


@given(pieces_of_one_kind(), st.booleans())
def test_a_column_is_decoded_in_many_blocks_together(pieces, dictionary):
    arrays = [build_column(piece) for piece in pieces]
    encoded = [encode_column(array, LZ4, dictionary=dictionary) for array in arrays]
    rows = [len(array) for array in arrays]
    together = decode_columns(stored(encoded, rows), LZ4)
    together.validate(full=True)
    assert exactly(column_values(together)) == exactly([item for p in pieces for item in p])
    assert together.type == concat_columns(arrays).type


def test_blocks_of_different_forms_are_decoded_together():
    pieces: list[list[Value]] = [
        ["x"] * 20,
        [None] * 3,
        ["a", "b"] * 20,
        ["p", "q", None],
        [1, 2],
        ["z", 1.5],
    ]
    encoded = [encode_column(build_column(piece), LZ4, dictionary=True) for piece in pieces]
    assert len({header[0] for header, _ in encoded}) == 6
    together = decode_columns(stored(encoded, map(len, pieces)), LZ4)
    assert column_values(together) == [item for piece in pieces for item in piece]


@pytest.mark.parametrize(
    "piece", [["a", "bc"] * 40, ["a", "b"] * 40, ["x" * 50] * 3, [b"1", b"234"]]
)
def test_blocks_that_are_too_large_together_are_refused(monkeypatch, piece):
    monkeypatch.setattr(column_module, "MAX_JOINED_BYTES", 150)
    header, chunk = encode_column(build_column(piece), LZ4, dictionary=True)
    one = (header, memoryview(b"".join(chunk)), len(piece))
    assert decode_column(*one, LZ4).to_pylist() == piece
    if header[0] == CONSTANT:
        assert decode_columns([one] * 50, LZ4).to_pylist() == piece * 50
    else:
        with pytest.raises(ValueError, match="bytes of values"):
            decode_columns([one] * 50, LZ4)


@given(kinds.flatmap(lambda kind: st.lists(kind, min_size=1, max_size=3)))
@example(["x" * 65])
@example(["日" * 64])
@example([b"x" * 257])
def test_values_are_encoded_as_an_array_of_them(values):
    header, chunk = encode_values(values, LZ4)
    expected, buffers = encode_column(build_column(values), LZ4, dictionary=False)
    assert repr(header) == repr(expected)
    assert b"".join(chunk) == b"".join(buffers)


def test_a_column_that_does_not_repeat_is_tried_as_a_dictionary_now_and_then():
    trials = DictionaryTrials()
    tried = []
    for _ in range(40):
        tried.append(trials.due())
        if tried[-1]:
            trials.failed()
    assert [number for number, due in enumerate(tried) if due] == [0, 16, 32]
    assert [DictionaryTrials().due() for _ in range(3)] == [True] * 3


def test_a_column_that_repeats_is_a_dictionary_in_every_block():
    array = build_column(["red", "green"] * 60)
    encoded = encode_columns(array, [0, 40, 80, 120], LZ4, DictionaryTrials())
    assert [header[0] for header, _ in encoded] == [DICTIONARY] * 3
    assert pa.concat_arrays([decode_column(*one, LZ4) for one in stored(encoded, [40] * 3)]).equals(
        array
    )
