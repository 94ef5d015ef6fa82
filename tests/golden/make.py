"""Makes golden stores: python -m tests.golden.make NAME...

A golden store is made once for each version of a format, and then read by every later release. So
this is run for new ones only: those that are there stay as they are.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsmsql.engine.column import Column
from lsmsql.engine.manifest import manifest
from lsmsql.engine.store import Store, open_store
from lsmsql.engine.values import ColumnType
from lsmsql.engine.wal.format import log_name
from tests.golden.contents import contents

FOLDER = Path(__file__).resolve().parent
STORES = FOLDER / "stores"

SMALL: dict[str, Any] = {
    "sync": "off",
    "background": False,
    "block_rows": 16,
    "table_bytes": 4_000,
    "level0_files": 100,
    "level0_slow": 100,
    "level0_stop": 100,
}
DEEP: dict[str, Any] = {"level0_files": 1, "level1_bytes": 3_000, "level_factor": 2}
"""Settings that soon make many levels."""

_ZEROS = 100
"""So much of the space that was set aside for a log is kept."""

NOTES = ["b", "B", 1, 1.5, b"b", None, *(f"note {i}" for i in range(40))]
DEFINITIONS = """
    CREATE TABLE people(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL COLLATE NOCASE,
        email TEXT UNIQUE,
        born INT DEFAULT 1900 CONSTRAINT "after 1000" CHECK (born > 1000),
        paid DECIMAL(10, 2),
        initial TEXT AS (upper(substr(name, 1, 1))) STORED,
        age AS (2000 - born)
    );
    CREATE TABLE visits(
        person INT NOT NULL, day TEXT NOT NULL, note, PRIMARY KEY (person, day DESC)
    );
    CREATE TABLE notes(text);
    CREATE TABLE readings(at INTEGER, value REAL) STRICT;
    CREATE INDEX by_name ON people(name, born DESC);
    CREATE UNIQUE INDEX one_address ON people(lower(email));
    CREATE INDEX noted ON visits(day) WHERE note IS NOT NULL;
    CREATE INDEX by_text ON notes(text COLLATE NOCASE);
    CREATE VIEW elders(who, years) AS SELECT name, age FROM people WHERE age > 100;
