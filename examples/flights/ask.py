"""Asking a query: its rows, its plan and its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import apsw

import vtab
from examples.flights.queries import Query
from lsmsql.engine.store import Store
from lsmsql.engine.values import Value
from vtab.explain import readable


@dataclass(frozen=True)
class Answer:
    """Names of the columns, rows, and seconds until the last row was there."""

    columns: tuple[str, ...]
    rows: list[tuple[Value, ...]]
    seconds: float


@dataclass(frozen=True)
class Step:
    """One line of a query plan. ``depth`` is 0 for a step of the query itself."""

    depth: int
    detail: str


@contextmanager
def connect(store: Store) -> Iterator[apsw.Connection]:
    """An SQLite connection, in memory, in which the tables of ``store`` can be queried."""
    with closing(apsw.Connection(":memory:")) as connection:
        vtab.register(connection, store)
        yield connection


def ask(connection: apsw.Connection, query: Query) -> Answer:
    """Run a query to its end."""
    began = time.perf_counter()
    cursor = connection.cursor()
    columns: list[str] = []
    cursor.exec_trace = lambda cursor, sql, bindings: _remember(cursor, columns)
    rows = cursor.execute(query.sql).fetchall()
    return Answer(tuple(columns), rows, time.perf_counter() - began)


def _remember(cursor: apsw.Cursor, columns: list[str]) -> bool:
    """Note the names of the columns while the cursor knows them: it forgets them at the end."""
    columns += [name for name, _ in cursor.get_description()]
    return True


def explain(connection: apsw.Connection, query: Query) -> list[Step]:
    """The query plan, in SQLite's order."""
    depths = {0: -1}
    steps = []
    for number, parent, _, detail in connection.execute(f"EXPLAIN QUERY PLAN {query.sql}"):
        depths[number] = depths[parent] + 1
        steps.append(Step(depths[number], readable(detail)))
    return steps
