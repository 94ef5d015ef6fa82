"""Byte strings of one size, as numpy sees them: short stretches, and a search, in a microsecond.

numpy's ``S`` type compares byte by byte, as keys are compared, and takes a string that ends in
zeros for equal to one without them. Between strings of one size that makes no difference; what it
means for a key of another size is settled in ``lower_bound``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from lsmsql.engine.ragged import offsets_and_bytes


def uniform_bytes(array: pa.Array) -> UniformBytes | None:
    """A binary array without NULLs as ``UniformBytes``, if all of it is of one size, not 0."""
    offsets, data = offsets_and_bytes(array)
    sizes = np.diff(offsets)
    if not len(sizes) or sizes[0] == 0 or (sizes != sizes[0]).any():
        return None
    return UniformBytes(data[offsets[0] : offsets[-1]], int(sizes[0]), len(array))


@cache
def _dtype(form: str, size: int) -> np.dtype[Any]:
    return np.dtype(f"{form}{size}")


class UniformBytes:
    """``rows`` byte strings of ``size`` bytes, at least 1, end to end in ``data``."""

    __slots__ = ("_data", "_first", "_ordered", "_tails", "size")

    def __init__(self, data: Any, size: int, rows: int) -> None:
        self.size = size
        self._data = data
        self._ordered = np.ndarray((rows,), _dtype("S", size), data)
        self._first: bytes | None = None
        self._tails: dict[int, Any] = {}

    def values(self, low: int, high: int, skip: int = 0) -> list[bytes]:
        """The strings in rows [low, high), without their first ``skip`` bytes."""
        tails = self._tails.get(skip)
        if tails is None:
            if skip == self.size:
                return [b""] * (high - low)
            rest = _dtype("V", self.size - skip)
            tails = np.ndarray(self._ordered.shape, rest, self._data, skip, (self.size,))
            self._tails[skip] = tails
        found: list[bytes] = tails[low:high].tolist()
        return found

    def first_bytes(self) -> bytes:
        """The bytes that any of them begins with, ascending."""
        if self._first is None:
            firsts = np.ndarray(self._ordered.shape, np.uint8, self._data, 0, (self.size,))
            self._first = np.unique(firsts).tobytes()
        return self._first

    def lower_bound(self, key: bytes) -> int:
        """The first row that is not below ``key``; the strings ascend.

        A shorter key is compared as if zeros followed it: what equals it then is not below it. Of a
        longer one the end is cut off: what equals the rest is below it.
        """
        if len(key) > self.size:
            return int(self._ordered.searchsorted(key[: self.size], "right"))
        return int(self._ordered.searchsorted(key))
