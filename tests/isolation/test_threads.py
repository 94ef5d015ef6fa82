"""One store, many threads: nobody who reads waits for a writer, or sees anything but a snapshot.

Threads wait for each other by events, and never longer than ``PATIENCE``: then somebody waits who
must not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import apsw
import pytest

import lsmsql
import vtab
from lsmsql.engine.catalog import CATALOG_TABLE_ID
from lsmsql.engine.compaction.job import run_job
from lsmsql.engine.core import Core
from lsmsql.engine.manifest.manifest import Manifest
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.schema import KV_TABLE_ID
from lsmsql.engine.wal.writer import LogWriter

PATIENCE = 30.0


class Thread(threading.Thread):
    """A thread that tells at the end what its work has returned or raised."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._result: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        self.join(PATIENCE)
        assert not self.is_alive(), "it waits for somebody"
        if self._error is not None:
            raise self._error
        return self._result


def open_store(path: Path, sync: str = "off", **settings: Any) -> lsmsql.Store:
    return lsmsql.open(path, sync=sync, background=False, block_rows=16, **settings)


def connect(store: lsmsql.Store) -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    vtab.register(connection, store)
    return connection


# ---------------------------------------------------------------------------------- no waiting

COUNT = 450
ROWS = [(number, number) for number in range(COUNT)]
TABLE_ROWS = [{"k": number, "v": number} for number in range(COUNT)]


def fill(store: lsmsql.Store) -> None:
    """The same rows in ``kv`` and ``t``: each in a file, and every third in a memtable again."""
    table = store.create_table("t", {"k": "INTEGER", "v": "INTEGER"}, "k")
    store.ingest(dict.fromkeys(range(COUNT), -1))
    table.ingest([(number, -1) for number in range(COUNT)])
    store.update([row for row in ROWS if row[0] % 3])
    table.update([row for row in TABLE_ROWS if row["k"] % 3])
    store.flush()
    store.update([row for row in ROWS if row[0] % 3 == 0])
    table.update([row for row in TABLE_ROWS if row["k"] % 3 == 0])


def in_transaction(store: lsmsql.Store) -> Any:
    with store.transaction() as t:
        return [t.get(7), len(t), next(iter(t.table("t").range(7)))["v"]]


def in_snapshot(store: lsmsql.Store) -> Any:
    with store.snapshot() as snapshot:
        return [snapshot.get(7), len(snapshot), next(iter(snapshot.table("t").range(7)))["v"]]


def in_sql(store: lsmsql.Store) -> Any:
    connection = connect(store)
    connection.execute("BEGIN")
    found = [
        connection.execute(sql).get
        for sql in (
            "SELECT value FROM kv WHERE key = 7",
            "SELECT count(*) FROM kv",
            "SELECT t.v FROM kv JOIN t ON t.k = kv.value WHERE kv.key BETWEEN 7 AND 7",
        )
    ]
    connection.execute("COMMIT")
    connection.close()
    return found


def by_itself(store: lsmsql.Store) -> Any:
    table = store.table("t")
    assert list(reversed(store)) == list(range(COUNT - 1, -1, -1))
    assert list(store.range(5, 8, limit=2)) == [(5, 5), (6, 6)]
    assert table[7] == {"k": 7, "v": 7} and [s.name for s in store.tables()] == ["kv", "t"]
    return [store.get(7), sum(1 for _ in store.range()), table.get(7)["v"]]  # type: ignore[index]


READS = {"store": by_itself, "snapshot": in_snapshot, "transaction": in_transaction, "sql": in_sql}


@contextmanager
def stopped(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, work: Callable[[], Any]
) -> Iterator[None]:
    """Within the block a thread that does ``work`` stands still where it calls a method."""
    arrived, go = threading.Event(), threading.Event()
    method = getattr(owner, name)

    def wait(*arguments: Any) -> Any:
        arrived.set()
        assert go.wait(PATIENCE)
        return method(*arguments)

    monkeypatch.setattr(owner, name, wait)
    thread = Thread(work)
    try:
        assert arrived.wait(PATIENCE)
        yield
    finally:
        go.set()
    thread.result()


