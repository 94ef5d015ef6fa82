"""Dot commands."""

from __future__ import annotations

import re

import pytest

import lsmsql
from lsmsql.shell.shell import ABSENT

T = "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"


def test_tables(ok):
    ok(T, "CREATE TABLE u(a PRIMARY KEY)")
    assert ok(".tables") == "kv  t   u\n"
    assert ok(".tables %v") == "kv\n"
    assert ok(".tables nothing") == ""
    assert ok("CREATE TEMP TABLE x(a)", "CREATE TEMP VIEW y AS SELECT 1", ".tables") == (
        "kv  t   u   x   y\n"
    )


def test_schema_shows_what_the_user_wrote(ok):
    ok(T + ";")
    assert ok(".schema t") == T + ";\n"
    assert ok(".schema T") == T + ";\n"
    assert ok(".schema").splitlines() == [
        "CREATE TABLE kv(key ANY PRIMARY KEY, value ANY);",
        T + ";",
    ]


def test_schema_shows_indexes_and_views(ok):
    ok(T, "CREATE INDEX i ON t(b) WHERE a > 1", "CREATE VIEW v AS SELECT a, b AS 'b c' FROM t")
    index = "CREATE INDEX i ON t(b) WHERE a > 1;\n"
    view = "CREATE VIEW v AS SELECT a, b AS 'b c' FROM t\n/* v(a,\"b c\") */;\n"
    assert ok(".schema t") == f"{T};\n{index}"
    assert ok(".schema v") == view
    assert ok(".schema").endswith(f"{T};\n{index}{view}")
    assert ok("BEGIN", "DROP INDEX i", "DROP VIEW v", ".schema t", "ROLLBACK", ".tables") == (
        f"{T};\nkv  t   v\n"
    )
    assert ok("DROP TABLE t", ".schema v", ".indexes") == (
        "CREATE VIEW v AS SELECT a, b AS 'b c' FROM t;\nsqlite_autoindex_kv_1\n"
    )


def test_schema_with_a_line_for_each_column(ok, wrong):
    ok("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT DEFAULT (1 + 2), CHECK (a IN (1, 2))) STRICT")
    assert ok(".schema --indent t") == (
        "CREATE TABLE t(\n  a INTEGER PRIMARY KEY,\n  b TEXT DEFAULT (1 + 2),\n"
        "  CHECK (a IN (1, 2))\n) STRICT;\n"
    )
    assert "it knows --indent" in wrong(".schema --wide")


def test_indexes(ok):
    ok("CREATE TABLE t(a TEXT PRIMARY KEY, b UNIQUE)", "CREATE INDEX i ON t(b)")
    assert ok(".indexes t") == "i\nsqlite_autoindex_t_1\nsqlite_autoindex_t_2\n"
    assert ok(".indices k%") == "sqlite_autoindex_kv_1\n"


def test_schema_of_a_table_made_in_python(ok, path):
    with lsmsql.open(path) as store:
        columns = {"a b": "TEXT", "n": "INTEGER", "v": "ANY"}
        store.create_table("from", columns, ["n", "a b"], descending=["n"])
        store.create_table("one", {"k": "BLOB"}, "k")
    assert ok(".schema from") == (
        'CREATE TABLE "from"("a b" TEXT, n INTEGER, v ANY, PRIMARY KEY (n DESC, "a b")) STRICT;\n'
    )
    assert ok(".schema one") == "CREATE TABLE one(k BLOB PRIMARY KEY) STRICT;\n"


def test_schema_of_temporary_objects(ok):
    script = ["CREATE TEMP TABLE x(a)", "CREATE INDEX i ON x(a)", ".schema x", ".indexes"]
    assert ok(*script) == (
        "CREATE TEMP TABLE x(a);\nCREATE TEMP INDEX i ON x(a);\ni\nsqlite_autoindex_kv_1\n"
    )


def test_lsm_shows_levels_and_memory(ok):
    ok(T, "INSERT INTO t VALUES(1, 'x'), (2, 'y')")
    text = ok(".lsm")
    assert re.search(r"^t +memory +0 +2 ", text, re.MULTILINE)
    assert re.search(r"^memory budget +[\d,]+ bytes$", text, re.MULTILINE)
    text = ok(".compact", ".lsm")
    assert re.search(r"^t +\d +1 +2 ", text, re.MULTILINE)


def test_flush_and_compact(ok, path):
    ok(T, "INSERT INTO t VALUES(1, 'x')", ".flush")
    with lsmsql.open(path, "r") as store:
        assert store.stats().table("t").files == 1
    ok("DELETE FROM t", ".compact t")
    with lsmsql.open(path, "r") as store:
        assert store.stats().table("t").files == 0


def test_open_another_store(ok, path):
    ok(T)
    other = path + "2"
    assert ok(f".open {other}", ".tables", f".open {path}", ".tables") == "kv\nkv  t\n"
    assert ok(f".open {path}", ".tables") == "kv  t\n"
    assert ok(f".open --readonly {other}", ".databases") == f"main: {other} r/o\n"


def test_a_store_that_cannot_be_opened_leaves_the_old_one(run, path):
    outcome = run(stdin=f".open --readonly {path}nothing\n.databases\n")
    assert outcome.out == f"main: {path} r/w\n"
    assert "there is no store" in outcome.err


def test_read_continues_after_an_error_and_names_its_line(run, tmp_path):
    script = tmp_path / "script.sql"
    script.write_text("SELECT 1;\nSELECT\n missing;\nSELECT 2;\n")
    outcome = run(f".read {script}", ".print more")
    assert outcome.status == 1
    assert outcome.out == "1\n2\nmore\n"
    assert outcome.err.startswith(f"Error: near line 2 of {script}: no such column: missing\n")


