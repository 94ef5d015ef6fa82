"""Which sequence numbers readers may still ask for.

A reader that takes more than one look (a range, a snapshot) registers its number first. Writers
keep, flush and compaction carry on, just the versions that a registered number needs; all later
numbers are served too.

Thread safety: all methods hold the lock. The number is read and registered under it, and the oldest
number is computed under it, so no version that a reader needs can slip away in between.
"""

from __future__ import annotations

import threading


class Snapshots:
    """The newest commit that readers see, and the older ones that some still look at."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a view's finalizer may run while it is held
        self._active: dict[int, int] = {}
        # A plain dict: Counter's methods are Python code, and every read comes by here.
        self.published = 0
        """Sequence number of the newest commit that readers see. Set by the writer only."""

    def acquire(self) -> int:
        """Register a reader at the newest commit, and return its number."""
        with self._lock:
            sequence = self.published
            self._active[sequence] = self._active.get(sequence, 0) + 1
            return sequence

    def hold(self, sequence: int) -> None:
        """Register one more reader at a number that is registered."""
        with self._lock:
            self._active[sequence] += 1

    def release(self, sequence: int) -> None:
        """The reader at ``sequence`` is done."""
        with self._lock:
            readers = self._active[sequence] - 1
            if readers:
                self._active[sequence] = readers
            else:
                del self._active[sequence]

    def oldest(self) -> int:
        """The smallest number that a reader may ask for."""
        with self._lock:
            return min(self._active) if self._active else self.published

    def active(self) -> tuple[int, ...]:
        """The registered numbers, ascending."""
        with self._lock:
            return tuple(sorted(self._active))
