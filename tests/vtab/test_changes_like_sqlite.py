"""Random changes, in and out of transactions, do what they do to SQLite's own tables."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.vtab.pair import Outcome, new_pair

TABLES = {
    "one": "id INTEGER PRIMARY KEY, a TEXT, b REAL NOT NULL",
    "name": "name TEXT PRIMARY KEY, a INTEGER, b ANY NOT NULL",
    "two": "x INTEGER, y ANY, a BLOB, b INTEGER NOT NULL, PRIMARY KEY (x DESC, y)",
}
COLUMNS = {"one": ("id", "a", "b"), "name": ("name", "a", "b"), "two": ("x", "y", "a", "b")}
KEYS = {"one": ("id",), "name": ("name",), "two": ("x", "y")}
tables = st.sampled_from(list(TABLES))
small = st.sampled_from([1, 2, 3, 4, 5, 2.0, "1", "3", "x"])
values = st.sampled_from([None, 1, 2, 3, 4, 5, 2.0, 2.5, "1", "3", "x", b"", b"3", 2**60])
conflicts = st.sampled_from(["", "", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ROLLBACK"])
comparisons = st.sampled_from(["=", "<", ">", ">=", "<>"])


def same_mistake(ours: Outcome, theirs: Outcome) -> bool:
    """Which of several mistakes in one statement is reported first does not matter."""
    return isinstance(ours, str) and isinstance(theirs, str) and ours[:6] == theirs[:6] == "error:"


class Changes(RuleBasedStateMachine):
    """Statements run in both connections, and whatever they answer must be alike."""

    def __init__(self) -> None:
        super().__init__()
        self.context = new_pair()
        self.pair = self.context.__enter__()
        self.savepoints: list[str] = []
        for name, columns in TABLES.items():
            self.pair.create(name, columns)

    def teardown(self) -> None:
        self.context.__exit__(None, None, None)

    def both(self, sql: str, given: Any = ()) -> None:
        ours, theirs = self.pair.both(sql, given)
        assert repr(ours) == repr(theirs) or same_mistake(ours, theirs), (sql, given)
        assert self.pair.ours.in_transaction == self.pair.theirs.in_transaction, sql
        if not self.pair.ours.in_transaction:
            self.savepoints = []

    @rule(data=st.data(), table=tables, conflict=conflicts, count=st.integers(1, 4))
    def insert(self, data: st.DataObject, table: str, conflict: str, count: int) -> None:
        width = len(COLUMNS[table])
        row = f"({', '.join('?' * width)})"
        keys = len(KEYS[table])
        given = [data.draw(small if i % width < keys else values) for i in range(count * width)]
        self.both(f"INSERT{conflict} INTO {table} VALUES {', '.join([row] * count)}", given)

    @rule(table=tables, conflict=conflicts, shift=st.integers(-2, 2))
    def insert_from_itself(self, table: str, conflict: str, shift: int) -> None:
        first, *rest = COLUMNS[table]
        source = f"SELECT {first} + {shift}, {', '.join(rest)} FROM {table} ORDER BY {first}"
        self.both(f"INSERT{conflict} INTO {table} {source}, {', '.join(rest)}")

    @rule(data=st.data(), table=tables, conflict=conflicts, op=comparisons, where=small)
    def update(
        self, data: st.DataObject, table: str, conflict: str, op: str, where: object
    ) -> None:
        column = data.draw(st.sampled_from(COLUMNS[table]))
        change = data.draw(st.sampled_from([f"{column} = ?", f"{column} = {column} + ?"]))
        given = [data.draw(values), where]
        self.both(f"UPDATE{conflict} {table} SET {change} WHERE {KEYS[table][0]} {op} ?", given)

    @rule(data=st.data(), table=tables, op=comparisons, where=values)
    def delete(self, data: st.DataObject, table: str, op: str, where: object) -> None:
        column = data.draw(st.sampled_from(COLUMNS[table]))
        self.both(f"DELETE FROM {table} WHERE {column} {op} ?", [where])

    @rule()
    def begin(self) -> None:
        self.both("BEGIN")

    @rule(word=st.sampled_from(["COMMIT", "ROLLBACK"]))
    def end(self, word: str) -> None:
        self.both(word)

    @rule()
    def savepoint(self) -> None:
        name = f"s{len(self.savepoints)}"
        self.both(f"SAVEPOINT {name}")
        self.savepoints.append(name)

    @precondition(lambda self: self.savepoints)
    @rule(data=st.data(), word=st.sampled_from(["RELEASE", "ROLLBACK TO"]))
    def end_savepoint(self, data: st.DataObject, word: str) -> None:
        place = data.draw(st.integers(0, len(self.savepoints) - 1))
        name = self.savepoints[place]
        keep = place + (word == "ROLLBACK TO")
        self.both(f"{word} {name}")
        self.savepoints = self.savepoints[:keep]

    @rule(layout=st.sampled_from(["flushed", "compacted"]))
    def lay_out(self, layout: str) -> None:
        self.pair.lay_out(layout)

    @invariant()
    def tables_are_alike(self) -> None:
        for table in TABLES:
            order = ", ".join(KEYS[table])
            self.pair.check(f"SELECT * FROM {table} ORDER BY {order}", ordered=True)

    @invariant()
    def no_snapshot_is_left_behind(self) -> None:
        if not self.pair.ours.in_transaction:
            assert self.pair.store.core.snapshots.active() == ()


Changes.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, suppress_health_check=list(HealthCheck)
)
TestChanges = Changes.TestCase
