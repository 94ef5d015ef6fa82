"""What a program sees of cursors, parameters, rows and functions is what it sees with sqlite3."""

from __future__ import annotations

import array
import enum

import pytest


class Color(enum.IntEnum):
    RED = 3


class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    def __conform__(self, protocol: object) -> str:
        return f"{self.x};{self.y}"


# ------------------------------------------------------------------------------- cursors


def test_a_new_cursor_knows_nothing(connection):
    cursor = connection.cursor()
    assert (cursor.rowcount, cursor.lastrowid, cursor.description) == (-1, None, None)
    assert cursor.arraysize == 1
    assert cursor.connection is connection


def test_rowcount_counts_changed_rows(connection):
    cursor = connection.cursor()
    counts = []
    for sql in (
        "INSERT INTO t VALUES (1, 'a', 1.0), (2, 'b', 2.0), (3, 'c', 3.0)",
        "UPDATE t SET price = 0 WHERE id > 1",
        "SELECT * FROM t",
        "DELETE FROM t WHERE id = 7",
        "REPLACE INTO t VALUES (3, 'd', 4)",
        "CREATE TEMP TABLE u(a)",
        "DELETE FROM t",
        "SAVEPOINT s",
    ):
        counts.append(cursor.execute(sql).rowcount)
    assert counts == [3, 2, -1, 0, 1, -1, 3, -1]
    assert connection.total_changes == 9


def test_executemany_sums_up(connection):
    cursor = connection.cursor()
    cursor.executemany("INSERT INTO t VALUES (?, ?, 0.5)", ((i, f"n{i}") for i in range(5)))
    assert cursor.rowcount == 5
    cursor.executemany("DELETE FROM t WHERE id >= :low", [{"low": 4}, {"low": 2}])
    assert cursor.rowcount == 3
    cursor.executemany("DELETE FROM t WHERE id = ?", [])
    assert cursor.rowcount == 0
    assert cursor.description is None


def test_executemany_takes_the_rows_of_another_cursor(connection):
    connection.executemany("INSERT INTO t VALUES (?, 'x', 1)", [(i,) for i in range(4)])
    rows = connection.execute("SELECT id + 10, name, price FROM t WHERE id < 2")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    found = connection.execute("SELECT id FROM t ORDER BY id").fetchall()
    assert found == [(0,), (1,), (2,), (3,), (10,), (11,)]


def test_executemany_refuses_queries(connection, module):
    with pytest.raises(module.ProgrammingError, match="DML"):
        connection.executemany("SELECT ?", [(1,)])


def test_lastrowid_is_that_of_the_last_insert(connection):
    cursor = connection.cursor()
    assert cursor.execute("INSERT INTO t(id, name) VALUES (7, 'a')").lastrowid == 7
    assert cursor.execute("INSERT INTO t(name) VALUES ('b')").lastrowid == 8
    assert cursor.execute("UPDATE t SET name = 'c' WHERE id = 7").lastrowid == 8
    assert cursor.execute("REPLACE INTO t(id) VALUES (3)").lastrowid == 3
    cursor.executemany("INSERT INTO t(id) VALUES (?)", [(20,), (21,)])
    assert cursor.lastrowid == 3


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        (
            "SELECT id, name AS n, 1 + 1, 'x' \"two words\" FROM t",
            ["id", "n", "1 + 1", "two words"],
        ),
        ("SELECT * FROM t WHERE 0", ["id", "name", "price"]),
        ("PRAGMA no_such_pragma", None),
        ("INSERT INTO t(id) VALUES (1)", None),
        ("CREATE TEMP TABLE u(a)", None),
        ("BEGIN", None),
        ("", None),
        ("-- nothing", None),
        ("VALUES (1, 2)", ["column1", "column2"]),
        ("WITH x(a) AS (SELECT 1) SELECT a FROM x", ["a"]),
    ],
)
def test_description_names_the_columns(connection, sql, names):
    cursor = connection.execute(sql)
    if names is None:
        assert cursor.description is None
    else:
        assert [column[0] for column in cursor.description] == names
        assert all(len(column) == 7 for column in cursor.description)
        cursor.fetchall()
        assert [column[0] for column in cursor.description] == names
        cursor.close()
        with pytest.raises(connection.ProgrammingError, match="closed cursor"):
            cursor.execute("SELECT 1")