def write_both(store: lsmsql.Store) -> None:
    with store.transaction() as t:
        t[7] = 77
        t.table("t").put((7, 77))


STOPS: dict[str, tuple[type, str, Callable[[lsmsql.Store], Any]]] = {
    "syncing the log": (LogWriter, "sync", write_both),
    "writing to the log": (LogWriter, "append", write_both),
    "changing a memtable": (Memtable, "put_all", write_both),
    "installing a flush": (Manifest, "record", lambda store: store.flush()),
    "installing a merge": (Manifest, "record", lambda store: store.compact()),
    "ingesting": (Manifest, "record", lambda store: store.ingest({7: 77})),
}


@pytest.mark.parametrize("stop", STOPS)
def test_nobody_who_reads_waits_for_a_writer_that_stands_still(tmp_path, monkeypatch, stop) -> None:
    owner, method, work = STOPS[stop]
    with open_store(tmp_path, sync="full") as store:
        fill(store)
        left = iter(store.range())
        assert next(left) == ROWS[0]
        old, reader = store.snapshot(), store.transaction()
        with stopped(monkeypatch, owner, method, partial(work, store)):
            for name, read in READS.items():
                assert Thread(partial(read, store)).result() == [7, COUNT, 7], name
            assert Thread(lambda: list(left)).result() == ROWS[1:]
            for rows in (old.range(), reader.range()):
                assert Thread(partial(list, rows)).result() == ROWS
            Thread(reader.commit).result()
            Thread(old.close).result()
        expected = {
            "installing a flush": (7, 7),
            "installing a merge": (7, 7),
            "ingesting": (77, 7),
        }
        assert (store[7], store.table("t")[7]["v"]) == expected.get(stop, (77, 77))


def test_nobody_who_reads_waits_for_the_one_that_has_the_writers_place(tmp_path) -> None:
    with open_store(tmp_path, busy_timeout=0) as store:
        fill(store)
        with store.transaction(immediate=True) as holder:
            holder[7] = 77
            for name, read in READS.items():
                assert Thread(partial(read, store)).result() == [7, COUNT, 7], name
            with pytest.raises(lsmsql.BusyError, match="writer's place"):
                Thread(lambda: store.put(8, 88)).result()
        assert (store[7], store[8]) == (77, 8)


# ---------------------------------------------------------------------------- iterators that last


class Begun:
    """An iterator of which some rows have been taken already."""

    def __init__(self, name: str, rows: Any, expected: list[Any], taken: int) -> None:
        self.name = name
        self._rows = iter(rows)
        self._expected = expected
        assert list(islice(self._rows, taken)) == expected[:taken]
        self._taken = taken

    def check(self, *, may_end: bool) -> None:
        """It gives the rest of what there was, or a clear error, and up to then the same rows."""
        given: list[Any] = []
        ended = False
        try:
            given.extend(self._rows)
        except (lsmsql.ClosedError, lsmsql.NoSuchTableError):
            ended = True
        left = self._expected[self._taken :]
        assert given == (left[: len(given)] if ended and may_end else left), self.name


