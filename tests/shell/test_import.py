"""``.import``: text files into tables."""

from __future__ import annotations

import pytest

CITY = "CREATE TABLE city(name TEXT PRIMARY KEY, people INTEGER, area REAL) STRICT"


@pytest.fixture
def file(tmp_path):
    """Writes a file and gives its path."""

    def write(text: str, name: str = "data.csv") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="")
        return str(path)

    return write


def test_csv_without_a_header(ok, file):
    path = file('Oslo,717710,454.0\n"Lund, SE",94393,\n')
    assert ok(CITY, f".import {path} city", "SELECT * FROM city") == (
        "Lund, SE|94393|\nOslo|717710|454.0\n"
    )


def test_a_header_says_the_order_of_the_columns(ok, file):
    path = file("people,NAME\r\n717710,Oslo\r\n,Lund\r\n")
    assert ok(CITY, f".import {path} city", "SELECT * FROM city") == "Lund||\nOslo|717710|\n"


def test_another_separator_and_lines_to_skip(ok, file):
    path = file("# cities\nOslo|1|2\n", "data.txt")
    assert ok(CITY, f".import --skip 1 {path} city", "SELECT * FROM city") == "Oslo|1|2.0\n"
    path = file("Oslo;5;\n", "data.txt")
    ok('.separator ";"', f".import {path} city")
    assert ok("SELECT people FROM city") == "5\n"


def test_mode_csv_and_the_option_csv(ok, file):
    path = file("Oslo,1,2\n", "data.txt")
    assert ok(CITY, ".mode csv", f".import {path} city", "SELECT * FROM city") == "Oslo,1,2.0\n"
    assert ok(f".import --csv {path} city", "SELECT count(*) FROM city") == "1\n"


def test_rows_replace_those_with_the_same_key(ok, file):
    path = file("Oslo,2,\nOslo,3,\n")
    ok(CITY, "INSERT INTO city VALUES('Oslo', 1, 1)", f".import {path} city")
    assert ok("SELECT * FROM city") == "Oslo|3|\n"


def test_an_empty_file(ok, file):
    assert ok(CITY, f".import {file('')} city", "SELECT count(*) FROM city") == "0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Oslo,1,2\nLund,many,2\n", "line 2: cannot store TEXT value in INTEGER column people"),
        ("Oslo,1,2\nLund\n", "line 2: 1 fields where 3 are expected"),
        ('Oslo,1,2\n"Lu\nnd",1,2,3\n', "line 3: 4 fields where 3 are expected"),
    ],
)
def test_a_wrong_row_imports_nothing(ok, wrong, file, text, message):
    ok(CITY)
    assert message in wrong(f".import {file(text)} city")
    assert ok("SELECT count(*) FROM city") == "0\n"


def test_a_temporary_table(ok, file):
    path = file("b,a\n1,2")
    script = ["CREATE TEMP TABLE t(a, b, c DEFAULT 'x')", f".import {path} t"]
    assert ok(*script, "SELECT * FROM t") == "2|1|x\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (".import", "usage: .import"),
        (".import a b c", "usage: .import"),
        (".import -foo a b", "unknown option -foo"),
        (".import nothing.csv kv", "nothing.csv: No such file"),
        (".import nothing.csv nowhere", "nothing.csv: No such file"),
    ],
)
def test_wrong_commands(wrong, command, message):
    assert message in wrong(command)


def test_within_a_transaction(ok, file):
    script = ["BEGIN", f".import {file('1,2')} kv", "SELECT * FROM kv", "ROLLBACK"]
    assert ok(*script, "SELECT count(*) FROM kv") == "1|2\n0\n"


def test_what_the_file_does_not_have_gets_its_default_or_is_computed(ok, file):
    table = "CREATE TABLE t(a INTEGER, b TEXT DEFAULT 'x', c AS (a * 2), CHECK (a < 10))"
    path = file("a\n7\n5\n")
    ok(table, "CREATE INDEX i ON t(a)", f".import {path} t")
    path = file("2,y\n")
    ok(f".import {path} t")
    assert ok("SELECT rowid, * FROM t") == "1|7|x|14\n2|5|x|10\n3|2|y|4\n"
    assert ok("SELECT b FROM t WHERE a = 5") == "x\n"


def test_a_row_that_breaks_a_rule_imports_nothing(ok, wrong, file):
    ok("CREATE TABLE t(a INTEGER UNIQUE, b CHECK (b <> 'no'))", "INSERT INTO t VALUES(1, 'x')")
    path = file("2,yes\n3,no\n")
    assert f"{path}, line 2: CHECK constraint failed" in wrong(f".import {path} t")
    assert ok("SELECT * FROM t") == "1|x\n"
    assert ok(f".import {file('1,y')} t", "SELECT * FROM t") == "1|y\n"


def test_a_table_that_does_not_exist_is_made(ok, wrong, file):
    path = file("id, two words\n1,\n02,x\n")
    ok(f".import {path} fresh")
    assert ok("SELECT * FROM fresh", ".schema fresh") == (
        '1|\n02|x\nCREATE TABLE "fresh"("id" TEXT, "two words" TEXT);\n'
    )
    assert "no first row" in wrong(f".import {file('')} other")
    assert "duplicate column name: a" in wrong(f".import {file('a,a')} other")
    assert ok(".tables") == "fresh  kv\n"
