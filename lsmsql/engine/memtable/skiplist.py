"""An unrolled skip list of byte strings.

The keys lie in sorted *runs* of up to 512, and an *express lane* above them holds the first key of
each run. A search is one ``bisect`` in the lane and one in a run, an insertion moves at most 512
pointers: in Python that beats a list with one node per key by far, since every step of a search is
made in C.

Thread safety: one writer at a time; any number of readers beside it, without a lock. A reader works
on the lane it took, and

- a run only ever gains keys, by ``list.insert``, which no reader sees half done; a reader copies a
  run first, in one step, and searches the copy, whose keys stay where they are; one that wants few
  keys searches the run and copies those, and tells by the first of them whether they have moved;
- a merge puts new runs into a new lane and leaves the old ones as they were: a reader with the old
  lane misses later insertions only, none that were made before it began.

Invariants (``check`` asserts them): the lane is as long as the list of runs; lane[i] <= every key
of run i < lane[i + 1]; keys ascend strictly; lane[0] is the empty string, which is below all keys.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence

RUN_LENGTH = 512

Lane = tuple[list[bytes], list[list[bytes]]]


class SkipList:
    """A sorted set of byte strings."""

    __slots__ = ("_lane",)

    def __init__(self) -> None:
        self._lane: Lane = ([b""], [[]])

    def __len__(self) -> int:
        return sum(map(len, self._lane[1]))

    def __contains__(self, key: bytes) -> bool:
        run = self._run_of(key)
        at = bisect_left(run, key)
        return at < len(run) and run[at] == key

    def _run_of(self, key: bytes) -> list[bytes]:
        lows, runs = self._lane
        return runs[bisect_right(lows, key) - 1]

    def remove(self, key: bytes) -> None:
        """Take out a key that is there. Not while readers are about."""
        run = self._run_of(key)
        del run[bisect_left(run, key)]

    def add_sorted(self, keys: Sequence[bytes]) -> None:
        """Insert keys, ascending and none of them there yet, in one pass over the runs.

        A key alone in a run that has room is inserted into it; runs that take several, or are full,
        are merged into new ones, and all of these come into view together.
        """
        lows, runs = self._lane
        new_lows: list[bytes] = []
        new_runs: list[list[bytes]] = []
        start, count, copied = 0, len(keys), 0
        while start < count:
            at = bisect_right(lows, keys[start]) - 1
            end = count if at + 1 == len(lows) else bisect_left(keys, lows[at + 1], start)
            run = runs[at]
            if end - start == 1 and len(run) < RUN_LENGTH:
                insort(run, keys[start])
            else:
                pieces = _merge(run, keys[start:end])
                new_lows += [*lows[copied : at + 1], *(piece[0] for piece in pieces[1:])]
                new_runs += [*runs[copied:at], *pieces]
                copied = at + 1
            start = end
        if copied:
            self._lane = ([*new_lows, *lows[copied:]], [*new_runs, *runs[copied:]])

    def slices(
        self, start: bytes | None = None, stop: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[list[bytes]]:
        """The keys in [start, stop) as non-empty ascending lists, run by run.

        ``reverse`` gives the lists from the last to the first, each still ascending. Keys that are
        added meanwhile may or may not be among them.
        """
        lows, runs = self._lane
        first = 0 if start is None else bisect_right(lows, start) - 1
        last = len(runs) if stop is None else bisect_left(lows, stop)
        numbers = range(first, last)
        for at in reversed(numbers) if reverse else numbers:
            keys = runs[at][:]
            if stop is not None and at == last - 1:
                del keys[bisect_left(keys, stop) :]
            if start is not None and at == first:
                del keys[: bisect_left(keys, start)]
            if keys:
                yield keys

    def first(self, start: bytes, stop: bytes, count: int) -> list[bytes]:
        """The first ``count`` keys in [start, stop), or all of them if they are fewer.

        Keys that are added meanwhile may or may not be among them.
        """
        lows, runs = self._lane
        at = bisect_right(lows, start) - 1
        keys = _first_from(runs[at], start, count)
        while len(keys) < count and at + 1 < len(runs) and lows[at + 1] < stop:
            at += 1
            keys += runs[at][: count - len(keys)]
        if keys and keys[-1] >= stop:
            del keys[bisect_left(keys, stop) :]
        return keys

    def check(self) -> None:
        """Assert every invariant."""
        lows, runs = self._lane
        assert len(lows) == len(runs) and lows[0] == b""
        keys = [key for run in runs for key in run]
        assert keys == sorted(set(keys))
        for at, run in enumerate(runs):
            assert len(run) <= RUN_LENGTH
            assert all(lows[at] <= key for key in run)
            assert at + 1 == len(lows) or all(key < lows[at + 1] for key in run)


def _first_from(run: list[bytes], start: bytes, count: int) -> list[bytes]:
    """The first ``count`` keys of a run that are not below ``start``, without a copy of it all."""
    while True:
        low = bisect_left(run, start)
        keys = run[low : low + count]
        if not keys or keys[0] >= start:  # or else one below them was inserted in between
            return keys


def _merge(run: list[bytes], keys: Sequence[bytes]) -> list[list[bytes]]:
    """The keys of both in runs that have room for more, or in one if they fit."""
    merged = [*run, *keys]
    merged.sort()  # of two ascending runs: a merge
    if len(merged) <= RUN_LENGTH:
        return [merged]
    step = RUN_LENGTH * 3 // 4
    return [merged[i : i + step] for i in range(0, len(merged), step)]
