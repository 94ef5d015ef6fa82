"""Transactions side by side, written once for both ways into a store.

A *step* is one thing said twice, as SQL and as calls of the Python API. A *session* is a
transaction that takes steps: a ``Transaction``, or BEGIN in an SQL connection of its own. A *world*
is the store with the sessions in it; it keeps what those that have committed did and saw.

    a, b = world.begin(), world.begin()
    a.sees(look, {1: 10, 2: 20})        takes the step; it gives what it would give of these rows
    a.put(1, 11)
    a.commits()                         must succeed
    b.conflicts()                       must be refused; is rolled back, and can be done again

Whether that was serializable is asked of a model: the steps of the committed transactions are done
one transaction after the other, in every order. In one of these orders at least all of them must
see what they saw, and leave behind what is in the store (view serializability).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, ClassVar

import apsw
import pytest

import lsmsql
import vtab

Rows = list[tuple[Any, ...]]
Content = dict[str, dict[int, tuple[Any, ...]]]
"""By table and key, rows without their key."""

COLUMNS = {
    "kv": ("key", "value"),
    "own": ("key", "value"),
    "names": ("key", "name"),
    "control": ("key", "batch"),
    "receipts": ("key", "batch", "amount"),
}
"""The tables; all keys are integers."""

NAMES = {1: ("few",), 2: ("few",), 3: ("many",), 4: ("many",)}

# ------------------------------------------------------------------------------------- the model


class ModelTable:
    """As much of a ``Table`` as steps make use of, in a dict."""

    def __init__(self, columns: tuple[str, ...], rows: Mapping[int, tuple[Any, ...]]) -> None:
        self._columns = columns
        self.rows = dict(rows)

    def get(self, key: int) -> dict[str, Any] | None:
        return self._row(key) if key in self.rows else None

    def _row(self, key: int) -> dict[str, Any]:
        return dict(zip(self._columns, (key, *self.rows[key]), strict=True))

    def __contains__(self, key: int) -> bool:
        return key in self.rows

    def __len__(self) -> int:
        return len(self.rows)

    def range(
        self,
        start: int | None = None,
        stop: int | None = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        within = [
            key
            for key in sorted(self.rows, reverse=reverse)
            if (start is None or key >= start) and (stop is None or key < stop)
        ]
        return iter([self._row(key) for key in within[:limit]])

    def put(self, row: tuple[Any, ...]) -> None:
        self.rows[row[0]] = row[1:]

    def delete(self, key: int) -> None:
        self.rows.pop(key, None)


class Model:
    """All tables as dicts."""

    def __init__(self, content: Content) -> None:
        self.tables = {
            name: ModelTable(columns, content.get(name, {})) for name, columns in COLUMNS.items()
        }

    def table(self, name: str) -> ModelTable:
        return self.tables[name]

    def get(self, key: int) -> Any:
        return self.tables["kv"].rows.get(key, (None,))[0]

    def content(self) -> Content:
        return {name: table.rows for name, table in self.tables.items()}


# ----------------------------------------------------------------------------------------- steps


@dataclass(frozen=True)
class Step:
    """The same in SQL and in Python, where it is given a transaction, or a model."""

    sql: str
    python: Callable[[Any], Rows]

    @property
    def writes(self) -> bool:
        return not self.sql.startswith("SELECT")


def put(table: str, key: int, *values: Any) -> Step:
    """Write a row unread."""
    row = (key, *values)
    listed = ", ".join(map(repr, row))

    def do(tables: Any) -> Rows:
        tables.table(table).put(row)
        return []

    return Step(f"INSERT OR REPLACE INTO {table} VALUES ({listed})", do)


def change(table: str, key: int, value: int) -> Step:
    """Write a row if it is there."""

    def do(tables: Any) -> Rows:
        if key in tables.table(table):
            tables.table(table).put((key, value))
        return []

    return Step(f"UPDATE {table} SET value = {value} WHERE key = {key}", do)


def raise_all(table: str, by: int) -> Step:
    """Add to all values."""

    def do(tables: Any) -> Rows:
        for row in list(tables.table(table).range()):
            tables.table(table).put((row["key"], row["value"] + by))
        return []

    return Step(f"UPDATE {table} SET value = value + {by}", do)


def remove_value(table: str, value: int) -> Step:
    """Delete the rows with a value."""

    def do(tables: Any) -> Rows:
        for row in list(tables.table(table).range()):
            if row["value"] == value:
                tables.table(table).delete(row["key"])
        return []

    return Step(f"DELETE FROM {table} WHERE value = {value}", do)


# -------------------------------------------------------------------------------------- sessions


class Session(ABC):
    """A transaction that has begun, and sees the store as it was then."""

    conflict: ClassVar[type[Exception]]
    """What its commit raises if it would not be serializable."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.steps: list[tuple[Step, Rows]] = []
        self.begin()

    @abstractmethod
    def begin(self) -> None:
        """Begin, and see the store as it is now from then on."""

    @abstractmethod
    def run(self, step: Step) -> Rows:
        """Take a step."""

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def rollback(self) -> None:
        """Does nothing if the transaction is over."""

    def do(self, step: Step) -> Rows:
        """Take a step, and remember what it gave."""
        rows = self.run(step)
        self.steps.append((step, rows))
        self.world.upkeep()
        return rows

    def sees(self, look: Step, *rows: Mapping[int, int]) -> None:
        """``look`` gives what it gives of ``rows`` of the table that the script is about."""
        content = {key: (value,) for of in rows for key, value in of.items()}
        model = Model({self.world.table: content, "names": NAMES})
        assert self.do(look) == look.python(model), look.sql

    def put(self, key: int, value: int) -> None:
        self.do(put(self.world.table, key, value))

    def commits(self) -> None:
        """Commit, which is one commit of the store at most, and none if it has only read."""
        before = self.world.store.sequence
        self.commit()
        commits = self.world.store.sequence - before
        assert commits <= any(step.writes for step, _ in self.steps)
        self.world.committed.append(self)
        self.world.upkeep()

    def conflicts(self) -> None:
        """The commit is refused and changes nothing. With nothing validated it succeeds."""
        if not self.world.validated:
            self.commits()
            return
        before, content = self.world.store.sequence, self.world.content()
        with pytest.raises(self.conflict, match="roll back and try again"):
            self.commit()
        self.refused()
        self.rollback()
        assert self.world.store.sequence == before and self.world.content() == content
        self.again()

    @abstractmethod
    def refused(self) -> None:
        """The commit has been refused just now: check what has become of the transaction."""

    def again(self) -> None:
        """The same once more, in a new transaction, which nobody disturbs."""
        retry = type(self)(self.world, self.number)
        for step, _ in self.steps:
            retry.do(step)
        retry.commits()


