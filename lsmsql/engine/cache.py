"""The block cache: blocks of all files, under one number of bytes.

Each file has a *shelf*, a list with a place for each of its blocks, where readers find those that
are here: a hit costs one look into a list and takes no lock. The cache fills and clears the places.
Replacement is the clock (second chance): a hit only sets a flag on the block. A block grows as its
columns are decoded, and says so.

Threads: readers look at shelves beside anything; everything that changes the sum holds the lock.
The lock can be taken twice by one thread: a file that the garbage collector finds is forgotten
wherever its thread happens to be, in here too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

Place = tuple[int, int]
"""File number and number of a block in it: its index in the shelf of the file."""


class Cacheable(Protocol):
    """What the cache asks of a block."""

    nbytes: int
    in_use: bool
    grown: Callable[[], None] | None


B = TypeVar("B", bound=Cacheable)


class BlockCache(Generic[B]):
    """At most ``capacity`` bytes of blocks."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._blocks: dict[Place, B] = {}
        self._charged: dict[Place, int] = {}
        self._shelves: dict[int, list[B | None]] = {}
        self._used = 0
        self._lock = threading.RLock()

    def put(self, place: Place, block: B, shelf: list[B | None]) -> None:
        """Keep ``block`` on ``shelf``, and let go of others that have not been used for long."""
        with self._lock:
            if place in self._blocks:
                return
            self._blocks[place] = block
            self._shelves[place[0]] = shelf
            shelf[place[1]] = block
            block.grown = lambda: self._recharge(place, block)
            self._charge(place, block)
            self._shrink()

    def resize(self, capacity: int) -> None:
        """Hold at most ``capacity`` bytes from now on."""
        with self._lock:
            self.capacity = capacity
            self._shrink()

    def forget(self, file_number: int) -> None:
        """Drop the blocks of a file that is gone."""
        with self._lock:
            for place in list(self._blocks):
                if place[0] == file_number and place in self._blocks:
                    self._drop(place)
            self._shelves.pop(file_number, None)

    @property
    def nbytes(self) -> int:
        """Bytes held now, decoded columns included."""
        return self._used

    def __len__(self) -> int:
        return len(self._blocks)

    def _charge(self, place: Place, block: B) -> None:
        size = block.nbytes
        self._used += size - self._charged.get(place, 0)
        self._charged[place] = size

    def _recharge(self, place: Place, block: B) -> None:
        with self._lock:
            if self._blocks.get(place) is block:
                self._charge(place, block)
                self._shrink()

    def _drop(self, place: Place) -> None:
        self._shelves[place[0]][place[1]] = None
        self._blocks.pop(place).grown = None
        self._used -= self._charged.pop(place)

    def _shrink(self) -> None:
        """Turn the clock: its hand is the front of the dict, a second chance moves to the back."""
        while self._used > self.capacity and self._blocks:
            place, block = next(iter(self._blocks.items()))
            if block.in_use and len(self._blocks) > 1:
                block.in_use = False
                self._blocks[place] = self._blocks.pop(place)
            else:
                self._drop(place)
