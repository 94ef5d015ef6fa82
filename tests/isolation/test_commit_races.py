"""What has just been committed, by a hair's breadth, is a conflict."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import lsmsql
from lsmsql.engine.schema import KV_TABLE_ID


class WatchedLock:
    """A lock that tells when another thread than the one that made it is about to wait for it."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._owner = threading.get_ident()
        self.wanted = threading.Event()

    def __enter__(self) -> None:
        if threading.get_ident() != self._owner:
            self.wanted.set()
        self._lock.acquire()

    def __exit__(self, *_error: object) -> None:
        self._lock.release()


def test_a_commit_that_waits_for_another_one_is_validated_after_it(tmp_path):
    with lsmsql.open(tmp_path / "s") as store, ThreadPoolExecutor() as threads:
        store["a"] = 1
        transaction = store.transaction()
        transaction["b"] = transaction["a"]
        lock: Any = WatchedLock(store.core.write_lock)
        store.core.write_lock = lock
        with lock:
            waiting = threads.submit(transaction.commit)
            assert lock.wanted.wait(timeout=60)
            store["a"] = 2
        with pytest.raises(lsmsql.ConflictError):
            waiting.result()
        assert dict(store.items()) == {"a": 2}


def test_a_commit_that_is_not_synced_yet_counts(tmp_path):
    with lsmsql.open(tmp_path / "s", sync="full") as store:
        store["a"] = 1
        transaction = store.transaction()
        transaction["b"] = transaction["a"]
        key, payload = store.kv.encode("a", 2)
        with store.core.write_lock:
            store.core.commit_one(KV_TABLE_ID, key, payload)
        assert store["a"] == 1, "nobody sees it before it is synced"
        with pytest.raises(lsmsql.ConflictError):
            transaction.commit()
        assert "b" not in store
