"""RocksDB, through rocksdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import rocksdict

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

NEVER = 1_000_000


class RocksDB(Engine):
    """Raw mode: keys and values are bytes, without rocksdict's own encoding."""

    name = "rocksdict"
    title = "RocksDB"
    package = "rocksdict"
    capabilities = frozenset(
        {Capability.LOG, Capability.COMPACTION, Capability.BACKGROUND, Capability.SNAPSHOTS}
    )

    def open(self, path: Path, settings: Settings = SERVING) -> None:
        self.path = path
        self.db = db = rocksdict.Rdict(str(path), _options(settings))
        self.get = db.get
        self.put = db.put

    def close(self) -> None:
        self.db.close()

    def put_many(self, pairs: Iterable[Pair]) -> None:
        batch = rocksdict.WriteBatch(raw_mode=True)
        put = batch.put
        for key, value in pairs:
            put(key, value)
        self.db.write(batch)

    def delete_many(self, keys: Iterable[bytes]) -> None:
        batch = rocksdict.WriteBatch(raw_mode=True)
        delete = batch.delete
        for key in keys:
            delete(key)
        self.db.write(batch)

    def scan(self, reverse: bool = False) -> Iterator[Pair]:
        iterator: Iterator[Pair] = self.db.items(backwards=reverse)
        return iterator

    def range(self, start: bytes, limit: int) -> list[Pair]:
        return list(islice(self.db.items(from_key=start), limit))

    def snapshot(self) -> Snapshot:
        return _Snapshot(self.db.snapshot())

    def count(self) -> int:
        return sum(1 for _ in self.db.keys())  # noqa: SIM118 (no mapping: it has no len)

    def compact(self) -> None:
        self.db.flush()
        self.db.compact_range(None, None)


class _Snapshot:
    """One of rocksdict, which ends when nobody has it any more, and has no ``get``."""

    def __init__(self, snapshot: Any) -> None:
        self._snapshot = snapshot

    def get(self, key: bytes) -> bytes | None:
        try:
            value: bytes = self._snapshot[key]
        except KeyError:
            return None
        return value

    def __enter__(self) -> _Snapshot:
        return self

    def __exit__(self, *error: object) -> None:
        del self._snapshot


def _options(settings: Settings) -> Any:
    """lz4 and, at the bottom, zstd: as RocksDB's own guide advises, and as lsmsql does."""
    blocks = rocksdict.BlockBasedOptions()
    blocks.set_block_cache(rocksdict.Cache(CACHE))
    blocks.set_block_size(BLOCK)
    blocks.set_bloom_filter(BLOOM_BITS, False)
    options = rocksdict.Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(blocks)
    options.set_write_buffer_size(settings.write_buffer)
    options.set_compression_type(rocksdict.DBCompressionType.lz4())
    options.set_bottommost_compression_type(rocksdict.DBCompressionType.zstd())
    options.increase_parallelism(2)
    if not settings.automatic:
        options.set_disable_auto_compactions(True)
        options.set_level_zero_slowdown_writes_trigger(NEVER)
        options.set_level_zero_stop_writes_trigger(NEVER)
    return options
