"""Connections of one process share a store."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import lsmsql
from lsmsql.dbapi import sharing
from tests.dbapi.conftest import FAST


def rows(connection: lsmsql.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT key, value FROM kv").fetchall()


def is_open(path: str) -> bool:
    """Whether this process has the store open for writing."""
    try:
        lsmsql.open(path, busy_timeout=0).close()
    except lsmsql.BusyError:
        return True
    return False


def test_two_connections_to_one_path_see_each_other(path, tmp_path):
    first = lsmsql.connect(path, **FAST)
    (tmp_path / "link").symlink_to(path)
    second = lsmsql.connect(Path(tmp_path / "link"))
    first.execute("INSERT INTO kv VALUES (1, 'one')")
    assert rows(second) == []
    first.commit()
    assert rows(second) == [(1, "one")]
    first.close()
    assert is_open(path)
    assert rows(second) == [(1, "one")]
    second.close()
    assert not is_open(path)


def test_tables_made_by_others_are_there_at_once(path):
    first, second = lsmsql.connect(path, **FAST), lsmsql.connect(path)
    first.execute("CREATE TABLE t(id INTEGER PRIMARY KEY)")
    assert second.execute("SELECT * FROM t").fetchall() == []
    second.execute("DROP TABLE t")
    with pytest.raises(lsmsql.OperationalError, match="no such table"):
        first.execute("SELECT * FROM t")
    first.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)")
    description = second.execute("SELECT * FROM t").description
    assert description is not None
    assert [column[0] for column in description] == ["id", "name"]
    first.close()
    second.close()


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_transaction_sees_what_was_there_when_it_first_read(path, end):
    first, second = lsmsql.connect(path, **FAST), lsmsql.connect(path)
    first.execute("BEGIN")
    second.execute("CREATE TABLE early(a)")
    assert first.execute("SELECT * FROM early").fetchall() == []
    second.execute("CREATE TABLE late(a)")
    with pytest.raises(lsmsql.OperationalError, match="no such table: late"):
        first.execute("SELECT * FROM late")
    getattr(first, end)()
    assert first.execute("SELECT * FROM early, late").fetchall() == []
    first.close()
    second.close()


@pytest.mark.parametrize(("end", "left"), [("commit", [(1,)]), ("rollback", [])])
def test_a_transaction_writes_to_a_table_that_was_made_since_it_began(path, end, left):
    first, second = lsmsql.connect(path, **FAST), lsmsql.connect(path)
    first.execute("BEGIN")
    second.execute("CREATE TABLE t(a)")
    first.execute("INSERT INTO t VALUES (1)")
    first.execute("SAVEPOINT s")
    first.execute("INSERT INTO t VALUES (2)")
    first.execute("ROLLBACK TO s")
    assert first.execute("SELECT * FROM t").fetchall() == [(1,)]
    assert second.execute("SELECT * FROM t").fetchall() == []
    getattr(first, end)()
    for connection in (first, second):
        assert connection.execute("SELECT * FROM t").fetchall() == left
    first.close()
    second.close()


def test_options_must_be_those_of_the_open_store(path):
    first = lsmsql.connect(path, **FAST)
    with pytest.raises(lsmsql.ProgrammingError, match="open with sync='off', not 'full'"):
        lsmsql.connect(path, sync="full")
    with pytest.raises(lsmsql.ProgrammingError, match="unknown option 'cash'"):
        lsmsql.connect(path, cash=1)
    lsmsql.connect(path, sync="off").close()
    first.close()
    lsmsql.connect(path, sync="normal").close()


def test_a_reader_beside_a_writer(path):
    writer = lsmsql.connect(path, **FAST)
    reader = lsmsql.connect(path, mode="r")
    writer.execute("CREATE TABLE t(id INTEGER PRIMARY KEY)")
    writer.execute("INSERT INTO kv VALUES (1, 2)")
    writer.commit()
    assert rows(reader) == [(1, 2)]
    assert reader.execute("SELECT * FROM t").fetchall() == []
    for sql in ("INSERT INTO kv VALUES (3, 4)", "DROP TABLE t", "BEGIN IMMEDIATE"):
        with pytest.raises(lsmsql.OperationalError) as caught:
            reader.execute(sql)
        assert isinstance(caught.value, lsmsql.ReadOnlyError)
        assert reader.in_transaction is False
    with pytest.raises(lsmsql.ReadOnlyError):
        reader.execute("CREATE TABLE u(id INTEGER PRIMARY KEY)")
    reader.close()
    writer.close()


def test_an_open_store_gives_connections_and_stays_open(path):
    with lsmsql.open(path, **FAST) as store:
        store[1] = "one"
        connection = store.connect(isolation_level=None)
        assert rows(connection) == [(1, "one")]
        connection.execute("INSERT INTO kv VALUES (2, 'two')")
        with pytest.raises(lsmsql.ProgrammingError, match="the store is open already; give sync"):
            store.connect(sync="off")
        with pytest.raises(lsmsql.ProgrammingError, match="the store is open already; give mode"):
            store.connect(mode="r")
        connection.close()
        assert store[2] == "two"
        other = lsmsql.connect(store)
        assert rows(other) == [(1, "one"), (2, "two")]
        other.close()


def test_a_store_that_the_program_has_open_is_not_opened_again(path):
    with (
        lsmsql.open(path, **FAST),
        pytest.raises(lsmsql.OperationalError, match="already") as caught,
    ):
        lsmsql.connect(path)
    assert isinstance(caught.value, lsmsql.BusyError)
    lsmsql.connect(path).close()


def test_a_connection_to_a_store_that_was_closed_says_so(path):
    store = lsmsql.open(path, **FAST)
    connection = store.connect()
    store.close()
    with pytest.raises(lsmsql.ProgrammingError) as caught:
        rows(connection)
    assert isinstance(caught.value, lsmsql.ClosedError)
    connection.close()


def test_memory_is_a_new_store_each_time_and_leaves_nothing():
    first, second = lsmsql.connect(":memory:"), lsmsql.connect(":memory:")
    first.execute("INSERT INTO kv VALUES (1, 2)")
    first.commit()
    folder = first._lease.store.path
    assert rows(second) == []
    assert os.path.isdir(folder)
    first.close()
    second.close()
    assert not os.path.exists(folder)


@pytest.mark.parametrize("path", ["", "a\0b", 5, None])
def test_paths_that_cannot_be_one_are_refused(path):
    with pytest.raises(lsmsql.ProgrammingError, match="path"):
        lsmsql.connect(path)


def test_a_store_that_is_not_there_is_not_made_for_reading(path):
    with pytest.raises(lsmsql.OperationalError, match="there is no store at"):
        lsmsql.connect(path, mode="r")
    assert not os.path.exists(path)
    with pytest.raises(lsmsql.ProgrammingError, match='mode is "rw" or "r"'):
        lsmsql.connect(path, mode="w")
    assert sharing._shared == {}


def test_a_failed_connect_leaves_no_store_open(path):
    with pytest.raises(ValueError, match="isolation_level"):
        lsmsql.connect(path, isolation_level="wrong", **FAST)
    assert not is_open(path)


def test_a_connection_that_nobody_closes_warns_and_goes_with_the_next(path, tmp_path):
    connections = [lsmsql.connect(path, **FAST)]
    connections[0].execute("BEGIN IMMEDIATE")
    with pytest.warns(ResourceWarning, match="was never closed"):
        connections.clear()
    lsmsql.connect(str(tmp_path / "other"), **FAST).close()
    assert not is_open(path)


def test_a_transaction_that_nobody_ends_is_rolled_back(path):
    connection = lsmsql.connect(path, timeout=0, **FAST)
    forgotten = [lsmsql.connect(path, isolation_level="IMMEDIATE")]
    forgotten[0].execute("INSERT INTO kv VALUES (1, 2)")
    with pytest.warns(ResourceWarning, match="was never closed"):
        forgotten.clear()
    other = lsmsql.connect(path, isolation_level="IMMEDIATE")
    assert other.execute("INSERT INTO kv VALUES (3, 4)").rowcount == 1
    other.commit()
    assert rows(connection) == [(3, 4)]
    other.close()
    connection.close()


def test_a_program_may_end_without_closing(path):
    code = (
        "import lsmsql, sys; c = lsmsql.connect(sys.argv[1]); cursor = c.cursor();"
        " cursor.execute('INSERT INTO kv VALUES (1, 2), (3, 4)'); c.commit();"
        " cursor.execute('SELECT * FROM kv').fetchone(); lsmsql.connect(':memory:')"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True)
    assert done.stdout + done.stderr == b""
    connection = lsmsql.connect(path, **FAST)
    assert rows(connection) == [(1, 2), (3, 4)]
    connection.close()


def test_threads_that_connect_and_close_share_one_store(path, hasty):
    def work(number: int) -> None:
        for i in range(5):
            connection = lsmsql.connect(path, isolation_level=None, **FAST)
            connection.execute("INSERT INTO kv VALUES (?, ?)", (10 * number + i, i))
            connection.close()

    threads = [threading.Thread(target=work, args=[n]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection = lsmsql.connect(path, **FAST)
    assert connection.execute("SELECT count(*) FROM kv").fetchone() == (20,)
    connection.close()


def test_the_writer_of_another_process_is_named(path):
    code = (
        "import lsmsql, sys; c = lsmsql.connect(sys.argv[1]); print(flush=True);"
        " sys.stdin.read(); c.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(lsmsql.OperationalError, match=f"process {child.pid}"):
            lsmsql.connect(path, timeout=0)
        reader = lsmsql.connect(path, mode="r")
        assert rows(reader) == []
        reader.close()
        child.communicate()


def test_importing_lsmsql_imports_no_sqlite():
    code = "import lsmsql, sys; lsmsql.threadsafety; assert 'apsw' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import lsmsql; lsmsql.connect(':memory:').execute('SELECT 1'); lsmsql.Row"
    subprocess.run([sys.executable, "-c", code], check=True)