def begin_all(store: lsmsql.Store, taken: int) -> tuple[list[Begun], list[Any]]:
    """Iterators of every kind, and what is to be called once they are done."""
    snapshot, transaction, table = store.snapshot(), store.transaction(), store.table("t")
    connections = [connect(store) for _ in range(4)]
    connections[3].execute("BEGIN")
    cursors = [connection.execute for connection in connections]
    keys, backwards = [key for key, _ in ROWS], ROWS[::-1]
    ranges: dict[str, tuple[Any, list[Any]]] = {
        "range": (store.range(), ROWS),
        "part of it": (store.range(10, 400), ROWS[10:400]),
        "backwards": (store.range(reverse=True), backwards),
        "items": (store.items(), ROWS),
        "values": (store.values(), keys),
        "iter": (iter(store), keys),
        "reversed": (reversed(store), keys[::-1]),
        "table.range": (table.range(), TABLE_ROWS),
        "table.iter": (iter(table), keys),
        "table.range with a limit": (table.range(limit=300), TABLE_ROWS[:300]),
        "snapshot.range": (snapshot.range(), ROWS),
        "snapshot.table.range": (snapshot.table("t").range(reverse=True), TABLE_ROWS[::-1]),
        "transaction.range": (transaction.range(), ROWS),
        "transaction.table.range": (transaction.table("t").range(), TABLE_ROWS),
        "SELECT": (cursors[0]("SELECT key, value FROM kv ORDER BY key"), ROWS),
        "SELECT ... DESC": (cursors[1]("SELECT key, value FROM kv ORDER BY key DESC"), backwards),
        "SELECT of a join": (
            cursors[2]("SELECT t.k, t.v FROM kv JOIN t ON t.k = kv.key ORDER BY kv.key"),
            ROWS,
        ),
        "SELECT in a transaction": (cursors[3]("SELECT k, v FROM t ORDER BY k"), ROWS),
    }
    begun = [
        Begun(f"{name} after {taken}", rows, expected, taken)
        for name, (rows, expected) in ranges.items()
    ]
    ends = [snapshot.close, transaction.rollback, partial(connections[3].execute, "ROLLBACK")]
    return begun, [*ends, *(connection.close for connection in connections)]


def delete_all(store: lsmsql.Store) -> None:
    with store.transaction() as t:
        for key in list(t):
            t.delete(key)
            t.table("t").delete(key)


def write_through_sql(store: lsmsql.Store) -> None:
    connection = connect(store)
    connection.execute("UPDATE kv SET value = -key")
    connection.execute("UPDATE t SET k = k + 10000")
    connection.execute("DELETE FROM kv WHERE key % 2")
    connection.close()


def ingest(store: lsmsql.Store) -> None:
    store.ingest(dict.fromkeys(range(-100, COUNT + 100), 0))
    store.table("t").ingest([(number, 0) for number in range(-100, COUNT + 100)])


def upkeep(store: lsmsql.Store) -> None:
    delete_all(store)
    store.flush()
    store.update(dict.fromkeys(range(0, COUNT, 2), "again"))
    store.compact()
    store.compact()


EVENTS: dict[str, tuple[Callable[[lsmsql.Store], Any], bool]] = {
    "delete all": (delete_all, False),
    "write through SQL": (write_through_sql, False),
    "flush": (lambda store: store.flush(), False),
    "compact": (lambda store: store.compact(), False),
    "delete, flush, write, compact": (upkeep, False),
    "ingest": (ingest, False),
    "drop_table": (lambda store: store.drop_table("t"), True),
    "close": (lambda store: store.close(), True),
}
"""What happens to the store, and whether an iterator may end with an error then."""


@pytest.mark.parametrize("event", EVENTS)
def test_iterators_give_what_there_was_when_they_began(tmp_path, monkeypatch, event) -> None:
    happen, may_end = EVENTS[event]
    monkeypatch.setattr("lsmsql.engine.scan.SHORT_SCAN", 150)  # the rest by kernels
    with open_store(tmp_path) as store:
        fill(store)
        begun, ends = [], []
        for taken in (0, 1, 200):
            begun_here, ends_here = begin_all(store, taken)
            begun += begun_here
            ends += ends_here
        Thread(partial(happen, store)).result()
        for iterator in begun:
            iterator.check(may_end=may_end)
        for end in ends:
            end()
        assert store.core.snapshots.active() == ()


