"""Small stores with every kind of file, and what is in them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import lsmsql
from lsmsql.engine.store import Store
from lsmsql.engine.values import Value
from lsmsql.engine.wal.changes import WORTH_COLUMNS
from lsmsql.engine.wal.format import decode_frame
from lsmsql.engine.wal.reader import LogReader
from tests.damage.memory import DIRECTORY, MemoryFileSystem

Contents = dict[str, list[tuple[Value, ...]]]
"""The rows of each table, in key order."""

SETTINGS: dict[str, Any] = {
    "background": False,
    "block_rows": 16,
    "block_bytes": 4096,
    "table_bytes": 6000,
    "level0_files": 20,
    "level0_slow": 20,
}


@dataclass(frozen=True)
class Sample:
    """A closed store.

    ``files``: contents by name. ``history``: what the store held before the first commit in its
    newest log, after it, after the second one, and so on; the last is what it holds. ``key_of``:
    for each table, the positions of its key columns.
    """

    name: str
    files: dict[str, bytes]
    history: tuple[Contents, ...]
    key_of: dict[str, tuple[int, ...]]

    @cached_property
    def printed(self) -> tuple[dict[str, str], ...]:
        """The rows of each table at each point of the history, to be compared: 1 is not 1.0."""
        return tuple({name: repr(rows) for name, rows in c.items()} for c in self.history)

    @cached_property
    def rows(self) -> tuple[dict[str, dict[object, str]], ...]:
        """Each row of each table by its key, at each point of the history."""
        return tuple(
            {
                name: {self._key(name, row): repr(row) for row in rows}
                for name, rows in contents.items()
            }
            for contents in self.history
        )

    @cached_property
    def keys(self) -> dict[str, list[object]]:
        """Some keys of each table: of rows that are, or were, there."""
        found: dict[str, list[object]] = {}
        for name in self.key_of:
            every = {key: None for tables in self.rows for key in tables[name]}
            found[name] = [*every][:: max(1, len(every) // 10)]
        return found

    def _key(self, name: str, row: tuple[Value, ...]) -> object:
        key = tuple(row[position] for position in self.key_of[name])
        return key if len(key) > 1 else key[0]

    @property
    def newest_log(self) -> str:
        return max(name for name in self.files if name.endswith(".log"))

    def disk(self) -> MemoryFileSystem:
        """A disk with the store."""
        return MemoryFileSystem({f"{DIRECTORY}/{name}": data for name, data in self.files.items()})


def read_contents(store: Store) -> Contents:
    """All rows of a store."""
    return {
        schema.name: [tuple(row.values()) for row in store.table(schema.name).range()]
        for schema in store.tables()
    }


@dataclass
class Building:
    """A store that is being filled with rows that ``random`` chooses."""

    store: Store
    random: random.Random

    def any_value(self) -> Value:
        choose = self.random.choice
        kinds: list[Value] = [
            None,
            self.random.randrange(-(1 << 63), 1 << 63),
            self.random.random(),
            "tëxt" * self.random.randrange(4),
            self.random.randbytes(self.random.randrange(12)),
        ]
        return choose(kinds)

    def create_tables(self) -> None:
        typed = {"id": "INTEGER", "i": "INTEGER", "r": "REAL", "t": "TEXT", "b": "BLOB"}
        more = {"constant": "TEXT", "few": "TEXT", "nulls": "ANY", "some": "ANY"}
        self.store.create_table("typed", {**typed, **more}, "id")
        columns = {"a": "TEXT", "n": "INTEGER", "v": "ANY"}
        self.store.create_table("composite", columns, ["a", "n"], descending=["n"])
        self.store.create_table("large", {"id": "ANY", "v": "BLOB"}, "id")

    def fill_kv(self, count: int) -> None:
        """Mixed keys and values; some keys again, some deleted."""
        with self.store.batch() as batch:
            for _ in range(count):
                number = self.random.randrange(60)
                keys: list[Value] = [number, f"key {number}", bytes([number]), number + 0.5]
                key = keys[number % 4]
                if self.random.random() < 0.2:
                    batch.delete(key)
                else:
                    batch.put(key, self.any_value())

    def fill_typed(self, count: int) -> None:
        """Columns that are all of one type, constant, repeated, NULL, and partly NULL."""
        some = self.random.random

        def row(number: int) -> list[Value]:
            return [
                number,
                None if some() < 0.3 else self.random.randrange(70_000),
                None if some() < 0.3 else some(),
                None if some() < 0.3 else f"text {number}",
                self.random.randbytes(number % 7),
                "the same",
                self.random.choice(["red", "green"]),
                None,
                self.any_value(),
            ]

        numbers = self.random.sample(range(120), count)
        self.store.table("typed").update([row(number) for number in numbers])

    def fill_composite(self, count: int) -> None:
        table = self.store.table("composite")
        for _ in range(count):
            table.put([self.random.choice("abc"), self.random.randrange(30), self.any_value()])
        table.delete(next(iter(table)))

    def fill_large(self) -> None:
        table = self.store.table("large")
        table.put([1, self.random.randbytes(self.random.randrange(8000, 9000))])
        table.put([2.5, b"compressible " * 3000])

    def fill_versions(self) -> None:
        """Several versions of a key, which a reader keeps in the files."""
        self.store["version"] = 1
        reader = self.store.items()
        next(reader)
        self.store["version"] = 2
        self.store.flush()

    def fill(self) -> None:
        """Some of everything, in memory and in files of level 0."""
        self.create_tables()
        self.fill_kv(60)
        self.fill_typed(70)
        self.fill_composite(30)
        self.fill_large()
        self.store.flush()
        self.fill_kv(30)
        self.fill_versions()

    def rotate(self) -> None:
        """Leave a complete log, whose memtables are not in files yet."""
        with self.store.core.write_lock:
            self.store.core.rotate()


def _ends_with_a_flush(b: Building) -> None:
    b.fill()
    b.store.compact()
    b.fill_kv(20)
    b.store.flush()


def _ends_with_a_compaction(b: Building) -> None:
    b.fill()
    b.store.compact()


def _ends_with_an_ingest(b: Building) -> None:
    b.fill()
    b.store.compact()
    b.store.ingest([(f"ingested {number}", number) for number in range(40)])


def _has_a_complete_log(b: Building) -> None:
    b.fill()
    b.fill_typed(20)
    b.store.drop_table("large")
    b.rotate()


_ENDS: dict[str, Callable[[Building], None]] = {
    "flush": _ends_with_a_flush,
    "compaction": _ends_with_a_compaction,
    "ingest": _ends_with_an_ingest,
    "complete log": _has_a_complete_log,
}
_CODECS = [("lz4", "zstd"), ("none", "none"), ("zstd", "lz4")]
SAMPLES = [f"{end}, {codec}" for end, (codec, _) in zip(_ENDS, [*_CODECS, _CODECS[0]], strict=True)]
"""The names of the samples: the last thing that was done to the files, and their codec."""


@lru_cache(maxsize=16)
def sample(name: str, seed: int = 0) -> Sample:
    """The sample of that name; ``seed`` makes another one of the same shape."""
    end, _, codec = name.partition(", ")
    settings = {**SETTINGS, "codec": codec, "bottom_codec": dict(_CODECS)[codec]}
    disk = MemoryFileSystem()
    with lsmsql.open(DIRECTORY, filesystem=disk, **settings) as store:
        building = Building(store, random.Random(f"{name} {seed}"))
        _ENDS[end](building)
        history = [read_contents(store)]
        for number in range(6):
            if number == 3:
                store.update([(1000 + n, n) for n in range(WORTH_COLUMNS)])
            elif number == 4:
                building.fill_kv(10)
            else:
                store.put(f"logged {number}", building.any_value())
            history.append(read_contents(store))
        key_of = {schema.name: schema.key for schema in store.tables()}
    files = {path.rpartition("/")[2]: data for path, data in disk.contents().items()}
    del files["LOCK"]
    return Sample(name, files, tuple(history), key_of)


def frames(data: bytes, path: str) -> list[tuple[int, int, int]]:
    """Begin, end and ``durable`` of each frame of an undamaged log or manifest."""
    decoded = [
        decode_frame(data, path, offset)
        for offsets in LogReader(data, path, newest=True).offsets()
        for offset in offsets
    ]
    return [(frame.offset, frame.end, frame.durable) for frame in decoded]