"""

EXTREMES = [0, -1, 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 1.0, -0.5, 1e308, 5e-324, -1e-9]
WORDS = ["", "a", "A", "ä", "日本", "a\0b", "x" * 300, "naïve café", "🦉"]
BYTES = [b"", b"\0", b"\xff\xff", b"text", bytes(range(256))]


def types(store: Store) -> None:
    """Columns of every type, in every form that a block has for them."""
    table = store.create_table(
        "types",
        {
            "id": "INTEGER",
            "same": "INTEGER",
            "tiny": "INTEGER",
            "huge": "INTEGER",
            "half": "INTEGER",
            "real": "REAL",
            "city": "TEXT",
            "text": "TEXT",
            "blob": "BLOB",
            "mixed": "ANY",
            "single": "ANY",
            "empty": "TEXT",
        },
        "id",
    )
    for i in range(160):
        table.put(
            [
                i,
                7,
                i % 200,
                i * 10**15 - 2**62,
                None if i % 2 else i * 300,
                None if i % 7 == 0 else i / 3,
                ["Oslo", "Bergen", "Lund"][i % 3],
                WORDS[i % len(WORDS)] * (i % 3),
                BYTES[i % len(BYTES)] + bytes([i % 256]),
                [None, i, i / 2, f"t{i}", bytes([i % 256])][i % 5],
                f"n{i}" if i < 80 else i,
                None,
            ]
        )
    store.flush()


def keys(store: Store) -> None:
    """Keys of every type, of several columns, descending; 1 and 1.0."""
    for value in [*EXTREMES, *WORDS, *BYTES]:
        store.put(value, value)
    pairs = store.create_table(
        "pairs", {"a": "TEXT", "b": "INTEGER", "c": "BLOB"}, ["a", "b"], descending=["b"]
    )
    pairs.update([w, n, w.encode()] for w in WORDS for n in (-5, 0, 2**40))
    reals = store.create_table("reals", {"x": "REAL", "y": "ANY"}, ["x", "y"], descending=["x"])
    reals.update([x / 4, y] for x in range(-4, 5) for y in (1.0, 2, "2", b"2"))
    blobs = store.create_table("blobs", {"b": "BLOB", "i": "INTEGER", "t": "TEXT"}, ["b", "i", "t"])
    blobs.update([b, i, t] for b in BYTES for i in (0, 1) for t in ("", "z"))
    columns = [
        Column("id", ColumnType.INTEGER),
        Column("name", ColumnType.TEXT, not_null=True),
    ]
    strict = store.create_table("strict", columns, "id")
    strict.update([i, f"name {i}"] for i in range(20))
    store.flush()


def levels(store: Store) -> None:
    """Files in several levels, and keys with several versions."""
    table = store.create_table("numbers", {"n": "INTEGER", "square": "INTEGER"}, "n")
    for step in range(4):
        table.update([i, i * i + step] for i in range(step * 20, step * 20 + 120))
        store.update((f"key {i:03}", step) for i in range(0, 200, step + 1))
        for i in range(step, 200, 17):
            store.delete(f"key {i:03}")
            table.delete(i)
        reading = store.view()  # which keeps the versions that it sees
        table.update([i, -i] for i in range(step * 20, step * 20 + 10))
        store.update((f"key {i:03}", "again") for i in range(20))
        store.flush()
        reading.close()


def ingest(store: Store) -> None:
    """Files whose sequence number is in the manifest alone, below and above others; tombstones."""
    table = store.create_table("bulk", {"day": "TEXT", "n": "INTEGER", "x": "REAL"}, ["day", "n"])
    table.ingest([f"day {i % 7}", i, i / 8] for i in range(200))
    store.update((i, "before") for i in range(100))
    store.flush()
    store.ingest((i, "ingested") for i in range(50, 150))
    store.update((i, "after") for i in range(90, 110))
    table.ingest([f"day {i % 7}", i, None] for i in range(150, 250))
    table.put(["day 0", 0, -1.0])
    table.delete(("day 1", 1))
    store.delete(60)
    store.flush()


def ddl(store: Store) -> None:
    """Tables that were made, dropped, and made again under the same name."""
    gone = store.create_table("gone", {"a": "INTEGER"}, "a")
    gone.update([i] for i in range(20))
    again = store.create_table("again", {"a": "INTEGER", "b": "TEXT"}, "a")
    again.update([i, "first"] for i in range(20))
    store.flush()
    store.drop_table("gone")
    store.drop_table("again")
    sql = "CREATE TABLE again(x TEXT PRIMARY KEY, y REAL) -- as it was written"
    again = store.create_table("again", {"x": "TEXT", "y": "REAL"}, "x", sql=sql)
    again.update([f"x{i}", i / 2] for i in range(20))
    store.create_table("Ünï 日本 \"'", {"col umn": "ANY", "select": "BLOB"}, "col umn").put(
        [1, b"1"]
    )


def log(store: Store) -> None:
    """Two logs that were not flushed, with every type of record, of a process that was killed."""
    table = store.create_table("logged", {"id": "INTEGER", "b": "BLOB", "v": "ANY"}, "id")
    store["flushed"] = 1
    store.flush()
    store["put"] = 2.5
    table.put([1, b"one", "single"])
    table.update([i, bytes([i % 256]) * (i % 5), i if i % 3 else None] for i in range(150))
    with store.core.write_lock:
        store.core.rotate()
    store.delete("flushed")
    with store.batch() as batch:
        batch["both"] = b"tables"
        batch.table("logged").delete(3)
        batch.table("logged").put([1000, None, 1.0])
    with store.batch() as batch:
        for i in range(0, 150, 2):
            batch.table("logged").delete(i)
        for i in range(200, 270):
            batch.table("logged").put([i, b"", "batch"])


def rotated(store: Store) -> None:
    """A manifest that was begun anew, and edits behind its first one."""
    manifest.ROTATE_BYTES, usual = 1_000, manifest.ROTATE_BYTES
    try:
        for step in range(8):
            store.update((i, step) for i in range(step * 5, step * 5 + 20))
            store.flush()
            if step % 3 == 2:
                store.compact()
    finally:
        manifest.ROTATE_BYTES = usual
    store.update((i, "last") for i in range(5))
    store.flush()


def sql(store: Store) -> None:
    """Whatever SQL defines: constraints, generated columns, indexes of every kind, a view."""
    connection = store.connect(isolation_level=None)
    connection.executescript(DEFINITIONS)
    connection.executemany(
        "INSERT INTO people(name, email, born, paid) VALUES (?, ?, ?, ?)",
        [
            (f"{name} {i}", f"{name}{i}@Example.org" if i % 5 else None, 1895 + i, f"{i / 4}")
            for i in range(12)
            for name in ("Ada", "bob", "CLEO")
        ],
    )
    connection.execute("INSERT INTO people(name) VALUES ('gone')")
    connection.execute("DELETE FROM people WHERE name = 'gone'")
    connection.executemany(
        "INSERT INTO visits VALUES (?, ?, ?)",
        [(i % 7, f"2024-01-{1 + i // 7:02}", f"note {i}" if i % 3 else None) for i in range(70)],
    )
    connection.execute("ALTER TABLE visits ADD COLUMN mood TEXT DEFAULT 'fine'")
    connection.execute("INSERT INTO visits VALUES (1, '2024-02-01', 'rain', 'bad')")
    connection.executemany("INSERT INTO notes VALUES (?)", [(text,) for text in NOTES])
    connection.executemany("INSERT INTO readings VALUES (?, ?)", [(i, i / 2) for i in range(10)])
    connection.close()
    store.flush()


def codecs(path: str) -> None:
    """Files of every codec, with text that can be compressed."""
    for number, codec in enumerate(("none", "lz4", "zstd")):
        with open_store(path, codec=codec, **{**SMALL, "block_rows": 100}) as store:
            store.update((f"{codec} {i:03}", f"value {i % 10} " * 12) for i in range(120))
            store.update((i, float(i * number)) for i in range(100))
            store.flush()


OPENED: dict[str, Callable[[Store], None]] = {
    f.__name__: f for f in (types, keys, levels, ingest, ddl, sql, log, rotated)
}
"""Those that are made in one opening."""

NAMES = (*OPENED, "codecs")


def make(name: str, place: Path) -> dict[str, Any]:
    """Make a store in the directory ``place``, as it is left without having been closed.

    Returns what it holds.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        if name == "codecs":
            codecs(path)
        settings = {**SMALL, **DEEP} if name == "levels" else SMALL
        with open_store(path, **settings) as store:
            if name != "codecs":
                OPENED[name](store)
            held = contents(store)
            assert store.core.log is not None
            shutil.copytree(path, place, ignore=shutil.ignore_patterns("LOCK*"))
            os.truncate(place / log_name(store.core.log_number), store.core.log.size + _ZEROS)
    return held


def main() -> int:
    """Make the stores that are named on the command line, or list them."""
    for name in sys.argv[1:]:
        if name not in NAMES or (STORES / name).exists():
            print(f"{name}: it is there already, or is none of {', '.join(NAMES)}", file=sys.stderr)
            return 2
        held = make(name, STORES / name)
        text = json.dumps(held, ensure_ascii=False, indent=None).replace("], [", "],\n[")
        (FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
