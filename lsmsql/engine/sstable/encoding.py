"""Columns of a run become columns of blocks: the bytes that ``column`` draws and reads.

A run is encoded for many blocks at a time. What can be found out for all of them at once, such as
their bounds, costs one kernel call; what remains for each is to slice and to compress.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lsmsql.engine.columns import build_column
from lsmsql.engine.ragged import Integers, Mask, to_numpy
from lsmsql.engine.sstable.column import (
    CONSTANT,
    DICTIONARY,
    INTEGER,
    MAX_CONSTANT,
    NULLS,
    REAL,
    TAGGED_KIND,
    TEXT,
    VARIABLE_KINDS,
    WIDTHS,
    Codec,
    Header,
    fixed_values,
    value_lengths,
)
from lsmsql.engine.values import Value

Encoded = tuple[Header, list[Any]]
"""Header and chunk, the latter as a list of buffers."""

Edges = Sequence[int]
"""Where an array is cut: the first row of every block, and the number of rows behind the last."""

_SHORT_CONSTANT = MAX_CONSTANT // 4
"""Texts of so many characters are a CONSTANT, however many bytes of UTF-8 each takes."""

_MIN_DICTIONARY_ROWS = 16
_RETRY_DICTIONARY = 16

_INTEGER_LIMITS = np.iinfo(np.int64)


class DictionaryTrials:
    """In which blocks of a column the DICTIONARY form is tried.

    To find out whether it pays costs a pass over the values. A column whose values did not repeat
    is tried again only after some blocks.
    """

    def __init__(self) -> None:
        self._pause = 0

    def due(self) -> bool:
        """Whether the next block is to be tried."""
        self._pause -= 1
        return self._pause < 0

    def failed(self) -> None:
        """It was, in vain."""
        self._pause = _RETRY_DICTIONARY - 1


def encode_column(array: pa.Array, codec: Codec, *, dictionary: bool) -> Encoded:
    """``array``, not empty and of one of the types in ``columns``, as a column of one block.

    ``dictionary`` allows the DICTIONARY form.
    """
    trials = DictionaryTrials() if dictionary else None
    return encode_columns(array, [0, len(array)], codec, trials)[0]


def encode_values(values: Sequence[Value], codec: Codec) -> Encoded:
    """Values, at least one, as a column of one block: what ``encode_column`` makes of their array.

    A single one, as in the index of a small file, needs no array.
    """
    if len(values) == 1:
        value = values[0]
        if value is None:
            return [NULLS], []
        if isinstance(value, int | float) or len(value) <= _SHORT_CONSTANT:
            return [CONSTANT, value], []
    return encode_column(build_column(values), codec, dictionary=False)


def encode_columns(
    array: pa.Array, edges: Edges, codec: Codec, trials: DictionaryTrials | None
) -> list[Encoded]:
    """``array`` cut at ``edges``, each piece, of at least one row, as a column of a block.

    ``trials``, if there are to be any, are those of this column in the file.
    """
    kind = array.type
    if kind == pa.null():
        return [([NULLS], [])] * (len(edges) - 1)
    pieces: _Pieces
    if kind == pa.int64():
        pieces = _IntegerPieces(array, edges, codec)
        trials = None
    elif kind == pa.float64():
        pieces = _RealPieces(array, edges, codec)
    else:
        pieces = _VariablePieces(array, edges, codec)
    return [pieces.encode(number, trials) for number in range(len(edges) - 1)]


def nulls_between(valid: Mask | None, edges: Edges) -> list[int]:
    """How many values of each piece are NULL."""
    if valid is None:
        return [0] * (len(edges) - 1)
    nulls: list[int] = np.add.reduceat(~valid, edges[:-1], dtype=np.int64).tolist()
    return nulls


def valid_mask(array: pa.Array) -> Mask | None:
    """Where an array is not NULL; None if it is nowhere."""
    if not array.null_count:
        return None
    valid: Mask = to_numpy(array.is_valid())
    return valid


class _Pieces:
    """An array that is cut into pieces, and what all kinds of pieces have in common."""

    def __init__(self, array: pa.Array, edges: Edges, codec: Codec) -> None:
        self.array = array
        self.codec = codec
        self.valid = valid_mask(array)
        self.spans = list(pairwise(edges))
        self.nulls = nulls_between(self.valid, edges)

    def encode(self, number: int, trials: DictionaryTrials | None) -> Encoded:
        start, stop = self.spans[number]
        rows, nulls = stop - start, self.nulls[number]
        if nulls == rows:
            return [NULLS], []
        if trials is not None and rows >= _MIN_DICTIONARY_ROWS and trials.due():
            encoded = _encode_dictionary(self.array.slice(start, rows), self.codec)
            if encoded is not None:
                return encoded
            trials.failed()
        valid = self.valid[start:stop] if self.valid is not None and nulls else None
        return self.plain(number, start, stop, valid)

    def plain(self, number: int, start: int, stop: int, valid: Mask | None) -> Encoded:
        """The piece of these rows; ``valid`` says which are not NULL, if any are."""
        raise NotImplementedError

    def validity(self, valid: Mask | None) -> Any:
        return _stored_validity(valid, self.codec)


class _IntegerPieces(_Pieces):
    def __init__(self, array: pa.Array, edges: Edges, codec: Codec) -> None:
        super().__init__(array, edges, codec)
        self.values = fixed_values(array, np.int64)
        bases, tops = integer_bounds(self.values, self.valid, edges)
        self.bases, self.tops = bases.tolist(), tops.tolist()

    def plain(self, number: int, start: int, stop: int, valid: Mask | None) -> Encoded:
        base, top = self.bases[number], self.tops[number]
        if base == top and valid is None:
            return [CONSTANT, base], []
        values = self.values[start:stop]
        if valid is not None:
            values = np.where(valid, values, base)
        width, data = _pack_integers(values, base, top, self.codec)
        validity = self.validity(valid)
        return [INTEGER, len(validity), base, width, len(data)], [validity, data]


class _RealPieces(_Pieces):
    def __init__(self, array: pa.Array, edges: Edges, codec: Codec) -> None:
        super().__init__(array, edges, codec)
        self.values = fixed_values(array, np.float64)
        bits = self.values.view(np.int64)  # tells 0.0 from -0.0
        lows, highs = integer_bounds(bits, None, edges)
        self.constant = (lows == highs).tolist()

    def plain(self, number: int, start: int, stop: int, valid: Mask | None) -> Encoded:
        values = self.values[start:stop]
        if valid is None and self.constant[number]:
            return [CONSTANT, float(values[0])], []
        if valid is not None:
            values = np.where(valid, values, 0.0)
        validity = self.validity(valid)
        data = self.codec.compress(values.astype("<f8", copy=False).tobytes())
        return [REAL, len(validity), len(data)], [validity, data]


class _VariablePieces(_Pieces):
    """TEXT, BLOB and TAGGED."""

    def __init__(self, array: pa.Array, edges: Edges, codec: Codec) -> None:
        super().__init__(array, edges, codec)
        self.kind = VARIABLE_KINDS[array.type]
        lengths, content = value_lengths(array)
        if self.valid is not None and lengths[~self.valid].any():  # bytes that no value owns
            array = pc.fill_null(array, "" if self.kind == TEXT else b"")
            lengths, content = value_lengths(array)
        self.lengths, self.content = lengths, content
        shortest, longest = integer_bounds(lengths, None, edges)
        self.shortest, self.longest = shortest.tolist(), longest.tolist()
        ends = np.cumsum(lengths)
        self.places = [0, *ends[np.asarray(edges[1:]) - 1].tolist()]

    def plain(self, number: int, start: int, stop: int, valid: Mask | None) -> Encoded:
        content = self.content[self.places[number] : self.places[number + 1]]
        base, top = self.shortest[number], self.longest[number]
        uniform = valid is None and base == top and self.kind != TAGGED_KIND
        if uniform and _is_constant(content, base):
            return [CONSTANT, self.array[start].as_py()], []
        validity = self.validity(valid)
        width, stored = _pack_integers(self.lengths[start:stop], base, top, self.codec)
        data = self.codec.compress(content)
        header = [self.kind, len(validity), base, width, len(stored), len(data)]
        return header, [validity, stored, data]


def integer_bounds(values: Integers, valid: Mask | None, edges: Edges) -> tuple[Integers, Integers]:
    """Minimum and maximum of the values of each piece; of one that is all NULL, of no meaning."""
    low = high = values
    if valid is not None:
        low = np.where(valid, values, _INTEGER_LIMITS.max)
        high = np.where(valid, values, _INTEGER_LIMITS.min)
    elif (lowest := values.min()) == values.max():  # much faster than piece by piece
        low = high = np.full(len(edges) - 1, lowest)
        return low, high
    return np.minimum.reduceat(low, edges[:-1]), np.maximum.reduceat(high, edges[:-1])


def _stored_validity(valid: Mask | None, codec: Codec) -> Any:
    if valid is None:
        return b""
    return codec.compress(np.packbits(valid, bitorder="little").tobytes())


def _pack_integers(values: npt.NDArray[Any], base: int, top: int, codec: Codec) -> tuple[int, Any]:
    """Width and stored data of integers that lie between ``base`` and ``top``."""
    spread = top - base
    if spread == 0:
        return 0, b""
    width = next(w for w in WIDTHS if spread < 1 << (8 * w))
    narrow = (values - np.int64(base)).astype(WIDTHS[width])  # wraps around, both ways
    return width, codec.compress(narrow.tobytes())


def _is_constant(content: memoryview, size: int) -> bool:
    """Whether the values of ``size`` bytes each that make up ``content`` are all the same."""
    if size > MAX_CONSTANT:
        return False
    if content[:size] != content[len(content) - size :]:  # most columns end here
        return False
    return size == 0 or content == bytes(content[:size]) * (len(content) // size)


def _encode_dictionary(array: pa.Array, codec: Codec) -> Encoded | None:
    """The DICTIONARY form if at most a quarter of the values are distinct, else None."""
    encoded = array.dictionary_encode()
    entries = len(encoded.dictionary)
    if entries * 4 > len(array) or entries < 2:
        return None
    valid = valid_mask(array)
    indices = np.frombuffer(encoded.indices.buffers()[1], np.int32)[: len(array)]
    if valid is not None:
        indices = np.where(valid, indices, 0)
    width = 1 if entries <= 256 else 2 if entries <= 65536 else 4
    stored = codec.compress(indices.astype(WIDTHS[width]).tobytes())
    validity = _stored_validity(valid, codec)
    inner, chunk = encode_column(encoded.dictionary, codec, dictionary=False)
    header = [DICTIONARY, len(validity), width, len(stored), entries, inner]
    return header, [validity, stored, *chunk]
