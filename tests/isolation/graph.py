"""Adya's direct serialization graph of a history: which transaction must come before which.

    ww    T replaces a version that S has written
    wr    T has seen a version that S has written
    rw    S has seen a version that T replaces (an anti-dependency)
    rt    S had ended before T began (real time)

The versions of an item are in the order of the numbers that the engine gives to commits. That is no
guess: of two versions a reader is given the one with the higher number, so it is by this number
that one version replaces another. Values are unique, so a value tells which version was seen. That
a key is absent does not tell which deletion was seen. It was one of a few, by the numbers between
which the snapshot was taken; then the edges go from the oldest and to what replaced the newest of
them. They are implied by the true ones and ``ww``: so nothing is found that is not there.

A transaction that has been rolled back is in the graph with what it has seen: this must be
consistent, too.

Adya: Weak Consistency, MIT 1999, chapter 3.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tests.isolation.history import History, Item, Look, Number, Transaction


class Kind(Enum):
    """What an edge is for."""

    WW = "ww"
    WR = "wr"
    RW = "rw"
    PREDICATE_RW = "rw by predicate"
    REAL_TIME = "rt"


ANTI = frozenset({Kind.RW, Kind.PREDICATE_RW})


@dataclass(frozen=True)
class Version:
    """A value of an item, or None for its absence; the first version has no writer."""

    number: Number
    value: int | None
    writer: int | None


@dataclass(frozen=True)
class Edge:
    """``source`` must come before ``target``; both are places in the history."""

    source: int
    target: int
    kind: Kind
    reason: str


class WrongReadError(AssertionError):
    """Something was seen that no committed transaction has left behind: G1a, G1b, or worse."""


class Graph:
    """The edges of a history; ``edges[source, target]`` has at most one of each kind.

    Raises WrongReadError, and ValueError for a history that is none: values or commit numbers that
    are not unique.
    """

    def __init__(self, history: History, *, real_time: bool = True) -> None:
        self.history = history
        self.edges: dict[tuple[int, int], dict[Kind, Edge]] = defaultdict(dict)
        self.versions = _versions(history)
        self._keys: dict[str, list[int]] = defaultdict(list)
        for table, key in sorted(self.versions):
            self._keys[table].append(key)
        self._places = _places(self.versions)
        self._add_writes()
        for reader, transaction in enumerate(history):
            for look in transaction.looks:
                self._add_look(reader, look)
        if real_time:
            self._add_real_time()

    def _add(self, source: int | None, target: int | None, kind: Kind, reason: str) -> None:
        if source is not None and target is not None and source != target:
            self.edges[source, target].setdefault(kind, Edge(source, target, kind, reason))

    # ------------------------------------------------------------------------------- writes

    def _add_writes(self) -> None:
        for item, versions in self.versions.items():
            for old, new in itertools.pairwise(versions):
                reason = f"{_name(item)}: {_shown(old.value)} is replaced by {_shown(new.value)}"
                self._add(old.writer, new.writer, Kind.WW, reason)

    # ------------------------------------------------------------------------------- reads

    def _add_look(self, reader: int, look: Look) -> None:
        if isinstance(look.seen, int):
            self._check_count(reader, look, look.seen)
        else:
            for key, value in look.seen.items():
                self._check_value(reader, (look.table, key), value)
        for item in self._items(look):
            seen = self._seen(reader, look, item)
            if seen is not None:
                self._add_reads(reader, item, *seen, by_key=look.by_key)

    def _items(self, look: Look) -> Iterator[Item]:
        """The items that somebody has written and that were looked at."""
        keys = self._keys[look.table]
        within = keys[bisect_left(keys, look.first) : bisect_right(keys, look.last)]
        return ((look.table, key) for key in within if key not in look.own)

    def _seen(self, reader: int, look: Look, item: Item) -> tuple[int, int] | None:
        """The oldest and the newest of the versions one of which was seen, by their places.

        None for what the reader has written itself.
        """
        if isinstance(look.seen, int):
            return self._visible(item, self.history[reader].snapshot)
        value = look.seen.get(item[1])
        if value is None:
            return self._absent(item, self.history[reader].snapshot)
        place = self._places[item, value]
        return None if self.versions[item][place].writer == reader else (place, place)

    def _visible(self, item: Item, snapshot: tuple[Number, Number]) -> tuple[int, int]:
        """The versions that there are between two commits."""
        versions = self.versions[item]
        oldest, newest = (bisect_right(versions, n, key=_number) - 1 for n in snapshot)
        return oldest, newest

    def _absent(self, item: Item, snapshot: tuple[Number, Number]) -> tuple[int, int]:
        """The deletions that there are then; or, as there must be one, the last before."""
        versions = self.versions[item]
        oldest, newest = self._visible(item, snapshot)
        dead = [p for p in range(oldest, newest + 1) if versions[p].value is None]
        if not dead:
            dead = [next(p for p in range(oldest, -1, -1) if versions[p].value is None)]
        return dead[0], dead[-1]

    def _add_reads(
        self, reader: int, item: Item, oldest: int, newest: int, *, by_key: bool
    ) -> None:
        versions, name = self.versions[item], _name(item)
        seen = versions[oldest]
        self._add(seen.writer, reader, Kind.WR, f"{name}: {_shown(seen.value)} is seen")
        if newest + 1 < len(versions):
            old, new = versions[newest], versions[newest + 1]
            reason = f"{name}: {_shown(old.value)} is seen, not {_shown(new.value)}"
            self._add(reader, new.writer, Kind.RW if by_key else Kind.PREDICATE_RW, reason)

    def _check_value(self, reader: int, item: Item, value: int) -> None:
        if (item, value) in self._places:
            return
        what = f"{self.history[reader]} saw {_name(item)} = {value}, which"
        for transaction in self.history:
            if value in transaction.replaced and transaction.number is not None:
                raise WrongReadError(f"G1b: {what} {transaction} has replaced before it committed")
            if value in transaction.taken_back:
                raise WrongReadError(f"G1a: {what} {transaction} has taken back")
            if value in _attempted(transaction):
                raise WrongReadError(f"G1a: {what} {transaction} wrote, and was rolled back")
        raise WrongReadError(f"{what} nobody has written")

    def _check_count(self, reader: int, look: Look, count: int) -> None:
        """That so many keys were there at one of the commits of which it may have been."""
        low, high = self.history[reader].snapshot
        items = list(self._items(look))
        numbers = {v.number for item in items for v in self.versions[item] if low < v.number}
        possible = {self._count(items, n) for n in (low, *(n for n in numbers if n <= high))}
        if count not in possible:
            raise WrongReadError(
                f"{self.history[reader]} counted {count} keys from {look.first} to {look.last} in"
                f" {look.table}, where there were {' or '.join(map(str, sorted(possible)))}"
            )

    def _count(self, items: list[Item], number: Number) -> int:
        visible = (self._visible(item, (number, number))[0] for item in items)
        pairs = zip(items, visible, strict=True)
        return sum(self.versions[item][place].value is not None for item, place in pairs)

    # ------------------------------------------------------------------------------- real time

    def _add_real_time(self) -> None:
        """Edges from those that had ended to each that begins, without the ones these imply."""
        events = [(t.began, True, n) for n, t in enumerate(self.history)]
        events += [(t.ended, False, n) for n, t in enumerate(self.history)]
        newest: set[int] = set()
        for _, begins, number in sorted(events):
            if begins:
                for earlier in newest:
                    self._add(earlier, number, Kind.REAL_TIME, "ended before it began")
            else:
                began = self.history[number].began
                newest = {n for n in newest if self.history[n].ended >= began} | {number}


def _versions(history: History) -> dict[Item, list[Version]]:
    """All versions of each item, in their order; at first it is absent."""
    versions: dict[Item, list[Version]] = {}
    numbers = [t.number for t in history if t.number is not None]
    if len(set(numbers)) != len(numbers):
        raise ValueError("two commits have one number")
    for writer, transaction in enumerate(history):
        if transaction.number is not None:
            for item, value in transaction.writes.items():
                first = [Version(0, None, None)]
                version = Version(transaction.number, value, writer)
                versions.setdefault(item, first).append(version)
    for of_item in versions.values():
        of_item.sort(key=_number)
    return versions


def _places(versions: dict[Item, list[Version]]) -> dict[tuple[Item, int], int]:
    """Where among the versions of its item a value is."""
    places: dict[tuple[Item, int], int] = {}
    for item, of_item in versions.items():
        for place, version in enumerate(of_item):
            if version.value is None:
                continue
            if (item, version.value) in places:
                raise ValueError(f"{version.value} was written twice to {_name(item)}")
            places[item, version.value] = place
    return places


def _attempted(transaction: Transaction) -> set[int]:
    """All values that a transaction has ever written."""
    left = {value for value in transaction.writes.values() if value is not None}
    return left | transaction.replaced | transaction.taken_back


def _number(version: Version) -> Number:
    return version.number


def _name(item: Item) -> str:
    return f"{item[0]}/{item[1]}"


def _shown(value: int | None) -> str:
    return "absence" if value is None else str(value)
