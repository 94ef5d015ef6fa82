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
    path = file("1,2\n")
    script = ["CREATE TEMP TABLE t(a, b)", f".import {path} t", "SELECT * FROM t"]
    assert ok(*script) == "1|2\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (".import", "usage: .import"),
        (".import a b c", "usage: .import"),
        (".import -foo a b", "unknown option -foo"),
        (".import nothing.csv kv", "nothing.csv: No such file"),
        (".import nothing.csv nowhere", "no such table: nowhere"),
    ],
)
def test_wrong_commands(wrong, command, message):
    assert message in wrong(command)


def test_not_within_a_transaction(wrong, file):
    message = wrong("BEGIN", f".import {file('1,2')} kv")
    assert "COMMIT or ROLLBACK first" in message
