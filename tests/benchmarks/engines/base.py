"""What an engine must be able to do to take part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, ClassVar, Protocol

import apsw

from tests.benchmarks.data import Data, Pair

MIB = 1 << 20
MEMORY = 256 * MIB
WRITE_BUFFER = 32 * MIB
CACHE = 160 * MIB
BLOOM_BITS = 10
BLOCK = 16 * 1024
"""Faster here than the 4 KiB of LevelDB and RocksDB, in each of their workloads."""


class Capability(Enum):
    """What an engine may have beyond the verbs of a sorted mapping."""

    SQL = auto()
    BULK = auto()  # a way to load unsorted data that is faster than batches
    UPDATE = auto()  # lsmsql: one call for many pairs
    LOG = auto()  # replayed when it is opened after a crash
    COMPACTION = auto()
    BACKGROUND = auto()  # compact() may run in a thread beside puts and gets
    PROCESS = auto()  # lsmsql: a program to start
    SNAPSHOTS = auto()  # reads of one moment, for as long as one likes
    TRANSACTIONS = auto()  # isolated ones, without SQL
    VALIDATION = auto()  # lsmsql: its transactions remember what they read


@dataclass(frozen=True)
class Settings:
    """How to open a store. ``write_buffer``: bytes gathered before they go to sorted files.

    ``automatic``: compaction happens when it is due; else, where that is possible, only on demand.
    ``durable``: a commit is on the disk when it returns. ``shared``: by several connections.
    """

    write_buffer: int = WRITE_BUFFER
    automatic: bool = True
    durable: bool = False
    shared: bool = False


SERVING = Settings()

Get = Callable[[bytes], bytes | None]
Put = Callable[[bytes, bytes], object]
Read = Callable[[bytes, int], list[Pair]]
"""Up to so many pairs from a key on."""

Work = Callable[[Get, Put, Read], object]
"""What is to be done in a transaction, with its own verbs; done again after a conflict."""
Transact = Callable[[Work], int]
"""Does work in a transaction, and commits. Returns how often it was begun: 1 but for conflicts."""


class Snapshot(Protocol):
    """All rows as of one moment, until the end of its ``with`` block."""

    def get(self, key: bytes, /) -> bytes | None:
        """The value of a key."""

    def __enter__(self) -> Snapshot: ...

    def __exit__(self, *error: Any) -> None: ...


class Engine(Protocol):
    """One store. ``get`` and ``put`` are the engine's own functions where their shape allows it."""

    name: ClassVar[str]
    title: ClassVar[str]
    package: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]]
    single_puts: ClassVar[int] = 1_000_000
    """How many rows are put one by one at most: some engines take long, and no less for it."""
    most_snapshots: ClassVar[int] = 1_000
    """How many snapshots may be open at a time, as far as anybody asks."""

    path: Path
    get: Get
    put: Put

    def open(self, path: Path, settings: Settings = SERVING) -> None:
        """Open the store in the directory ``path``, which exists; create it if there is none."""

    def close(self) -> None:
        """Close the store."""

    def put_many(self, pairs: Iterable[Pair]) -> None:
        """Put all pairs in one atomic step."""

    def delete_many(self, keys: Iterable[bytes]) -> None:
        """Delete all keys in one atomic step."""

    def scan(self, reverse: bool = False) -> Iterator[Pair]:
        """All pairs in key order."""

    def range(self, start: bytes, limit: int) -> list[Pair]:
        """Up to ``limit`` pairs from the key ``start`` on."""

    def count(self) -> int:
        """The number of keys."""

    def compact(self) -> None:
        """Bring the store into the shape in which it is read best."""

    def reading(self) -> AbstractContextManager[object]:
        """While nothing but ``get``, ``scan`` and ``range`` is called."""
        return nullcontext()

    def packed_bytes(self, spare: Path) -> int:
        """Bytes on the disk when compacted and closed. ``spare`` is a free path."""
        self.compact()
        self.close()
        size = directory_bytes(self.path)
        self.open(self.path)
        return size

    def bulk_load(self, data: Data) -> None:
        """All rows into an empty store, with Capability.BULK: in one transaction."""
        self.put_many(zip(data.keys, data.values, strict=True))

    def update(self, pairs: Iterable[Pair]) -> None:
        """Put all pairs in one call, with Capability.UPDATE."""
        self.put_many(pairs)

    def snapshot(self) -> Snapshot:
        """A snapshot, with Capability.SNAPSHOTS."""
        raise NotImplementedError

    def transactor(self) -> AbstractContextManager[Transact]:
        """What one thread needs for transactions, with Capability.TRANSACTIONS."""
        return self.sql_transactor()

    # Only with Capability.SQL:

    def load_table(self, sql: str, rows: Any) -> None:
        """Create a table with ``sql`` and load the Arrow table ``rows``."""
        raise NotImplementedError

    def connection(self) -> AbstractContextManager[apsw.Connection]:
        """A connection with the table kv(key, value), and those loaded."""
        raise NotImplementedError

    def sql_transactor(self) -> AbstractContextManager[Transact]:
        """The same as ``transactor`` by way of a connection of its own."""
        raise NotImplementedError


def directory_bytes(path: Path) -> int:
    """Bytes of all files below a directory."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