def test_output_and_once(ok, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    script = [f".once {first}", "SELECT 1", "SELECT 2", f".output {second}", "SELECT 3", ".output"]
    assert ok(*script, "SELECT 4") == "2\n4\n"
    assert (first.read_text(), second.read_text()) == ("1\n", "3\n")


def test_output_goes_to_the_file_until_the_end(ok, tmp_path):
    ok(f".output {tmp_path / 'file'}", "SELECT 1")
    assert (tmp_path / "file").read_text() == "1\n"


def test_mode(ok):
    assert ok(".mode", ".mode json", ".mode", "SELECT 1 a") == (
        'current output mode: list\ncurrent output mode: json\n[{"a":1}]\n'
    )
    assert ok(".mode insert t", "SELECT 1") == "INSERT INTO t VALUES(1);\n"


def test_settings(ok):
    script = [".headers on", ".nullvalue NULL", ".separator ;", "SELECT 1 a, NULL b"]
    assert ok(*script) == "a;b\n1;NULL\n"
    assert ok(".bail on", ".eqp on", ".show").count(": on\n") == 2


def test_timer_and_stats(ok):
    assert re.fullmatch(
        r"1\nRun Time: real \d+\.\d{3} user \d+\.\d{3} sys \d+\.\d{3}\n",
        ok(".timer on", "SELECT 1"),
    )
    assert "commits: 1\n" in ok(".stats on", "INSERT INTO kv VALUES(1, 2)")


def test_changes(ok):
    text = ok(".changes on", "CREATE TEMP TABLE t(a)", "INSERT INTO t VALUES(1), (2)")
    assert text == "changes: 2   total_changes: 2\n"


def test_changes_count_what_was_changed(ok):
    upsert = "INSERT INTO kv VALUES(1, 2), (2, 3) ON CONFLICT DO NOTHING"
    assert ok("INSERT INTO kv VALUES(1, 1)", ".changes on", upsert, "DELETE FROM kv") == (
        "changes: 1   total_changes: 2\nchanges: 2   total_changes: 4\n"
    )
    assert ok(".changes on", "UPDATE kv SET value = 1", "SELECT 1", "CREATE TABLE t(a)") == (
        "changes: 0   total_changes: 0\n1\n"
    )


def test_query_plan_is_a_tree(ok):
    ok(T)
    text = ok("EXPLAIN QUERY PLAN SELECT * FROM t x JOIN kv WHERE x.b = kv.key ORDER BY x.b")
    lines = text.splitlines()
    assert lines[0] == "QUERY PLAN"
    assert all(line.startswith("|--") for line in lines[1:-1])
    assert lines[-1] == "`--USE TEMP B-TREE FOR ORDER BY"
    assert "VIRTUAL TABLE INDEX" not in text


def test_every_statement_has_a_plan(ok):
    ok(T, "CREATE INDEX i ON t(b)")
    plan = "`--SEARCH t BY PRIMARY KEY (a=?) COLUMNS *\n"
    change = "UPDATE t SET b = 1 WHERE a = 1 RETURNING b"
    assert ok(f"EXPLAIN QUERY PLAN {change}") == f"QUERY PLAN\n{plan}"
    assert ok("EXPLAIN QUERY PLAN CREATE INDEX j ON t(b)", ".indexes t") == "i\n"
    text = ok("EXPLAIN INSERT INTO t VALUES(1, 2) ON CONFLICT DO NOTHING", "SELECT * FROM t")
    assert re.match(r"addr  opcode +p1", text)
    assert "VUpdate" in text
    assert ok(".eqp on", f"{change};") == f"QUERY PLAN\n{plan}"


def test_eqp(ok):
    text = ok(".eqp on", "INSERT INTO kv VALUES(1, 2)", "SELECT * FROM kv")
    assert text.startswith("QUERY PLAN\n`--")
    assert text.endswith("\n1|2\n")


def test_parameters(ok, wrong):
    assert ok(".parameter set $x 'a b'", "SELECT $x") == "a b\n"
    assert ".parameter set x VALUE" in wrong("SELECT $x")
    assert "parameters need names" in wrong("SELECT ?")


def test_names_may_be_cut_short(ok, wrong):
    ok(T)
    assert ok(".sch t") == T + ";\n"
    assert ".s could be" in wrong(".s")


def test_help(ok, wrong):
    text = ok(".help")
    for name in ("tables", "dump", "lsm", "compact", "import", "quit", "timer"):
        assert f".{name}" in text or name == "quit"
    assert not [name for name in ABSENT if f"\n.{name} " in text]
    assert "deepest level" in ok(".help compact")
    assert "box: a table" in ok(".help mode")
    assert ".lsm" in ok(".help all")
    assert "unknown command" in wrong(".help nothing")


@pytest.mark.parametrize("name", ABSENT)
def test_absent_commands_say_why(wrong, name):
    assert wrong(f".{name}") == f"Error: there is no .{name}: {ABSENT[name]}\n"


@pytest.mark.parametrize(
    "command",
    [
        ".",
        ".nothing",
        ".mode nothing",
        ".mode box list",
        ".open",
        ".open a b",
        ".open --wipe a",
        ".read",
        ".read /no/such/file",
        ".output /no/such/file",
        ".once",
        ".timer",
        ".timer maybe",
        ".lsm now",
        ".flush now",
        ".compact a b",
        ".compact nothing",
        ".exit now",
        ".print 'a",
    ],
)
def test_wrong_commands(wrong, command):
    assert wrong(command).count("\n") == 1
