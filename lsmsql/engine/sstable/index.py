"""The index of an SSTable: where each data block is and what lies in it.

It is stored as a block whose rows describe the data blocks (see ``format``), and decoded once.
Blocks are in key order and share no key, so both searches are a ``bisect``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lsmsql.engine.columns import TAGGED
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.ragged import Mask
from lsmsql.engine.sstable.block import Block, join_block
from lsmsql.engine.sstable.column import Codec, fixed_values, value_lengths
from lsmsql.engine.sstable.encoding import (
    Edges,
    encode_values,
    integer_bounds,
    nulls_between,
    valid_mask,
)
from lsmsql.engine.sstable.format import (
    FIRST,
    FIRST_ZONE,
    LAST,
    LENGTH,
    MAX_ZONE_BYTES,
    OFFSET,
    ROWS,
    Section,
    zone_bound,
)
from lsmsql.engine.values import Value

_MAX_CHARACTER_BYTES = 4

_FEW_BLOCKS = 8
"""Zone maps of so few blocks are read one by one."""

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Zone:
    """What one column holds in one block: bounds of its values, and how many are NULL.

    ``minimum`` and ``maximum`` are None where they are not known.
    """

    minimum: Value
    maximum: Value
    nulls: int


def column_zones(column: pa.Array, edges: Edges) -> list[Zone]:
    """The zone map of each piece of a column of a run that is cut at ``edges``."""
    valid = valid_mask(column)
    nulls = nulls_between(valid, edges)
    kind = column.type
    if kind in (pa.null(), TAGGED):
        return [Zone(None, None, count) for count in nulls]
    if kind not in (pa.int64(), pa.float64()):
        pieces = [column.slice(start, stop - start) for start, stop in pairwise(edges)]
        return [_piece_zone(piece, count) for piece, count in zip(pieces, nulls, strict=True)]
    bounds: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    if kind == pa.int64():
        bounds = integer_bounds(fixed_values(column, np.int64), valid, edges)
    else:
        bounds = _real_bounds(fixed_values(column, np.float64), valid, edges)
    return [
        Zone(low, high, count) if count < stop - start else Zone(None, None, count)
        for low, high, count, (start, stop) in zip(
            bounds[0].tolist(), bounds[1].tolist(), nulls, pairwise(edges), strict=True
        )
    ]


def _real_bounds(values: Reals, valid: Mask | None, edges: Edges) -> tuple[Reals, Reals]:
    low = high = values
    if valid is not None:
        low, high = np.where(valid, values, np.inf), np.where(valid, values, -np.inf)
    return np.minimum.reduceat(low, edges[:-1]), np.maximum.reduceat(high, edges[:-1])


def _piece_zone(piece: pa.Array, nulls: int) -> Zone:
    """The zone map of text or bytes."""
    rows = len(piece)
    if nulls == rows or _is_long(piece):
        return Zone(None, None, nulls)
    bounds = pc.min_max(piece)
    return Zone(zone_bound(bounds["min"].as_py()), zone_bound(bounds["max"].as_py()), nulls)


def _is_long(piece: pa.Array) -> bool:
    """Whether text or bytes are too long for bounds to be worth looking for.

    So they are if each is longer than a bound may be, whatever UTF-8 takes for a character, or
    most are.
    """
    lengths, content = value_lengths(piece)
    shortest = (
        _MAX_CHARACTER_BYTES * MAX_ZONE_BYTES if piece.type == pa.string() else MAX_ZONE_BYTES
    )
    return int(lengths.min()) > shortest or len(content) > 2 * MAX_ZONE_BYTES * len(piece)


@dataclass
class IndexBuilder:
    """Collects one entry per data block."""

    slots: int
    first: list[bytes] = field(default_factory=list)
    last: list[bytes] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    zones: list[list[Zone]] = field(default_factory=list)

    def add(
        self, first: bytes, last: bytes, section: Section, rows: int, zones: Sequence[Zone]
    ) -> None:
        """Describe the next data block."""
        self.first.append(first)
        self.last.append(last)
        self.sections.append(section)
        self.rows.append(rows)
        self.zones.append(list(zones))

    def encode(self, offset: int, codec: Codec) -> bytes:
        """The index section that will stand at ``offset``."""
        columns: list[Sequence[Value]] = [
            self.first,
            self.last,
            [section.offset for section in self.sections],
            [section.length for section in self.sections],
            self.rows,
        ]
        for slot in range(self.slots):
            zones = [block[slot] for block in self.zones]
            columns.append([zone.minimum for zone in zones])
            columns.append([zone.maximum for zone in zones])
            columns.append([zone.nulls for zone in zones])
        encoded = [encode_values(values, codec) for values in columns]
        return join_block(len(self.rows), encoded, offset)


class BlockIndex:
    """The decoded index: first and last key, section and row count of every data block."""

    def __init__(self, block: Block, path: str, offset: int, data_end: int) -> None:
        """``data_end`` is where the data blocks end in the file; CorruptionError if they
        do not fit."""
        self._block = block
        if block.width < FIRST_ZONE or (block.width - FIRST_ZONE) % 3:
            raise CorruptionError(path, offset, f"an index of {block.width} columns")
        columns: list[Any] = [block.values(i) for i in range(FIRST_ZONE)]
        self.first: list[bytes] = columns[FIRST]
        self.last: list[bytes] = columns[LAST]
        self.offsets: list[int] = columns[OFFSET]
        self.lengths: list[int] = columns[LENGTH]
        self.rows: list[int] = columns[ROWS]
        if not self._is_ordered() or not self._fits(data_end):
            raise CorruptionError(path, offset, "the entries of the index contradict each other")

    def _is_ordered(self) -> bool:
        keys = [self.first, self.last]
        if any(type(key) is not bytes for column in keys for key in column):
            return False
        before = b""
        for i, (first, last) in enumerate(zip(self.first, self.last, strict=True)):
            if first > last or (i and first <= before):
                return False
            before = last
        return True

    def _fits(self, data_end: int) -> bool:
        place = 0
        for offset, length, rows in zip(self.offsets, self.lengths, self.rows, strict=True):
            if any(type(n) is not int for n in (offset, length, rows)):
                return False
            if offset != place or length <= 0 or rows <= 0:
                return False
            place += length
        return place == data_end

    def __len__(self) -> int:
        return len(self.first)

    def locate(self, key: bytes) -> int:
        """Number of the one block that may hold ``key``, or -1."""
        block = bisect_left(self.last, key)
        return block if block < len(self.last) and self.first[block] <= key else -1

    def overlapping(self, start: bytes | None, stop: bytes | None) -> tuple[int, int]:
        """Numbers [low, high) of the blocks that may hold keys in [start, stop)."""
        low = 0 if start is None else bisect_left(self.last, start)
        high = len(self.first) if stop is None else bisect_left(self.first, stop)
        return low, max(low, high)

    def zone(self, block: int, slot: int) -> Zone:
        """The zone map of a slot in a block. Slots the file does not have are all NULL."""
        column = FIRST_ZONE + 3 * slot
        if column >= self._block.width:
            return Zone(None, None, self.rows[block])
        minimum, maximum, nulls = (self._block.value(column + i, block) for i in range(3))
        self._check_nulls(nulls)
        return Zone(minimum, maximum, nulls)  # type: ignore[arg-type]

    def zones(
        self, slot: int, low: int, high: int
    ) -> tuple[list[Value], list[Value], list[int]] | None:
        """Minimum, maximum and number of NULLs of a slot in each of the blocks [low, high).

        None if the file does not have the slot. Raises CorruptionError.
        """
        column = FIRST_ZONE + 3 * slot
        if column >= self._block.width:
            return None
        if high - low <= _FEW_BLOCKS:
            zones = [self.zone(number, slot) for number in range(low, high)]
            return (
                [zone.minimum for zone in zones],
                [zone.maximum for zone in zones],
                [zone.nulls for zone in zones],
            )
        minima, maxima, nulls = (self._block.values(column + i, low, high) for i in range(3))
        for count in nulls:
            self._check_nulls(count)
        return minima, maxima, nulls  # type: ignore[return-value]

    def _check_nulls(self, count: Value) -> None:
        if type(count) is not int:
            path, offset = self._block.where
            raise CorruptionError(path, offset, f"a zone map with {count!r} NULLs")

    def rows_between(self, start: bytes | None, stop: bytes | None) -> tuple[int, int]:
        """The least and the most records with keys in [start, stop), by the row counts of blocks:
        the first and the last block may be in the range in part.
        """
        low, high = self.overlapping(start, stop)
        ends = set()
        if start is not None and low < high and self.first[low] < start:
            ends.add(low)
        if stop is not None and low < high and self.last[high - 1] >= stop:
            ends.add(high - 1)
        most = sum(self.rows[low:high])
        return most - sum(self.rows[block] for block in ends), most
