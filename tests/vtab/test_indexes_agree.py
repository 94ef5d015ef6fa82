"""Random programs: whatever is done, indexes agree with their tables, and rows are as in SQLite.

The rows are written by SQL and from Python, in transactions and without, while indexes come and go
and files are flushed, compacted and opened again. Readers of old commits look on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsmsql
import vtab
from lsmsql.engine.store import Store, open_store

SETTINGS: dict[str, Any] = {
    "sync": "off",
    "background": False,
    "block_rows": 4,
    "table_bytes": 2_000,
}

TABLES = {
    "rowid": "a INTEGER PRIMARY KEY, b, c TEXT COLLATE NOCASE, u UNIQUE",
    "composite": "a INT NOT NULL, b NOT NULL, c TEXT COLLATE NOCASE, u UNIQUE,"
    " PRIMARY KEY (b DESC, a)",
    "reals": "a REAL PRIMARY KEY NOT NULL, b NUMERIC UNIQUE, u TEXT, c BLOB, UNIQUE (c, u)",
}
KEYS = {"rowid": ["a"], "composite": ["b", "a"], "reals": ["a"]}
COLUMNS = ("a", "b", "c", "u")

INDEXES = {
    "i0": "INDEX {} ON t(b)",
    "i1": "INDEX {} ON t(c DESC, b)",
    "i2": "UNIQUE INDEX {} ON t(b, c)",
    "i3": "INDEX {} ON t(c COLLATE RTRIM, a DESC)",
    "p4": "INDEX {} ON t(b) WHERE c IS NOT NULL",
    "e5": "UNIQUE INDEX {} ON t(u || c, b)",
}
NEEDS_SQL = ("p4", "e5")

numbers = st.integers(1, 6)
values = st.sampled_from(
    [None, 1, 1.0, 2, 2.5, -0.5, "a", "A", "a ", "b", "", b"a", b"", 2**53 + 1]
)
rows = st.tuples(numbers, st.one_of(numbers, values), values, values)
writes = st.sampled_from(
    [
        "INSERT INTO t(a, b, c, u) VALUES (?1, ?2, ?3, ?4)",
        "INSERT OR REPLACE INTO t(a, b, c, u) VALUES (?1, ?2, ?3, ?4)",
        "INSERT OR IGNORE INTO t(a, b, c, u) VALUES (?1, ?2, ?3, ?4), (?1 + 1, ?2, ?4, ?3)",
        "INSERT INTO t(a, b, c, u) SELECT a + 6, b, c, a FROM t WHERE a < 4",
        "UPDATE t SET c = ?3 WHERE b = ?2",
        "UPDATE OR REPLACE t SET a = ?1, u = ?4 WHERE c = ?3",
        "UPDATE OR IGNORE t SET b = ?2, c = c || 'x' WHERE a >= ?1",
        "UPDATE t SET a = a + 1",
        "DELETE FROM t WHERE a = ?1",
        "DELETE FROM t WHERE c = ?3 OR u IS ?4",
    ]
)
steps = st.one_of(
    st.tuples(st.just("sql"), writes, rows),
    st.tuples(st.just("sql"), writes, rows),
    st.tuples(st.just("put"), rows),
    st.tuples(
        st.sampled_from(["update", "batch", "transaction", "ingest"]), st.lists(rows, max_size=4)
    ),
    st.tuples(st.just("delete"), rows),
    st.tuples(
        st.sampled_from(["create", "create", "drop", "reindex"]), st.sampled_from(list(INDEXES))
    ),
    st.tuples(st.sampled_from(["BEGIN", "SAVEPOINT s", "ROLLBACK TO s", "COMMIT", "ROLLBACK"])),
    st.tuples(st.sampled_from(["flush", "compact", "reopen", "look"])),
)


class Program:
    """A store and SQLite, which do the same."""

    def __init__(self, path: str, table: str) -> None:
        self.path, self.key = path, KEYS[table]
        self.theirs = apsw.Connection(":memory:")
        self.open()
        self.define(f"CREATE TABLE t({TABLES[table]})")
        self.looks: list[tuple[Any, list[Any]]] = []

    def open(self) -> None:
        self.store: Store = open_store(self.path, history=1000, **SETTINGS)
        self.ours = apsw.Connection(":memory:")
        self.binding = vtab.register(self.ours, self.store)

    def close(self) -> None:
        for look, _ in self.looks:
            look.close()
        self.looks = []
        self.ours.close()
        self.store.close()

    # ------------------------------------------------------------------------------- both

    def same(self, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
        """Both do it, or neither."""
        failures = []
        for do in (ours, theirs):
            try:
                do()
                failures.append("")
            except (apsw.ConstraintError, lsmsql.ConstraintError) as error:
                failures.append(str(error).partition(":")[0])  # several may be broken
        assert failures[0] == failures[1]

    def define(self, sql: str) -> None:
        self.same(lambda: self.binding.define(sql), lambda: self.theirs.execute(sql))

    def sql(self, sql: str, values: tuple[Any, ...] = ()) -> None:
        given = values[: max((n for n in (1, 2, 3, 4) if f"?{n}" in sql), default=0)]
        self.same(lambda: self.ours.execute(sql, given), lambda: self.theirs.execute(sql, given))

    # ------------------------------------------------------------------------------- steps

    def step(self, kind: str, *arguments: Any) -> None:
        inside = self.theirs.in_transaction
        match kind:
            case "sql":
                self.sql(*arguments)
            case "create" | "drop" | "reindex":
                self.index(kind, arguments[0])
            case "BEGIN" if not inside:
                self.sql(kind)
            case "SAVEPOINT s" | "ROLLBACK TO s" | "COMMIT" | "ROLLBACK" if inside:
                if kind != "ROLLBACK TO s" or self.saved:
                    self.sql(kind)
                self.saved = kind in ("SAVEPOINT s", "ROLLBACK TO s") and (
                    kind == "SAVEPOINT s" or self.saved
                )
            case "flush":
                self.store.flush()
            case "compact":
                self.store.compact()
            case "reopen" if not inside:
                self.close()
                self.open()
            case "look" if not inside:
                self.looks.append((self.store.snapshot(), self.rows(self.theirs)))
            case "put" | "update" | "batch" | "transaction" | "ingest" | "delete" if not inside:
                self.from_python(kind, arguments[0])

    saved = False

    def index(self, kind: str, name: str) -> None:
        there = name in self.indexes()
        if kind == "create" and not there:
            self.define(f"CREATE {INDEXES[name].format(name)}")
        elif kind != "create" and there:
            self.define(f"{'DROP INDEX' if kind == 'drop' else 'REINDEX'} {name}")

    def indexes(self) -> list[str]:
        sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        return [name for (name,) in self.theirs.execute(sql)]

    def from_python(self, kind: str, given: Any) -> None:
        """The same rows are put one after the other; the last of a key counts."""
        table = self.store.table("t")
        many = [given] if kind in ("put", "delete") else given
        dicts = [dict(zip(COLUMNS, row, strict=True)) for row in many]
        if any(row[name] is None for row in dicts for name in self.key):
            return

        def keyed(row: dict[str, Any]) -> Any:
            return tuple(row[name] for name in self.key)

        def ours() -> None:
            match kind:
                case "put":
                    table.put(dicts[0])
                case "delete":
                    table.delete(keyed(dicts[0]))
                case "update":
                    table.update(dicts)
                case "ingest":
                    table.ingest(dicts)
                case "batch":
                    with self.store.batch() as batch:
                        for row in dicts:
                            batch.table("t").put(row)
                case "transaction":
                    with self.store.transaction() as transaction:
                        for row in dicts:
                            transaction.table("t").put(row)

        if any(name in NEEDS_SQL for name in self.indexes()):
            with (
                pytest.raises(lsmsql.UsageError, match="write its rows with SQL")
                if dicts
                else nullcontext()
            ):
                ours()
            return
        if kind in ("update", "batch", "ingest"):
            dicts = list({repr(self.stored_key(keyed(row))): row for row in dicts}.values())
        self.same(ours, lambda: self.put_theirs(kind, dicts))

    def stored_key(self, key: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(float(v) if isinstance(v, int) else v for v in key)

    def put_theirs(self, kind: str, dicts: list[dict[str, Any]]) -> None:
        with self.theirs:
            for row in dicts:
                where = " AND ".join(f"{name} = :{name}" for name in self.key)
                if kind == "delete":
                    self.theirs.execute(f"DELETE FROM t WHERE {where}", row)
                    continue
                found = self.theirs.execute(f"SELECT 1 FROM t WHERE {where}", row).fetchall()
                others = ", ".join(f"{name} = :{name}" for name in COLUMNS)
                if found:
                    self.theirs.execute(f"UPDATE t SET {others} WHERE {where}", row)
                else:
                    self.theirs.execute("INSERT INTO t(a, b, c, u) VALUES (:a, :b, :c, :u)", row)

    # ------------------------------------------------------------------------------- checks

    def rows(self, connection: apsw.Connection, where: str = "") -> list[Any]:
        found = connection.execute(f"SELECT a, b, c, u FROM t {where}").fetchall()
        return sorted(found, key=repr)

    def check(self) -> None:
        for where in ("", "WHERE b = 2", "WHERE c = 'A'", "WHERE u = 1", "WHERE b > 1 AND c >= ''"):
            assert repr(self.rows(self.ours, where)) == repr(self.rows(self.theirs, where)), where
        for order in ("b", "c DESC, b", "u"):
            sql = f"SELECT {order.replace(' DESC', '')} FROM t ORDER BY {order}"
            ours, theirs = (c.execute(sql).fetchall() for c in (self.ours, self.theirs))
            assert ours == theirs, sql
        if not self.theirs.in_transaction:
            assert self.store.verify().errors == ()
            for look, before in self.looks:
                assert len(look.table("t")) == len(before)
                at = f"t_at({look.sequence})"
                found = self.ours.execute(f"SELECT a, b, c, u FROM {at}").fetchall()
                assert repr(sorted(found, key=repr)) == repr(before)


@settings(max_examples=10)
@given(st.sampled_from(list(TABLES)), st.lists(steps, max_size=25))
def test_indexes_agree_with_their_tables(table: str, program: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as path:
        run = Program(f"{path}/store", table)
        try:
            for step in program:
                run.step(*step)
                run.check()
            if run.theirs.in_transaction:
                run.sql("COMMIT")
            run.store.compact()
            run.check()
            assert run.ours.pragma("integrity_check") == "ok"
        finally:
            run.close()
            run.theirs.close()
