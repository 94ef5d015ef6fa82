"""Readers beside a writer, each in a process of its own, under constant flush and compaction.

Every commit of the writer sets all of ``KEYS`` in ``kv``, and all rows of the table ``t``, to the
next number, and only then notes the number in a file that all processes have mapped: from now on it
is acknowledged. So a reader knows of every look at the store

    torn    if the numbers in one view differ
    stale   if the number is below the one that was acknowledged before the look began
            or below one that it has seen before

Ingests, batches, single tables that come and go, other sync modes and closing and opening the store
take turns in the writer; gets, ranges in both directions, SQL, long-lived iterators and opening the
store anew in the readers.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw

import lsmsql
import vtab

KEYS = range(120)
ROWS = range(15)
SETTINGS: dict[str, Any] = {"memtable_bytes": 60_000, "level0_files": 2, "block_rows": 32}
READERS = 3


class Acknowledged:
    """The newest number that has been acknowledged, in a file that processes share."""

    def __init__(self, path: str) -> None:
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)

    @property
    def number(self) -> int:
        return int.from_bytes(self._map[:8], "little")

    @number.setter
    def number(self, number: int) -> None:
        self._map[:8] = number.to_bytes(8, "little")


# ------------------------------------------------------------------------------------------ writer


def write(path: str, acknowledged: Acknowledged, end: float, chance: random.Random) -> Counter[str]:
    """Commit one number after the other until ``end``."""
    done: Counter[str] = Counter()
    number = acknowledged.number
    while time.time() < end:
        sync = chance.choice(["full", "normal", "off"])
        with lsmsql.open(path, sync=sync, **SETTINGS) as store:
            for _ in range(chance.randrange(20, 200)):
                number += 1
                done[_commit(store, number, chance)] += 1
                acknowledged.number = number
                if time.time() > end:
                    break
            counters = store.stats().counters
            for name in ("flushes", "compactions"):
                done[name] += int(counters[name])
    return done


def _commit(store: lsmsql.Store, number: int, chance: random.Random) -> str:
    kind = chance.choice(["batch", "batch", "batch", "tables", "compact"])
    if kind == "tables":
        name = f"extra{number}"
        store.create_table(name, {"a": "INTEGER"}, "a").ingest([(i,) for i in range(50)])
        for schema in store.tables():
            if schema.name.startswith("extra") and chance.random() < 0.7:
                store.drop_table(schema.name)
    if kind == "compact":
        store.flush()
    with store.batch() as batch:
        for key in KEYS:
            batch[key] = number
        table = batch.table("t")
        for row in ROWS:
            table.put({"k": row, "n": number, "fill": "x" * 100})
    return kind


# ----------------------------------------------------------------------------------------- readers


class Reader:
    """Looks at the store; raises AssertionError for what is torn or stale."""

    def __init__(self, path: str, acknowledged: Acknowledged, chance: random.Random) -> None:
        self.path = path
        self.acknowledged = acknowledged
        self.chance = chance
        self.last = 0
        self.started: list[tuple[Iterator[Any], Any]] = []
        self.store = lsmsql.open(path, "r")
        self.connection = apsw.Connection(":memory:")
        vtab.register(self.connection, self.store)
        self.looks: dict[str, Callable[[], list[Any]]] = {
            "get": lambda: [self.store[chance.choice(KEYS)]],
            "row": lambda: [self.store.table("t")[chance.choice(ROWS)]["n"]],
            "range": lambda: list(self.store.values()),
            "reverse": lambda: [v for _, v in self.store.range(reverse=True)],
            "few": lambda: [v for _, v in self.store.range(7, limit=20)],
            "sql": self.sql,
            "iterator": self.iterator,
            "reopen": self.reopen,
        }

    def sql(self) -> list[Any]:
        both = "SELECT value FROM kv UNION ALL SELECT n FROM t"
        found = self.connection.execute(both).fetchall()
        assert len(found) == len(KEYS) + len(ROWS), f"{len(found)} rows"
        return [number for (number,) in found]

    def iterator(self) -> list[Any]:
        """Begin to read a range, and read another one, begun before, to its end."""
        rows = self.store.range()
        key, number = next(rows)
        assert key == 0
        self.started.append((rows, number))
        if len(self.started) > 5:
            rows, first = self.started.pop(self.chance.randrange(5))
            rest = [value for _, value in rows]
            assert rest == [first] * (len(KEYS) - 1), f"an iterator of {first} gave {set(rest)}"
        return [number]

    def reopen(self) -> list[Any]:
        self.started.clear()
        self.connection.close()
        self.store.close()
        self.store = lsmsql.open(self.path, "r")
        self.connection = apsw.Connection(":memory:")
        vtab.register(self.connection, self.store)
        return self.looks["range"]()

    def look(self) -> str:
        kind = self.chance.choice(list(self.looks))
        if kind == "reopen" and self.chance.random() < 0.9:
            kind = "get"
        acknowledged = self.acknowledged.number
        numbers = set(self.looks[kind]())
        assert len(numbers) == 1, f"torn: {kind} saw {sorted(numbers)}"
        (number,) = numbers
        assert number >= acknowledged, f"stale: {kind} saw {number} after {acknowledged}"
        assert number >= self.last, f"stale: {kind} saw {number} after it had seen {self.last}"
        self.last = number
        return kind


def read(path: str, acknowledged: Acknowledged, end: float, chance: random.Random) -> Counter[str]:
    """Look at the store until ``end``."""
    done: Counter[str] = Counter()
    reader = Reader(path, acknowledged, chance)
    before = set(os.listdir(path))
    while time.time() < end:
        done[reader.look()] += 1
        done["looks"] += 1
    assert before, "a store has files"
    reader.store.close()
    return done


# -------------------------------------------------------------------------------------------- all


def run(seed: int, seconds: float) -> dict[str, int]:
    """One writer and three readers for so long. Raises AssertionError with what they reported."""
    with tempfile.TemporaryDirectory() as directory:
        path, noted = f"{directory}/store", f"{directory}/acknowledged"
        Path(noted).write_bytes(bytes(8))
        with lsmsql.open(path, **SETTINGS) as store:
            store.create_table("t", {"k": "INTEGER", "n": "INTEGER", "fill": "TEXT"}, "k")
            _commit(store, 0, random.Random(seed))
        end = time.time() + seconds
        roles = ["write", *["read"] * READERS]
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", __name__, role, path, noted, str(end), str(seed + number)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number, role in enumerate(roles)
        ]
        total: Counter[str] = Counter()
        for role, process in zip(roles, processes, strict=True):
            out, problem = process.communicate()
            assert process.returncode == 0, f"{role}: {problem}"
            total.update(json.loads(out))
    return {
        "commits": sum(total[kind] for kind in ("batch", "tables", "compact")),
        "flushes": total["flushes"],
        "compactions": total["compactions"],
        "looks": total["looks"],
    }


def main() -> None:
    role, path, noted, end, seed = sys.argv[1:]
    work = {"write": write, "read": read}[role]
    done = work(path, Acknowledged(noted), float(end), random.Random(int(seed)))
    print(json.dumps(done))


if __name__ == "__main__":
    main()
