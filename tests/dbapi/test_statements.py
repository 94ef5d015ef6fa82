"""What SQLite is given to run for a statement, and which place an error tells."""

from __future__ import annotations

import pytest

import lsmsql


def test_the_schema_main_is_the_store(ours):
    ours.execute("INSERT INTO main.t VALUES (1, 'tea')")
    ours.execute("CREATE VIEW v AS SELECT id FROM main.t")
    ours.execute("CREATE TEMP VIEW w AS SELECT id FROM main.v")
    ours.execute("CREATE TABLE copy AS SELECT * FROM main.t")
    for name in ("main.t", '"main".t', "[MAIN].T", "main.copy"):
        assert ours.execute(f"SELECT * FROM {name}").fetchall() == [(1, "tea")]
    assert ours.execute("SELECT main.t.name FROM main.t JOIN main.v USING (id)").fetchone() == (
        "tea",
    )
    assert ours.execute("SELECT * FROM w").fetchone() == (1,)
    names = "SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY 1"
    assert ours.execute(names).fetchall() == [("copy",), ("kv",), ("t",)]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET name = name || 'b'",
        "INSERT INTO main.t VALUES (1, 'a') RETURNING id",
        "UPDATE t SET name = 'a' WHERE id = 1 RETURNING *",
        "CREATE INDEX i ON t(name)",
        "CREATE TABLE u(a, b)",
        "CREATE VIEW v AS SELECT 1",
        "ALTER TABLE t ADD COLUMN c",
        "DROP TABLE t",
    ],
)
def test_everything_can_be_explained_and_is_not_done(ours, sql):
    assert ours.execute(f"EXPLAIN {sql}").fetchall()
    ours.execute(f"-- why\n explain query plan {sql}")
    tables = ours.execute("SELECT sql FROM sqlite_master WHERE name <> 'kv'").fetchall()
    assert [sql for (sql,) in tables if sql] == [
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)"
    ]
    assert ours.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_the_plan_of_a_change_with_returning(ours):
    plan = ours.execute("EXPLAIN QUERY PLAN DELETE FROM t WHERE id = 1 RETURNING name").fetchall()
    assert "SEARCH t BY PRIMARY KEY (id=?)" in details(plan)


def details(rows):
    return "\n".join(row[3] for row in rows)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES ('ü', wrong)",
        "INSERT INTO t VALUES ('ü', ?) RETURNING id, wrong",
        "INSERT INTO t VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = ? || 'ü' || wrong",
        "UPDATE t SET name = 'ü' WHERE id = ?2 AND wrong RETURNING *",
        "DELETE FROM main.t RETURNING 'ü', ? + wrong AS x",
        "EXPLAIN DELETE FROM main.t RETURNING 'ü', ? + wrong AS x",
        "EXPLAIN QUERY PLAN CREATE TABLE u AS SELECT 'ü', wrong FROM t",
        "EXPLAIN CREATE INDEX i ON t(wrong)",
    ],
)
def test_an_error_tells_its_place_in_the_text_of_the_user(ours, sql):
    with pytest.raises(lsmsql.OperationalError, match="no such column: wrong") as caught:
        ours.execute(sql, (1, 2, 3))
    assert sql.encode()[vars(caught.value)["error_offset"] :].startswith(b"wrong")


def test_a_clause_that_is_cut_off(ours):
    with pytest.raises(lsmsql.OperationalError, match="incomplete input"):
        ours.execute("DELETE FROM t RETURNING id,")


def test_the_functions_that_count_changes(ours):
    ours.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    ours.execute("INSERT OR IGNORE INTO t VALUES (2, 'c'), (3, 'c')")
    assert ours.execute("SELECT changes(), total_changes()").fetchone() == (1, 3)
    ours.execute("CREATE TEMP TABLE x(a)")
    ours.execute("INSERT INTO x SELECT id FROM t")
    assert ours.execute("SELECT changes(), total_changes()").fetchone() == (3, 6)
    ours.execute("DELETE FROM t WHERE id > 5")
    assert ours.execute("SELECT changes(), total_changes()").fetchone() == (0, 6)


def test_an_index_cannot_be_asked_for_by_name(ours) -> None:
    ours.execute("INSERT INTO t VALUES (1, 'tea')")
    ours.execute("CREATE INDEX by_name ON t(name)")
    with pytest.raises(lsmsql.SchemaError, match="INDEXED BY by_name: not supported"):
        ours.execute("SELECT * FROM t INDEXED BY by_name WHERE name = 'tea'")
    with pytest.raises(lsmsql.Error, match="no such index: nope"):
        ours.execute("SELECT * FROM t INDEXED BY nope")
    assert ours.execute("SELECT id FROM t NOT INDEXED WHERE name = 'tea'").fetchall() == [(1,)]
