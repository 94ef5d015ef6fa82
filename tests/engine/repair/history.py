"""A store whose whole history is known: what every key has ever had, and what it has now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lsmsql
from lsmsql.engine.store import Store
from tests.engine.verify.stores import open_small

Rows = dict[Any, Any]
"""By key: the row, or for ``kv`` the value."""

TRIPS = ("trips", {"day": "INTEGER", "who": "ANY", "city": "TEXT", "cost": "REAL"})


@dataclass
class History:
    """Per table and key, the versions that were written (None: deleted), the newest last."""

    versions: dict[str, dict[Any, list[Any]]] = field(default_factory=dict)

    def note(self, table: str, rows: Mapping[Any, Any]) -> None:
        """Each key of ``rows`` has a new version."""
        of_table = self.versions.setdefault(table, {})
        for key, row in rows.items():
            of_table.setdefault(key, []).append(row)

    def now(self, table: str) -> Rows:
        """The rows that are there."""
        versions = self.versions.get(table, {})
        return {key: v[-1] for key, v in versions.items() if v[-1] is not None}


def build(path: str) -> History:
    """Make a store with files in several levels, ingested rows, tombstones and two logs."""
    history = History()
    with open_small(path) as store:
        trips = store.create_table(*TRIPS, ["day", "who"], descending=["day"])
        for step in range(4):
            _put(store, history, {f"key {i:03}": (i, step) for i in range(step * 9, step * 9 + 40)})
            rows = {_trip_key(i): _trip(i, step) for i in range(step * 10, step * 10 + 30)}
            trips.update(rows.values())
            history.note("trips", rows)
            if step == 1:
                store.compact()
            store.flush()
        store.delete("key 020")
        trips.delete(_trip_key(25))
        history.note("kv", {"key 020": None})
        history.note("trips", {_trip_key(25): None})
        store.flush()
        rows = {_trip_key(i): _trip(i, 9) for i in range(50, 90)}
        trips.ingest(rows.values())
        history.note("trips", rows)
        _put(store, history, {f"logged {i}": (i, "log") for i in range(30)})
        for i in range(8):
            _put(store, history, {f"key {i:03}": (i, "log")})
    return history


def _put(store: Store, history: History, rows: Mapping[str, tuple[int, object]]) -> None:
    values = {key: repr(value) for key, value in rows.items()}
    store.update(values)
    history.note("kv", values)


def _trip_key(i: int) -> tuple[int, Any]:
    return i // 3, [i, float(i), f"o'{i}", b"\x00\xff"][i % 4]


def _trip(i: int, step: int) -> list[object]:
    day, who = _trip_key(i)
    city = None if i % 5 == 0 else f"city {i % 4}"
    return [day, who, city, i + step / 8]


def contents(path: str) -> dict[str, Rows]:
    """All tables of a store and their rows."""
    with lsmsql.open(path, "r") as store:
        found: dict[str, Rows] = {"kv": dict(store.items())}
        for schema in store.tables():
            if schema.name != "kv":
                table = store.table(schema.name)
                key = [schema.columns[i].name for i in schema.key]
                found[schema.name] = _by_key(table.range(), key)
    return found


def _by_key(rows: Iterable[dict[str, Any]], key: list[str]) -> Rows:
    return {tuple(row[name] for name in key): list(row.values()) for row in rows}


def data_blocks(path: str, name: str) -> list[tuple[int, int, int]]:
    """Where the data blocks of a file begin and end, and how many rows each has."""
    from lsmsql.engine.repair.tail import read_tail

    file = Path(path) / name
    pieces = read_tail(file.read_bytes(), str(file)).pieces
    return [(p.offset, p.offset + p.length, p.rows or 0) for p in pieces]
