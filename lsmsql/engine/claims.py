"""Keys that tables give out themselves: no two transactions that go on get the same one.

A table keyed by one INTEGER gives a new row the number after the greatest. Two transactions that do
not see each other's rows would both take it, and one would be in conflict for nothing that its
program has done. So a number that was given out is not given out again while anybody else who was
given one goes on. Who is alone gets those again that came to nothing.
"""

from __future__ import annotations

import threading
import weakref


class Claimer:
    """A transaction that was given numbers."""


class Claims:
    """The greatest number that was given out of each table, as long as somebody goes on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimers: dict[int, weakref.WeakSet[Claimer]] = {}
        self._greatest: dict[int, int] = {}
        self._shared: set[int] = set()
        """The tables of which several were given numbers, of whom one at least goes on."""

    def claim(self, table_id: int, claimer: Claimer, least: int, count: int = 1) -> int:
        """The first of so many numbers of the table, ``least`` or greater."""
        with self._lock:
            claimers = self._claimers.setdefault(table_id, weakref.WeakSet())
            if not claimers:
                self._shared.discard(table_id)
            claimers.add(claimer)
            if len(claimers) > 1:
                self._shared.add(table_id)
            if table_id not in self._shared:  # the only one knows what it has made of its own
                self._greatest[table_id] = least - 1
            number = max(least, self._greatest[table_id] + 1)
            self._greatest[table_id] = number + count - 1
            return number

    def end(self, claimer: Claimer) -> None:
        """A transaction is over."""
        with self._lock:
            for claimers in self._claimers.values():
                claimers.discard(claimer)
