"""In mode "full" a commit is on the disk when it returns; those of many threads share a sync."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

import lsmsql
from lsmsql.engine.wal.writer import LogWriter

sync_log = LogWriter.sync


class Gate:
    """In place of ``LogWriter.sync``: each sync waits until it is let through."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self.passes = threading.Semaphore(0)
        self.syncs = 0
        self.error: Exception | None = None

    def sync(self, log: LogWriter) -> None:
        self.arrived.release()
        assert self.passes.acquire(timeout=20)
        self.syncs += 1
        if self.error is not None:
            log._fail(self.error)
            raise self.error
        sync_log(log)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(LogWriter, "sync", lambda log: gate.sync(log))
    return gate


@pytest.fixture
def store(tmp_path):
    with lsmsql.open(tmp_path / "store", sync="full", background=False) as store:
        yield store


class Commits:
    """Threads that make a commit each, and what they raised."""

    def __init__(self) -> None:
        self.errors: list[BaseException | None] = []
        self._threads: list[threading.Thread] = []

    def start(self, commit: Callable[[], object]) -> None:
        def run() -> None:
            try:
                commit()
                self.errors.append(None)
            except BaseException as error:
                self.errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)

    def join(self) -> list[BaseException | None]:
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()
        return self.errors


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(4000):
        if condition():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it does not come about")


def test_commits_that_come_during_a_sync_share_the_next_one(store, gate):
    commits = Commits()
    commits.start(lambda: store.put(0, 0))
    assert gate.arrived.acquire(timeout=20)
    for number in range(1, 9):
        commits.start(partial(store.put, number, number))
    wait_for(lambda: store.core.sequence == 9)
    assert dict(store.items()) == {}  # nothing is published before it is on the disk
    gate.passes.release(10)
    assert commits.join() == [None] * 9
    assert gate.syncs == 2
    assert store.stats()["log_syncs"] == 2
    assert dict(store.items()) == {n: n for n in range(9)}


def test_a_sync_that_fails_fails_every_commit_that_it_was_for(store, request):
    store["before"] = 1
    gate = request.getfixturevalue("gate")
    commits = Commits()
    commits.start(lambda: store.put("a", 1))
    assert gate.arrived.acquire(timeout=20)
    commits.start(lambda: store.put("b", 1))
    wait_for(lambda: store.core.sequence == 3)
    gate.error = lsmsql.StorageError("sync: input/output error")
    gate.passes.release(10)
    errors = commits.join()
    assert all(isinstance(error, lsmsql.StorageError) for error in errors)
    assert sum(isinstance(error, lsmsql.FailedError) for error in errors) == 1
    assert gate.syncs == 1  # a sync that failed is not tried again
    assert dict(store.items()) == {"before": 1}
    with pytest.raises(lsmsql.FailedError, match=r"one failed: sync: input/output error; close"):
        store["c"] = 1


def test_a_full_memtable_waits_for_the_sync_and_publishes_all(tmp_path, request):
    with lsmsql.open(tmp_path / "store", memtable_bytes=1, background=False) as store:
        gate = request.getfixturevalue("gate")
        commits = Commits()
        commits.start(lambda: store.put("a", 1))
        assert gate.arrived.acquire(timeout=20)
        commits.start(lambda: store.put("b", 2))  # rotates the log first
        gate.passes.release(1000)
        assert commits.join() == [None] * 2
        assert dict(store.items()) == {"a": 1, "b": 2}
        assert store.stats()["flushes"] == 1


def test_a_store_that_is_closed_settles_what_waits(tmp_path, request):
    store = lsmsql.open(tmp_path / "store", background=False)
    gate = request.getfixturevalue("gate")
    commits = Commits()
    commits.start(lambda: store.put("a", 1))
    assert gate.arrived.acquire(timeout=20)
    commits.start(lambda: store.put("b", 2))
    wait_for(lambda: store.core.sequence == 2)
    commits.start(store.close)
    gate.passes.release(1000)
    assert commits.join() == [None] * 3
    with lsmsql.open(tmp_path / "store", "r") as again:
        assert dict(again.items()) == {"a": 1, "b": 2}


def test_batches_tables_and_ingests_take_part(store):
    table = store.create_table("t", {"k": "INTEGER", "v": "TEXT"}, "k")

    def work(thread: int) -> None:
        for number in range(5):
            key = thread * 10 + number
            store.update({key: thread, -key: thread})
            table.put({"k": key, "v": "x"})
            table.ingest([(1000 + key, "y")])

    commits = Commits()
    for thread in range(1, 5):
        commits.start(partial(work, thread))
    assert commits.join() == [None] * 4
    assert len(table) == 40
    assert len(store) == 40
    assert store.core.sequence == store.core.snapshots.published == 61
