"""When transactions begin and end: as in sqlite3, and for ``autocommit``, which it has only since
Python 3.12, as its documentation says."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsmsql
from tests.dbapi.conftest import FAST


def ids(connection: Any) -> list[int]:
    return [row[0] for row in connection.execute("SELECT id FROM t ORDER BY id")]


def insert(connection: Any, *numbers: int) -> None:
    connection.executemany("INSERT INTO t(id) VALUES (?)", [(n,) for n in numbers])


# ------------------------------------------------------------------------------- legacy


def test_a_change_begins_a_transaction(connection, connect):
    other = connect()
    connection.execute("SELECT * FROM t").fetchall()
    assert not connection.in_transaction
    insert(connection, 1)
    assert connection.in_transaction
    assert ids(other) == []
    connection.commit()
    assert (connection.in_transaction, ids(other)) == (False, [1])
    connection.commit()
    connection.rollback()


def test_rollback_takes_changes_back(connection):
    insert(connection, 1)
    connection.rollback()
    assert ids(connection) == []
    assert connection.in_transaction is False


def test_definitions_begin_no_transaction_and_are_part_of_one(connection):
    connection.execute("CREATE TABLE a(id INTEGER PRIMARY KEY)")
    assert connection.in_transaction is False
    insert(connection, 1)
    connection.execute("CREATE TABLE b(id INTEGER PRIMARY KEY)")
    connection.execute("DROP TABLE a")
    connection.rollback()
    assert connection.execute("SELECT * FROM a").fetchall() == []
    with pytest.raises(connection.OperationalError, match="no such table: b"):
        connection.execute("SELECT * FROM b")


def test_savepoints_bring_tables_back(connection):
    insert(connection, 1)
    connection.execute("SAVEPOINT s")
    connection.execute("DROP TABLE t")
    connection.execute("ROLLBACK TO s")
    assert ids(connection) == [1]
    connection.commit()
    assert ids(connection) == [1]


def test_the_isolation_level_says_how_transactions_begin(connection):
    seen: list[str] = []
    connection.set_trace_callback(lambda sql: seen.append(sql.strip()))
    assert connection.isolation_level == ""
    for level in ("deferred", "IMMEDIATE", "exclusive", ""):
        connection.isolation_level = level
        assert connection.isolation_level == level.upper()
        insert(connection, 1)
        connection.rollback()
    begins = [sql for sql in seen if sql.startswith("BEGIN")]
    assert begins == ["BEGIN DEFERRED", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "BEGIN"]


def test_no_isolation_level_means_no_transaction(connection):
    insert(connection, 1)
    connection.isolation_level = None
    assert connection.in_transaction is False
    insert(connection, 2)
    assert connection.in_transaction is False
    connection.rollback()
    assert ids(connection) == [1, 2]
    connection.execute("BEGIN")
    insert(connection, 3)
    connection.rollback()
    assert ids(connection) == [1, 2]


@pytest.mark.parametrize(("level", "error"), [("never", ValueError), (1, TypeError)])
def test_wrong_isolation_levels_are_refused(connection, connect, level, error):
    with pytest.raises(error, match="isolation_level"):
        connection.isolation_level = level
    with pytest.raises(error, match="isolation_level"):
        connect(isolation_level=level)
    assert connection.isolation_level == ""


def test_a_with_block_commits_or_rolls_back_and_does_not_close(connection):
    with connection as same:
        assert same is connection
        insert(connection, 1)
    assert connection.in_transaction is False
    with pytest.raises(ZeroDivisionError), connection:
        insert(connection, 2)
        raise ZeroDivisionError
    assert (connection.in_transaction, ids(connection)) == (False, [1])


def test_closing_rolls_back(connection, connect):
    insert(connection, 1)
    connection.close()
    assert ids(connect()) == []


# ------------------------------------------------------------------------------- both at random

STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["insert", "replace", "delete"]), st.integers(1, 4)),
        st.tuples(st.sampled_from(["two", "update"]), st.integers(1, 4)),
        st.sampled_from(
            [
                ("do", "BEGIN"),
                ("do", "COMMIT"),
                ("do", "ROLLBACK"),
                ("do", "SAVEPOINT s"),
                ("do", "RELEASE s"),
                ("do", "ROLLBACK TO s"),
                ("do", "nonsense"),
                ("do", "CREATE TABLE u(id INTEGER PRIMARY KEY)"),
                ("do", "DROP TABLE u"),
                ("do", "INSERT INTO u VALUES (1)"),
                ("do", "INSERT OR ROLLBACK INTO t(id) VALUES (1)"),
                ("commit", None),
                ("rollback", None),
                ("level", None),
                ("level", "IMMEDIATE"),
                ("script", "INSERT INTO t(id) VALUES (9); DELETE FROM t WHERE id = 9"),
                ("with", False),
                ("with", True),
            ]
        ),
    ),
    max_size=12,
)


def take(connection: Any, verb: str, argument: Any) -> Any:
    """Do one step, and say how many rows it has changed."""
    match verb:
        case "insert" | "replace":
            return connection.execute(f"{verb} INTO t(id) VALUES (?)", (argument,)).rowcount
        case "delete":
            return connection.execute("DELETE FROM t WHERE id <= ?", (argument,)).rowcount
        case "update":
            return connection.execute("UPDATE t SET id = id + ?", (argument,)).rowcount
        case "two":
            rows = [(argument + 10,), (argument,)]
            return connection.executemany("INSERT INTO t(id) VALUES (?)", rows).rowcount
        case "do":
            return connection.execute(argument).rowcount
        case "script":
            return connection.executescript(argument).rowcount
        case "with":
            with connection:
                connection.execute("INSERT INTO t(id) VALUES (5)")
                assert not argument
        case "level":
            connection.isolation_level = argument
        case _:
            getattr(connection, verb)()
    return -1


def observe(connection: Any, steps: list[tuple[str, Any]]) -> list[object]:
    """What a program sees after each step."""
    seen: list[object] = []
    for verb, argument in steps:
        try:
            outcome: object = take(connection, verb, argument)
        except (connection.Error, AssertionError) as error:
            kinds = (connection.IntegrityError, connection.OperationalError, AssertionError)
            outcome = [isinstance(error, kind) for kind in kinds]
        seen.append((outcome, connection.in_transaction, ids(connection), others(connection)))
    return seen


def others(connection: Any) -> object:
    """The rows of a table that may not be there."""
    try:
        return connection.execute("SELECT * FROM u").fetchall()
    except connection.OperationalError as error:
        return str(error)


@settings(max_examples=60)
@given(STEPS)
def test_random_programs_see_what_they_see_with_sqlite3(steps):
    # A statement that sqlite3 has cached begins a transaction even if its table is gone since.
    theirs = sqlite3.connect(":memory:", cached_statements=0)
    with tempfile.TemporaryDirectory() as folder:
        ours = lsmsql.connect(Path(folder) / "store", **FAST)
        try:
            for connection in (ours, theirs):
                connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY)")
            assert observe(ours, steps) == observe(theirs, steps)
        finally:
            ours.close()
            theirs.close()


# ------------------------------------------------------------------------------- autocommit


def test_the_mode_is_the_legacy_one_if_nothing_is_said(ours):
    assert ours.autocommit == lsmsql.LEGACY_TRANSACTION_CONTROL == -1


def test_autocommit_off_is_always_in_a_transaction(path, ours):
    with_sequence = lsmsql.connect(path, autocommit=False)
    assert with_sequence.autocommit is False
    assert with_sequence.in_transaction is True
    insert(with_sequence, 1)
    with_sequence.rollback()
    assert (with_sequence.in_transaction, ids(with_sequence)) == (True, [])
    insert(with_sequence, 2)
    assert ids(ours) == []
    with_sequence.commit()
    assert (with_sequence.in_transaction, ids(ours)) == (True, [2])
    with_sequence.executescript("INSERT INTO t(id) VALUES (3)")
    with_sequence.close()
    assert ids(ours) == [2]


def test_autocommit_off_takes_no_begin(path, ours):
    connection = lsmsql.connect(path, autocommit=False)
    with pytest.raises(lsmsql.OperationalError, match="within a transaction"):
        connection.execute("BEGIN")
    connection.close()


def test_autocommit_on_commits_each_statement(path, ours):
    connection = lsmsql.connect(path, autocommit=True)
    insert(connection, 1)
    assert (connection.in_transaction, ids(ours)) == (False, [1])
    connection.execute("BEGIN")
    insert(connection, 2)
    connection.rollback()
    connection.commit()
    assert (connection.in_transaction, ids(ours)) == (True, [1])
    with connection:
        insert(connection, 3)
    assert connection.in_transaction is True
    connection.execute("ROLLBACK")
    assert ids(connection) == [1]
    connection.close()


def test_with_autocommit_a_script_does_not_commit_what_came_before(path, ours):
    connection = lsmsql.connect(path, autocommit=True)
    connection.executescript("BEGIN; INSERT INTO t(id) VALUES (1)")
    connection.executescript("INSERT INTO t(id) VALUES (2)")
    assert connection.in_transaction is True
    connection.close()
    assert ids(ours) == []


def test_with_blocks_leave_autocommit_off_in_a_transaction(path, ours):
    connection = lsmsql.connect(path, autocommit=False)
    with connection:
        insert(connection, 1)
    assert (connection.in_transaction, ids(ours)) == (True, [1])
    with pytest.raises(ZeroDivisionError), connection:
        insert(connection, 2)
        raise ZeroDivisionError
    assert (connection.in_transaction, ids(connection)) == (True, [1])
    connection.close()


def test_the_mode_may_be_changed(ours):
    insert(ours, 1)
    seen = []
    for mode in (True, False, lsmsql.LEGACY_TRANSACTION_CONTROL):
        ours.autocommit = mode
        seen.append(ours.in_transaction)
    assert seen == [False, True, True]
    insert(ours, 2)
    ours.rollback()
    assert (ours.in_transaction, ids(ours)) == (False, [1])
    insert(ours, 3)
    assert ours.in_transaction is True


@pytest.mark.parametrize("mode", [1, 0, -2, None, "on"])
def test_wrong_modes_are_refused(ours, path, mode):
    with pytest.raises(ValueError, match="autocommit must be True, False, or"):
        ours.autocommit = mode
    with pytest.raises(ValueError, match="autocommit must be True, False, or"):
        lsmsql.connect(path, autocommit=mode)
    assert ours.autocommit == lsmsql.LEGACY_TRANSACTION_CONTROL


# ------------------------------------------------------------------------------- conflicts


def conflicting(path: str, ours: lsmsql.Connection) -> lsmsql.Connection:
    """A connection whose transaction has read what ``ours`` has changed since."""
    insert(ours, 1)
    ours.commit()
    connection = lsmsql.connect(path)
    connection.execute("UPDATE t SET name = 'mine'")
    ours.execute("UPDATE t SET name = 'yours'")
    ours.commit()
    return connection


def test_a_conflict_is_caught_both_ways_and_leaves_the_transaction_open(path, ours):
    connection = conflicting(path, ours)
    with pytest.raises(lsmsql.OperationalError) as caught:
        connection.commit()
    assert isinstance(caught.value, lsmsql.ConflictError)
    assert caught.value.sqlite_errorname == "SQLITE_BUSY"
    assert connection.in_transaction is True
    connection.rollback()
    assert connection.execute("SELECT name FROM t").fetchall() == [("yours",)]
    connection.close()


def test_a_with_block_whose_commit_fails_rolls_back(path, ours):
    connection = conflicting(path, ours)
    with pytest.raises(lsmsql.ConflictError), connection:
        insert(connection, 2)
    assert (connection.in_transaction, ids(connection)) == (False, [1])
    connection.close()
