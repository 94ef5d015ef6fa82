"""Keys to columns: a walk along all keys of a block at once, part by part.

The keys may come from a damaged or hostile file. Every read is preceded by a check that all rows
have the bytes it needs, and whatever ``KeyCodec.encode`` would not write raises ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lsmsql.engine.columns import build_column
from lsmsql.engine.keys.numbers import (
    EXACT,
    Doubles,
    Integers,
    Words,
    doubles_of_words,
    integers_of_words,
    join_integers,
)
from lsmsql.engine.keys.parts import (
    BLOB_TAG,
    CUT_SHORT,
    NULL_MARK,
    NULL_TAG,
    NUMBER_TAG,
    TEXT_TAG,
    VALUE_MARK,
    KeyPart,
    part_decoder,
)
from lsmsql.engine.ragged import (
    binary_from_ranges,
    from_numpy,
    offsets_and_bytes,
    to_numpy,
    unaligned,
)
from lsmsql.engine.values import ColumnType, Value

Mask = npt.NDArray[np.bool_]


class _Walk:
    """All keys of an array, and where in each of them the walk stands.

    ``at`` and ``end`` (int64, one a row) are positions in ``data``, the bytes of all keys.
    """

    def __init__(self, keys: pa.Array) -> None:
        if keys.type != pa.binary() or keys.null_count:
            raise ValueError(f"keys are binary and never null, not {keys.type}")
        offsets, data = offsets_and_bytes(keys)
        self.data = data[offsets[0] : offsets[-1]]
        edges = offsets.astype(np.int64) - offsets[0]
        self.at, self.end = edges[:-1], edges[1:]
        self._zeros: Integers | None = None
        self._next_zero: tuple[Integers, Integers] | None = None

    def __len__(self) -> int:
        return len(self.at)

    def read(self, dtype: str, rows: Mask | None = None, inverted: bool = False) -> Words:
        """The big-endian unsigned integer at each row (or each of ``rows``) and step over it.

        The result has the rows that were asked for, as 64-bit words cut to the size of ``dtype``.
        """
        kind = np.dtype(dtype)
        start = self.at if rows is None else self.at[rows]
        limit = self.end if rows is None else self.end[rows]
        if (limit - start < kind.itemsize).any():
            raise ValueError("a key ends too early")
        found = unaligned(self.data, dtype)[start].astype(kind.newbyteorder("="))
        if rows is None:
            self.at = start + kind.itemsize
        else:
            self.at = self.at + kind.itemsize * rows
        return cast("Words", ~found if inverted else found)

    def terminators(self) -> Integers | None:
        """The end of the escaped run that begins at each row, or None if one has escapes.

        A position of a zero byte; the 01 follows it.
        """
        if self._zeros is None:
            self._zeros = np.flatnonzero(self.data == 0)
        if self._next_zero is not None and self._next_zero[0] is self.at:
            rank = self._next_zero[1]
        else:
            rank = np.searchsorted(self._zeros, self.at)
        if rank.max(initial=-1) >= len(self._zeros):
            raise ValueError("a part of a key has no end")
        ends = self._zeros[rank]
        if (ends + 1 >= self.end).any():
            raise ValueError("a part of a key has no end")
        if (self.data[ends + 1] != 1).any():
            return None
        # What follows directly has its first zero at the next rank: no need to search again.
        self._next_zero = (ends + 2, rank + 1)
        return ends

    def run(self, last: bool) -> tuple[Integers, Integers] | None:
        """Start and end of the bytes of a raw or terminated part, and step over them."""
        start = self.at
        if last:
            self.at = self.end
            return start, self.end
        ends = self.terminators()
        if ends is None or self._next_zero is None:
            return None
        self.at = self._next_zero[0]
        return start, ends


def decode_parts(
    parts: Sequence[KeyPart],
    keys: pa.Array,
    wanted: Sequence[int],
    real_masks: pa.Array | None = None,
) -> list[pa.Array]:
    """See ``KeyCodec.decode_columns``."""
    walk = _Walk(keys)
    columns: dict[int, pa.Array] = {}
    needed = set(wanted)
    for i in range(max(needed, default=-1) + 1):
        last = i == len(parts) - 1
        reals = _real_rows(real_masks, i) if parts[i].type is ColumnType.ANY else None
        column = _decode_part(parts[i], last, walk, reals, i in needed)
        if column is not None:
            columns[i] = column
        if last and (walk.at != walk.end).any():
            raise ValueError("a key has bytes after its last part")
    return [columns[i] for i in wanted]


def _real_rows(real_masks: pa.Array | None, part: int) -> Mask | None:
    if real_masks is None or real_masks.type == pa.null():
        return None
    masks = to_numpy(real_masks.fill_null(0))
    return cast("Mask", (masks >> part & 1).astype(np.bool_))


def _decode_part(
    part: KeyPart, last: bool, walk: _Walk, reals: Mask | None, wanted: bool
) -> pa.Array | None:
    """One part as a column, or None if it is only to be stepped over."""
    raw = last and not part.descending
    if part.type in (ColumnType.INTEGER, ColumnType.REAL):
        return _decode_words(part, walk)
    if part.type is ColumnType.ANY:
        return _decode_any(part, last, walk, reals, wanted)
    if not part.descending and not part.nullable:
        found = walk.run(raw)
        if found is not None:
            return _runs(walk, *found, part.type is ColumnType.TEXT) if wanted else None
    return _decode_rows(part, last, walk, reals)


def _decode_words(part: KeyPart, walk: _Walk) -> pa.Array:
    """INTEGER or REAL."""
    nulls: Mask | None = None
    if part.nullable:
        marks = walk.read("u1", inverted=part.descending)
        nulls = marks == NULL_MARK
        if not (nulls | (marks == VALUE_MARK)).all():
            raise ValueError("a mark that is none of a nullable part of a key")
    if nulls is None or not nulls.any():
        return from_numpy(_numbers(part, walk.read(">u8", inverted=part.descending)))
    found = _numbers(part, walk.read(">u8", ~nulls, part.descending))
    return from_numpy(_spread(found, ~nulls), nulls)


def _numbers(part: KeyPart, words: Words) -> Integers | Doubles:
    if part.type is ColumnType.INTEGER:
        return integers_of_words(words)
    return doubles_of_words(words)


def _spread(found: npt.NDArray[np.generic], rows: Mask) -> npt.NDArray[np.generic]:
    """``found`` at the rows it belongs to, zero elsewhere."""
    spread = np.zeros(len(rows), found.dtype)
    spread[rows] = found
    return spread


def _runs(walk: _Walk, start: Integers, end: Integers, text: bool) -> pa.Array:
    """Runs of bytes as a column; Arrow's cast checks that text is UTF-8."""
    content = binary_from_ranges(walk.data, start, end)
    return content.cast(pa.string()) if text else content


