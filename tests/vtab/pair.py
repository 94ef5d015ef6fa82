"""A table of ours beside a table of SQLite's own, in two connections that are asked the same."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import apsw

import vtab
from lsmsql.engine.store import Store, open_store

Outcome = list[tuple[Any, ...]] | str


class Pair:
    """Runs statements in both connections. ``layout`` says where the rows of a query lie."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ours = apsw.Connection(":memory:")
        self.theirs = apsw.Connection(":memory:")
        self.binding = vtab.register(self.ours, store)

    def create(self, name: str, columns: str) -> None:
        self.ours.execute(f"CREATE VIRTUAL TABLE temp.{name} USING lsm({columns})")
        rowid = "INTEGER PRIMARY KEY" in columns
        options = "STRICT" if rowid else "STRICT, WITHOUT ROWID"
        self.theirs.execute(f"CREATE TABLE {name}({columns}) {options}")

    def drop(self, name: str) -> None:
        for connection in (self.ours, self.theirs):
            connection.execute(f"DROP TABLE {name}")

    def both(self, sql: str, values: Sequence[Any] = ()) -> tuple[Outcome, Outcome]:
        return run(self.ours, sql, values), run(self.theirs, sql, values)

    def check(self, sql: str, values: Sequence[Any] = (), *, ordered: bool = False) -> Outcome:
        """Assert that both give the same rows, of the same types, or the same error."""
        ours, theirs = self.both(sql, values)
        if not ordered and isinstance(ours, list) and isinstance(theirs, list):
            ours, theirs = sorted(ours, key=repr), sorted(theirs, key=repr)
        assert repr(ours) == repr(theirs), (sql, values)
        return ours

    def lay_out(self, layout: str) -> None:
        if layout in ("flushed", "compacted"):
            self.store.flush()
        if layout == "compacted":
            self.store.compact()


def run(connection: apsw.Connection, sql: str, values: Sequence[Any] = ()) -> Outcome:
    """The rows of a statement, or the message of the error."""
    try:
        return connection.execute(sql, values).fetchall()
    except apsw.Error as error:
        return f"error: {error}"


@contextmanager
def new_pair(**settings: Any) -> Iterator[Pair]:
    """A pair on a store of its own, with blocks of few rows."""
    settings = {"sync": "off", "background": False, "block_rows": 4, **settings}
    with tempfile.TemporaryDirectory() as path, open_store(path, **settings) as store:
        pair = Pair(store)
        yield pair
        pair.ours.close()
        pair.theirs.close()


def explain(connection: apsw.Connection, sql: str, values: Sequence[Any] = ()) -> list[str]:
    """The lines of EXPLAIN QUERY PLAN, made readable."""
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
    return [vtab.readable(str(detail)) for _, _, _, detail in rows]
