"""Transactions in Python."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import lsmsql
from lsmsql.engine.transaction import Transaction
from tests.isolation.client import KEYS, Decide, Pairs
from tests.isolation.history import Item, Number
from tests.isolation.numbers import CommitNumbers

_HALF = len(KEYS) // 2
PREFIXES = ("a", "b")


def name_of(key: int) -> str:
    """The key in ``kv``: those of the first half have one prefix, the others another one."""
    return f"{PREFIXES[key // _HALF]}{key}"


def key_of(name: Any) -> int:
    """The number of a key in ``kv``."""
    return int(name[1:])


def named(table: str, key: int) -> str | int:
    """A key as it is in a table."""
    return name_of(key) if table == "kv" else key


class StoreClient:
    """By the verbs of a store, of its snapshots and of its transactions."""

    kinds: tuple[str, ...] = ("transaction", "immediate", "snapshot")
    late = False

    def __init__(self, store: lsmsql.Store, numbers: CommitNumbers) -> None:
        self._store = store
        self._numbers = numbers
        self._place: Any = store
        """What reads and changes are made in."""
        self._savepoints: list[Any] = []

    def begin(self, kind: str) -> None:
        self._savepoints = []
        if kind == "snapshot":
            self._place = self._store.snapshot()
        else:
            self._place = self._store.transaction(immediate=kind == "immediate")

    @property
    def _alone(self) -> bool:
        """Whether each call is a transaction by itself."""
        return self._place is self._store

    def _transaction(self) -> Any:
        """That which is open, or one for a ``with`` block."""
        return self._store.transaction() if self._alone else nullcontext(self._place)

    # ------------------------------------------------------------------------------- looks

    def get(self, table: str, key: int) -> int | None:
        found = _rows(self._place, table).get(named(table, key))
        value: int | None = found["value"] if isinstance(found, dict) else found
        return value

    def scan(self, table: str, first: int, last: int, reverse: bool, limit: int | None) -> Pairs:
        return _scan(self._place, table, first, last, reverse=reverse, limit=limit)

    def count(self, table: str, first: int, last: int) -> int:
        if (first, last) == (KEYS[0], KEYS[-1]):
            return len(_rows(self._place, table))
        return sum(1 for _ in _scan(self._place, table, first, last))

    # ------------------------------------------------------------------------------- changes

    def put(self, table: str, key: int, value: int) -> None:
        _put(self._place, table, key, value)

    def put_all(self, changes: Mapping[Item, int]) -> None:
        with self._store.batch() if self._alone else nullcontext(self._place) as place:
            for (table, key), value in changes.items():
                _put(place, table, key, value)

    def load(self, table: str, rows: Mapping[int, int]) -> None:
        place = _rows(self._place, table)
        entries = [(named(table, key), value) for key, value in rows.items()]
        if self._alone:
            place.ingest(entries)
        else:
            place.update(entries)

    def insert(self, table: str, key: int, value: int) -> bool:
        with self._transaction() as place:
            new = named(table, key) not in _rows(place, table)
            if new:
                _put(place, table, key, value)
        return new

    def delete(self, table: str, key: int) -> bool | None:
        _rows(self._place, table).delete(named(table, key))
        return None

    def update(self, table: str, first: int, last: int, decide: Decide) -> None:
        with self._transaction() as place:
            for key, value in _scan(place, table, first, last):
                new = decide(key, value)
                if new is not None:
                    _put(place, table, key, new)

    # ------------------------------------------------------------------------------- ends

    def savepoint(self) -> None:
        self._savepoints.append(self._place.savepoint())

    def back(self) -> None:
        savepoint = self._savepoints.pop()
        savepoint.rollback()
        savepoint.release()

    def release(self) -> None:
        self._savepoints.pop().release()

    def commit(self) -> None:
        place = self._place
        if isinstance(place, Transaction):
            place.commit()
        else:
            place.close()
        self._place = self._store

    def rollback(self) -> None:
        place, self._place = self._place, self._store
        if isinstance(place, Transaction):
            place.rollback()
        elif place is not self._store:
            place.close()

    def published(self) -> Number:
        return self._numbers.published

    def committed(self) -> Number | None:
        return self._numbers.take()

    def upkeep(self, what: str) -> None:
        getattr(self._store, what)()

    def close(self) -> None:
        self.rollback()


def _rows(place: Any, table: str) -> Any:
    """The table, in a store, a snapshot, a transaction or a batch."""
    return place if table == "kv" else place.table(table)


def _put(place: Any, table: str, key: int, value: int) -> None:
    if table == "kv":
        place[name_of(key)] = value
    else:
        place.table(table).put({"key": key, "value": value})


def _scan(place: Any, table: str, first: int, last: int, **how: Any) -> Pairs:
    if table != "kv":
        rows = place.table(table).range(first, last + 1, **how)
        return ((row["key"], row["value"]) for row in rows)
    if (first, last) in ((0, _HALF - 1), (_HALF, KEYS[-1])):
        found = place.prefix(PREFIXES[first // _HALF], **how)
    else:
        found = place.range(name_of(first), name_of(last) + "\0", **how)
    return ((key_of(name), value) for name, value in found)
