"""The keys and values that every engine gets: the same ones in each run.

Keys are 16 random bytes, so the order in which rows come is a random one. Values are 100 bytes that
a compressor can halve: 50 random ones, twice.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

KEY_BYTES = 16
VALUE_BYTES = 100
ROW_BYTES = KEY_BYTES + VALUE_BYTES
BATCH = 1_000

Pair = tuple[bytes, bytes]


class Data:
    """``rows`` keys, and the value of each, in the order in which they are put."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.keys = random_keys(rows, "keys")
        self.values = random_values(rows, "values")

    def build_all(self) -> None:
        """Build what else is made at its first use, so that it takes the same memory everywhere."""
        assert len(self.order) == self.arrow.num_rows

    @cached_property
    def order(self) -> list[int]:
        """The positions of the keys in the order of the keys."""
        return sorted(range(self.rows), key=self.keys.__getitem__)

    @cached_property
    def arrow(self) -> Any:
        """All rows as an Arrow table with the columns key and value."""
        import pyarrow as pa  # not needed to fill a store that is to be killed

        columns = [pa.array(self.keys, pa.binary()), pa.array(self.values, pa.binary())]
        return pa.table(columns, names=["key", "value"])

    def pairs(self, positions: Sequence[int]) -> list[Pair]:
        """Keys and values at ``positions``."""
        return [(self.keys[i], self.values[i]) for i in positions]

    def sample(self, count: int, purpose: str) -> list[int]:
        """``count`` random positions; each purpose has its own."""
        positions: list[int] = random_source(purpose).integers(self.rows, size=count).tolist()
        return positions

    def following(self, place: int, limit: int) -> list[Pair]:
        """Up to ``limit`` rows in key order from the key that is number ``place`` in that order."""
        return self.pairs(self.order[place : place + limit])


def random_source(purpose: str) -> np.random.Generator:
    """A generator of random numbers of its own for each purpose."""
    return np.random.default_rng(zlib.crc32(purpose.encode()))


def random_keys(count: int, purpose: str) -> list[bytes]:
    """``count`` keys; those of two purposes have none in common, as far as chance goes."""
    return _slices(count, KEY_BYTES, purpose)


def random_values(count: int, purpose: str) -> list[bytes]:
    """``count`` values."""
    return [half * 2 for half in _slices(count, VALUE_BYTES // 2, purpose)]


def _slices(count: int, size: int, purpose: str) -> list[bytes]:
    random = random_source(purpose).bytes(count * size)
    return [random[i : i + size] for i in range(0, count * size, size)]


def batches(keys: Sequence[bytes], values: Sequence[bytes]) -> Iterator[Iterator[Pair]]:
    """The pairs in batches of 1,000."""
    pairs = zip(keys, values, strict=True)
    for _ in range(0, len(keys), BATCH):
        yield itertools.islice(pairs, BATCH)
