"""Tables as they were, in SQL."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lsmsql
import vtab
from lsmsql.engine.store import Store, open_store
from tests.vtab.pair import explain, new_pair
from tests.vtab.test_queries_like_sqlite import (
    LAYOUTS,
    Shape,
    fill,
    queries,
    shapes,
    with_literals,
)


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(st.data(), shapes, st.sampled_from(LAYOUTS), st.booleans())
def test_random_queries_of_the_past(
    data: st.DataObject, shape: Shape, layout: str, literal: bool
) -> None:
    with new_pair(history=1000) as pair:
        pair.create("t", shape.sql)
        copies: list[tuple[int, str]] = []
        for number in range(3):
            fill(pair, data, shape, layout)
            name = f"copy{number}"
            pair.theirs.execute(f"CREATE TABLE {name}({shape.sql}) STRICT, WITHOUT ROWID")
            pair.theirs.execute(f"INSERT INTO {name} SELECT * FROM t")
            copies.append((pair.store.sequence, name))
        for _ in range(12):
            sql, values, ordered = data.draw(queries(shape))
            if literal:
                sql, values = with_literals(sql, values), []
            sequence, name = data.draw(st.sampled_from(copies))
            before, _, after = sql.partition(" FROM t")
            ours = pair.ours.execute(f"{before} FROM t_at({sequence}){after}", values).fetchall()
            theirs = pair.theirs.execute(f"{before} FROM {name}{after}", values).fetchall()
            if not ordered:
                ours, theirs = sorted(ours, key=repr), sorted(theirs, key=repr)
            assert repr(ours) == repr(theirs), (sql, values)


@pytest.fixture
def store(path: str) -> Iterator[Store]:
    with open_store(path, sync="off", background=False, block_rows=4, history=1000) as opened:
        yield opened


@pytest.fixture
def then(store: Store) -> int:
    """The number of a commit with the rows 0 to 19, which are 5 to 24 by now."""
    items = store.create_table("items", {"id": "INTEGER", "name": "TEXT"}, "id")
    items.update([[i, f"old {i}"] for i in range(20)])
    sequence = store.sequence
    with store.transaction() as changes:
        for i in range(25):
            if i < 5:
                del changes.table("items")[i]
            else:
                changes.table("items").put([i, f"new {i}"])
    store.compact()
    return sequence


def test_a_table_as_it_was_is_joined_with_what_it_is(
    then: int, connection: apsw.Connection
) -> None:
    sql = (
        "SELECT id, old.name, new.name FROM items_at(?) AS old JOIN items AS new USING (id)"
        " WHERE id > 16 ORDER BY id"
    )
    assert connection.execute(sql, [then]).fetchall() == [
        (i, f"old {i}", f"new {i}") for i in (17, 18, 19)
    ]
    sql = "SELECT id FROM items_at(:then) EXCEPT SELECT id FROM items ORDER BY id"
    assert connection.execute(sql, {"then": then}).fetchall() == [(i,) for i in range(5)]


@pytest.mark.parametrize(
    ("sql", "plan"),
    [
        ("SELECT name FROM items_at(?) WHERE id = 7", "SEARCH items_at BY PRIMARY KEY (id=?)"),
        (
            "SELECT * FROM items_at(?) AS i WHERE id > 7 ORDER BY id DESC LIMIT 2",
            "SEARCH items_at AS i BY PRIMARY KEY (id>?) ORDER BY PRIMARY KEY DESC LIMIT ? COLUMNS",
        ),
        ("SELECT count(*) FROM items_at(?)", "SCAN items_at"),
    ],
)
def test_conditions_on_the_key_are_searches(
    then: int, connection: apsw.Connection, sql: str, plan: str
) -> None:
    (line,) = explain(connection, sql, [then])
    assert line.startswith(plan)


def test_a_search_reads_one_block(store: Store, then: int, connection: apsw.Connection) -> None:
    before = store.stats()["blocks_read"]
    sql = "SELECT name FROM items_at(?) WHERE id = ?"
    assert connection.execute(sql, [then, 3]).fetchall() == [("old 3",)]
    assert store.stats()["blocks_read"] <= before + 1


def test_the_number_may_come_from_another_table(then: int, connection: apsw.Connection) -> None:
    sql = (
        "SELECT n, count(id), min(name) FROM (SELECT ? AS n UNION ALL SELECT ?)"
        " LEFT JOIN items_at(n) GROUP BY n ORDER BY n"
    )
    assert connection.execute(sql, [then, then + 1]).fetchall() == [
        (then, 20, "old 0"),
        (then + 1, 20, "new 10"),
    ]
    sql = "SELECT at, name FROM items_at WHERE at IN (?, ?) AND id >= 18 ORDER BY id, at LIMIT 3"
    assert connection.execute(sql, [then, then + 1]).fetchall() == [
        (then, "old 18"),
        (then + 1, "new 18"),
        (then, "old 19"),
    ]
    sql = "SELECT id FROM items_at WHERE at IN (?, ?) ORDER BY id DESC LIMIT 1 OFFSET 4"
    assert connection.execute(sql, [then, then + 1]).fetchall() == [(20,)]
    sql = "SELECT count(*) FROM items_at(?) WHERE at = ?"
    assert connection.execute(sql, [then, then + 1]).fetchall() == [(0,)]


def test_the_newest_commit_has_a_number(store: Store, connection: apsw.Connection) -> None:
    connection.execute("INSERT INTO kv VALUES (1, 'old')")
    found = connection.execute("SELECT lsmsql_sequence()").fetchall()
    assert found == [(store.sequence,)] == [(1,)]
    connection.execute("UPDATE kv SET value = 'new'")
    sql = "SELECT value FROM kv_at(lsmsql_sequence() - ?)"
    rows = [connection.execute(sql, [back]).fetchall() for back in range(3)]
    assert rows == [[("new",)], [("old",)], []]


@pytest.mark.parametrize(
    ("sql", "values", "problem"),
    [
        ("SELECT * FROM kv_at", [], r"needs the number of a commit, as in kv_at\(120\)"),
        ("SELECT * FROM kv_at(?)", [None], "the number of a commit, an integer, not NULL"),
        ("SELECT * FROM kv_at(?)", ["1"], "the number of a commit, an integer, not '1'"),
        ("SELECT * FROM kv_at(?)", [1.0], "the number of a commit, an integer, not 1.0"),
        ("SELECT * FROM kv_at(?)", [99], "there is no commit 99 yet; the newest is 9"),
        ("SELECT * FROM kv_at(?)", [2], "commit 2 is no longer kept; the oldest is 4"),
        ("SELECT * FROM kv_at(1, 2)", [], "too many arguments on kv_at"),
        ("DELETE FROM kv_at", [], "kv_at may not be modified"),
    ],
)
def test_anything_else_is_a_clear_error(
    path: str, sql: str, values: list[object], problem: str
) -> None:
    with open_store(path, sync="off", background=False, history=5) as store:
        for value in range(9):
            store[1] = value
        store.flush()
        connection = apsw.Connection(":memory:")
        vtab.register(connection, store)
        with pytest.raises(apsw.SQLError, match=problem):
            connection.execute(sql, values).fetchall()
        assert store.core.snapshots.active() == (4,)
        connection.close()


def test_nothing_is_held_when_the_statement_is_over(
    store: Store, then: int, connection: apsw.Connection
) -> None:
    before = store.core.snapshots.active()
    rows = connection.execute("SELECT * FROM items_at(?)", [then])
    assert next(iter(rows)) == (0, "old 0")
    assert then in store.core.snapshots.active()
    rows.close()
    assert store.core.snapshots.active() == before


def test_what_is_not_committed_is_not_seen(then: int, connection: apsw.Connection) -> None:
    connection.execute("BEGIN; INSERT INTO items VALUES (99, 'mine')")
    sql = "SELECT count(*) FROM items_at(lsmsql_sequence()) WHERE id = 99"
    assert connection.execute(sql).fetchall() == [(0,)]
    connection.execute("COMMIT")
    assert connection.execute(sql).fetchall() == [(1,)]


def test_a_table_that_is_not_committed_was_never_there(
    then: int, connection: apsw.Connection
) -> None:
    connection.execute("BEGIN; CREATE VIRTUAL TABLE temp.t USING lsm(k INTEGER PRIMARY KEY)")
    connection.execute("INSERT INTO t VALUES (1); DROP TABLE items")
    newest = "SELECT count(*) FROM {}_at(lsmsql_sequence())"
    assert connection.execute(newest.format("t")).fetchall() == [(0,)]
    assert connection.execute(newest.format("items")).fetchall() == [(20,)]
    connection.execute("COMMIT")
    assert connection.execute(newest.format("t")).fetchall() == [(1,)]
    with pytest.raises(lsmsql.NoSuchTableError, match="items_at; it has been dropped"):
        connection.execute(newest.format("items"))


def test_a_table_of_that_name_comes_first(store: Store, connection: apsw.Connection) -> None:
    connection.execute("CREATE VIRTUAL TABLE temp.kv_at USING lsm(a INTEGER PRIMARY KEY)")
    connection.execute("INSERT INTO kv_at VALUES (7)")
    assert connection.execute("SELECT * FROM kv_at").fetchall() == [(7,)]
    sql = "SELECT * FROM kv_at_at(lsmsql_sequence())"
    assert connection.execute(sql).fetchall() == [(7,)]


def test_a_column_of_its_own_may_be_called_at(store: Store, connection: apsw.Connection) -> None:
    connection.execute("CREATE VIRTUAL TABLE temp.t USING lsm(at INTEGER PRIMARY KEY)")
    connection.execute("INSERT INTO t VALUES (7)")
    sql = "SELECT *, _at FROM t_at(lsmsql_sequence())"
    assert connection.execute(sql).fetchall() == [(7, store.sequence)]


def test_a_table_that_was_dropped_and_one_made_anew(then: int, connection: apsw.Connection) -> None:
    sql = "SELECT * FROM items_at(lsmsql_sequence())"
    assert len(connection.execute(sql).fetchall()) == 20
    connection.execute("DROP TABLE items")
    with pytest.raises(lsmsql.NoSuchTableError, match="items_at; it has been dropped"):
        connection.execute(sql)
    connection.execute("CREATE VIRTUAL TABLE temp.items USING lsm(k TEXT PRIMARY KEY, a, b)")
    connection.execute("INSERT INTO items VALUES ('k', 1, 2)")
    assert connection.execute(sql).fetchall() == [("k", 1, 2)]


def test_a_reader_in_another_process_has_the_past_too(path: str) -> None:
    with open_store(path, sync="off", history=10) as store:
        store[1] = "old"
        store[1] = "new"
        with open_store(path, "r", history=10) as reader:
            connection = apsw.Connection(":memory:")
            vtab.register(connection, reader)
            store[1] = "newest"
            sql = "SELECT value FROM kv_at(lsmsql_sequence() - ?)"
            found = [connection.execute(sql, [back]).fetchall() for back in range(4)]
            assert found == [[("newest",)], [("new",)], [("old",)], []]
            connection.close()
