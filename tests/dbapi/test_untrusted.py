"""SQL from strangers: what is refused, what is stopped, and that nothing changes by it."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.dbapi.limits import Limits
from lsmsql.dbapi.permissions import FUNCTIONS, PRAGMAS, READ_PRAGMAS, refusal
from tests.dbapi.conftest import FAST

SMALL: dict[str, Any] = {"max_seconds": 600, "max_rows": 1_000, "max_memory": 1 << 20}
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "


@pytest.fixture
def owner(path: str) -> Iterator[lsmsql.Connection]:
    """Somebody who trusts himself, and what he has made."""
    made = lsmsql.connect(path, **FAST)
    made.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT DEFAULT (lower('X')), n INT)")
    made.execute("CREATE INDEX by_name ON t(name)")
    made.execute("CREATE VIEW v AS SELECT id, upper(name) AS name FROM t")
    made.executemany("INSERT INTO t(name, n) VALUES (?, ?)", [(f"n{i}", i) for i in range(100)])
    made.commit()
    yield made
    made.close()


@pytest.fixture
def stranger(owner: lsmsql.Connection, path: str) -> Iterator[lsmsql.Connection]:
    made = lsmsql.connect(path, untrusted=True, isolation_level=None, **SMALL)
    yield made
    made.close()


def dump(connection: lsmsql.Connection) -> str:
    return "\n".join(connection.iterdump())


# ------------------------------------------------------------------------------- allowed

ALLOWED = [
    "SELECT * FROM t WHERE name BETWEEN 'n1' AND 'n2' ORDER BY id DESC",
    "SELECT v.name, count(*) OVER (PARTITION BY n % 2) FROM t JOIN v USING (id)",
    "SELECT value FROM kv WHERE key = 'a'",
    "SELECT key, value FROM json_each('[1, 2]')",
    "SELECT name, sql FROM sqlite_schema",
    "SELECT name FROM pragma_table_info('t')",
    "PRAGMA index_list(t)",
    "PRAGMA user_version",
    "EXPLAIN QUERY PLAN SELECT * FROM t WHERE name = 'n1'",
    "EXPLAIN SELECT 1",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9) SELECT sum(i) FROM n",
    "SELECT trim('xxaxx', 'x'), ltrim(' a'), rtrim(12, '2'), trim(NULL, 'x'), trim(x'6162', 'a')",
    "INSERT INTO t(name) VALUES ('new') RETURNING id, name",
    "INSERT INTO t(id) VALUES (1) ON CONFLICT (id) DO UPDATE SET n = t.n + 1 RETURNING *",
    "UPDATE t SET n = n + 1 WHERE id < 5 RETURNING n",
    "DELETE FROM t WHERE id > 90",
    "REPLACE INTO kv VALUES ('a', 1)",
    "SAVEPOINT a; INSERT INTO t(id) VALUES (1000); ROLLBACK TO a; RELEASE a",
    "BEGIN; DELETE FROM t; ROLLBACK",
]


@pytest.mark.parametrize("sql", ALLOWED)
def test_what_is_allowed_does_what_it_always_does(owner, stranger, sql):
    results = []
    for connection in (stranger, owner):
        connection.execute("BEGIN")
        connection.rollback()
        if ";" in sql:
            results.append((connection.executescript(sql).rowcount, dump(connection)))
            continue
        cursor = connection.execute(sql)
        rows = cursor.fetchall() if cursor.description else None
        results.append((rows, cursor.rowcount))
        connection.rollback()
        if cursor.rowcount > 0 and connection is stranger:  # so that the owner finds it as it was
            assert dump(owner) == dump(stranger)
            return
    assert results[0] == results[1]


# ------------------------------------------------------------------------------- refused

DEFINITIONS = [
    "CREATE TABLE x(a)",
    "CREATE TABLE x AS SELECT * FROM t",
    "CREATE TEMP TABLE x(a)",
    "CREATE TEMP VIEW x AS SELECT 1",
    "CREATE VIEW x AS SELECT load_extension('y')",
    "CREATE INDEX x ON t(n)",
    "CREATE TEMP TRIGGER x INSTEAD OF INSERT ON v BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE x USING lsm(a)",
    "CREATE VIRTUAL TABLE temp.x USING fts5(a)",
    "CREATE VIRTUAL TABLE temp.x USING dbstat",
    "DROP TABLE t",
    "DROP TABLE temp.kv",
    "DROP TABLE main.t",
    "DROP VIEW temp.v",
    "DROP VIEW v",
    "DROP INDEX by_name",
    "ALTER TABLE t RENAME TO u",
    "ALTER TABLE temp.t ADD COLUMN x",
    "ANALYZE",
    "REINDEX",
    "VACUUM",
    "/* a */ -- b\n create table x(a)",
]
REFUSED = [
    *DEFINITIONS,
    "EXPLAIN CREATE TABLE x(a)",
    "EXPLAIN QUERY PLAN DROP TABLE temp.kv",
    "ATTACH ':memory:' AS x",
    "ATTACH '{folder}/x.db' AS x",
    "ATTACH 'file:{folder}/x.db?mode=rwc' AS x",
    "EXPLAIN ATTACH '{folder}/x.db' AS x",
    "DETACH temp",
    "DETACH main",
    "VACUUM INTO '{folder}/x.db'",
    "SELECT load_extension('{folder}/x.so')",
    "SELECT * FROM t WHERE n = load_extension('x', 'y')",
    "INSERT INTO t(id) VALUES (1) ON CONFLICT DO UPDATE SET n = load_extension('x')",
    "DELETE FROM t WHERE id = 1 RETURNING load_extension('x')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT fts3_tokenizer('simple', x'00')",
    "SELECT sqlite_log(1, 'x')",
    "SELECT json_patch('{{}}', '{{}}')",
    "PRAGMA writable_schema = ON",
    "PRAGMA main.writable_schema(1)",
    "PRAGMA trusted_schema = ON",
    "PRAGMA temp_store_directory = '{folder}'",
    "PRAGMA temp_store = 1",
    "PRAGMA hard_heap_limit = 1",
    "PRAGMA query_only = ON",
    "PRAGMA case_sensitive_like = ON",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA integrity_check",
    "SELECT * FROM pragma_integrity_check",
    "SELECT * FROM pragma_quick_check('t')",
    "SELECT * FROM pragma_hard_heap_limit",
    "PRAGMA database_list_of_all",
    "SELECT 1" + ", abs(1)" * 201,
    "SELECT " + " OR ".join(f"'a' LIKE '{i}'" for i in range(90)) + ", abs(1)" * 120,
]
UNKNOWN = [
    "SELECT readfile('/etc/hostname')",
    "SELECT writefile('{folder}/x', 'y')",
    "SELECT edit('x')",
    "SELECT eval('SELECT 1')",
    "SELECT 'a' REGEXP '(a+)+b'",
    "SELECT * FROM dbstat",
    "SELECT * FROM sqlite_dbpage",
    "SELECT * FROM fts5vocab",
    "SELECT * FROM fts3tokenize('simple', 'a')",
    "SELECT * FROM fsdir('/')",
    "SELECT * FROM lsm_row_2",
    'SELECT "a text"',
    "INSERT INTO sqlite_temp_schema VALUES ('table', 'x', 'x', 0, 'y')",
    "INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 0, 'y')",
    "UPDATE sqlite_schema SET sql = 'x'",
    "DELETE FROM temp.sqlite_schema",
    "DELETE FROM main.sqlite_master",
    "INSERT INTO v VALUES (1, 'x')",
    "INSERT INTO kv_at VALUES (1, 2)",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_refused_says_so_and_changes_nothing(owner, stranger, sql, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    before = dump(owner), sorted(os.listdir(tmp_path))
    with pytest.raises(
        lsmsql.NotSupportedError, match="not allowed in an untrusted connection: [A-Ztm]"
    ):
        stranger.execute(sql.format(folder=folder))
    with pytest.raises(lsmsql.NotSupportedError, match="not allowed"):
        stranger.executescript("SELECT 1;" + sql.format(folder=folder))
    assert list(folder.iterdir()) == []
    assert (dump(owner), sorted(os.listdir(tmp_path))) == before
    assert dump(stranger) == before[0]


@pytest.mark.parametrize("sql", UNKNOWN)
def test_what_is_dangerous_elsewhere_is_not_there(owner, stranger, sql, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    before = dump(owner)
    with pytest.raises((lsmsql.OperationalError, lsmsql.NotSupportedError)):
        stranger.execute(sql.format(folder=folder))
    assert list(folder.iterdir()) == []
    assert dump(owner) == before == dump(stranger)


def test_a_statement_that_the_connection_itself_has_run_is_asked_about_again(owner, stranger):
    owner.execute("DROP TABLE t")
    stranger.execute("SELECT 1")  # which takes the table out of the connection
    with pytest.raises(lsmsql.OperationalError, match="no such table: t"):
        stranger.execute("SELECT * FROM t")
    for sql in ('DROP TABLE temp."kv"', 'CREATE VIRTUAL TABLE temp."t" USING lsm'):
        with pytest.raises(apsw.AuthError):
            stranger._link.raw.execute(sql)


def test_what_others_define_is_seen(owner, stranger):
    owner.execute("CREATE TABLE later(a INTEGER PRIMARY KEY, b CHECK (length(b) < 3))")
    owner.execute("CREATE VIEW w AS SELECT max(a) AS most FROM later")
    stranger.execute("INSERT INTO later VALUES (7, 'x')")
    assert stranger.execute("SELECT most FROM w").fetchall() == [(7,)]
    with pytest.raises(lsmsql.IntegrityError, match="CHECK"):
        stranger.execute("INSERT INTO later VALUES (8, 'long')")


def test_functions_of_the_program_may_be_called(stranger):
    stranger.create_function("shout", 1, lambda text: text.upper() + "!")
    assert stranger.execute("SELECT shout(name) FROM t WHERE id = 1").fetchone() == ("N0!",)


def test_it_may_be_for_reading_only(owner, path):
    with lsmsql.connect(path, mode="r", untrusted=True) as reader:
        assert reader.execute("SELECT count(*) FROM t").fetchone() == (100,)
        with pytest.raises(lsmsql.ReadOnlyError):
            reader.execute("DELETE FROM t")
    reader.close()


def test_the_list_of_functions_is_of_functions_that_there_are():
    connection = apsw.Connection(":memory:")
    names = {str(row[0]) for row in connection.execute("PRAGMA function_list")}
    pragmas = {str(row[0]) for row in connection.execute("PRAGMA pragma_list")}
    assert FUNCTIONS - names <= {"json_array_insert", "jsonb_array_insert"}  # new in SQLite 3.53
    assert pragmas >= PRAGMAS | READ_PRAGMAS
    connection.close()


@pytest.mark.parametrize("action", sorted(
    code for code in apsw.mapping_authorizer_function if isinstance(code, int)
))  # fmt: skip
def test_whatever_is_not_on_the_list_is_refused(action):
    harmless = {"SELECT", "READ", "RECURSIVE", "TRANSACTION", "SAVEPOINT", "FUNCTION"}
    name = str(apsw.mapping_authorizer_function[action]).removeprefix("SQLITE_")
    refused = refusal(action, "x", "y", "main", functions=frozenset(), ours=False)
    assert (refused is None) == (name in harmless)


# ------------------------------------------------------------------------------- limits

ENDLESS = [
    NUMBERS + "SELECT count(*) FROM n",
    "SELECT count(*) FROM t a, t b, t c, t d, t e",
    "SELECT max(a.name || b.name) FROM t a, t b, t c, t d WHERE a.name GLOB '*' || d.name",
    NUMBERS + "SELECT count(*) FROM n WHERE hex(randomblob(40000)) LIKE '%a%a%a%a%a%a%a%z%a%a%a%a'",
    NUMBERS + "SELECT sum(instr(hex(zeroblob(40000)), hex(zeroblob(20000)) || i)) FROM n",
    "UPDATE t SET n = (" + NUMBERS + "SELECT count(*) FROM n)",
    "INSERT INTO t(id) VALUES (1) ON CONFLICT DO UPDATE SET n = ("
    + NUMBERS + "SELECT count(*) FROM n)",
    "DELETE FROM t RETURNING (" + NUMBERS + "SELECT count(*) FROM n)",
]  # fmt: skip
TOO_MANY = [
    "SELECT 1 FROM t a, t b",
    NUMBERS + "SELECT * FROM n",
    "SELECT value FROM json_each('[' || substr(hex(zeroblob(5000)), 1, 0) || '1' || "
    "replace(hex(zeroblob(2000)), '0', ',1') || ']')",
]
TOO_LARGE = [
    NUMBERS + "SELECT zeroblob(50000) FROM n",
    NUMBERS + "SELECT count(DISTINCT hex(randomblob(40000))) FROM n",
    NUMBERS + "SELECT i FROM n ORDER BY randomblob(1000)",
    NUMBERS + ", m AS MATERIALIZED (SELECT hex(randomblob(30000)) x FROM n) SELECT count(*) FROM m",
    "INSERT INTO kv " + NUMBERS + "SELECT i, zeroblob(5000) FROM n",
    "UPDATE t SET name = hex(zeroblob(40000)) RETURNING 1",
    "DELETE FROM t RETURNING zeroblob(60000)",
]
TOO_BIG = [
    "SELECT hex(zeroblob(1000000))",
    "SELECT printf('%1000000000d', 1)",
    "SELECT zeroblob(1000000000)",
    "SELECT replace(hex(zeroblob(40000)), '0', '0123456789')",
    "SELECT group_concat(a.name || b.name) FROM t a, t b, t c",
    "SELECT replace(hex(zeroblob(40000)), '0', hex(zeroblob(40000)))",
    "SELECT trim(x, x) FROM (SELECT hex(zeroblob(40000)) AS x)",
    "SELECT '" + "x" * 100_000 + "'",
]


@pytest.mark.parametrize(
    ("statements", "error", "message"),
    [
        (TOO_MANY, lsmsql.OperationalError, "more than max_rows=1000 rows"),
        (TOO_LARGE, lsmsql.OperationalError, "more than max_memory=1048576 bytes"),
        (TOO_BIG, lsmsql.DataError, "too big|trim takes|100000 bytes"),
    ],
    ids=["rows", "memory", "values"],
)
def test_what_takes_too_much_is_stopped(owner, stranger, statements, error, message):
    before = dump(owner)
    for sql in statements:
        stranger.execute("BEGIN")
        with pytest.raises(error, match=message):
            stranger.execute(sql).fetchall()
        stranger.rollback()
        assert stranger.execute("SELECT count(*) FROM t").fetchone() == (100,)
    assert dump(owner) == before


def test_what_has_no_end_is_stopped(owner, path):
    before = dump(owner)
    with lsmsql.connect(path, untrusted=True, max_seconds=0.05) as stranger:
        for sql in ENDLESS:
            with pytest.raises(lsmsql.OperationalError, match="takes longer than max_seconds=0.05"):
                stranger.execute(sql).fetchall()
            stranger.rollback()
    stranger.close()
    assert dump(owner) == before


def test_the_changes_of_a_transaction_are_counted_together(stranger):
    stranger.execute("BEGIN")
    with pytest.raises(lsmsql.OperationalError, match="the changes of the transaction take more"):
        for key in range(100):
            stranger.execute("INSERT INTO kv VALUES (?, zeroblob(50000))", (key,))
    stranger.rollback()
    for _ in range(100):
        stranger.execute("REPLACE INTO kv VALUES (1, zeroblob(50000))")
    assert stranger.execute("SELECT count(*) FROM kv").fetchone() == (1,)


def test_a_statement_that_was_stopped_holds_nothing(stranger):
    cursor = stranger.cursor()
    cursor.execute("SELECT a.id FROM t a, t b")
    with pytest.raises(lsmsql.OperationalError, match="max_rows"):
        while cursor.fetchone():
            pass
    assert cursor.fetchone() is None
    assert stranger._link.binding.session._pin is None
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_the_time_between_two_fetches_does_not_count(stranger, monkeypatch):
    now = 0.0
    monkeypatch.setattr("lsmsql.dbapi.limits.monotonic", lambda: now)
    cursor = stranger.execute("SELECT id FROM t")
    for _ in range(10):
        now += 1
        assert cursor.fetchone() is not None


def test_two_statements_take_their_own(stranger):
    cursors = [stranger.execute("SELECT 1 FROM t a, t b LIMIT 900") for _ in range(3)]
    assert [len(cursor.fetchall()) for cursor in cursors] == [900] * 3


def test_a_program_may_set_the_limits_of_sqlite(stranger):
    assert stranger.setlimit(apsw.SQLITE_LIMIT_LENGTH, 200_000) == 100_000
    assert stranger.execute("SELECT length(zeroblob(150000))").fetchone() == (150_000,)


def test_limits_are_positive_numbers():
    for wrong in ({"seconds": 0}, {"seconds": "1"}, {"rows": 1.5}, {"memory": -1}, {"rows": True}):
        with pytest.raises(lsmsql.ProgrammingError, match="above 0"):
            Limits(**wrong)


def test_limits_are_for_untrusted_connections(path):
    with pytest.raises(lsmsql.ProgrammingError, match="max_rows: only with untrusted=True"):
        lsmsql.connect(path, max_rows=5)


def test_it_can_be_interrupted(owner, path):
    patient = lsmsql.connect(path, untrusted=True, max_seconds=600, check_same_thread=False)
    begun = threading.Event()

    def begin() -> int:
        begun.set()
        return 1

    patient.create_function("begun", 0, begin)

    def interrupt() -> None:
        begun.wait(60)
        patient.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(lsmsql.OperationalError, match="interrupted"):
        patient.execute(NUMBERS + "SELECT count(*) FROM n WHERE begun()")
    thread.join()
    patient.close()


VALUES = ["", "a", "ab", "aabbaa", "é1é", 1, -2, 2.5, 1e20, b"", b"ab", b"a", None, "0", " a "]


@pytest.mark.parametrize(
    ("function", "count"), [("instr", 2), ("replace", 3), ("trim", 2), ("ltrim", 2), ("rtrim", 2)]
)
def test_functions_that_are_not_those_of_sqlite_give_the_same(stranger, function, count):
    own = apsw.Connection(":memory:")
    sql = f"SELECT {function}({', '.join('?' * count)})"
    for values in itertools.product(VALUES, repeat=count):
        assert stranger.execute(sql, values).fetchall() == own.execute(sql, values).fetchall()
    own.close()


# ------------------------------------------------------------------------------- hostile texts

PIECES = [
    *(word for sql in (*ALLOWED, *REFUSED, *UNKNOWN) for word in sql.split()),
    ";", "(", ")", "'", '"', "[", "`", "--", "/*", "*/", "\n", "\x00", "\ud800", "é", "?", ":a",
    "((((((((" * 20, "SELECT", "temp.", "main.", "x'00'", "1e999", "-9223372036854775808", "NULL",
]  # fmt: skip


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_no_text_does_harm(owner, stranger, tmp_path, sql):
    before = sorted(os.listdir(tmp_path))
    schema = [table.name for table in owner._link.store.catalog.tables]
    for run in (stranger.execute, stranger.executescript):
        try:
            cursor = run(sql)
            if cursor.description:
                cursor.fetchall()
        except lsmsql.Error:
            pass
    if stranger.in_transaction:
        stranger.execute("ROLLBACK")
    assert [table.name for table in owner._link.store.catalog.tables] == schema
    assert sorted(os.listdir(tmp_path)) == before
    assert stranger.execute("PRAGMA database_list").fetchall() in (
        [(0, "main", ""), (1, "temp", "")],
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "SELECT " + "(" * n + "1" + ")" * n,
        lambda n: "SELECT " + "(SELECT " * (n // 8) + "1" + ")" * (n // 8),
        lambda n: "INSERT INTO t VALUES " + "(" * n,
        lambda n: "SELECT 1" + "+1" * n,
        lambda n: "SELECT " + "NOT " * n + "1",
        lambda n: "SELECT 1" + " UNION SELECT 1" * (n // 5),
        lambda n: "SELECT " + "?," * n + "?",
        lambda n: "INSERT INTO t(id) VALUES (1) " + "ON CONFLICT DO NOTHING " * (n // 5),
        lambda n: "DELETE FROM t RETURNING " + "[" * n,
        lambda n: "/*" * n,
        lambda n: "SELECT " + "CASE WHEN 1 THEN " * (n // 5),
        lambda n: "WITH " + "a AS (" * (n // 5),
        lambda n: "SELECT '" + "''" * n,
    ],
)
def test_texts_that_are_large_or_deep_are_refused(stranger, make):
    with pytest.raises(lsmsql.Error):
        stranger.execute(make(20_000)).fetchall()
