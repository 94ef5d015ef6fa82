"""Has a client do transactions, and writes down their history.

Of what a transaction sees, its own changes are set apart: these must be seen as they are, which is
checked at once, and say nothing of others.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import apsw

import lsmsql
from tests.isolation.client import Client, Pairs
from tests.isolation.history import History, Item, Look, Transaction

CONFLICTS = (lsmsql.ConflictError, lsmsql.BusyError, apsw.BusyError)
"""apsw's own: what is raised at the end of a ``with connection`` comes out as it."""

Own = dict[Item, int | None]
"""What a transaction has changed itself; None for what it has deleted."""


class Tape:
    """The history of all transactions of a test. Threads may share it."""

    def __init__(self) -> None:
        self.history: History = []
        self.conflicts = 0
        self._moments = itertools.count(1)
        self._values = itertools.count(1)

    def moment(self) -> int:
        """The number of a moment: later ones are greater."""
        return next(self._moments)

    def value(self) -> int:
        """A value that has not been written yet."""
        return next(self._values)


@dataclass
class OpenScan:
    """A range that is being read: the keys from ``first`` to ``last`` are still to come."""

    table: str
    first: int
    last: int
    reverse: bool
    limit: int | None
    pairs: Pairs
    own: Own

    def advance(self, most: int | None) -> tuple[int, int, dict[int, int]]:
        """Read up to so many rows: what part of the range this was, and what was seen there."""
        seen = dict(itertools.islice(self.pairs, most))
        first, last = self.first, self.last
        whole = most is None or len(seen) < most
        if self.limit is not None:
            self.limit -= len(seen)
            whole = whole and self.limit > 0
        if not whole:
            end = list(seen)[-1] if seen else None
            if self.reverse:
                first = last + 1 if end is None else end
                self.last = first - 1
            else:
                last = first - 1 if end is None else end
                self.first = last + 1
        else:
            self.first, self.last = self.last + 1, self.last
        return first, last, seen


@dataclass
class Running:
    """A transaction that goes on."""

    record: Transaction
    own: Own = field(default_factory=dict)
    savepoints: list[Own] = field(default_factory=list)
    scans: list[OpenScan] = field(default_factory=list)
    dated: bool = False
    """Whether it is known when the snapshot was taken."""