def test_rows_are_fetched_one_some_and_all(connection):
    connection.executemany("INSERT INTO t(id) VALUES (?)", [(i,) for i in range(8)])
    cursor = connection.execute("SELECT id FROM t ORDER BY id")
    assert cursor.fetchone() == (0,)
    assert cursor.fetchmany() == [(1,)]
    cursor.arraysize = 2
    assert cursor.fetchmany() == [(2,), (3,)]
    assert cursor.fetchmany(size=1) == [(4,)]
    assert next(cursor) == (5,)
    assert list(cursor) == [(6,), (7,)]
    assert cursor.fetchone() is None
    assert cursor.fetchmany() == cursor.fetchall() == []


def test_executing_again_forgets_the_rows_before(connection):
    cursor = connection.execute("VALUES (1), (2), (3)")
    cursor.fetchone()
    assert cursor.execute("VALUES (4)").fetchall() == [(4,)]


def test_rows_may_be_read_while_others_are_written(connection):
    connection.executemany("INSERT INTO t(id, price) VALUES (?, 0)", [(i,) for i in range(100)])
    for (number,) in connection.execute("SELECT id FROM t WHERE id < 50 ORDER BY id"):
        connection.execute("UPDATE t SET price = 1 WHERE id = ?", (number,))
    connection.commit()
    assert connection.execute("SELECT sum(price) FROM t").fetchone() == (50,)


def test_rows_of_returning_are_fetched_and_counted(connection):
    connection.execute("CREATE TEMP TABLE u(a, b)")
    cursor = connection.execute("INSERT INTO u VALUES (1, 2), (3, 4) RETURNING a + b AS c")
    assert cursor.description[0][0] == "c"
    assert cursor.fetchall() == [(3,), (7,)]
    assert cursor.rowcount == 2


def test_rows_are_counted_whatever_becomes_of_them(connection):
    connection.execute("CREATE TABLE u(id INTEGER PRIMARY KEY, name TEXT UNIQUE, n DEFAULT 5)")
    connection.execute("INSERT INTO u(name) VALUES ('a'), ('b')")
    counts = [
        connection.execute(f"INSERT {sql}").rowcount
        for sql in (
            "OR IGNORE INTO u(name) VALUES ('a'), ('c')",
            "OR IGNORE INTO u(name) VALUES ('a')",
            "OR REPLACE INTO u(name) VALUES ('a')",
            "INTO u(name) VALUES ('c'), ('d') ON CONFLICT(name) DO UPDATE SET n = n + 1",
            "INTO u(name) VALUES ('c') ON CONFLICT DO NOTHING",
        )
    ]
    assert counts == [1, 0, 1, 2, 0]
    assert connection.total_changes == 6
    names = connection.execute("SELECT name, n FROM u ORDER BY name").fetchall()
    assert names == [("a", 5), ("b", 5), ("c", 6), ("d", 5)]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("INSERT INTO t(name) VALUES ('b'), (:x) RETURNING id, name AS n", [(2, "b"), (3, "c")]),
        ("UPDATE t SET name = :x RETURNING id, name AS n", [(1, "c")]),
        ("DELETE FROM t WHERE name <> :x RETURNING id, name AS n", [(1, "a")]),
        (
            "INSERT INTO t(id) VALUES (1) ON CONFLICT(id) DO UPDATE SET name = :x"
            " RETURNING id, name AS n",
            [(1, "c")],
        ),
    ],
)
def test_changed_rows_are_returned(connection, sql, rows):
    connection.execute("INSERT INTO t(name) VALUES ('a')")
    cursor = connection.execute(sql, {"x": "c"})
    assert [column[0] for column in cursor.description] == ["id", "n"]
    assert cursor.fetchall() == rows
    assert cursor.rowcount == len(rows)