def test_reading_on_after_close_is_refused_at_once_everywhere(tmp_path) -> None:
    store = open_store(tmp_path)
    fill(store)
    snapshot, transaction, table = store.snapshot(), store.transaction(), store.table("t")
    connection = connect(store)
    store.close()
    uses: list[Callable[[], Any]] = [
        lambda: store.get(1),
        lambda: list(store.range()),
        lambda: table.get(1),
        lambda: snapshot.get(1),
        lambda: 1 in snapshot,
        lambda: list(snapshot.range()),
        lambda: transaction.get(1),
        lambda: list(transaction.range()),
        lambda: connection.execute("SELECT * FROM kv WHERE key = 1").fetchall(),
        lambda: connection.execute("SELECT count(*) FROM t").fetchall(),
        lambda: connection.execute("INSERT INTO kv VALUES ('x', 1)"),
        store.snapshot,
        store.transaction,
    ]
    for use in uses:
        with pytest.raises(lsmsql.ClosedError, match="is closed"):
            use()
    transaction.rollback()
    snapshot.close()
    connection.close()


# ------------------------------------------------------------------- closing while others read


def read_on(view: Any, begun: threading.Semaphore) -> int:
    """Read until the view, or the store, is closed; every read must be exact."""
    rounds = 0
    with suppress(lsmsql.ClosedError):
        while True:
            assert view.get(3) == "old" and view.get(3, None) == "old"
            assert 5 in view and view[7] == "old"
            assert view.table("t").get(3) == {"k": 3, "v": "old"}
            assert list(view.range(1, 9)) == [(key, "old") for key in range(1, 9)]
            assert [row["k"] for row in view.table("t").range(reverse=True, limit=3)] == [9, 8, 7]
            assert len(view) == 10 and len(view.table("t")) == 10
            if rounds == 0:
                begun.release()
            rounds += 1
    return rounds


@pytest.mark.parametrize("files", [False, True])
@pytest.mark.parametrize("which", ["snapshot", "store"])
def test_closing_while_others_read(tmp_path, hasty, which, files) -> None:
    for number in range(2 if which == "store" else 4):
        with open_store(tmp_path / f"{which} {number}") as store:
            table = store.create_table("t", {"k": "INTEGER", "v": "TEXT"}, "k")
            store.update(dict.fromkeys(range(10), "old"))
            table.update([(key, "old") for key in range(10)])
            if files:
                store.flush()
            view = store.snapshot()
            begun = threading.Semaphore(0)
            readers = [Thread(partial(read_on, view, begun)) for _ in range(2)]
            for _ in readers:
                assert begun.acquire(timeout=PATIENCE)
            store.update(dict.fromkeys(range(10), "new"))
            table.update([(key, "new") for key in range(0, 10, 2)])
            (view if which == "snapshot" else store).close()
            if which == "snapshot":  # nobody needs the old versions any more
                for key in range(10):
                    store.delete(key)
                    table.delete(key)
                store.compact()
            assert all(reader.result() > 0 for reader in readers)
            view.close()


def test_a_range_of_a_snapshot_that_is_closed_at_that_moment(tmp_path, monkeypatch) -> None:
    with open_store(tmp_path) as store:
        store["a"] = "old"
        snapshot = store.snapshot()
        store["a"] = "new"
        snapshots = store.core.snapshots
        name_reader = snapshots.reader

        def closed_meanwhile() -> int:
            """Another thread comes in here, and nobody needs the old version any more."""
            monkeypatch.undo()
            snapshot.close()
            store["a"] = "newer"
            return name_reader()

        monkeypatch.setattr(snapshots, "reader", closed_meanwhile)
        try:
            rows = list(snapshot.range())
        except lsmsql.ClosedError:
            rows = [("a", "old")]
        assert rows == [("a", "old")]
        assert snapshots.active() == ()


def test_a_table_that_is_dropped_as_its_compaction_begins(tmp_path, monkeypatch) -> None:
    with lsmsql.open(tmp_path, sync="off", compaction_process=False) as store:
        table = store.create_table("t", {"k": "INTEGER", "v": "INTEGER"}, "k")
        for value in range(2):
            table.put((1, value))
            store["a"] = value
            store.flush()

        def dropped_before(core: Core, job: Any, *others: Any) -> None:
            """Another thread comes in when the job has been chosen."""
            if job.inputs[0].meta.table_id == table.schema.id:
                store.drop_table("t")
            run_job(core, job, *others)

        monkeypatch.setattr("lsmsql.engine.scheduler.run_job", dropped_before)
        store.compact()
        assert [s.name for s in store.tables()] == ["kv"]
        store["a"] = 2
        store.compact()
        assert {f.meta.table_id for _, f in store.core.version.files()} == {
            CATALOG_TABLE_ID,
            KV_TABLE_ID,
        }


