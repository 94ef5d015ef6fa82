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
    "real": "r REAL PRIMARY KEY, a INTEGER, b TEXT NOT NULL",
    "two": "x INTEGER, y ANY, a BLOB, b INTEGER NOT NULL, PRIMARY KEY (x DESC, y)",
}
KEYS = {"one": ("id",), "name": ("name",), "real": ("r",), "two": ("x", "y")}
NUMBERS = [1, 2, 3, 4, 2.0, "3"]
FITTING: dict[str, dict[str, list[Any]]] = {
    "one": {"id": [None, *NUMBERS], "a": [None, "a", 5], "b": [None, 1.5, 2, "3"]},
    "name": {"name": [*NUMBERS, "x", "y"], "a": [None, *NUMBERS], "b": [None, *NUMBERS, b"3"]},
    "real": {"r": NUMBERS, "a": [None, *NUMBERS], "b": [None, "a", 5]},
    "two": {"x": NUMBERS, "y": [*NUMBERS, "x", b"3"], "a": [None, b""], "b": [None, *NUMBERS]},
}
"""Values that the type of a column lets pass, NULL among them where that may be refused."""
ANYTHING = [None, *NUMBERS, 2.5, "x", b"", b"3", 2**60]
STRICT_CONFLICTS = ["", " OR REPLACE"]
CONFLICTS = [*STRICT_CONFLICTS, " OR IGNORE", " OR FAIL", " OR ROLLBACK"]
tables = st.sampled_from(list(TABLES))
values = st.sampled_from(ANYTHING)
conflicts = st.sampled_from(CONFLICTS)
comparisons = st.sampled_from(["=", "<", ">", ">=", "<>"])


def pool(table: str, column: str, conflict: str) -> st.SearchStrategy[Any]:
    """Values for a column. With OR IGNORE, FAIL and ROLLBACK none of a wrong type: there SQLite's
    own tables leave the first rows of the failed statement."""
    fitting = st.sampled_from(FITTING[table][column])
    return fitting | values if conflict in STRICT_CONFLICTS else fitting


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
        columns = FITTING[table]
        row = f"({', '.join('?' * len(columns))})"
        given = [data.draw(pool(table, c, conflict)) for _ in range(count) for c in columns]
        self.both(f"INSERT{conflict} INTO {table} VALUES {', '.join([row] * count)}", given)

    @rule(table=tables, conflict=conflicts, shift=st.integers(-2, 2))
    def insert_from_itself(self, table: str, conflict: str, shift: int) -> None:
        first, *rest = FITTING[table]
        source = f"SELECT {first} + {shift}, {', '.join(rest)} FROM {table} ORDER BY {first}"
        self.both(f"INSERT{conflict} INTO {table} {source}, {', '.join(rest)}")

    @rule(data=st.data(), table=tables, conflict=conflicts, op=comparisons, where=values)
    def update(
        self, data: st.DataObject, table: str, conflict: str, op: str, where: object
    ) -> None:
        column = data.draw(st.sampled_from(list(FITTING[table])))
        value = data.draw(pool(table, column, conflict))
        change = f"{column} = ?"
        if conflict in STRICT_CONFLICTS:
            change = data.draw(st.sampled_from([change, f"{column} = {column} + ?"]))
        sql = f"UPDATE{conflict} {table} SET {change} WHERE {KEYS[table][0]} {op} ?"
        self.both(sql, [value, where])

    @rule(data=st.data(), table=tables, op=comparisons, where=values)
    def delete(self, data: st.DataObject, table: str, op: str, where: object) -> None:
        column = data.draw(st.sampled_from(list(FITTING[table])))
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
    max_examples=40, stateful_step_count=25, suppress_health_check=list(HealthCheck)
)
TestChanges = Changes.TestCase


def test_whole_reals_as_keys_are_changed_and_deleted() -> None:
    with new_pair() as pair:
        pair.create("t", "r REAL PRIMARY KEY, v TEXT")
        for sql in (
            "INSERT INTO t VALUES (1, 'a'), (-2, 'b'), (2.5, 'c'), (9007199254740992, 'd')",
            "UPDATE t SET v = v || r",
            "UPDATE t SET r = r + 1 WHERE r < 2",
            "DELETE FROM t WHERE r > 0 OR v = 'x'",
        ):
            pair.check(sql)
            assert pair.check("SELECT * FROM t")
