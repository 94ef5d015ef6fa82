"""LMDB: a copy-on-write B+tree in a mapped file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import lmdb

from tests.benchmarks.data import Pair
from tests.benchmarks.engines.base import (
    SERVING,
    Capability,
    Engine,
    Settings,
    Snapshot,
    Transact,
    Work,
    directory_bytes,
)

MAP_BYTES = 16 << 30
READERS = 1_024


class Lmdb(Engine):
    """Each put is a write transaction; ``reading``, and each snapshot, is a read transaction."""

    name = "lmdb"
    title = "LMDB"
    package = "lmdb"
    capabilities = frozenset({Capability.BULK, Capability.SNAPSHOTS, Capability.TRANSACTIONS})
    single_puts = 200_000

    def open(self, path: Path, settings: Settings = SERVING) -> None:
        self.path = path
        self.env = lmdb.open(
            str(path),
            map_size=MAP_BYTES,
            sync=settings.durable,
            metasync=settings.durable,
            max_spare_txns=4,
            max_readers=READERS,
        )
        self.get = self._get
        self.put = self._put
        self._reader: Any = None

    def close(self) -> None:
        self.env.close()

    def _get(self, key: bytes) -> bytes | None:
        with self.env.begin() as transaction:
            value: bytes | None = transaction.get(key)
            return value

    def _put(self, key: bytes, value: bytes) -> None:
        with self.env.begin(write=True) as transaction:
            transaction.put(key, value)

    def put_many(self, pairs: Iterable[Pair]) -> None:
        with self.env.begin(write=True) as transaction, transaction.cursor() as cursor:
            cursor.putmulti(pairs)

    def delete_many(self, keys: Iterable[bytes]) -> None:
        with self.env.begin(write=True) as transaction:
            for key in keys:
                transaction.delete(key)

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self.env.begin() as transaction:
            self._reader = transaction
            self.get = transaction.get
            yield
        self._reader = None
        self.get = self._get

    def scan(self, reverse: bool = False) -> Iterator[Pair]:
        cursor = self._reader.cursor()
        pairs: Iterator[Pair] = cursor.iterprev() if reverse else cursor.iternext()
        return pairs

    def range(self, start: bytes, limit: int) -> list[Pair]:
        if self._reader is not None:
            return _take(self._reader, start, limit)
        with self.env.begin() as transaction:
            return _take(transaction, start, limit)

    def snapshot(self) -> Snapshot:
        snapshot: Snapshot = self.env.begin()
        return snapshot

    @contextmanager
    def transactor(self) -> Iterator[Transact]:
        yield self._transact

    def _transact(self, work: Work) -> int:
        with self.env.begin(write=True) as transaction:
            work(transaction.get, transaction.put, partial(_take, transaction))
        return 1

    def count(self) -> int:
        entries: int = self.env.stat()["entries"]
        return entries

    def compact(self) -> None:
        """There is nothing to do."""

    def packed_bytes(self, spare: Path) -> int:
        spare.mkdir()
        self.env.copy(str(spare), compact=True)
        return directory_bytes(spare)


def _take(transaction: Any, start: bytes, limit: int) -> list[Pair]:
    with transaction.cursor() as cursor:
        return list(islice(cursor.iternext(), limit)) if cursor.set_range(start) else []
