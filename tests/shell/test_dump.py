"""``.dump``: what it writes builds the same store, and the same tables in SQLite."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.cli import main
from lsmsql.engine.values import Value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
REALS = st.floats(allow_nan=False)
BLOBS = st.binary(max_size=20)
ANY = st.one_of(TEXTS, INTEGERS, REALS, BLOBS)
ROWS = st.lists(
    st.tuples(INTEGERS, TEXTS, st.none() | REALS, st.none() | BLOBS, st.none() | ANY), max_size=8
)
PAIRS = st.dictionaries(ANY, st.none() | ANY, max_size=8)


def shell(path: Path, *arguments: str, stdin: str = "") -> str:
    out, err = io.StringIO(), io.StringIO()
    assert main([str(path), *arguments], io.StringIO(stdin), out, err) == 0, err.getvalue()
    assert err.getvalue() == ""
    return out.getvalue()


def contents(path: Path) -> dict[str, list[str]]:
    """The rows of all tables as text that tells the types and the sign of zero."""
    with lsmsql.open(path, "r") as store:
        tables = [store.table(schema.name) for schema in store.tables()]
        return {table.name: [repr(row) for row in table.range()] for table in tables}


@settings(max_examples=25)
@given(ROWS, PAIRS)
def test_a_dump_builds_the_same_store(rows, pairs):
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder, "first"), Path(folder, "second")
        with lsmsql.open(first, sync="off") as store:
            table = store.create_table(
                "t of mine",
                {"key": "INTEGER", 'te"xt': "TEXT", "r": "REAL", "b": "BLOB", "order": "ANY"},
                ['te"xt', "key"],
                descending=["key"],
            )
            for row in rows:
                table.put(row)
            for key, value in pairs.items():
                store.put(key, value)
        dump = shell(first, ".dump")
        shell(second, stdin=dump)
        assert contents(second) == contents(first)
        assert shell(second, ".dump") == dump


@given(ROWS)
@settings(max_examples=25)
def test_sqlite_reads_a_dump(rows):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store")
        columns = {"i": "INTEGER", "t": "TEXT", "r": "REAL", "b": "BLOB", "a": "ANY"}
        with lsmsql.open(path, sync="off") as store:
            table = store.create_table("t", columns, ["i", "t"])
            for row in rows:
                table.put(row)
        connection = apsw.Connection(":memory:")
        connection.execute(shell(path, ".dump"))
        found = connection.execute("SELECT * FROM t ORDER BY i, t").fetchall()
        expected = [tuple(row.values()) for row in table_rows(path)]
        assert found == expected
        assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in expected]


def table_rows(path: Path) -> list[dict[str, Value]]:
    with lsmsql.open(path, "r") as store:
        return list(store.table("t").range())


def test_the_dump_of_a_new_store(ok):
    assert ok(".dump") == (
        'CREATE TABLE IF NOT EXISTS kv("key" ANY PRIMARY KEY, value ANY) STRICT;\n'
    )


def test_a_table_as_the_user_wrote_it(ok):
    sql = "CREATE TABLE t(a INT PRIMARY KEY,\n  b TEXT NOT NULL) -- mine"
    ok(sql, "INSERT INTO t VALUES(1, 'it''s'), (2, char(13, 10))")
    assert ok(".dump t") == (
        f"{sql}\n;\nBEGIN;\nINSERT INTO t VALUES(1,'it''s');\n"
        "INSERT INTO t VALUES(2,CAST(x'0d0a' AS TEXT));\nCOMMIT;\n"
    )
    assert ok(".schema t") == f"{sql}\n;\n"


SCRIPT = """
CREATE TABLE log(day TEXT DEFAULT 'today', n INTEGER CHECK (n > 0), twice AS (n * 2));
INSERT INTO log(n) VALUES (1), (2), (3);
DELETE FROM log WHERE n = 2;
CREATE TABLE item(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE COLLATE NOCASE);
INSERT INTO item(name) VALUES ('tea'), ('cake');
CREATE TABLE pair(a, b, c TEXT GENERATED ALWAYS AS (a || b) STORED, PRIMARY KEY (a, b DESC));
INSERT INTO pair VALUES (1, 2), ('x', 2.5);
CREATE VIEW names AS SELECT name FROM item; -- all of them
CREATE UNIQUE INDEX by_c ON pair(c DESC) WHERE a > 0;
CREATE INDEX by_n ON log(n + 1);
ALTER TABLE log ADD COLUMN note TEXT DEFAULT 'none';
"""
QUERIES = [
    "SELECT * FROM log ORDER BY n",
    "SELECT * FROM item ORDER BY id",
    "SELECT * FROM pair ORDER BY a",
    "SELECT * FROM names ORDER BY 1",
    "SELECT n FROM log WHERE n + 1 = 4",
    "SELECT name, tbl_name FROM main.sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY 1",
]


def test_all_that_a_store_has_is_built_again(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    shell(first, stdin=SCRIPT)
    dump = shell(first, ".dump")
    shell(second, stdin=dump)
    assert shell(second, ".dump") == dump
    assert shell(second, ".schema") == shell(first, ".schema")
    sqlite = apsw.Connection(":memory:")
    sqlite.execute(dump)
    for query in (*QUERIES, "INSERT INTO log(n) VALUES (9) RETURNING *"):
        expected = shell(first, query)
        assert shell(second, query) == expected
        assert "".join(
            "|".join(map(str, row)) + "\n" for row in sqlite.execute(query)
        ) == expected  # fmt: skip


def test_rowids_are_kept_if_they_are_asked_for(tmp_path):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    shell(first, stdin=SCRIPT)
    shell(second, stdin=shell(first, ".dump log"))
    assert shell(second, "SELECT rowid, n FROM log") == "1|1\n2|3\n"
    shell(third, stdin=shell(first, ".dump --preserve-rowids"))
    assert shell(third, "SELECT rowid, n FROM log") == "1|1\n3|3\n"


def test_data_only(ok):
    ok("CREATE TABLE t(a)", "CREATE INDEX i ON t(a)", "INSERT INTO t VALUES(1)")
    assert ok(".dump --data-only t") == "BEGIN;\nINSERT INTO t VALUES(1);\nCOMMIT;\n"


def test_only_the_tables_asked_for(ok):
    ok(*(f"CREATE TABLE {name}(a PRIMARY KEY)" for name in ("one", "two", "three")))
    assert ok(".dump t%").count("CREATE") == 2
    assert ok(".dump one two").count("CREATE") == 2
    assert ok(".dump nothing") == ""


def test_a_long_dump_is_cut_into_transactions(ok, path):
    with lsmsql.open(path, sync="off") as store:
        store.ingest((i, None) for i in range(20_001))
    lines = ok(".dump").splitlines()
    assert lines.count("BEGIN;") == lines.count("COMMIT;") == 3
    assert len(lines) == 1 + 20_001 + 6


def test_a_dump_within_a_transaction_holds_what_is_not_committed(ok):
    text = ok("BEGIN", "INSERT INTO kv VALUES(1, 2)", ".dump", "ROLLBACK", ".dump")
    assert text.count("INSERT") == 1


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="there is no sqlite3 program")
def test_the_sqlite3_program_reads_a_dump(ok, path, tmp_path):
    ok("CREATE TABLE t(a TEXT PRIMARY KEY, b REAL)", "INSERT INTO t VALUES('x', 0.1), ('y', 9e999)")
    copy = tmp_path / "copy.sqlite"
    subprocess.run(["sqlite3", str(copy)], input=ok(".dump t"), text=True, check=True)
    rows = apsw.Connection(str(copy)).execute("SELECT * FROM t").fetchall()
    assert rows == [("x", 0.1), ("y", float("inf"))]