class Recorder:
    """The verbs of a client, as far as they make sense at the moment; the others do nothing.

    A look or change outside of a transaction is one by itself ("autocommit").
    """

    def __init__(self, client: Client, tape: Tape, name: str) -> None:
        self._client = client
        self._tape = tape
        self._name = name
        self._numbers = itertools.count(1)
        self._running: Running | None = None

    # ------------------------------------------------------------------------------- beginnings

    def begin(self, kind: str) -> None:
        """Begin a transaction, if there is none."""
        if self._running is None:
            kind = kind if kind in self._client.kinds else "transaction"
            self._start(kind)
            try:
                self._client.begin(kind)
            except lsmsql.BusyError:  # another one has the writer's place
                self._give_up()

    def _start(self, kind: str) -> Running:
        name, published = f"{self._name}.{next(self._numbers)}", self._client.published()
        record = Transaction(name, kind, began=self._tape.moment(), snapshot=(published, published))
        self._running = Running(record)
        return self._running

    @contextmanager
    def _statement(self) -> Iterator[Running]:
        """A look or change, in the transaction or as one by itself."""
        running = self._running or self._start("autocommit")
        if not running.dated and self._client.late:
            published = self._client.published()
            running.record.snapshot = (published, published)
        try:
            yield running
        except CONFLICTS as error:
            assert running.record.kind == "autocommit", "only what commits can conflict"
            running.record.conflict = isinstance(error, lsmsql.ConflictError)
            self._give_up()
            return
        if not running.dated:
            running.dated = True
            low, _ = running.record.snapshot
            running.record.snapshot = (low, self._client.published())
        if running.record.kind == "autocommit":
            self._end(self._client.committed())

    # ------------------------------------------------------------------------------- ends

    def commit(self) -> None:
        """Commit, or roll back if that is a conflict."""
        running = self._running
        if running is None:
            return
        running.scans.clear()
        try:
            self._client.commit()
        except CONFLICTS as error:
            running.record.conflict = isinstance(error, lsmsql.ConflictError)
            self._client.rollback()
            self._give_up()
        else:
            self._end(self._client.committed())

    def _give_up(self) -> None:
        """What has conflicted has not been committed."""
        assert self._client.committed() is None, "a conflict, and a commit"
        self._tape.conflicts += 1
        self._end(None)

    def rollback(self) -> None:
        """Roll back."""
        if self._running is not None:
            self._running.scans.clear()
            self._client.rollback()
            self._end(self._client.committed())

    def _end(self, number: float | None) -> None:
        running = self._running
        assert running is not None
        record = running.record
        record.number = number
        record.writes = running.own
        left = set(running.own.values())
        record.replaced -= left
        record.taken_back -= left
        record.ended = self._tape.moment()
        self._tape.history.append(record)
        self._running = None

    # ------------------------------------------------------------------------------- looks

    def get(self, table: str, key: int) -> None:
        """Look up a key."""
        with self._statement() as running:
            value = self._client.get(table, key)
            _saw(running, table, key, key, {} if value is None else {key: value}, running.own)

    def scan(
        self, table: str, first: int, last: int, reverse: bool, limit: int | None, most: int | None
    ) -> None:
        """Read up to ``most`` rows of a range; ``resume`` reads on."""
        with self._statement() as running:
            pairs = self._client.scan(table, first, last, reverse, limit)
            scan = OpenScan(table, first, last, reverse, limit, pairs, dict(running.own))
            del pairs
            _advance(running, scan, most)
            if running.record.kind != "autocommit":
                running.scans.append(scan)

    def resume(self, most: int) -> None:
        """Read on in the oldest range that was not read to its end."""
        if self._running is not None and self._running.scans:
            scan = self._running.scans.pop(0)
            _advance(self._running, scan, most)
            if scan.first <= scan.last and scan.limit != 0:
                self._running.scans.append(scan)

    def count(self, table: str, first: int, last: int) -> None:
        """Count the keys of a range."""
        with self._statement() as running:
            count = self._client.count(table, first, last)
            own = {k: v for (t, k), v in running.own.items() if t == table and first <= k <= last}
            others = count - sum(value is not None for value in own.values())
            running.record.looks.append(Look(table, first, last, others, frozenset(own)))

    # ------------------------------------------------------------------------------- changes

    def put(self, table: str, key: int) -> None:
        """Set a key to a new value."""
        if self._may_write():
            with self._statement() as running:
                value = self._tape.value()
                self._client.put(table, key, value)
                _write(running, {(table, key): value})

    def put_all(self, items: tuple[Item, ...]) -> None:
        """Set many keys at once."""
        if self._may_write():
            with self._statement() as running:
                changes = {item: self._tape.value() for item in items}
                self._client.put_all(changes)
                _write(running, changes)

    def load(self, table: str, keys: tuple[int, ...]) -> None:
        """Set many keys of a table."""
        if self._may_write():
            with self._statement() as running:
                rows = {key: self._tape.value() for key in keys}
                self._client.load(table, rows)
                _write(running, {(table, key): value for key, value in rows.items()})

    def insert(self, table: str, key: int) -> None:
        """Set a key that is not there."""
        if self._may_write():
            with self._statement() as running:
                value = self._tape.value()
                new = self._client.insert(table, key, value)
                _saw_whether(running, table, key, there=not new)
                if new:
                    _write(running, {(table, key): value})

    def delete(self, table: str, key: int) -> None:
        """Delete a key."""
        if self._may_write():
            with self._statement() as running:
                there = self._client.delete(table, key)
                if there is not None:
                    _saw_whether(running, table, key, there=there)
                if there is not False:
                    _write(running, {(table, key): None})

    def update(self, table: str, first: int, last: int, odd: bool) -> None:
        """Give new values to the keys of a range whose values are odd, or even."""
        if not self._may_write():
            return
        seen: dict[int, int] = {}
        changed: Own = {}

        def decide(key: int, value: int) -> int | None:
            seen[key] = value
            if value % 2 != odd:
                return None
            changed[table, key] = new = self._tape.value()
            return new

        with self._statement() as running:
            self._client.update(table, first, last, decide)
            _saw(running, table, first, last, seen, running.own)
            _write(running, changed)

    def _may_write(self) -> bool:
        return self._running is None or self._running.record.kind != "snapshot"

    # ------------------------------------------------------------------------------- savepoints

    def savepoint(self) -> None:
        """Make a savepoint."""
        running = self._running
        if running is not None and running.record.kind != "snapshot":
            self._client.savepoint()
            running.savepoints.append(dict(running.own))

    def back(self) -> None:
        """Go back to the newest savepoint. What was read since has been read."""
        running = self._running
        if running is not None and running.savepoints:
            running.scans.clear()
            self._client.back()
            before = running.savepoints.pop()
            undone = set(running.own.values()) - set(before.values()) - {None}
            running.record.taken_back |= {value for value in undone if value is not None}
            running.own = before

    def release(self) -> None:
        """Forget the newest savepoint."""
        running = self._running
        if running is not None and running.savepoints:
            self._client.release()
            running.savepoints.pop()

    def upkeep(self, what: str) -> None:
        """Have the store flush or compact."""
        self._client.upkeep(what)

    def close(self) -> None:
        """Roll back what is open."""
        self.rollback()
        self._client.close()


def _advance(running: Running, scan: OpenScan, most: int | None) -> None:
    first, last, seen = scan.advance(most)
    if first <= last:
        _saw(running, scan.table, first, last, seen, scan.own)


def _saw(
    running: Running, table: str, first: int, last: int, seen: Mapping[int, int], own: Own
) -> None:
    """Of its own changes a transaction must see the newest, and of others those that are left."""
    ours = {k: v for (t, k), v in own.items() if t == table and first <= k <= last}
    for key, value in ours.items():
        found = seen.get(key)
        assert found == value, (
            f"{running.record.name} saw {table}/{key} = {found}, and had set it to {value}"
        )
    others = {key: value for key, value in seen.items() if key not in ours}
    assert all(first <= key <= last for key in others), f"{first} to {last} gave {sorted(others)}"
    running.record.looks.append(Look(table, first, last, others, frozenset(ours)))


def _saw_whether(running: Running, table: str, key: int, *, there: bool) -> None:
    """It has learnt whether a key is there."""
    if (table, key) in running.own:
        own = running.own[table, key]
        assert there == (own is not None), f"{running.record.name} had set {table}/{key} to {own}"
    else:
        running.record.looks.append(Look(table, key, key, int(there)))


def _write(running: Running, changes: Mapping[Item, int | None]) -> None:
    for item, value in changes.items():
        replaced = running.own.get(item)
        if replaced is not None:
            running.record.replaced.add(replaced)
        running.own[item] = value
