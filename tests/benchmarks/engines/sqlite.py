"""SQLite, through apsw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

import vtab
from tests.benchmarks.data import Pair
from tests.benchmarks.engines.base import (
    MEMORY,
    SERVING,
    Capability,
    Engine,
    Settings,
    Snapshot,
    Transact,
)
from tests.benchmarks.engines.statements import DELETE, GET, PUT, RANGE, SqlTransactor

PAGE_BYTES = 4096
CREATE = "CREATE TABLE IF NOT EXISTS kv(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"
SCAN = "SELECT key, value FROM kv ORDER BY key"


class SQLite(Engine):
    """WAL with synchronous NORMAL, whose checkpoints come with each ``write_buffer`` of log.

    The file is locked for this connection alone, which saves two system calls a statement; but for
    ``shared``, and for ``automatic=False``, where ``compact`` is a checkpoint by another one. With
    ``durable``, synchronous is FULL. A snapshot is a connection in a transaction that has read.
    """

    name = "sqlite"
    title = "SQLite"
    package = "apsw"
    capabilities = frozenset(
        {
            Capability.SQL,
            Capability.BULK,
            Capability.LOG,
            Capability.BACKGROUND,
            Capability.SNAPSHOTS,
        }
    )
    single_puts = 200_000
    most_snapshots = 1

    def open(self, path: Path, settings: Settings = SERVING) -> None:
        self.path = path
        self._shared = settings.shared or not settings.automatic
        self._synchronous = "full" if settings.durable else "normal"
        self._spare: list[apsw.Connection] = []
        self._connection = connection = self._connect()
        connection.pragma("locking_mode", "normal" if self._shared else "exclusive")
        connection.pragma("journal_mode", "wal")
        self._checkpoint = settings.write_buffer // PAGE_BYTES
        connection.pragma("wal_autocheckpoint", self._checkpoint)
        connection.pragma("cache_size", -MEMORY // 1024)
        connection.pragma("mmap_size", MEMORY)
        connection.execute(CREATE)
        self._cursor = connection.cursor()

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self.path / "sqlite.db"))
        connection.set_busy_timeout(10_000)
        connection.pragma("synchronous", self._synchronous)
        return connection

    def _connect_to_work(self) -> apsw.Connection:
        connection = self._connect()
        connection.pragma("wal_autocheckpoint", self._checkpoint)
        connection.pragma("mmap_size", MEMORY)
        return connection

    def close(self) -> None:
        for connection in (*self._spare, self._connection):
            connection.close()

    def get(self, key: bytes) -> bytes | None:
        for (value,) in self._cursor.execute(GET, (key,)):
            return value  # type: ignore[no-any-return]
        return None

    def put(self, key: bytes, value: bytes) -> None:
        self._cursor.execute(PUT, (key, value))

    def put_many(self, pairs: Iterable[Pair]) -> None:
        with self._connection:
            self._cursor.executemany(PUT, pairs)

    def delete_many(self, keys: Iterable[bytes]) -> None:
        with self._connection:
            self._cursor.executemany(DELETE, ((key,) for key in keys))

    @contextmanager
    def reading(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        yield
        self._connection.execute("COMMIT")

    def scan(self, reverse: bool = False) -> Iterator[Pair]:
        return self._connection.execute(f"{SCAN} DESC" if reverse else SCAN)

    def range(self, start: bytes, limit: int) -> list[Pair]:
        pairs: Any = self._cursor.execute(RANGE, (start, limit)).fetchall()
        return pairs  # type: ignore[no-any-return]

    def count(self) -> int:
        count: int = self._connection.execute("SELECT count(*) FROM kv").get
        return count

    def compact(self) -> None:
        if self._shared:
            other = self._connect()
            other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            other.close()
        else:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def packed_bytes(self, spare: Path) -> int:
        self._connection.execute("VACUUM INTO ?", (str(spare),))
        return spare.stat().st_size

    def load_table(self, sql: str, rows: Any) -> None:
        name = vtab.parse_create(sql).schema.name
        places = ", ".join("?" * rows.num_columns)
        with self._connection:
            self._connection.execute(f"{sql}, WITHOUT ROWID")
            for batch in rows.to_batches(max_chunksize=10_000):
                columns = [column.to_pylist() for column in batch.columns]
                insert = f"INSERT INTO {name} VALUES ({places})"
                self._connection.executemany(insert, zip(*columns, strict=True))

    def snapshot(self) -> Snapshot:
        return _Snapshot(self._spare.pop() if self._spare else self._connect_to_work(), self._spare)

    @contextmanager
    def connection(self) -> Iterator[apsw.Connection]:
        yield self._connection

    @contextmanager
    def sql_transactor(self) -> Iterator[Transact]:
        connection = self._connect_to_work()
        try:
            yield SqlTransactor(connection, "BEGIN IMMEDIATE")
        finally:
            connection.close()


class _Snapshot:
    """A transaction that reads. Its connection goes back to the others in the end."""

    def __init__(self, connection: apsw.Connection, spare: list[apsw.Connection]) -> None:
        self._connection = connection
        self._spare = spare
        self._execute = execute = connection.cursor().execute
        execute("BEGIN")
        execute("SELECT 1 FROM kv LIMIT 1").fetchall()  # up to here others may commit

    def get(self, key: bytes) -> bytes | None:
        for (value,) in self._execute(GET, (key,)):
            return value  # type: ignore[no-any-return]
        return None

    def __enter__(self) -> _Snapshot:
        return self

    def __exit__(self, *error: object) -> None:
        self._execute("COMMIT")
        self._spare.append(self._connection)
