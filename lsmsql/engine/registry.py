"""Which sequence numbers readers may still ask for.

A reader that takes more than one look (a range, a snapshot) registers its number first. Writers
keep, flush and compaction carry on, just the versions that a registered number needs; all later
numbers are served too.

Thread safety: there is no lock, because every read by SQL comes by here. Each step is one operation
on a dict, which the interpreter does not divide. In return a reader, once it is registered, must
make sure that its number is still the newest: if the writer has published another since, it may
have looked just before, and thrown away what belongs to the first number. ``Core.pin`` does so.
"""

from __future__ import annotations

import itertools


class Snapshots:
    """The newest commit that readers see, and the older ones that some still look at."""

    def __init__(self) -> None:
        self.registered: dict[int, int] = {}
        """The sequence numbers of readers, each under its name."""
        self._readers = itertools.count()
        self._steady: set[int] = set()
        self._oldest = 0
        """What ``oldest`` said the last time, or a smaller one that was registered since."""
        self.published = 0
        """Sequence number of the newest commit that readers see. Set by the writer only."""

    def reader(self) -> int:
        """A name for a reader that no other has."""
        return next(self._readers)

    def acquire(self, reader: int) -> int:
        """Register ``reader`` at the newest commit, and return its number.

        A reader has one number at a time: a second call takes the place of the first.
        """
        sequence = self.registered[reader] = self.published
        return sequence

    def hold(self, reader: int, sequence: int) -> None:
        """Register ``reader`` at a number at which another one is registered, or at the floor."""
        self.registered[reader] = sequence
        if sequence < self._oldest:
            self._oldest = sequence

    def steady(self, reader: int) -> None:
        """The reader has done with looking for its number, which it keeps until it is released."""
        self._steady.add(reader)

    def is_steady(self, sequence: int) -> bool:
        """Whether a steady reader is at the number, so that another one may join it."""
        return any(self.registered.get(reader) == sequence for reader in list(self._steady))

    def release(self, reader: int) -> None:
        """The reader is done."""
        del self.registered[reader]
        self._steady.discard(reader)

    def oldest(self) -> int:
        """The smallest number that a reader may ask for. Only the writer may ask.

        Numbers go up, and readers that have been there long are found first: so mostly the answer
        is the same as the last time, and the first that is looked at.
        """
        numbers = self.registered.values()
        if self._oldest not in numbers:
            self._oldest = min(list(numbers), default=self.published)
        return self._oldest

    def active(self) -> tuple[int, ...]:
        """The registered numbers, ascending."""
        return tuple(sorted(set(self.registered.values())))
