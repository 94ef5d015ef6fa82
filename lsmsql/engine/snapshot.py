"""Which sequence numbers readers may still ask for.

A reader that takes more than one look (a range, a snapshot) registers its number first. Writers
keep, flush and compaction carry on, just the versions that a registered number needs; all later
numbers are served too.

Thread safety: methods hold the lock, but for the one that a writer calls for each commit. That one
reads without it whether anybody is registered. So a reader registers first and then makes sure that
its number is still the newest: if the writer has published another since, it may have looked just
before, and thrown away what belongs to the first number.
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
            while True:
                sequence = self.published
                self._active[sequence] = self._active.get(sequence, 0) + 1
                if sequence == self.published:
                    return sequence
                self.release(sequence)

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
        """The smallest number that a reader may ask for. Only the writer may ask."""
        if not self._active:
            return self.published
        with self._lock:
            return min(self._active) if self._active else self.published

    def active(self) -> tuple[int, ...]:
        """The registered numbers, ascending."""
        with self._lock:
            return tuple(sorted(self._active))