def test_a_cursor_that_is_half_read_may_run_a_definition(connection):
    connection.execute("INSERT INTO t(name) VALUES ('a'), ('b'), ('c')")
    cursor = connection.execute("SELECT name FROM t")
    cursor.fetchone()
    cursor.execute("CREATE TABLE u(id INTEGER PRIMARY KEY)")
    cursor.execute("SELECT name FROM t").fetchall()
    cursor.executescript("SELECT * FROM t; DROP TABLE t; SELECT * FROM u")
    with pytest.raises(connection.OperationalError, match="no such table"):
        cursor.execute("SELECT name FROM t")


def test_things_are_defined_while_rows_are_read(connection):
    connection.execute("create table u(id integer primary key)")
    connection.execute("INSERT INTO t(name) VALUES ('a'), ('b'), ('c')")
    rows = connection.execute("SELECT id FROM t ORDER BY id")
    assert rows.fetchone() == (1,)
    for sql in ("create table v(a)", "create index i on u(id)", "create view w as select * from t"):
        connection.execute(sql)
    assert rows.fetchall() == [(2,), (3,)]


# ------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    "value",
    [None, 0, -(2**63), 2**63 - 1, 1.5, "", "ä\0z", b"", b"\0\xff", True, Color.RED],
    ids=repr,
)
def test_values_come_back(connection, value):
    ((found,),) = connection.execute("SELECT ?", (value,)).fetchall()
    assert found == value
    assert type(found) is (int if isinstance(value, int) else type(value))


@pytest.mark.parametrize(
    "value", [bytearray(b"ab"), memoryview(b"ab"), array.array("b", b"ab")], ids=type
)
def test_buffers_are_blobs(connection, value):
    assert connection.execute("SELECT ?", (value,)).fetchone() == (b"ab",)


@pytest.mark.parametrize(
    ("sql", "parameters", "row"),
    [
        ("SELECT ?, ?", [1, 2], (1, 2)),
        ("SELECT ?", "x", ("x",)),
        ("SELECT ?2, ?1", (1, 2), (2, 1)),
        ("SELECT :a, :b, :a", {"a": 1, "b": 2, "c": 3}, (1, 2, 1)),
        ("SELECT @a, $b", {"a": 1, "b": 2}, (1, 2)),
        ("SELECT ?", (Point(1, 2),), ("1;2",)),
        ("SELECT :p", {"p": Point(1, 2)}, ("1;2",)),
        ("SELECT 1", (), (1,)),
        ("SELECT ?", range(5, 6), (5,)),
    ],
)
def test_parameters_are_bound(connection, sql, parameters, row):
    assert connection.execute(sql, parameters).fetchone() == row


@pytest.mark.parametrize(
    ("sql", "parameters", "error", "message"),
    [
        ("SELECT ?, ?", (1,), "ProgrammingError", "uses 2, and there are 1 supplied"),
        ("SELECT 1", (1,), "ProgrammingError", "uses 0, and there are 1 supplied"),
        ("SELECT ?", (), "ProgrammingError", "uses 1, and there are 0 supplied"),
        ("SELECT :a", {}, "ProgrammingError", "did not supply a value for binding.*:?a"),
        ("SELECT ?", {"a": 1}, "ProgrammingError", "has no name, but you supplied a dictionary"),
        ("SELECT ?", 5, "ProgrammingError", "parameters are of unsupported type"),
        ("SELECT ?", {1}, "ProgrammingError", "parameters are of unsupported type"),
        ("SELECT ?", (object(),), "ProgrammingError", "1.*type 'object' is not supported"),
        ("SELECT ?, ?", (1, 2j), "ProgrammingError", "2.*type 'complex' is not supported"),
    ],
)
def test_wrong_parameters_are_refused(connection, sql, parameters, error, message):
    with pytest.raises(getattr(connection, error), match=message):
        connection.execute(sql, parameters)
    assert connection.in_transaction is False


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**30])
def test_integers_beyond_64_bits_are_refused(connection, value):
    with pytest.raises(OverflowError, match="Python int too large to convert to SQLite INTEGER"):
        connection.execute("SELECT ?", (value,))


