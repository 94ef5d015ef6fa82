"""What a reader asks of the values of a column: which blocks and rows may meet it.

A condition may let through more than the comparison that it stands for, never less: whoever asks
checks the rows again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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
class Condition:
    """The values of a payload slot that may meet a comparison, by storage class."""

    slot: int
    numbers: Intervals = NONE
    texts: Intervals = NONE
    blobs: Intervals = NONE
    nulls: bool = False

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
        if nulls and self.nulls:
            return True
        if nulls >= rows:
            return False
        return self._between(minimum, maximum)

    def row(self, row: Row) -> bool:
        """Whether a row held as Python values may meet the condition."""
        if self.slot >= len(row):
            return True
        value = row[self.slot]
        return self.nulls if value is None else self._between(value, value)

    def _between(self, minimum: Value, maximum: Value) -> bool:
        """Whether a value between the two may meet it; both are None if nothing is known."""
        found = self._of_class(maximum if minimum is None else minimum)
        if maximum is not None and found is not self._of_class(maximum):
            return True  # values of several classes
        return any(interval.meets(minimum, maximum) for interval in found)

    def _of_class(self, value: Value) -> Intervals:
        kind = type(value)
        if value is None:
            return ALL
        return self.texts if kind is str else self.blobs if kind is bytes else self.numbers


Conditions = Sequence[Condition]
"""A row must meet all of them."""
