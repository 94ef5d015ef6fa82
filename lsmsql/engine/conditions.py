"""What a reader asks of the values of a column: which blocks and rows may meet it.

A condition may let through more than the comparison that it stands for, never less: whoever asks
checks the rows again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lsmsql.engine.keys import KeyCodec
from lsmsql.engine.sstable.index import BlockIndex
from lsmsql.engine.values import Row, Value


class Interval(NamedTuple):
    """Values of one storage class from ``low`` to ``high``; None is unbounded.

    ``above``: without ``low`` itself; ``below``: without ``high``.
    """

    low: Value = None
    high: Value = None
    above: bool = False
    below: bool = False

    def meets(self, minimum: Any, maximum: Any) -> bool:
        """Whether a value between the two, of its class, may be in it; None is not known."""
        low, high, above, below = self
        if low is not None and maximum is not None and (maximum <= low if above else maximum < low):
            return False
        return high is None or minimum is None or (minimum < high if below else minimum <= high)


Intervals = tuple[Interval, ...]

NONE: Intervals = ()
ALL: Intervals = (Interval(),)


@dataclass(frozen=True)
class Wanted:
    """The values that may meet a comparison, by storage class."""

    numbers: Intervals = NONE
    texts: Intervals = NONE
    blobs: Intervals = NONE
    nulls: bool = False

    def between(self, minimum: Value, maximum: Value) -> bool:
        """Whether a value between the two may be wanted; None is not known."""
        known = maximum if minimum is None else minimum
        if known is None or (maximum is not None and _class(maximum) is not _class(known)):
            return True
        kind = _class(known)
        found = self.texts if kind is str else self.blobs if kind is bytes else self.numbers
        return any(interval.meets(minimum, maximum) for interval in found)


def _class(value: Value) -> type:
    """The storage class of a value that is not NULL; one for all numbers."""
    return float if isinstance(value, int) else type(value)


@dataclass(frozen=True)
class SlotCondition:
    """A condition on a payload slot: blocks are told by their zone maps."""

    slot: int
    wanted: Wanted

    def blocks(self, index: BlockIndex, low: int, high: int) -> list[bool]:
        """For each of the blocks [low, high) whether a row of it may meet the condition.

        Raises CorruptionError for a zone map that makes no sense.
        """
        zones = index.zones(self.slot, low, high)
        if zones is None:  # the file is older than the column
            return [True] * (high - low)
        return [
            self._block(minimum, maximum, nulls, rows)
            for minimum, maximum, nulls, rows in zip(*zones, index.rows[low:high], strict=True)
        ]

    def _block(self, minimum: Value, maximum: Value, nulls: int, rows: int) -> bool:
        if nulls and self.wanted.nulls:
            return True
        return nulls < rows and self.wanted.between(minimum, maximum)

    def record(self, key: bytes, row: Row) -> bool:
        """Whether a record held as Python values may meet the condition."""
        if self.slot >= len(row):
            return True
        value = row[self.slot]
        return self.wanted.nulls if value is None else self.wanted.between(value, value)


@dataclass(frozen=True)
class KeyCondition:
    """A condition on a part of the key: blocks are told by their first and last key.

    These bound the part where they agree in all parts before it.
    """

    part: int
    codec: KeyCodec
    wanted: Wanted

    def blocks(self, index: BlockIndex, low: int, high: int) -> list[bool]:
        """For each of the blocks [low, high) whether a row of it may meet the condition."""
        return [self._block(index.first[n], index.last[n]) for n in range(low, high)]

    def _block(self, first_key: bytes, last_key: bytes) -> bool:
        part, decode = self.part, self.codec.decode
        try:
            first, last = decode(first_key), decode(last_key)
        except ValueError:  # whoever reads the block says what is wrong with it
            return True
        if first[:part] != last[:part]:
            return True
        descending = self.codec.parts[part].descending
        ends = (last[part], first[part]) if descending else (first[part], last[part])
        return None in ends or self.wanted.between(*ends)

    def record(self, key: bytes, row: Row) -> bool:
        """Whether a record held as Python values may meet the condition."""
        value = self.codec.decode(key)[self.part]
        return value is None or self.wanted.between(value, value)


Condition = SlotCondition | KeyCondition
Conditions = Sequence[Condition]
"""A row must meet all of them."""