def _decode_any(
    part: KeyPart, last: bool, walk: _Walk, reals: Mask | None, wanted: bool
) -> pa.Array | None:
    if not len(walk):
        return pa.nulls(0)
    before = walk.at
    tags = walk.read("u1", inverted=part.descending)
    lowest, highest = int(tags.min()), int(tags.max())
    if lowest == NULL_TAG and not part.nullable:
        raise ValueError("NULL in a part of a key that is not nullable")
    if lowest == highest == NULL_TAG:
        return pa.nulls(len(walk))
    nulls = tags == NULL_TAG
    if highest == NUMBER_TAG and (nulls | (tags == NUMBER_TAG)).all():
        return _decode_numbers(walk, nulls, part.descending, reals)
    if lowest == highest and lowest in (TEXT_TAG, BLOB_TAG) and not part.descending:
        found = walk.run(last)
        if found is not None:
            return _runs(walk, *found, lowest == TEXT_TAG) if wanted else None
    walk.at = before
    return _decode_rows(part, last, walk, reals)


def _decode_numbers(walk: _Walk, nulls: Mask, inverted: bool, reals: Mask | None) -> pa.Array:
    """The numbers of an ANY part, behind their tags, in the type that holds them all."""
    below = np.zeros(len(walk))
    below[~nulls] = doubles_of_words(walk.read(">u8", ~nulls, inverted))
    rest = np.zeros(len(walk), np.int64)
    far = np.abs(below) >= EXACT
    if far.any():
        rest[far] = walk.read(">u2", far, inverted)
    integers, integral = join_integers(below, rest)
    if reals is not None:
        integral &= ~reals
    integral |= nulls
    mask = nulls if nulls.any() else None
    if integral.all():
        return from_numpy(integers, mask)
    if not (integral & ~nulls).any():
        return from_numpy(below, mask)
    values: list[Value] = [
        None if null else integer if whole else double
        for null, whole, integer, double in zip(
            nulls.tolist(), integral.tolist(), integers.tolist(), below.tolist(), strict=True
        )
    ]
    return build_column(values)


def _decode_rows(part: KeyPart, last: bool, walk: _Walk, reals: Mask | None) -> pa.Array:
    """One row after the other, with the scalar decoder."""
    decode = part_decoder(part, last)
    data = walk.data.tobytes()
    values: list[Value] = []
    lengths: list[int] = []
    try:
        for at, end in zip(walk.at.tolist(), walk.end.tolist(), strict=True):
            value, length = decode(data[at:end], 0)
            values.append(value)
            lengths.append(length)
    except CUT_SHORT:
        raise ValueError("a key ends too early") from None
    walk.at = walk.at + np.array(lengths, np.int64)
    if reals is not None:
        pairs = zip(values, reals.tolist(), strict=True)
        values = [float(v) if real and type(v) is int else v for v, real in pairs]
    return build_column(values, part.type)
