"""Building indexes while others write, alter and drop."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lsmsql
from lsmsql.engine import building
from lsmsql.engine.store import Store, open_store
from tests.running import run

SETTINGS: dict[str, Any] = {"sync": "off", "block_rows": 4, "memory_budget": 1 << 20}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store", **SETTINGS) as opened:
        run(opened, "CREATE TABLE t(a INTEGER PRIMARY KEY, x, b, c TEXT)")
        opened.table("t").update([n, None, n % 7, f"c{n}"] for n in range(50))
        yield opened


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Has something done, once, when the entries of the rows that were there have been made."""

    def set_up(work: Callable[[], object]) -> None:
        fill = building._Builder.fill

        def fill_and_work(self: Any, *arguments: Any, **named: Any) -> None:
            monkeypatch.undo()
            fill(self, *arguments, **named)
            work()

        monkeypatch.setattr(building._Builder, "fill", fill_and_work)

    return set_up


def indexes(store: Store) -> list[str]:
    assert store.verify().errors == ()
    return sorted(schema.name for schema in store.catalog.by_id.values() if schema.index)


def test_rows_written_meanwhile_are_in_it(store: Store, meanwhile: Any) -> None:
    def work() -> None:
        table = store.table("t")
        table.put([1, None, 100, "new"])
        table.delete(2)
        table.ingest([[3, None, 101, "ingested"], [60, None, 102, "new"]])
        run(store, "UPDATE t SET b = b + 1 WHERE a BETWEEN 10 AND 20", "DELETE FROM t WHERE a = 20")
        store.flush()
        table.put([2, None, 103, "back"])
        store.compact()

    meanwhile(work)
    run(store, "CREATE INDEX i ON t(b)")
    assert indexes(store) == ["i"]
    assert run(store, "SELECT a FROM t WHERE b >= 100 ORDER BY b") == [(1,), (3,), (60,), (2,)]


def test_a_duplicate_written_meanwhile_is_found(store: Store, meanwhile: Any) -> None:
    meanwhile(lambda: store.table("t").put([60, None, 1, "c30"]))
    with pytest.raises(lsmsql.IntegrityError, match=r"UNIQUE constraint failed: t\.c"):
        run(store, "CREATE UNIQUE INDEX i ON t(c)")
    assert indexes(store) == []
    store.table("t").put([61, None, 1, "c30"])


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t DROP COLUMN x",
        "ALTER TABLE t ADD COLUMN d DEFAULT 1",
        "ALTER TABLE t RENAME COLUMN b TO bb",
        "ALTER TABLE t RENAME TO u",
        "DROP TABLE t",
        "DROP INDEX i",
    ],
)
def test_what_is_altered_or_dropped_meanwhile_stops_it(
    store: Store, meanwhile: Any, sql: str
) -> None:
    meanwhile(lambda: run(store, sql))
    with pytest.raises(lsmsql.OperationalError, match="changed while the index was being built"):
        run(store, "CREATE INDEX i ON t(b)")
    assert indexes(store) == []
    if "t" in [schema.name for schema in store.tables()]:
        run(store, "CREATE INDEX j ON t(c)")
        assert indexes(store) == ["j"]


def test_the_rest_of_one_that_was_interrupted_is_removed(
    store: Store, meanwhile: Any, tmp_path: Path
) -> None:
    meanwhile(lambda: shutil.copytree(store.path, tmp_path / "copy"))
    run(store, "CREATE INDEX i ON t(b)")
    with open_store(tmp_path / "copy", "r") as reader:
        assert run(reader, "SELECT a FROM t WHERE b = 0 ORDER BY a LIMIT 1") == [(0,)]
    with open_store(tmp_path / "copy", **SETTINGS) as copy:
        assert indexes(copy) == [] and len(copy.table("t")) == 50
        run(copy, "CREATE INDEX i ON t(b)")
        assert indexes(copy) == ["i"]


def test_a_transaction_that_began_before_it_is_in_conflict(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.table("t").put([1, None, 100, "unseen"])
        run(store, "CREATE INDEX i ON t(b)")
        with pytest.raises(lsmsql.ConflictError):
            transaction.commit()
    assert indexes(store) == ["i"]


COMMITS = 50


@pytest.mark.parametrize("index", ["INDEX i ON t(b, c)", "INDEX i ON t(c || b) WHERE b > 2"])
def test_no_entry_is_lost_of_what_threads_write(store: Store, index: str) -> None:
    """While indexes come and go. A conflict is no harm: it is tried again."""

    def by_sql(number: int) -> None:
        connection = store.connect()
        done = 0
        while done < COMMITS:
            try:
                connection.execute("INSERT INTO t(b, c) VALUES (?, 'sql')", [done % 5])
                connection.execute("UPDATE t SET b = b + 1 WHERE a = ?", [number])
                connection.commit()
                done += 1
            except lsmsql.OperationalError:
                connection.rollback()
        connection.close()

    def from_python(number: int) -> None:
        done = 0
        while done < COMMITS:
            with contextlib.suppress(lsmsql.ConflictError, lsmsql.UsageError):
                store.table("t").put([1000 * number + done, None, 3, "put"])
                done += 1

    threads = [threading.Thread(target=by_sql, args=[n]) for n in (0, 1)]
    threads += [threading.Thread(target=from_python, args=[n]) for n in (2, 3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        run(store, f"CREATE {index}")
        assert indexes(store) == ["i"]
        run(store, "DROP INDEX i")
    for thread in threads:
        thread.join()
    run(store, f"CREATE {index}")
    assert len(store.table("t")) == 50 + 4 * COMMITS
    assert run(store, "PRAGMA integrity_check") == [("ok",)]