class PythonSession(Session):
    """``store.transaction()``."""

    conflict = lsmsql.ConflictError

    def begin(self) -> None:
        self._transaction = self.world.store.transaction()

    def run(self, step: Step) -> Rows:
        return step.python(self._transaction)

    def commit(self) -> None:
        self._transaction.commit()

    def rollback(self) -> None:
        self._transaction.rollback()

    def refused(self) -> None:
        with pytest.raises(lsmsql.ClosedError, match="rolled back; begin another"):
            self._transaction.commit()


class SqlSession(Session):
    """BEGIN in a connection of its own. It looks at an empty table, which takes the snapshot."""

    conflict = apsw.BusyError

    def begin(self) -> None:
        self._connection = self.world.connection(self.number)
        self._connection.execute("BEGIN")
        assert self._connection.execute("SELECT count(*) FROM empty").get == 0

    def run(self, step: Step) -> Rows:
        return self._connection.execute(step.sql).fetchall()

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def refused(self) -> None:
        assert self._connection.in_transaction
        with pytest.raises(self.conflict):  # it stays as it is
            self._connection.execute("COMMIT")


KINDS: dict[str, tuple[type[Session], ...]] = {
    "python": (PythonSession,),
    "sql": (SqlSession,),
    "python and sql": (PythonSession, SqlSession),
    "sql and python": (SqlSession, PythonSession),
}
"""Of which kind the first, second, third session is; in turns."""

# ----------------------------------------------------------------------------------------- world


@dataclass
class World:
    """A store, and the transactions in it. ``table`` is the one that the script is about."""

    store: lsmsql.Store
    kinds: tuple[type[Session], ...] = (PythonSession,)
    table: str = "kv"
    upkeep: Callable[[], object] = lambda: None
    """Called after every step."""
    validated: bool = True
    sessions: list[Session] = field(default_factory=list)
    committed: list[Session] = field(default_factory=list)
    initial: Content = field(default_factory=dict)
    _connections: dict[int, apsw.Connection] = field(default_factory=dict)

    def fill(self, content: Content) -> None:
        """Make ``content`` all that there is, beside the names."""
        known = {table.name for table in self.store.tables()}
        for name in ("empty", *COLUMNS):
            if name not in known:
                columns = COLUMNS.get(name, ("key",))
                types = {c: "TEXT" if c == "name" else "INTEGER" for c in columns}
                self.store.create_table(name, types, "key")
        self.initial = {name: {} for name in COLUMNS} | {"names": NAMES} | content
        with self.store.transaction() as t:
            for name, rows in self.initial.items():
                for key in list(t.table(name)):
                    t.table(name).delete(key)
                t.table(name).update([(key, *row) for key, row in rows.items()])

    def begin(self) -> Session:
        """A transaction, of the kind whose turn it is."""
        number = len(self.sessions)
        session = self.kinds[number % len(self.kinds)](self, number)
        self.sessions.append(session)
        return session

    def connection(self, number: int) -> apsw.Connection:
        """The connection of that number, with the tables of the store."""
        if number not in self._connections:
            made = self._connections[number] = apsw.Connection(":memory:")
            vtab.register(made, self.store)
        return self._connections[number]

    def close(self) -> None:
        """End what is still going on."""
        for session in self.sessions:
            session.rollback()
        for connection in self._connections.values():
            connection.close()

    def content(self) -> Content:
        """What is in the store."""
        content: dict[str, dict[Any, tuple[Any, ...]]] = {}
        for name in COLUMNS:
            rows = map(tuple, map(dict.values, self.store.table(name).range()))
            content[name] = {row[0]: row[1:] for row in rows}
        return content

    def rows(self) -> dict[int, Any]:
        """The values by their keys in the table that the script is about."""
        return {key: value for key, (value,) in self.content()[self.table].items()}

    def serial_orders(self) -> list[tuple[int, ...]]:
        """The orders in which the committed transactions, one after the other, do the same.

        Each by the places of the transactions in the order of their commits.
        """
        content, orders = self.content(), []
        for order in permutations(range(len(self.committed))):
            model = Model(self.initial)
            steps = (step for place in order for step in self.committed[place].steps)
            alike = all(step.python(model) == rows for step, rows in steps)
            if alike and model.content() == content:
                orders.append(order)
        return orders
