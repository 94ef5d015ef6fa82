"""Stores that have something of everything, and ways to damage them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from lsmsql.engine.store import Store, open_store

SMALL: dict[str, Any] = {
    "sync": "off",
    "background": False,
    "block_rows": 8,
    "table_bytes": 2_000,
    "level0_files": 100,
    "level0_slow": 100,
    "level0_stop": 100,
}
"""Settings that make many files of many blocks out of few rows, when they are told to."""


def open_small(path: str) -> Store:
    """A store with small files, which are compacted when the test says so."""
    return open_store(path, **SMALL)


def fill(store: Store) -> None:
    """Tables of all kinds, files in level 0 and below, one that was ingested, and a log."""
    trips = store.create_table(
        "trips",
        {"day": "INTEGER", "who": "ANY", "city": "TEXT", "cost": "REAL", "note": "ANY"},
        ["day", "who"],
        descending=["day"],
    )
    for part in range(3):
        store.update((f"key {i}", i if i % 3 else b"\x00" * (i % 7)) for i in range(part, 90, 2))
        trips.update(_trip(i) for i in range(part * 20, part * 20 + 30))
        if part == 1:
            store.compact()
        store.flush()
    store.ingest((f"key {i} more", i / 4) for i in range(50))
    trips.ingest(_trip(i) for i in range(1000, 1040))
    for i in range(0, 90, 7):
        store.delete(f"key {i}")
    store.flush()
    with store.batch() as batch:
        batch["logged"] = None
        batch.table("trips").put(_trip(5000))
    store.update((f"logged {i}", "x" * i) for i in range(200))
    store.delete("logged 7")


def _trip(i: int) -> list[object]:
    who = [i, float(i), f"o'{i}", b"\x00\xff"][i % 4]
    return [i // 3, who, None if i % 5 == 0 else f"city {i % 4}", i / 2, [None, i, "n"][i % 3]]


def names(path: str, ending: str) -> list[str]:
    """The files with this ending, sorted."""
    return sorted(p.name for p in Path(path).iterdir() if p.name.endswith(ending))


def flip(path: str, name: str, offset: int, bits: int = 0x55) -> None:
    """Change one byte of a file."""
    file = Path(path) / name
    data = bytearray(file.read_bytes())
    data[offset] ^= bits
    file.write_bytes(data)


def fingerprint(path: str) -> dict[str, str]:
    """The contents of a directory, in short."""
    files = (p for p in Path(path).iterdir() if p.is_file())
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
