"""Transactions, savepoints and statements that fail half-way do what they do to SQLite's own
tables: every statement, every error, all rows, and what another connection sees.

What differs, and why:

- A value of a wrong type with OR IGNORE, OR FAIL or OR ROLLBACK: SQLite's own tables leave the rows
  before it, and with several rows say nothing; ours refuse the statement. ``statements.bad`` draws
  none.
- A key that is no integer: SQLite says "datatype mismatch" of an INTEGER PRIMARY KEY; ours name the
  column, as of any other. See ``is_like``.
- ``changes()`` counts rows that OR IGNORE leaves out: SQLite counts its calls. See ``counts``.
- An aggregate that raises at its end: SQLite does not learn of it, and its own tables keep the
  rows. Ours do not: a test in test_transactions.py.
- A row with two mistakes, a type and a key that is there: ours tell the type, as SQLite does but
  for an INTEGER PRIMARY KEY. See ``is_like``.
- An UPDATE of ours computes all new rows before it changes the first. So of two mistakes in one
  statement another may be met first: functions that kill stand in no UPDATE that can break a
  constraint.
- A function in an UPDATE that writes to another table: SQLite may come to a row twice then, and
  call it more often. ``statements.update_and_kill`` draws none.
- Two statements at once that wait for the rows of their RETURNING to be read: one that ends before
  a later one releases its savepoint. Not tried, nor one that waits beyond its transaction.
- A cursor that is open while rows change: SQLite leaves undefined what it sees; ours sees the rows
  of its beginning, but for those that its own transaction takes back.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import islice
from typing import Any

import apsw
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

import vtab
from lsmsql.engine.errors import TypeMismatchError
from lsmsql.engine.store import open_store
from tests.vtab.killers import KilledError, Killers
from tests.vtab.statements import KEYS, NATIVE, TABLES, Statement, changes
from vtab.ddl import parse_create

OURS: dict[str, Any] = {"sync": "off", "background": False, "block_rows": 4}
NAMES = ["a", "A", "b", "c"]
names = st.sampled_from(NAMES)


@dataclass(frozen=True)
class Failure:
    """How a statement failed."""

    error: Exception


Rows = list[tuple[Any, ...]]


def is_like(ours: Rows | Failure, theirs: Rows | Failure) -> bool:
    """Whether a statement failed in both connections, and in the same way."""
    if not isinstance(ours, Failure) or not isinstance(theirs, Failure):
        return False
    mine, other = ours.error, theirs.error
    if isinstance(mine, TypeMismatchError) and str(other) == "datatype mismatch":
        return True  # of an INTEGER PRIMARY KEY: SQLite does not say which column it is
    if isinstance(mine, TypeMismatchError) and "UNIQUE" in str(other):
        return True  # of two mistakes in one row ours tell the type first
    same_code = getattr(mine, "extendedresult", 0) == getattr(other, "extendedresult", 0)
    return isinstance(mine, type(other)) and str(mine) == str(other) and same_code


def fetch(cursor: apsw.Cursor) -> Rows | Failure:
    try:
        return cursor.fetchall()
    except (apsw.Error, KilledError) as error:
        return Failure(error)


def run(connection: apsw.Connection, statement: Statement) -> Rows | Failure:
    try:
        return fetch(connection.execute(statement.sql, statement.values))
    except (apsw.Error, KilledError) as error:
        return Failure(error)


def counts(statement: Statement) -> bool:
    """Whether ``changes()`` must be right: rows that are ignored count in virtual tables."""
    return statement.sql[:6] in ("INSERT", "UPDATE", "DELETE") and " OR IGNORE" not in statement.sql


def content(connection: apsw.Connection, *, native: bool = True) -> dict[str, Any]:
    rows = {
        t: connection.execute(f"SELECT * FROM {t} ORDER BY {KEYS[t]}").fetchall() for t in TABLES
    }
    if native:
        rows |= {t: connection.execute(f"SELECT * FROM {t} ORDER BY n").fetchall() for t in NATIVE}
    return rows


class Transactions(RuleBasedStateMachine):
    """Statements run in both connections, and whatever they answer must be alike."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.theirs = apsw.Connection(":memory:")
        for name, columns in TABLES.items():
            rowid = "INTEGER PRIMARY KEY" in columns
            options = "STRICT" if rowid else "STRICT, WITHOUT ROWID"
            self.theirs.execute(f"CREATE TABLE {name}({columns}) {options}")
        for name, columns in NATIVE.items():
            self.theirs.execute(f"CREATE TABLE {name}({columns}) STRICT")
        self.theirs.execute("INSERT INTO numbers VALUES (1), (2), (3), (4), (5)")
        with open_store(self.directory.name, **OURS) as store:
            for name, columns in TABLES.items():
                if name != "kv":
                    store.define(parse_create(f"({columns})", name).schema)
        self.open()
        self.committed = content(self.theirs, native=False)

    def open(self) -> None:
        """Open the store, in two connections. SQLite's own tables are as those of the other."""
        self.store = open_store(self.directory.name, **OURS)
        self.ours, self.other = apsw.Connection(":memory:"), apsw.Connection(":memory:")
        for connection in (self.ours, self.other):
            vtab.register(connection, self.store)
        for name, columns in NATIVE.items():
            self.ours.execute(f"CREATE TABLE {name}({columns}) STRICT")
            row = f"({', '.join('?' * len(columns.split(',')))})"
            self.ours.executemany(
                f"INSERT INTO {name} VALUES {row}", self.theirs.execute(f"SELECT * FROM {name}")
            )
        self.ours.set_last_insert_rowid(self.theirs.last_insert_rowid())
        self.killers = [Killers(self.ours), Killers(self.theirs)]
        self.cursors: list[tuple[apsw.Cursor, apsw.Cursor, Rows | None]] = []
        """What ours is still to give; None for a statement that changes rows."""

    def close_cursors(self) -> None:
        for ours, theirs, _ in self.cursors:
            ours.close(True)
            theirs.close(True)
        self.cursors.clear()

    def close(self) -> None:
        self.close_cursors()
        self.ours.close(True)
        self.other.close(True)
        self.store.close()

    def teardown(self) -> None:
        self.close()
        self.theirs.close(True)
        self.directory.cleanup()

    def both(self, statement: Statement, look: bool) -> None:
        for killers in self.killers:
            killers.load(statement.calls, watch=statement.watched)
        ours, theirs = run(self.ours, statement), run(self.theirs, statement)
        assert repr(ours) == repr(theirs) or is_like(ours, theirs), (statement, ours, theirs)
        if self.theirs.is_interrupted or (self.waiting() and not self.theirs.in_transaction):
            self.close_cursors()  # until then all are interrupted, or nothing is committed
        assert self.ours.in_transaction == self.theirs.in_transaction, statement
        if counts(statement):
            assert self.ours.changes() == self.theirs.changes(), statement
        assert self.ours.last_insert_rowid() == self.theirs.last_insert_rowid(), statement
        if look or not self.ours.in_transaction:
            self.look(statement)

    def look(self, statement: Statement | None = None) -> None:
        mine, wanted = content(self.ours), content(self.theirs)
        assert mine == wanted, statement
        if not self.theirs.in_transaction:
            self.committed = content(self.theirs, native=False)
        assert content(self.other, native=False) == self.committed, statement

    @rule(statement=changes, look=st.booleans())
    def change(self, statement: Statement, look: bool) -> None:
        self.both(statement, look)

    @rule(kind=st.sampled_from(["", " DEFERRED", " IMMEDIATE", " EXCLUSIVE"]), look=st.booleans())
    def begin(self, kind: str, look: bool) -> None:
        self.both(Statement(f"BEGIN{kind}"), look)

    @rule(word=st.sampled_from(["COMMIT", "END", "ROLLBACK"]), look=st.booleans())
    def end(self, word: str, look: bool) -> None:
        self.both(Statement(word), look)

    @rule(
        word=st.sampled_from(["SAVEPOINT", "SAVEPOINT", "RELEASE", "ROLLBACK TO"]),
        name=names,
        look=st.booleans(),
    )
    def savepoint(self, word: str, name: str, look: bool) -> None:
        self.both(Statement(f"{word} {name}"), look)

    @rule(table=st.sampled_from(list(TABLES)), rows=st.integers(0, 2))
    def open_cursor(self, table: str, rows: int) -> None:
        sql = f"SELECT * FROM {table} ORDER BY {KEYS[table]}"
        whole = self.theirs.execute(sql).fetchall()
        ours, theirs = self.ours.execute(sql), self.theirs.execute(sql)
        for cursor in (ours, theirs):
            assert list(islice(cursor, rows)) == whole[:rows]
        self.cursors.append((ours, theirs, whole[rows:]))

    @precondition(lambda self: self.cursors)
    @rule(data=st.data(), read=st.booleans())
    def close_cursor(self, data: st.DataObject, read: bool) -> None:
        place = data.draw(st.integers(0, len(self.cursors) - 1))
        ours, theirs, rest = self.cursors.pop(place)
        if read and rest is not None:
            assert ours.fetchall() == rest
        elif read:
            mine, other = fetch(ours), fetch(theirs)
            assert repr(mine) == repr(other) or is_like(mine, other)
        ours.close(True)
        theirs.close(True)

    def waiting(self) -> bool:
        """Whether there is a statement that changes rows among those that have not ended."""
        return any(rest is None for _, _, rest in self.cursors)

    @precondition(lambda self: self.theirs.in_transaction and not self.waiting())
    @rule()
    def open_returning(self) -> None:
        """A statement that has made its changes, but will not end before its rows are read."""
        sql = "INSERT INTO log(v) VALUES (1), (2), (3) RETURNING v"
        ours, theirs = self.ours.execute(sql), self.theirs.execute(sql)
        assert next(ours) == next(theirs) == (1,)
        self.cursors.append((ours, theirs, None))

    @precondition(lambda self: not self.theirs.in_transaction)
    @rule()
    def reopen(self) -> None:
        self.close()
        self.open()
        self.look()

    @rule(layout=st.sampled_from(["flush", "compact"]))
    def lay_out(self, layout: str) -> None:
        self.store.flush()
        if layout == "compact":
            self.store.compact()


Transactions.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
)
TestTransactions = Transactions.TestCase
