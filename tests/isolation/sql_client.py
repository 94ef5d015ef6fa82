"""Transactions in SQL, through a connection of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import apsw

import lsmsql
import vtab
from tests.isolation.client import Decide, Pairs
from tests.isolation.history import Item, Number
from tests.isolation.numbers import CommitNumbers
from tests.isolation.store_client import key_of, named


def _key(name: Any) -> int:
    return key_of(name) if isinstance(name, str) else int(name)


class SqlClient:
    """By statements. To be used by the thread that makes it."""

    kinds: tuple[str, ...] = ("transaction", "immediate")
    late = True

    def __init__(self, store: lsmsql.Store, numbers: CommitNumbers) -> None:
        self._store = store
        self._numbers = numbers
        self._connection = apsw.Connection(":memory:")
        self._new: dict[int, int | None] = {}
        self._decide: Decide = lambda key, value: None
        vtab.register(self._connection, store)
        self._connection.create_scalar_function("chosen", self._chosen, 2)
        self._connection.create_scalar_function("renewed", self._renewed, 1)

    def _chosen(self, *row: Any) -> bool:
        """Whether UPDATE is to change this row."""
        name, value = row
        key = _key(name)
        if key not in self._new:
            self._new[key] = self._decide(key, value)
        return self._new[key] is not None

    def _renewed(self, *name: Any) -> int | None:
        return self._new[_key(*name)]

    def _run(self, sql: str, *values: Any) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()

    def begin(self, kind: str) -> None:
        self._run("BEGIN IMMEDIATE" if kind == "immediate" else "BEGIN")

    # ------------------------------------------------------------------------------- looks

    def get(self, table: str, key: int) -> int | None:
        found = self._run(f"SELECT value FROM {table} WHERE key = ?", named(table, key))
        return found[0][0] if found else None

    def scan(self, table: str, first: int, last: int, reverse: bool, limit: int | None) -> Pairs:
        sql = (
            f"SELECT key, value FROM {table} WHERE key BETWEEN ? AND ?"
            f" ORDER BY key {'DESC' if reverse else 'ASC'} LIMIT ?"
        )
        most = -1 if limit is None else limit
        values = named(table, first), named(table, last), most
        return _pairs(self._connection.cursor().execute(sql, values))

    def count(self, table: str, first: int, last: int) -> int:
        sql = f"SELECT count(*) FROM {table} WHERE key BETWEEN ? AND ?"
        ((count,),) = self._run(sql, named(table, first), named(table, last))
        return int(count)

    # ------------------------------------------------------------------------------- changes

    def put(self, table: str, key: int, value: int) -> None:
        self.load(table, {key: value})

    def put_all(self, changes: Mapping[Item, int]) -> None:
        by_table: dict[str, dict[int, int]] = {}
        for (table, key), value in changes.items():
            by_table.setdefault(table, {})[key] = value
        with self._connection:
            for table, rows in by_table.items():
                self.load(table, rows)

    def load(self, table: str, rows: Mapping[int, int]) -> None:
        places = ", ".join(["(?, ?)"] * len(rows))
        values = [each for key, value in rows.items() for each in (named(table, key), value)]
        self._run(f"INSERT OR REPLACE INTO {table}(key, value) VALUES {places}", *values)

    def insert(self, table: str, key: int, value: int) -> bool:
        try:
            self._run(f"INSERT INTO {table}(key, value) VALUES (?, ?)", named(table, key), value)
        except apsw.ConstraintError:
            return False
        return True

    def delete(self, table: str, key: int) -> bool | None:
        self._run(f"DELETE FROM {table} WHERE key = ?", named(table, key))
        return bool(self._connection.changes())

    def update(self, table: str, first: int, last: int, decide: Decide) -> None:
        self._decide, self._new = decide, {}
        self._run(
            f"UPDATE {table} SET value = renewed(key)"
            " WHERE key BETWEEN ? AND ? AND chosen(key, value)",
            named(table, first),
            named(table, last),
        )

    # ------------------------------------------------------------------------------- ends

    def savepoint(self) -> None:
        self._run("SAVEPOINT here")

    def back(self) -> None:
        self._run("ROLLBACK TO here")
        self.release()

    def release(self) -> None:
        self._run("RELEASE here")

    def commit(self) -> None:
        self._run("COMMIT")

    def rollback(self) -> None:
        self._run("ROLLBACK")

    def published(self) -> Number:
        return self._numbers.published

    def committed(self) -> Number | None:
        return self._numbers.take()

    def upkeep(self, what: str) -> None:
        getattr(self._store, what)()

    def close(self) -> None:
        self._connection.close()


def _pairs(rows: apsw.Cursor) -> Iterator[tuple[int, int]]:
    try:
        for name, value in rows:
            yield _key(name), int(value)
    finally:
        rows.close()
