"""Threads: kept out, or taking turns (``threadsafety`` 3)."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import lsmsql
from tests.dbapi.conftest import FAST

LONG = "WITH RECURSIVE x(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM x) SELECT max(a) FROM x"


@pytest.fixture
def shared(path):
    connection = lsmsql.connect(path, check_same_thread=False, **FAST)
    connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)")
    yield connection
    connection.close()


def elsewhere(action: Callable[[], object]) -> object:
    """What ``action`` gives in another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(action).result()


def test_another_thread_is_kept_out(connection):
    cursor = connection.execute("SELECT 1")
    for use in (
        lambda: connection.execute("SELECT 1"),
        connection.commit,
        connection.cursor,
        connection.close,
        cursor.fetchone,
        cursor.close,
    ):
        with pytest.raises(connection.ProgrammingError, match="thread"):
            elsewhere(use)
    assert cursor.fetchone() == (1,)


def test_threads_share_a_connection(shared, hasty):
    def write(number: int) -> None:
        for i in range(20):
            shared.execute("INSERT INTO t VALUES (?, ?)", (100 * number + i, "x"))
            found = shared.execute("SELECT id FROM t WHERE id = ?", (100 * number + i,)).fetchall()
            assert found == [(100 * number + i,)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    shared.commit()
    assert shared.execute("SELECT count(*) FROM t").fetchone() == (80,)


def test_threads_share_a_cursor(shared, hasty):
    shared.executemany("INSERT INTO t(id) VALUES (?)", [(i,) for i in range(400)])
    cursor = shared.execute("SELECT id FROM t")
    found: list[int] = []

    def read() -> None:
        while (row := cursor.fetchone()) is not None:
            found.append(row[0])

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(read) for _ in range(4)]:
            future.result()
    assert sorted(found) == list(range(400))


def test_cursors_are_thrown_away_while_other_threads_work(shared, hasty):
    shared.executemany("INSERT INTO t(id) VALUES (?)", [(i,) for i in range(200)])

    def leave_half_read() -> None:
        for _ in range(30):
            cursor = shared.execute("SELECT id FROM t")
            assert cursor.fetchone() == (0,)
            cycle = [cursor]
            cycle.append(cycle)
            del cursor, cycle
        gc.collect()

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(leave_half_read) for _ in range(4)]:
            future.result()
    assert shared.execute("SELECT count(*) FROM t").fetchone() == (200,)


def test_an_abandoned_cursor_holds_no_table(shared):
    shared.executemany("INSERT INTO t(id) VALUES (?)", [(1,), (2,)])
    shared.commit()
    shared.execute("SELECT id FROM t").fetchone()
    shared.execute("DROP TABLE t")
    assert shared.in_transaction is False


def test_who_has_fetched_the_last_row_holds_no_table(shared):
    shared.execute("INSERT INTO t(id) VALUES (1)")
    shared.commit()
    cursor = shared.execute("SELECT id FROM t")
    assert cursor.fetchone() == (1,)
    shared.execute("DROP TABLE t")
    assert cursor.fetchone() is None


def test_another_thread_interrupts(connection):
    started = threading.Event()

    def begun() -> None:
        started.set()

    connection.set_progress_handler(begun, 100)

    def stop() -> None:
        started.wait()
        connection.interrupt()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(connection.OperationalError, match="interrupted"):
        connection.execute(LONG).fetchall()
    thread.join()
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_transactions_of_threads_with_a_connection_each(path, shared, hasty):
    shared.execute("INSERT INTO t VALUES (1, '0')")
    shared.commit()

    def add(_: int) -> None:
        connection = lsmsql.connect(path, isolation_level="IMMEDIATE", timeout=60)
        for _ in range(5):
            with connection:
                connection.execute("UPDATE t SET name = CAST(name + 1 AS TEXT) WHERE id = 1")
        connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(add, range(3)))
    assert shared.execute("SELECT name FROM t").fetchone() == ("15",)
