"""The shell as a whole: options, errors, exit status."""

from __future__ import annotations

import contextlib
import io
import os
import sqlite3
from pathlib import Path

import pytest

import lsmsql
from lsmsql.cli import main
from lsmsql.shell.session import open_session
from lsmsql.shell.shell import Shell

T = "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"


def test_statements_run_one_after_the_other(ok):
    assert ok(
        T, "INSERT INTO t VALUES(1, 'x'); INSERT INTO t VALUES(2, 'y')", "SELECT * FROM t"
    ) == ("1|x\n2|y\n")
    assert ok("SELECT b FROM t; SELECT a FROM t -- the end") == "x\ny\n1\n2\n"


def test_piped_sql(ok):
    assert ok(stdin=f"{T};\nINSERT INTO t\n VALUES(1,\n'a;\nb');\n# note\n\nSELECT * FROM t") == (
        "1|a;\nb\n"
    )


def test_the_first_wrong_statement_on_the_command_line_is_the_end(run):
    outcome = run("SELECT 1", "SELECT missing", "SELECT 2")
    assert (outcome.status, outcome.out) == (1, "1\n")
    assert outcome.err == (
        "Error: no such column: missing\n  SELECT missing\n         ^--- error here\n"
    )


def test_piped_sql_goes_on_after_an_error(run):
    script = "SELECT 1;\nSELECT * FORM t;\nSELECT 'ü', missing;\nSELECT 2;\n"
    outcome = run(stdin=script)
    assert (outcome.status, outcome.out) == (1, "1\n2\n")
    assert 'Error: near line 2: near "FORM": syntax error\n' in outcome.err
    assert "Error: near line 3: no such column: missing\n" in outcome.err
    assert "  SELECT 'ü', missing;\n              ^--- error here\n" in outcome.err


def test_bail(run):
    outcome = run(options="-bail", stdin="SELECT 1;\nSELECT missing;\nSELECT 2;\n")
    assert (outcome.status, outcome.out) == (1, "1\n")


def test_bail_reaches_into_files(run, tmp_path):
    script = tmp_path / "script.sql"
    script.write_text("SELECT missing;\nSELECT 1;\n")
    outcome = run(f".read {script}", "SELECT 2", options="-bail")
    assert (outcome.status, outcome.out) == (1, "")


def test_exit_status_of_the_exit_command(run):
    assert run(".exit 3", "SELECT 1").status == 3
    assert run(".quit").status == 0
    outcome = run(stdin="SELECT missing;\n.quit\nSELECT 1;\n")
    assert (outcome.status, outcome.out) == (1, "")


def test_unfinished_input(run):
    outcome = run(stdin="SELECT (1")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith("Error: near line 1: incomplete input\n")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-csv", "1,\n"),
        ("-list", "1|\n"),
        ("-list -header", "a|b\n1|\n"),
        ("-header -noheader", "1|\n"),
        ("-separator ;", "1;\n"),
        ("-csv -separator ;", "1;\n"),
        (r"-separator \t", "1\t\n"),
        ("-nullvalue NULL", "1|NULL\n"),
        ("--nullvalue NULL --csv", "1,NULL\n"),
        ("-json", '[{"a":1,"b":null}]\n'),
        ("-line", "    a = 1\n    b = \n"),
        ("-box", "╭───┬───╮\n│ a │ b │\n╞═══╪═══╡\n│ 1 │   │\n╰───┴───╯\n"),
        ("-table", "+---+---+\n| a | b |\n+---+---+\n| 1 |   |\n+---+---+\n"),
        ("-markdown", "| a | b |\n|---|---|\n| 1 |   |\n"),
        ("-batch", "1|\n"),
    ],
)
def test_output_options(ok, options, expected):
    assert ok("SELECT 1 AS a, NULL AS b", options=options) == expected


def test_echo(run):
    assert run("SELECT 1", options="-echo").err == "SELECT 1\n"


def test_cmd_and_init_come_first(ok, tmp_path):
    script = tmp_path / "init.sql"
    script.write_text("SELECT 'init';\n.mode csv\n")
    text = ok("SELECT 3, 4", options=f"-cmd .tables -init {script} -cmd .show")
    assert text.startswith("init\nkv\n")
    assert text.endswith("3,4\n")


def test_a_missing_init_file(run):
    outcome = run("SELECT 1", options="-init /no/such/file")
    assert (outcome.status, outcome.out) == (1, "1\n")
    assert outcome.err == "Error: /no/such/file: No such file or directory\n"


