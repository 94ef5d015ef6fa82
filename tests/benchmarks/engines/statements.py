"""The statements for the table kv, and transactions made of them."""

from __future__ import annotations

import itertools
import random
import time
from typing import Any

import apsw

from tests.benchmarks.data import Pair
from tests.benchmarks.engines.base import Work

PUT = "INSERT OR REPLACE INTO kv VALUES (?, ?)"
GET = "SELECT value FROM kv WHERE key = ?"
RANGE = "SELECT key, value FROM kv WHERE key >= ? ORDER BY key LIMIT ?"
DELETE = "DELETE FROM kv WHERE key = ?"

FIRST_PAUSE, LONGEST_PAUSE = 0.0005, 0.05
"""Seconds before the first retry, at most, and before any: as ``Store.run`` does."""


class SqlTransactor:
    """Transactions of a connection, each begun by the statement ``begin``."""

    def __init__(self, connection: apsw.Connection, begin: str) -> None:
        self._connection = connection
        self._execute = connection.cursor().execute
        self._begin = begin

    def __call__(self, work: Work) -> int:
        """Do ``work``, again after each conflict. Returns how often it was begun."""
        for attempt in itertools.count(1):
            try:
                self._execute(self._begin)
                work(self.get, self.put, self.range)
                self._execute("COMMIT")
                return attempt
            except apsw.BusyError:
                if self._connection.in_transaction:
                    self._execute("ROLLBACK")
            pause = min(FIRST_PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE)
            time.sleep(random.uniform(0, pause))
        raise AssertionError("it has returned")

    def get(self, key: bytes) -> bytes | None:
        """The value of a key."""
        rows: Any = self._execute(GET, (key,)).fetchall()
        return rows[0][0] if rows else None

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key."""
        self._execute(PUT, (key, value))

    def range(self, start: bytes, limit: int) -> list[Pair]:
        """Up to ``limit`` pairs from the key ``start`` on."""
        pairs: Any = self._execute(RANGE, (start, limit)).fetchall()
        return pairs  # type: ignore[no-any-return]
