"""LevelDB, through plyvel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import plyvel

from tests.benchmarks.data import Pair
from tests.benchmarks.engines.base import (
    BLOCK,
    BLOOM_BITS,
    CACHE,
    SERVING,
    Capability,
    Engine,
    Settings,
    Snapshot,
)

PAST_ALL = b"\xff" * 64
"""Without bounds, compact_range merges nothing: it only flushes the write buffer."""


class LevelDB(Engine):
    """Writes are not synced (sync=False). Compaction cannot be turned off."""

    name = "plyvel"
    title = "LevelDB"
    package = "plyvel"
    capabilities = frozenset(
        {Capability.LOG, Capability.COMPACTION, Capability.BACKGROUND, Capability.SNAPSHOTS}
    )

    def open(self, path: Path, settings: Settings = SERVING) -> None:
        self.path = path
        self.db = plyvel.DB(
            str(path),
            create_if_missing=True,
            write_buffer_size=settings.write_buffer,
            lru_cache_size=CACHE,
            bloom_filter_bits=BLOOM_BITS,
            block_size=BLOCK,
            compression="snappy",
        )
        self.get = self.db.get
        self.put = self.db.put

    def close(self) -> None:
        self.db.close()

    def put_many(self, pairs: Iterable[Pair]) -> None:
        with self.db.write_batch() as batch:
            put = batch.put
            for key, value in pairs:
                put(key, value)

    def delete_many(self, keys: Iterable[bytes]) -> None:
        with self.db.write_batch() as batch:
            delete = batch.delete
            for key in keys:
                delete(key)

    def scan(self, reverse: bool = False) -> Iterator[Pair]:
        iterator: Iterator[Pair] = self.db.iterator(reverse=reverse)
        return iterator

    def range(self, start: bytes, limit: int) -> list[Pair]:
        return list(islice(self.db.iterator(start=start), limit))

    def snapshot(self) -> Snapshot:
        snapshot: Snapshot = self.db.snapshot()
        return snapshot

    def count(self) -> int:
        with self.db.iterator(include_value=False) as iterator:
            return sum(1 for _ in iterator)

    def compact(self) -> None:
        self.db.compact_range(start=b"\x00", stop=PAST_ALL)