# ------------------------------------------------------------------------------- statements


@pytest.mark.parametrize(
    ("sql", "error", "message"),
    [
        ("SELEC 1", "OperationalError", 'near "SELEC": syntax error'),
        ("SELECT * FROM nope", "OperationalError", "no such table: nope"),
        ("SELECT nope FROM t", "OperationalError", "no such column: nope"),
        ("SELECT nope()", "OperationalError", "no such function: nope"),
        ("INSERT INTO t VALUES (1, 'a', 'x')", "IntegrityError", "cannot store TEXT value"),
        ("INSERT INTO t(id) VALUES (1), (1)", "IntegrityError", "UNIQUE constraint failed: t.id"),
        ("COMMIT", "OperationalError", "no transaction is active"),
        ("ROLLBACK TO s", "OperationalError", "no such savepoint: s"),
        ("CREATE TABLE t(a INTEGER PRIMARY KEY)", "OperationalError", "already exists"),
        ("DROP TABLE nope", "OperationalError", "no such table: nope"),
        ("SELECT 1\0", "ProgrammingError", "null character"),
        ("SELECT abs(-9223372036854775808)", "OperationalError", "integer overflow"),
        ("SELECT zeroblob(2000000000)", "DataError", "too big"),
    ],
)
def test_errors_are_of_the_same_class(connection, sql, error, message):
    with pytest.raises(getattr(connection, error), match=message):
        connection.execute(sql).fetchall()


def test_errors_of_sqlite_have_its_code(connection, module):
    with pytest.raises(module.IntegrityError) as caught:
        connection.execute("INSERT INTO t(id) VALUES (1), (1)")
    assert caught.value.sqlite_errorname == "SQLITE_CONSTRAINT_PRIMARYKEY"
    assert caught.value.sqlite_errorcode == 1555
    with pytest.raises(module.OperationalError) as caught:
        connection.execute("SELECT * FROM nope")
    assert (caught.value.sqlite_errorname, caught.value.sqlite_errorcode) == ("SQLITE_ERROR", 1)


def test_sql_is_a_text(connection):
    with pytest.raises(TypeError, match="str"):
        connection.execute(5)
    with pytest.raises(TypeError, match="str"):
        connection.execute(b"SELECT 1")
    with pytest.raises(TypeError, match="str"):
        connection.executescript(b"SELECT 1")


def test_one_statement_at_a_time(connection, module):
    with pytest.raises((module.ProgrammingError, module.Warning), match="one statement at a time"):
        connection.execute("SELECT 1; SELECT 2")
    assert connection.execute("SELECT 1; -- and no more").fetchall() == [(1,)]


def test_a_script_runs_up_to_the_first_error(connection, module):
    connection.execute("INSERT INTO t(id) VALUES (1)")
    with pytest.raises(module.OperationalError, match="syntax error"):
        connection.executescript(
            "INSERT INTO t(id) VALUES (2); SELECT * FROM t; CREATE TEMP TABLE u(a);"
            " INSERT INTO u VALUES ('a;b'); -- a comment; more\n nonsense; DELETE FROM t"
        )
    assert connection.in_transaction is False
    assert connection.execute("SELECT id FROM t").fetchall() == [(1,), (2,)]
    assert connection.execute("SELECT a FROM u").fetchall() == [("a;b",)]


def test_other_columns_show_at_once(connection):
    sql = "SELECT * FROM temp.u"
    connection.execute("CREATE TEMP TABLE u(a)")
    assert [c[0] for c in connection.execute(sql).description] == ["a"]
    connection.execute("ALTER TABLE temp.u ADD COLUMN b")
    assert [c[0] for c in connection.execute(sql).description] == ["a", "b"]


