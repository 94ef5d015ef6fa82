"""What a range is, and what it gives: records as slices of Python lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from lsmsql.engine.projection import Columns


class LazyKeys(Sequence[bytes]):
    """Keys that become Python objects only if somebody looks at them."""

    __slots__ = ("_length", "_list", "_make")

    def __init__(self, length: int, make: Callable[[], Any]) -> None:
        self._length = length
        self._make = make
        self._list: list[bytes] | None = None

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, at: Any) -> Any:
        if self._list is None:
            self._list = self._make()
        return self._list[at]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self[:])


@dataclass(slots=True)
class Slice:
    """Records in key order: their keys, the wanted columns, and which are tombstones, if any."""

    keys: Sequence[bytes]
    columns: Columns
    dead: list[bool] | None = None

    def cut(self, low: int, high: int) -> Slice:
        """Rows [low, high)."""
        if low == 0 and high == len(self.keys):
            return self
        dead = None if self.dead is None else self.dead[low:high]
        return Slice(self.keys[low:high], [c[low:high] for c in self.columns], dead)

    def pick(self, rows: Sequence[int]) -> Slice:
        """The rows with these numbers; none of them may be a tombstone."""
        keys = self.keys
        columns = [[column[row] for row in rows] for column in self.columns]
        return Slice([keys[row] for row in rows], columns)


class Range(msgspec.Struct, frozen=True):
    """Encoded keys in [start, stop); None is unbounded."""

    start: bytes | None = None
    stop: bytes | None = None

    @property
    def empty(self) -> bool:
        """Whether no key can be in it."""
        return self.start is not None and self.stop is not None and self.start >= self.stop

    def after(self, key: bytes, *, reverse: bool) -> Range:
        """What is left of the range once ``key`` has been passed."""
        return Range(self.start, key) if reverse else Range(key + b"\0", self.stop)

    def without(self, left: Range, *, reverse: bool) -> Range:
        """The range without what is ``left`` of it, at its end or with ``reverse`` its start."""
        return Range(left.stop, self.stop) if reverse else Range(self.start, left.start)

    def common(self, other: Range) -> Range:
        """The keys that are in both."""
        start = max(self.start or b"", other.start or b"") or None
        if self.stop is None or other.stop is None:
            return Range(start, self.stop if other.stop is None else other.stop)
        return Range(start, min(self.stop, other.stop))

    def around(self, part: Range, *, reverse: bool) -> tuple[Range, Range]:
        """What lies before a part of the range, and what behind it, in scan order."""
        below = NOWHERE if part.start is None else Range(self.start, part.start)
        above = NOWHERE if part.stop is None else Range(part.stop, self.stop)
        return (above, below) if reverse else (below, above)


NOWHERE = Range(b"", b"")
"""No key is in it."""
