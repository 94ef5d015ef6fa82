"""Two connections at once: who has read what another has changed since is told at the commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import apsw
import pytest

import lsmsql
import vtab
from lsmsql.engine.store import Store


@pytest.fixture
def other(store: Store) -> Iterator[apsw.Connection]:
    made = apsw.Connection(":memory:")
    vtab.register(made, store)
    yield made
    made.close()


WRITES = {
    "update": "UPDATE kv SET value = 'mine' WHERE key = 'a'",
    "delete": "DELETE FROM kv WHERE key = 'a'",
    "insert": "INSERT INTO kv VALUES ('new', 'mine')",
}
OTHERS = {
    "update": "UPDATE kv SET value = 'theirs' WHERE key = 'a'",
    "delete": "DELETE FROM kv WHERE key = 'a'",
    "insert": "INSERT INTO kv VALUES ('new', 'theirs')",
}


@pytest.mark.parametrize("upkeep", ["none", "flush", "compact", "ingest"])
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("theirs", OTHERS)
def test_the_second_to_commit_gets_the_busy_error_if_the_rows_are_the_same(
    store: Store,
    connection: apsw.Connection,
    other: apsw.Connection,
    upkeep: str,
    write: str,
    theirs: str,
) -> None:
    store["a"] = "old"
    connection.execute("BEGIN")
    connection.execute(WRITES[write])
    other.execute(OTHERS[theirs])
    if upkeep == "flush":
        store.flush()
    elif upkeep == "compact":
        store.compact()
    elif upkeep == "ingest":
        store.ingest([("zebra", 1)])
    before = list(store.items())
    if (write == "insert") == (theirs == "insert"):
        with pytest.raises(apsw.BusyError, match="roll back and try again") as caught:
            connection.execute("COMMIT")
        assert isinstance(caught.value, lsmsql.ConflictError)
        assert connection.in_transaction and list(store.items()) == before
        connection.execute("ROLLBACK")
        assert list(store.items()) == before
    else:
        connection.execute("COMMIT")
        assert store.get("new" if write == "insert" else "a") in ("mine", None)
    connection.execute("INSERT OR REPLACE INTO kv VALUES ('a', 'again')")
    assert store["a"] == "again"


def test_rows_that_are_written_and_never_read_are_no_conflict(
    store: Store, connection: apsw.Connection, other: apsw.Connection
) -> None:
    store["a"] = "old"
    connection.execute("BEGIN")
    connection.execute("INSERT OR REPLACE INTO kv VALUES ('a', 'mine')")
    other.execute("UPDATE kv SET value = 'theirs' WHERE key = 'a'")
    connection.execute("COMMIT")
    assert store["a"] == "mine"


def test_a_bulk_ingest_counts_as_a_commit_too(store: Store, connection: apsw.Connection) -> None:
    store.ingest([(key, "old") for key in range(20)])
    connection.execute("BEGIN")
    connection.execute("UPDATE kv SET value = 'mine' WHERE key = 7")
    store.ingest([(7, "theirs")])
    with pytest.raises(apsw.BusyError):
        connection.execute("COMMIT")
    connection.execute("ROLLBACK")
    assert store[7] == "theirs"


def test_no_increment_is_lost_between_threads_that_try_again(store: Store) -> None:
    store["count"] = 0
    conflicts: list[int] = []

    def count_up() -> None:
        own = apsw.Connection(":memory:")
        vtab.register(own, store)
        done = 0
        while done < 40:
            try:
                own.execute("UPDATE kv SET value = value + 1 WHERE key = 'count'")
                done += 1
            except apsw.BusyError:
                conflicts.append(1)
        own.close()

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store["count"] == 120
