"""Looks at the accounts of a bank, by readers of every kind."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import apsw

import lsmsql
import vtab
from lsmsql.engine.snapshot import Snapshot
from tests.isolation.accounts import PURSE, TOTAL, purse, total

BOTH = (
    "SELECT (SELECT total(value) FROM kv WHERE key GLOB 'account:*')"
    " + (SELECT total(value) FROM account)"
)
PARTS = (
    "SELECT total(value) FROM kv WHERE key BETWEEN 'account:' AND 'account:~'",
    "SELECT value FROM account ORDER BY key DESC",
)


KINDS = (
    "snapshot",
    "kept snapshot",
    "transaction",
    "range",
    "iterator",
    "statement",
    "SQL transaction",
)


class Auditor:
    """Looks of all ``KINDS`` at a store; each raises AssertionError if a sum is wrong."""

    def __init__(self, store: lsmsql.Store, chance: random.Random) -> None:
        self._store = store
        self._chance = chance
        self._connection = apsw.Connection(":memory:")
        vtab.register(self._connection, store)
        self._begun: list[Iterator[tuple[Any, Any]]] = []
        self._kept: Snapshot | None = None

    def look(self, done: Counter[str]) -> None:
        """One look of each kind, in any order."""
        for kind in self._chance.sample(KINDS, len(KINDS)):
            getattr(self, kind.lower().replace(" ", "_"))()
            done[kind] += 1

    def range(self) -> None:
        """One look at one range, outside of any transaction."""
        _equal(purse(self._store), PURSE)

    def snapshot(self) -> None:
        with self._store.snapshot() as snapshot:
            _equal(total(snapshot), TOTAL)
            _equal(purse(snapshot), PURSE)

    def kept_snapshot(self) -> None:
        """One that has seen flushes and compactions in the meantime."""
        if self._kept is None:
            self._kept = self._store.snapshot()
        _equal(total(self._kept), TOTAL)
        if self._chance.random() < 0.05:
            self._kept.close()
            self._kept = None

    def transaction(self) -> None:
        """It reads only: so it never conflicts."""
        with self._store.transaction() as transaction:
            _equal(total(transaction), TOTAL)

    def iterator(self) -> None:
        """Begin to read the purse, and read on in one that was begun before."""
        self._begun.append(self._store.prefix("purse:", reverse=self._chance.random() < 0.5))
        if len(self._begun) > 5:
            rows = self._begun.pop(self._chance.randrange(5))
            _equal(sum(value for _, value in rows), PURSE)

    def statement(self) -> None:
        _equal(self._connection.execute(BOTH).get, TOTAL)

    def sql_transaction(self) -> None:
        run = self._connection.execute
        run("BEGIN")
        one = run(PARTS[0]).get or 0
        _equal(one + sum(value for (value,) in run(PARTS[1])), TOTAL)
        run("COMMIT")

    def __enter__(self) -> Auditor:
        return self

    def __exit__(self, *_error: object) -> None:
        self._begun.clear()
        if self._kept is not None:
            self._kept.close()
        self._connection.close()


def _equal(found: object, wanted: int) -> None:
    assert found == wanted, f"the sum is {found}, not {wanted}"


def look_at_backup(store: lsmsql.Store, path: str, done: Counter[str]) -> None:
    """Back the store up, and look at what is there."""
    store.backup(path)
    with lsmsql.open(path, "r") as copy:
        look_at_everything(copy)
    done["backup"] += 1


def look_at_everything(store: lsmsql.Store) -> None:
    """Both sums of a store that nobody is writing to."""
    _equal(total(store), TOTAL)
    _equal(purse(store), PURSE)