def test_interactive_has_a_banner_and_prompts(run):
    outcome = run(options="-interactive", stdin="SELECT\n 1;\nSELECT missing;\nquit\n")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert lines[0].startswith(f"lsmsql {lsmsql.__version__} (SQLite ")
    assert lines[1] == 'Enter ".help" for usage hints.'
    assert lines[2:] == ["lsmsql>    ...> 1", "lsmsql> lsmsql> "]
    assert outcome.err.startswith("Error: no such column: missing\n")


def test_tables_are_there_the_next_time(ok):
    ok(T, "INSERT INTO t VALUES(1, 'x')")
    assert ok("SELECT * FROM t") == "1|x\n"
    ok("DROP TABLE t")
    assert ok(".tables") == "kv\n"


def test_temporary_tables_stay_with_sqlite(ok, wrong):
    assert ok("CREATE TEMP TABLE x(a)", "INSERT INTO x VALUES(1)", "SELECT * FROM x") == "1\n"
    assert ok(".tables") == "kv\n"
    message = wrong("CREATE TEMP TABLE x(a)", "CREATE TABLE x(a PRIMARY KEY)")
    assert "a temporary table or view has its name" in message


def test_create_table_in_all_its_forms(ok, wrong):
    ok("CREATE TABLE main.a(k PRIMARY KEY)", 'create table if not exists "b c"(k primary key)')
    ok('create table if not exists "b c"(k primary key)')
    ok("CREATE VIRTUAL TABLE d USING lsm(k INTEGER PRIMARY KEY, v TEXT)")
    assert ok(".tables") == "a    b c  d    kv\n"
    assert ok("INSERT INTO d VALUES(1, 'x')", "SELECT * FROM d", "DROP TABLE d", ".tables") == (
        "1|x\na    b c  kv\n"
    )
    assert "exists" in wrong("CREATE TABLE a(k PRIMARY KEY)")
    assert ok("CREATE TABLE e(a, b)", "INSERT INTO e VALUES(1, 2)", "SELECT rowid, * FROM e") == (
        "1|1|2\n"
    )
    assert "incomplete input" in wrong("CREATE TABLE f(a PRIMARY KEY")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END", "has no triggers"),
        ("CREATE TABLE u(a REFERENCES t(a))", "foreign keys"),
        ("CREATE VIRTUAL TABLE u USING fts5(a)", "CREATE VIRTUAL TABLE temp.u"),
        ("PRAGMA foreign_keys = ON", "foreign keys are not enforced"),
        ("SELECT * FROM missing", "no such table: missing"),
        ("DROP TABLE missing", "no such table: missing"),
        ("DROP TABLE kv", "kv"),
        ("INSERT INTO t VALUES('x', 1)", "cannot store TEXT value in INTEGER column"),
        ("INSERT INTO t VALUES(1, 1), (1, 2)", "UNIQUE constraint failed"),
        ("VACUUM", ".compact"),
    ],
)
def test_what_cannot_be_done_is_said_clearly(run, sql, message):
    run(T)
    outcome = run(sql)
    assert outcome.status == 1
    assert outcome.err.startswith("Error: ")
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_definitions_last(ok):
    ok(T, "INSERT INTO t VALUES(1, 'x'), (2, 'y')")
    ok("CREATE UNIQUE INDEX i ON t(b)", "CREATE VIEW v AS SELECT b FROM main.t WHERE a > 1")
    ok("ALTER TABLE t ADD COLUMN c DEFAULT 7", "CREATE TABLE u AS SELECT * FROM main.t")
    assert ok("SELECT * FROM v", "SELECT * FROM u", ".tables") == (
        "y\n1|x|7\n2|y|7\nkv  t   u   v\n"
    )
    ok("ALTER TABLE t RENAME COLUMN b TO name", "DROP TABLE u", "DROP INDEX i")
    assert ok("SELECT * FROM v", "SELECT name FROM t", ".tables") == "y\nx\ny\nkv  t   v\n"


def test_a_temporary_trigger_changes_a_table_through_a_view(ok):
    trigger = "INSTEAD OF INSERT ON v BEGIN INSERT INTO t(b) VALUES (upper(NEW.b)); END"
    ok(T, "CREATE VIEW v AS SELECT b FROM t")
    assert ok(f"CREATE TEMP TRIGGER r {trigger}", "INSERT INTO v VALUES ('x'), ('y')") == ""
    assert ok("SELECT * FROM t") == "1|X\n2|Y\n"


