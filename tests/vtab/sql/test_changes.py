"""INSERT, REPLACE, UPDATE and DELETE come apart into what was written."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.vtab.sql.soup import EDITED, SOUP
from vtab.sql.changes import Change, read_change
from vtab.sql.reader import Slice


def change_of(sql: str) -> Change:
    change = read_change(sql)
    assert change is not None
    return change


def text(piece: Slice | None) -> str | None:
    return None if piece is None else piece.text


@pytest.mark.parametrize(
    ("sql", "verb", "conflict", "schema", "table", "alias"),
    [
        ("INSERT INTO t VALUES (1)", "INSERT", None, None, "t", None),
        ("insert or ignore into main.t select 1", "INSERT", "IGNORE", "main", "t", None),
        ("INSERT OR ROLLBACK INTO [a b] AS x SELECT 1", "INSERT", "ROLLBACK", None, "a b", "x"),
        ("REPLACE INTO \"a\"\"b\" VALUES (1)", "REPLACE", "REPLACE", None, 'a"b', None),
        ("UPDATE t SET a = 1", "UPDATE", None, None, "t", None),
        ("UPDATE OR FAIL temp . 't' AS 'x' SET a = 1 FROM u", "UPDATE", "FAIL", "temp", "t", "x"),
        ("DELETE FROM t", "DELETE", None, None, "t", None),
        ("/* so */ DELETE FROM t AS x WHERE 1; -- end", "DELETE", None, None, "t", "x"),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", "INSERT", None, None, "t", None),
        ("WITH RECURSIVE a(x, y) AS NOT MATERIALIZED (SELECT 1), replace AS MATERIALIZED (SELECT 2)"
         " DELETE FROM t", "DELETE", None, None, "t", None),
        ("WITH recursive AS (SELECT 1) UPDATE t SET a = 1", "UPDATE", None, None, "t", None),
        ("WITH recursive(x) AS (SELECT 1) UPDATE t SET a = 1", "UPDATE", None, None, "t", None),
        ("INSERT INTO replace VALUES (1)", "INSERT", None, None, "replace", None),
        ("; INSERT INTO t VALUES (1)", "INSERT", None, None, "t", None),
    ],
)  # fmt: skip
def test_what_is_changed(sql, verb, conflict, schema, table, alias) -> None:
    change = change_of(sql)
    assert (change.verb, change.conflict) == (verb, conflict)
    assert (change.schema, change.table, change.alias) == (schema, table, alias)
    assert change.main == Slice(sql, 0)
    assert change.upsert == () and change.returning is None


@pytest.mark.parametrize(
    "sql",
    [
        "", ";", "SELECT 1", "WITH a AS (SELECT 1) SELECT * FROM a", "VALUES (1)", "BEGIN",
        "EXPLAIN INSERT INTO t VALUES (1)", "INSERT", "INSERT INTO", "INSERT INTO t(", "WITH",
        "INSERT OR SOMETHING INTO t VALUES (1)", "INSERT INTO t(a b) VALUES (1)", "UPDATE",
        "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET", "UPDATE OR t SET a = 1",
        "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a", "DELETE t", "INSERT INTO 5",
        "INSERT INTO t VALUES (1) RETURNING", "INSERT INTO t VALUES (1) ON CONFLICT () DO NOTHING",
        "INSERT INTO t VALUES (1) ON CONFLICT (a DO NOTHING", "insertinto t values (1)",
    ],
)  # fmt: skip
def test_other_statements_and_what_cannot_be_read(sql: str) -> None:
    assert read_change(sql) is None


def test_the_columns_of_an_insert() -> None:
    assert change_of("INSERT INTO t VALUES (1)").columns is None
    assert change_of("INSERT INTO t SELECT (1)").columns is None
    assert change_of("INSERT INTO t(a, \"b\"\"\", [c d], 'e') SELECT 1").columns == (
        "a", 'b"', "c d", "e",
    )  # fmt: skip
    assert change_of("INSERT INTO t AS x(a) VALUES (1)").columns == ("a",)
    assert change_of("UPDATE t SET (a, b) = (1, 2)").columns is None


def test_default_values() -> None:
    assert change_of("INSERT INTO t DEFAULT VALUES RETURNING a").default_values
    assert not change_of("INSERT INTO t VALUES (1)").default_values


@pytest.mark.parametrize(
    ("sql", "main", "returning"),
    [
        ("INSERT INTO t VALUES (1) RETURNING *", "INSERT INTO t VALUES (1)", "*"),
        ("DELETE FROM t WHERE a = '' RETURNING a, (SELECT 1) ;", "DELETE FROM t WHERE a = ''",
         "a, (SELECT 1)"),
        ("UPDATE t SET a = [returning] /* ; */ Returning\n a AS x -- y",
         "UPDATE t SET a = [returning]", "a AS x"),
    ],
)  # fmt: skip
def test_returning(sql: str, main: str, returning: str) -> None:
    change = change_of(sql)
    assert change.main == Slice(main, 0)
    assert text(change.returning) == returning
    assert change.returning and sql[slice(*change.returning.span)] == returning


def clauses(sql: str) -> list[tuple[object, ...]]:
    return [
        (
            text(clause.target),
            text(clause.target_where),
            clause.assignments
            and [(each.columns, each.expression.text) for each in clause.assignments],
            text(clause.where),
        )
        for clause in change_of(sql).upsert
    ]


def test_upsert() -> None:
    sql = """INSERT INTO t AS x (a, b) VALUES (1, 2)
        ON CONFLICT (a, lower(b) COLLATE nocase) WHERE do > 0 AND (a) DO UPDATE
        SET a = excluded.a + 1, ("b", c) = (SELECT a, b FROM t WHERE a), (d)=(1) WHERE x.a IN (1, 2)
        ON CONFLICT(b) DO NOTHING
        ON CONFLICT DO UPDATE SET a = CASE WHEN 1 THEN 2 END
        RETURNING a"""
    assert clauses(sql) == [
        (
            "a, lower(b) COLLATE nocase",
            "do > 0 AND (a)",
            [
                (("a",), "excluded.a + 1"),
                (("b", "c"), "(SELECT a, b FROM t WHERE a)"),
                (("d",), "(1)"),
            ],
            "x.a IN (1, 2)",
        ),
        ("b", None, None, None),
        (None, None, [(("a",), "CASE WHEN 1 THEN 2 END")], None),
    ]
    change = change_of(sql)
    assert change.main.text == "INSERT INTO t AS x (a, b) VALUES (1, 2)"
    assert text(change.returning) == "a"
    terms = change.upsert[0].terms
    assert terms and [(term.column, term.collation) for term in terms] == [
        ("a", None), (None, "nocase"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "main"),
    [
        ("INSERT INTO t SELECT a FROM u JOIN v ON conflict(a) WHERE b", None),
        ("INSERT INTO t SELECT a FROM u JOIN v ON conflict", None),
        ("INSERT INTO t SELECT a FROM u JOIN v ON conflict(a) WHERE b ON CONFLICT(a) DO NOTHING",
         "INSERT INTO t SELECT a FROM u JOIN v ON conflict(a) WHERE b"),
        ("INSERT INTO t SELECT a FROM u JOIN v ON conflict(a) WHERE 1 RETURNING b",
         "INSERT INTO t SELECT a FROM u JOIN v ON conflict(a) WHERE 1"),
        ("UPDATE t SET a = 1 FROM u JOIN v ON conflict(a)", None),
        ("INSERT INTO t SELECT (SELECT a FROM u JOIN v ON conflict(a)) ON CONFLICT DO NOTHING",
         "INSERT INTO t SELECT (SELECT a FROM u JOIN v ON conflict(a))"),
    ],
)  # fmt: skip
def test_a_join_is_no_upsert(sql: str, main: str | None) -> None:
    assert change_of(sql).main.text == (main or sql)


# ------------------------------------------------------------------------------- made of parts

NAMES = {"a": "a", '"b b"': "b b", "[c,]": "c,", "conflict": "conflict", "`on`": "on", "'do'": "do"}
EXPRESSIONS = st.sampled_from(
    ["1", "'RETURNING a'", "(SELECT a FROM t WHERE a ORDER BY 1)", "max(a, 2)", "NOT a", "do",
     "a -- ON CONFLICT DO NOTHING\n", "CASE WHEN a THEN conflict END", "a IN (1, 2)",
     "a BETWEEN 1 AND 2", "'it''s'"]
)  # fmt: skip
COLUMNS = st.lists(st.sampled_from(sorted(NAMES)), min_size=1, max_size=3, unique=True)


@st.composite
def assignments(draw) -> tuple[str, tuple[str, ...], str]:
    """What is assigned to, as written and as names, and the expression."""
    columns = draw(COLUMNS)
    names = tuple(NAMES[column] for column in columns)
    if len(columns) == 1 and draw(st.booleans()):
        return columns[0], names, draw(EXPRESSIONS)
    values = ", ".join(draw(EXPRESSIONS) for _ in columns)
    return f"({', '.join(columns)})", names, f"({values})"


@st.composite
def upserts(draw) -> tuple[str, tuple[object, ...]]:
    """The text of a clause, and what is to be read in it."""
    target = draw(st.sampled_from(["a", "a, conflict", '"b b" COLLATE nocase DESC']))
    target_where = draw(st.none() | EXPRESSIONS)
    where = draw(st.none() | EXPRESSIONS)
    changes = draw(st.none() | st.lists(assignments(), min_size=1, max_size=3))
    sql = f" ON CONFLICT ({target})" + (f" WHERE {target_where}" if target_where else "")
    if changes is None:
        return f"{sql} DO NOTHING", (target, shorn(target_where), None, None)
    sql += " DO UPDATE SET " + ", ".join(f"{written} = {value}" for written, _, value in changes)
    sql += f" WHERE {where}" if where else ""
    read = [(names, shorn(value)) for _, names, value in changes]
    return sql, (target, shorn(target_where), read, shorn(where))


def shorn(expression: str | None) -> str | None:
    """Comments at the end of a piece are no part of it."""
    return None if expression is None else expression.removesuffix(" -- ON CONFLICT DO NOTHING\n")


SCHEMA = 'CREATE TABLE t(a PRIMARY KEY, "b b" UNIQUE COLLATE nocase, "c,", conflict, "on", do)'


@given(
    st.sampled_from(["", "WITH x(y) AS (SELECT 1) "]),
    st.sampled_from(["VALUES (1)", "SELECT a FROM t JOIN t USING (a) WHERE 1", 'SELECT 2 AS "on"']),
    st.lists(upserts(), max_size=3),
    st.none() | st.sampled_from(["*", "a, do", "(SELECT a FROM t) AS conflict"]),
)
@example("", "VALUES (1)", [(" ON CONFLICT DO NOTHING", (None, None, None, None))], "*")
def test_the_parts_are_found_again(start, source, drawn, returning) -> None:
    main = f"{start}INSERT INTO t(a) {source}"
    sql = main + "".join(clause for clause, _ in drawn)
    sql += f" RETURNING {returning}" if returning else ""
    assert clauses(sql) == [read for _, read in drawn]
    change = change_of(sql)
    assert change.main.text == main and text(change.returning) == returning


@given(st.lists(upserts(), max_size=3))
def test_sqlite_knows_the_texts_that_are_drawn(drawn) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute(SCHEMA)
    sql = "INSERT INTO t(a) VALUES (1)" + "".join(clause for clause, _ in drawn)
    try:
        connection.execute(f"EXPLAIN {sql}")
        message = ""
    except apsw.SQLError as error:
        message = str(error)
    assert "syntax error" not in message


@given(st.one_of(SOUP, EDITED))
def test_any_text_can_be_read(sql: str) -> None:
    assert isinstance(read_change(sql), Change | None)


@given(EDITED)
def test_pieces_are_where_they_say(sql: str) -> None:
    change = read_change(sql)
    if change is None:
        return
    pieces = [change.main, change.returning]
    for clause in change.upsert:
        pieces += [clause.target, clause.target_where, clause.where]
        pieces += [each.expression for each in clause.assignments or ()]
    assert all(sql[piece.start : piece.end] == piece.text for piece in pieces if piece)