# ------------------------------------------------------------------------------- rows


def test_a_row_factory_makes_the_rows(connection):
    connection.row_factory = lambda cursor, row: {cursor.description[0][0]: row}
    cursor = connection.execute("SELECT 1 AS a, 2")
    assert cursor.fetchone() == {"a": (1, 2)}
    cursor.row_factory = None
    assert cursor.execute("SELECT 3").fetchall() == [(3,)]
    assert connection.execute("SELECT 4 AS b").fetchall() == [{"b": (4,)}]


def test_a_row_is_a_sequence_with_names(connection, module):
    connection.row_factory = module.Row
    row, same, other = (
        connection.execute(sql).fetchone()
        for sql in ("SELECT 1 AS a, 2 AS B", "SELECT 1 AS a, 2 AS B", "SELECT 1 AS a, 2 AS C")
    )
    assert (row["a"], row["A"], row["b"], row[1], row[-1], row[0:1]) == (1, 1, 2, 2, 2, (1,))
    assert (row.keys(), len(row), tuple(row), list(row)) == (["a", "B"], 2, (1, 2), [1, 2])
    assert (row == same, hash(row) == hash(same), row != other) == (True, True, True)
    assert row != (1, 2)
    assert dict(row) == {"a": 1, "B": 2}
    for wrong in ("c", 2, 1.5):
        with pytest.raises(IndexError):
            row[wrong]


def test_a_text_factory_makes_the_texts(connection):
    connection.text_factory = bytes
    assert connection.execute("SELECT 'ä', 1, x'01'").fetchone() == ("ä".encode(), 1, b"\x01")
    connection.text_factory = lambda data: data.decode().upper()
    assert connection.execute("SELECT 'a', NULL").fetchone() == ("A", None)


# ------------------------------------------------------------------------------- functions


def test_functions_are_called(connection):
    connection.create_function("plus", 2, lambda a, b: a + b)
    connection.create_function("count_all", -1, lambda *values: len(values), deterministic=True)
    row = connection.execute("SELECT plus(1, 2), plus('a', 'b'), count_all(), count_all(1, 2)")
    assert row.fetchone() == (3, "ab", 0, 2)
    connection.create_function("plus", 2, None)
    with pytest.raises(connection.OperationalError):
        connection.execute("SELECT plus(1, 2)").fetchone()


def test_a_function_that_fails_fails_the_statement(connection):
    connection.create_function("fail", 0, lambda: 1 / 0)
    connection.create_function("wrong", 0, object)
    connection.create_function("large", 0, lambda: 2**70)
    message = "user-defined function raised exception"
    for name in ("fail", "wrong"):
        with pytest.raises(connection.OperationalError, match=message):
            connection.execute(f"SELECT {name}()").fetchall()
    with pytest.raises(connection.DataError):
        connection.execute("SELECT large()").fetchall()
    with pytest.raises(connection.OperationalError, match="wrong number of arguments"):
        connection.execute("SELECT fail(1)")


class Longest:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def step(self, text: str) -> None:
        self.texts.append(text)

    def inverse(self, text: str) -> None:
        self.texts.remove(text)

    def value(self) -> str | None:
        return max(self.texts, key=len, default=None)

    finalize = value


def test_aggregates_and_window_functions(connection):
    connection.create_aggregate("longest", 1, Longest)
    connection.create_window_function("longest_of", 1, Longest)
    words = "(VALUES (1, 'a'), (2, 'ccc'), (3, 'bb'), (4, 'd'))"
    found = connection.execute(f"SELECT longest(column2) FROM {words}").fetchone()
    assert found == ("ccc",)
    sql = f"""SELECT longest_of(column2) OVER (ORDER BY column1 ROWS BETWEEN CURRENT ROW
              AND 1 FOLLOWING) FROM {words}"""
    assert connection.execute(sql).fetchall() == [("ccc",), ("ccc",), ("bb",), ("d",)]


