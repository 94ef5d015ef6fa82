"""lsmsql itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import apsw

import lsmsql
import vtab
from tests.benchmarks.data import Data, Pair
from tests.benchmarks.engines.base import (
    MEMORY,
    SERVING,
    WRITE_BUFFER,
    Capability,
    Engine,
    Settings,
    Snapshot,
    Transact,
    Work,
)
from tests.benchmarks.engines.statements import SqlTransactor

TRIGGERS = ("level0_files", "level0_slow", "level0_stop")
NEVER = 1_000_000


class Lsmsql(Engine):
    """A store of this project."""

    name = "lsmsql"
    title = "lsmsql"
    package = "lsmsql"
    capabilities = frozenset(Capability)

    def open(self, path: Path, settings: Settings = SERVING) -> None:
        triggers: Any = {} if settings.automatic else dict.fromkeys(TRIGGERS, NEVER)
        buffer = 0 if settings.write_buffer == WRITE_BUFFER else settings.write_buffer
        self.path = path
        self.store = store = lsmsql.open(
            path,
            sync="full" if settings.durable else "normal",
            memory_budget=MEMORY,
            memtable_bytes=buffer,
            **triggers,
        )
        self.get = store.get  # type: ignore[assignment]
        self.put = store.put

    def close(self) -> None:
        self.store.close()

    def put_many(self, pairs: Iterable[Pair]) -> None:
        with self.store.batch() as batch:
            put = batch.put
            for key, value in pairs:
                put(key, value)

    def delete_many(self, keys: Iterable[bytes]) -> None:
        with self.store.batch() as batch:
            delete = batch.delete
            for key in keys:
                delete(key)

    def scan(self, reverse: bool = False) -> Iterator[Pair]:
        return cast("Iterator[Pair]", self.store.range(reverse=reverse))

    def range(self, start: bytes, limit: int) -> list[Pair]:
        return list(self.store.range(start, limit=limit))  # type: ignore[arg-type]

    def count(self) -> int:
        return len(self.store)

    def compact(self) -> None:
        self.store.compact()

    def bulk_load(self, data: Data) -> None:
        self.store.ingest(data.arrow)

    def update(self, pairs: Iterable[Pair]) -> None:
        self.store.update(pairs)

    def snapshot(self) -> Snapshot:
        return cast("Snapshot", self.store.snapshot())

    @contextmanager
    def transactor(self) -> Iterator[Transact]:
        yield self._transact

    def _transact(self, work: Work) -> int:
        attempts = 0

        def attempt(transaction: Any) -> None:
            nonlocal attempts
            attempts += 1
            scan = transaction.range
            work(
                transaction.get,
                transaction.put,
                lambda start, limit: list(scan(start, limit=limit)),
            )

        self.store.run(attempt)
        return attempts

    def load_table(self, sql: str, rows: Any) -> None:
        vtab.create_from_sql(self.store, sql).ingest(rows)

    @contextmanager
    def connection(self) -> Iterator[apsw.Connection]:
        connection = apsw.Connection(":memory:")
        vtab.register(connection, self.store)
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def sql_transactor(self) -> Iterator[Transact]:
        with self.connection() as connection:
            yield SqlTransactor(connection, "BEGIN")
