"""The LSM tree of SQLite 4, through lsm-db."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import lsm

from tests.benchmarks.data import Data, Pair
from tests.benchmarks.engines.base import SERVING, Capability, Engine, Settings

TRANSACTION = 100_000
"""Rows loaded in bulk at a time: they fit the write buffer."""

ALL = -1
"""Kilobytes of work: as much as there is."""


class LsmDB(Engine):
    """One file, mapped into memory; safety NORMAL syncs at checkpoints, not at commits."""

    name = "lsmdb"
    title = "LSM1 (lsm-db)"
    package = "lsm-db"
    capabilities = frozenset({Capability.LOG, Capability.BULK, Capability.COMPACTION})

    def open(self, path: Path, settings: Settings = SERVING) -> None:
        self.path = path
        self.db = lsm.LSM(
            str(path / "lsm.db"),
            write_safety=lsm.SAFETY_NORMAL,
            multiple_processes=False,
            autoflush=settings.write_buffer // 1024,
            automerge=8,
        )
        self.put = self.db.insert

    def close(self) -> None:
        self.db.close()

    def get(self, key: bytes) -> bytes | None:
        try:
            value: bytes = self.db.fetch(key)
        except KeyError:
            return None
        return value

    def put_many(self, pairs: Iterable[Pair]) -> None:
        insert = self.db.insert
        with self.db.transaction():
            for key, value in pairs:
                insert(key, value)

    def bulk_load(self, data: Data) -> None:
        pairs = zip(data.keys, data.values, strict=True)
        for _ in range(0, data.rows, TRANSACTION):
            self.put_many(islice(pairs, TRANSACTION))

    def delete_many(self, keys: Iterable[bytes]) -> None:
        delete = self.db.delete
        with self.db.transaction():
            for key in keys:
                delete(key)

    def scan(self, reverse: bool = False) -> Iterator[Pair]:
        with self.db.cursor(reverse) as cursor:
            yield from cursor

    def range(self, start: bytes, limit: int) -> list[Pair]:
        with self.db.cursor() as cursor:
            cursor.seek(start, lsm.SEEK_GE)
            return list(islice(cursor, limit))

    def count(self) -> int:
        with self.db.cursor() as cursor:
            return sum(1 for _ in cursor)

    def compact(self) -> None:
        self.db.flush()
        self.db.work(1, ALL)
        self.db.checkpoint(ALL)