def test_upsert_and_returning(ok):
    ok("CREATE TABLE t(k TEXT PRIMARY KEY, n INTEGER DEFAULT 1)")
    change = "INSERT INTO t(k) VALUES('a'), ('a') ON CONFLICT DO UPDATE SET n = n + 1 RETURNING *"
    assert ok(change, options="-header") == "k|n\na|1\na|2\n"
    assert ok("UPDATE main.t SET n = 5 RETURNING n", "DELETE FROM t RETURNING k") == "5\na\n"


@pytest.mark.parametrize(
    ("sql", "message", "place"),
    [
        ("CREATE TABLE u(a,, b)", 'near ",": syntax error', ", b)"),
        ("CREATE TABLE u AS SELECT wrong FROM t", "no such column: wrong", "wrong FROM"),
        ("CREATE INDEX i ON t(wrong)", "no such column: wrong", "wrong)"),
        ("CREATE VIEW v AS SELECT FROM t", 'near "FROM": syntax error', "FROM t"),
        ("ALTER TABLE t DROP COLUMN 'ü' wrong", 'near "wrong": syntax error', "wrong"),
        ("INSERT INTO t VALUES(1, 'ü') RETURNING wrong", "no such column: wrong", "wrong"),
        ("INSERT INTO t(a) VALUES(1) ON CONFLICT DO UPDATE SET b = wrong", "wrong", "wrong"),
        ("UPDATE main.t SET b = wrong", "no such column: wrong", "wrong"),
        ("EXPLAIN SELECT wrong FROM main.t", "no such column: wrong", "wrong FROM"),
    ],
)
def test_errors_point_at_their_place(run, sql, message, place):
    outcome = run(f"{T}; SELECT 1; {sql}")
    error, shown, arrow = outcome.err.splitlines()
    assert message in error
    assert shown[arrow.index("^") :].startswith(place)


def test_transactions(ok):
    ok(T)
    assert ok(
        "BEGIN", "INSERT INTO t VALUES(1, 'x')", "SELECT count(*) FROM t", "ROLLBACK",
        "SELECT count(*) FROM t", "BEGIN", "INSERT INTO t VALUES(2, 'y')", "COMMIT",
    ) == "1\n0\n"  # fmt: skip
    ok("BEGIN", "INSERT INTO t VALUES(3, 'z')")
    assert ok("SELECT a FROM t") == "2\n"


def test_a_table_made_in_a_transaction_goes_with_a_rollback(ok, wrong):
    assert ok(
        "BEGIN", T, "INSERT INTO t VALUES(1, 'x')", "SELECT * FROM t", "ROLLBACK", ".tables"
    ) == ("1|x\nkv\n")
    assert ok("BEGIN", T, "INSERT INTO t VALUES(1, 'x')", "COMMIT", "SELECT * FROM t") == "1|x\n"
    assert "already exists" in wrong("BEGIN", T)


def test_drop_table_is_part_of_a_transaction(ok, wrong):
    ok(T)
    assert "no such table" in wrong("BEGIN", "DROP TABLE IF EXISTS t", "SELECT * FROM t")
    assert ok("BEGIN", "DROP TABLE t", "ROLLBACK", "SELECT count(*) FROM t") == "0\n"
    assert ok("BEGIN", "DROP TABLE IF EXISTS u", "CREATE TEMP TABLE u(a)", "DROP TABLE u") == ""
    ok("BEGIN", "DROP TABLE t", "COMMIT")
    assert ok(".tables") == "kv\n"


def test_readonly(ok, run, path):
    ok(T)
    assert ok(".tables", options="-readonly") == "kv  t\n"
    assert ok("SELECT * FROM main.t", "PRAGMA table_info(kv)", options="-readonly")[:5] == "0|key"
    with lsmsql.open(path) as store:
        store.put("beside", 1)
        assert ok("SELECT * FROM kv", options="-readonly") == "beside|1\n"


CHANGES = [
    "INSERT INTO t VALUES(1, 'x')",
    "INSERT INTO t VALUES(1, 'x') ON CONFLICT DO NOTHING",
    "INSERT INTO main.t VALUES(1, 'x') RETURNING a",
    "UPDATE t SET b = 1",
    "DELETE FROM t",
    "CREATE TABLE u(a)",
    "CREATE TABLE u AS SELECT 1 AS a",
    "CREATE INDEX j ON t(b)",
    "CREATE VIEW v AS SELECT 1",
    "CREATE VIRTUAL TABLE u USING lsm(a PRIMARY KEY)",
    "ALTER TABLE t ADD COLUMN c",
    "DROP TABLE t",
    "DROP INDEX i",
    "REINDEX",
    "BEGIN IMMEDIATE",
    "INSERT INTO other.x VALUES(2)",
    "CREATE TABLE other.y(a)",
]


