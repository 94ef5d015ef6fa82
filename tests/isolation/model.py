"""Transactions on a model of a store that is easily seen to do what it says: versions in lists.

serializable      reads one snapshot; commits if nothing of what it has seen has been changed
snapshot          reads one snapshot; commits if nobody has changed what it changes
read committed    reads what is newest; commits always
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import lsmsql
from tests.isolation.client import Decide, Pairs
from tests.isolation.history import Item, Number

LEVELS = ("serializable", "snapshot", "read committed")

Rows = dict[Item, int | None]
"""Changes, or contents; None for what is not there."""


class Model:
    """All versions of all items, with the numbers of the commits that made them."""

    def __init__(self) -> None:
        self.versions: dict[Item, list[tuple[Number, int | None]]] = {}
        self.newest = 0

    def find(self, item: Item, number: Number) -> int | None:
        """The value as of a commit."""
        known = self.versions.get(item, [])
        return next((value for at, value in reversed(known) if at <= number), None)

    def changed(self, item: Item, since: Number) -> bool:
        """Whether an item has been changed after a commit."""
        known = self.versions.get(item, [])
        return bool(known) and known[-1][0] > since

    def commit(self, changes: Rows) -> int:
        """Make a version of each, and return the number of the commit."""
        self.newest += 1
        for item, value in changes.items():
            self.versions.setdefault(item, []).append((self.newest, value))
        return self.newest


class ModelClient:
    """Transactions of one level."""

    kinds: tuple[str, ...] = ("transaction",)
    late = False

    def __init__(self, model: Model, level: str) -> None:
        self._model = model
        self._level = level
        self._open = False
        self._seen: set[Item] = set()
        self._own: Rows = {}
        self._savepoints: list[Rows] = []
        self._snapshot: Number = 0
        self._committed: Number | None = None

    def begin(self, kind: str) -> None:
        self._open = True
        self._seen, self._own, self._savepoints = set(), {}, []
        self._snapshot = math.inf if self._level == "read committed" else self._model.newest

    def get(self, table: str, key: int) -> int | None:
        return self._find((table, key), self._own)

    def _find(self, item: Item, own: Rows) -> int | None:
        if item in own:
            return own[item]
        self._seen.add(item)
        return self._model.find(item, self._snapshot if self._open else math.inf)

    def scan(self, table: str, first: int, last: int, reverse: bool, limit: int | None) -> Pairs:
        keys = range(first, last + 1)
        own = dict(self._own)
        values = ((key, self._find((table, key), own)) for key in (keys[::-1] if reverse else keys))
        there = ((key, value) for key, value in values if value is not None)
        return itertools.islice(there, limit)

    def count(self, table: str, first: int, last: int) -> int:
        return len(list(self.scan(table, first, last, False, None)))

    def put(self, table: str, key: int, value: int) -> None:
        self.put_all({(table, key): value})

    def put_all(self, changes: Mapping[Item, int]) -> None:
        self._alone(lambda: self._own.update(changes))

    def load(self, table: str, rows: Mapping[int, int]) -> None:
        self.put_all({(table, key): value for key, value in rows.items()})

    def insert(self, table: str, key: int, value: int) -> bool:
        new = self.get(table, key) is None
        if new:
            self.put(table, key, value)
        return new

    def delete(self, table: str, key: int) -> bool | None:
        self._alone(lambda: self._own.update({(table, key): None}))
        return None

    def update(self, table: str, first: int, last: int, decide: Decide) -> None:
        def change() -> None:
            for key, value in list(self.scan(table, first, last, False, None)):
                new = decide(key, value)
                if new is not None:
                    self.put(table, key, new)

        self._alone(change)

    def _alone(self, work: Callable[[], Any]) -> None:
        """Do it in the transaction, or in one of its own."""
        if self._open:
            work()
            return
        self.begin("transaction")
        work()
        self.commit()

    def savepoint(self) -> None:
        self._savepoints.append(dict(self._own))

    def back(self) -> None:
        self._own = self._savepoints.pop()

    def release(self) -> None:
        self._savepoints.pop()

    def commit(self) -> None:
        watched = {"serializable": self._seen, "snapshot": set(self._own)}.get(self._level, set())
        changed = [item for item in watched if self._model.changed(item, self._snapshot)]
        if self._own and changed:
            raise lsmsql.ConflictError(f"{changed} have been changed")
        self._committed = self._model.commit(self._own) if self._own else None
        self._open, self._own = False, {}

    def rollback(self) -> None:
        self._open, self._own = False, {}

    def published(self) -> Number:
        return self._model.newest

    def committed(self) -> Number | None:
        number, self._committed = self._committed, None
        return number

    def upkeep(self, what: str) -> None:
        """There is nothing to keep up."""

    def close(self) -> None:
        self.rollback()