@pytest.mark.parametrize("method", ["__init__", "step", "finalize"])
def test_an_aggregate_that_fails_fails_the_statement(connection, method):
    methods = {"step": lambda self, value: None, "finalize": lambda self: 1}
    broken = type("Broken", (), {**methods, method: lambda *arguments: 1 / 0})
    connection.create_aggregate("broken", 1, broken)
    message = f"user-defined aggregate's '{method}' method raised error"
    with pytest.raises(connection.OperationalError, match=message):
        connection.execute("SELECT broken(1)").fetchall()


def test_collations(connection):
    connection.create_collation("backwards", lambda a, b: (a < b) - (a > b))
    sql = "SELECT column1 FROM (VALUES ('a'), ('c'), ('b')) ORDER BY 1 COLLATE backwards"
    assert connection.execute(sql).fetchall() == [("c",), ("b",), ("a",)]
    connection.create_collation("backwards", None)
    with pytest.raises(connection.OperationalError, match="no such collation sequence"):
        connection.execute(sql)


LONG = "WITH RECURSIVE x(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM x) SELECT max(a) FROM x"


@pytest.mark.parametrize("handler", [lambda: 1, lambda: 1 / 0], ids=["says so", "fails"])
def test_a_progress_handler_ends_statements(connection, handler):
    connection.set_progress_handler(handler, 100)
    with pytest.raises(connection.OperationalError, match="interrupted"):
        connection.execute(LONG).fetchall()
    connection.set_progress_handler(None, 100)
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_the_trace_callback_sees_statements_and_values(connection):
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    connection.execute("SELECT ?, 1", ("it's",))
    connection.execute("INSERT INTO t(id) VALUES (:id)", {"id": 5})
    connection.commit()
    connection.set_trace_callback(None)
    connection.execute("SELECT 2")
    assert [sql.strip() for sql in seen] == [
        "SELECT 'it''s', 1",
        "BEGIN",
        "INSERT INTO t(id) VALUES (5)",
        "COMMIT",
    ]


def test_limits_are_read_and_set(connection):
    sql_length = 1
    before = connection.getlimit(sql_length)
    assert connection.setlimit(sql_length, 20) == before
    assert connection.getlimit(sql_length) == 20
    with pytest.raises(connection.DataError, match="too big|too large|too long"):
        connection.execute("SELECT 'more than twenty characters'")
    with pytest.raises(connection.ProgrammingError, match="'category' is out of bounds"):
        connection.getlimit(99)


# ------------------------------------------------------------------------------- closing


def test_a_closed_connection_refuses_everything(connection):
    cursor = connection.cursor()
    connection.close()
    connection.close()
    for use in (
        connection.commit,
        connection.cursor,
        connection.interrupt,
        lambda: connection.in_transaction,
        lambda: connection.total_changes,
        lambda: connection.execute("SELECT 1"),
        lambda: cursor.execute("SELECT 1"),
        cursor.fetchone,
        cursor.close,
        lambda: connection.create_function("f", 0, int),
    ):
        with pytest.raises(connection.ProgrammingError, match="Cannot operate on a closed"):
            use()


def test_cursors_may_be_of_a_class_of_the_program(connection, module):
    class Counting(module.Cursor):  # type: ignore[name-defined, misc]
        runs = 0

        def execute(self, *arguments):
            self.runs += 1
            return super().execute(*arguments)

    cursor = connection.cursor(Counting)
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]
    assert cursor.runs == 1
    assert isinstance(connection.cursor(factory=Counting), Counting)
    with pytest.raises(TypeError):
        connection.cursor(lambda made: None)


def test_connections_may_be_of_a_class_of_the_program(connect, module):
    class Named(module.Connection):  # type: ignore[name-defined, misc]
        name = "mine"

    connection = connect(factory=Named)
    assert connection.name == "mine"
    assert connection.execute("SELECT 1").fetchall() == [(1,)]