def test_readonly_holds_for_every_statement(ok, run, tmp_path):
    index = "CREATE INDEX i ON t(b)"
    ok(T, index)
    with contextlib.closing(sqlite3.connect(tmp_path / "other")) as other:
        other.execute("CREATE TABLE x(a)")
    (tmp_path / "import.csv").write_text("1,x\n")
    attach = f"ATTACH '{tmp_path / 'other'}' AS other;\n"
    script = "".join(f"{sql};\n" for sql in CHANGES)
    imports = "".join(f".import {tmp_path / 'import.csv'} {name}\n" for name in ("t", "u"))
    outcome = run(stdin=f"{attach}{script}{imports}SELECT * FROM other.x;", options="-readonly")
    assert (outcome.status, outcome.out) == (1, "")
    errors = outcome.err.splitlines()
    assert len(errors) == len(CHANGES) + 2
    assert [e for e in errors if not e.endswith("the store is open for reading only")] == []
    assert ok(".schema t", "SELECT count(*) FROM t", ".tables") == f"{T};\n{index};\n0\nkv  t\n"


def shell(*argv: str) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    status = main(argv, io.StringIO(), out, err)
    assert out.getvalue() == ""
    return status, err.getvalue()


def test_paths_that_are_no_stores(tmp_path):
    file = tmp_path / "file"
    file.write_text("text")
    status, message = shell(str(file), ".tables")
    assert status == 1
    assert message.startswith(f"Error: {file} is a file; a store is a directory")
    status, message = shell("-readonly", str(tmp_path / "nothing"), ".tables")
    assert (status, message) == (1, f"Error: there is no store at {tmp_path / 'nothing'}\n")
    assert not Path(tmp_path, "nothing").exists()
    status, message = shell(str(tmp_path), ".tables")
    assert status == 1
    assert "is not a store" in message


def test_a_store_that_somebody_writes_to_is_read(path, ok, run):
    with lsmsql.open(path) as store:
        store["a"] = 1
        assert ok("SELECT * FROM kv") == "a|1\n"
        outcome = run("DELETE FROM kv", "SELECT * FROM kv")
    assert outcome.status == 1
    assert outcome.err.endswith(
        f"open for reading only, since process {os.getpid()} writes to it;"
        " -wait SECONDS waits for it\n"
    )


def test_a_shell_that_reads_follows_the_writer(path):
    with lsmsql.open(path) as store:
        session = open_session(path)
        output = io.StringIO()
        shell = Shell(session, io.StringIO(), output, output)
        shell.run_input("SELECT count(*) FROM kv;")
        store["a"] = 1
        store.create_table("t", {"a": "INTEGER"}, "a").put([7])
        shell.run_input("SELECT count(*), a FROM kv, t;")
        with contextlib.closing(store.connect()) as connection:
            connection.execute("CREATE INDEX i ON t(a DESC)")
            connection.execute("CREATE VIEW v AS SELECT a FROM t")
        shell.run_input(".indexes t")
        shell.run_input(".schema v")
        store.drop_table("t")
        shell.run_input("SELECT * FROM t;")
        session.close()
    assert output.getvalue().splitlines()[:5] == [
        "0", "1|7", "i", "CREATE VIEW v AS SELECT a FROM t", "/* v(a) */;",
    ]  # fmt: skip
    assert "Error: no such table: t\n" in output.getvalue()


def test_a_time_to_wait_for_the_writer_is_a_number(path, ok):
    status, message = shell("-wait", "soon", path)
    assert status == 2
    assert message.startswith("lsmsql: option -wait is a time in seconds, not soon")
    assert ok("SELECT 1", options="-wait 0.5") == "1\n"


def test_the_store_is_closed_after_every_end(run, path):
    for arguments, stdin in (
        ((".quit",), ""),
        (("BEGIN", "INSERT INTO kv VALUES(1, 2)", "SELECT missing"), ""),
        ((), "SELECT 1;\n.exit 2\n"),
        ((), "SELECT 'unfinished"),
    ):
        run(*arguments, stdin=stdin)
        with lsmsql.open(path) as store:
            assert len(store) == 0


def test_history_keeps_the_past(ok, wrong):
    ok("INSERT INTO kv VALUES ('a', 'old')", "UPDATE kv SET value = 'new'", options="-history 1h")
    past = ("SELECT value FROM kv_at(1)", "SELECT lsmsql_sequence()")
    assert ok(*past, options="-history 10") == "old\n2\n"
    assert "commit 1 is no longer kept; the oldest is 2" in wrong(*past)
    assert "option history is None, a number of commits" in wrong(*past, options="-history often")