@pytest.mark.parametrize("upkeep", ["flush", "compact"])
@pytest.mark.parametrize("files", [False, True])
def test_a_table_that_is_dropped_is_never_empty_to_those_before(tmp_path, files, upkeep) -> None:
    with open_store(tmp_path) as store:
        table = store.create_table("t", {"k": "INTEGER", "v": "INTEGER"}, "k")
        table.put((1, 10))
        if files:
            store.flush()
        with store.snapshot() as snapshot, store.transaction() as transaction:
            store.drop_table("t")
            for _ in range(2):
                for view in (snapshot, transaction):
                    seen = view.table("t")
                    assert seen.get(1) == {"k": 1, "v": 10} and 1 in seen
                    assert list(seen.range()) == [{"k": 1, "v": 10}] and len(seen) == 1
                getattr(store, upkeep)()
        store.compact()
        assert table.schema.id not in store.core.state.tables


@pytest.mark.parametrize("sync", ["off", "full"])
def test_tables_appear_with_the_commit_that_makes_them(tmp_path, monkeypatch, sync) -> None:
    with open_store(tmp_path, sync=sync) as store:
        commit = store.core.commit
        made: list[Any] = []

        def another_begins(*arguments: Any) -> int:
            """Another thread comes in as soon as the commit has been made."""
            monkeypatch.undo()
            sequence = commit(*arguments)
            made.extend([store.snapshot(), store.transaction()])
            return sequence

        monkeypatch.setattr(store.core, "commit", another_begins)
        with store.transaction() as t:
            t["a"] = 1
            t.create_table("x", {"k": "TEXT", "v": "INTEGER"}, "k").put(("one", 1))
        snapshot, other = made
        for view in made:
            assert len(view.tables()) == 1 + len(view)
        other.create_table("y", {"k": "INTEGER"}, "k").put((5,))
        with suppress(lsmsql.ConflictError):
            other.commit()
        assert list(store.table("x").range()) == [{"k": "one", "v": 1}]
        snapshot.close()


# -------------------------------------------------------------------------------- all together


def test_threads_that_share_a_store(tmp_path, hasty) -> None:
    """Two count in both tables at once; two look, and always find as much here as there."""
    with open_store(tmp_path, memtable_bytes=4000) as store:
        table = store.create_table("t", {"k": "TEXT", "v": "INTEGER"}, "k")
        store["n"] = 0
        table.put(("n", 0))
        done = threading.Event()

        def add(t: Any) -> None:
            t["n"] += 1
            row = t.table("t")["n"]
            t.table("t").put(("n", row["v"] + 1))

        def count() -> None:
            for _ in range(25):
                store.run(add, retries=20)

        def look(own: apsw.Connection) -> int:
            rounds = 0
            while not done.is_set() or rounds == 0:
                with store.snapshot() as snapshot, store.transaction() as t:
                    for view in (snapshot, t):
                        assert dict(view.range())["n"] == view.table("t")["n"]["v"]
                ((here, there),) = own.execute(
                    "SELECT value, (SELECT v FROM t WHERE k = 'n') FROM kv WHERE key = 'n'"
                ).fetchall()
                assert here == there
                rounds += 1
            return rounds

        connections = [connect(store) for _ in range(2)]
        readers = [Thread(partial(look, connection)) for connection in connections]
        for writer in [Thread(count) for _ in range(2)]:
            writer.result()
        done.set()
        assert all(reader.result() > 0 for reader in readers)
        assert store["n"] == table["n"]["v"] == 50
        for connection in connections:
            connection.close()
        assert store.core.snapshots.active() == ()
