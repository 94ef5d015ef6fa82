"""Random histories of threads on one store, which flushes and compacts all the time."""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import lsmsql
from tests.damage.memory import DIRECTORY, MemoryFileSystem
from tests.isolation.anomalies import check
from tests.isolation.client import Client
from tests.isolation.history import History
from tests.isolation.numbers import CommitNumbers
from tests.isolation.recording import Tape
from tests.isolation.sql_client import SqlClient
from tests.isolation.store_client import StoreClient
from tests.isolation.workload import Program, interleave, run_random

SETTINGS: dict[str, Any] = {"memtable_bytes": 6_000, "level0_files": 2, "block_rows": 4}
"""So small that a few dozen commits fill a memtable."""

WAYS: dict[str, list[type[StoreClient] | type[SqlClient]]] = {
    "python": [StoreClient, StoreClient, StoreClient],
    "sql": [SqlClient, SqlClient, SqlClient],
    "mixed": [StoreClient, SqlClient, StoreClient, SqlClient],
}
"""What the clients of a history are."""

AT_ONCE: dict[str, Any] = {**SETTINGS, "sync": "off", "background": False, "busy_timeout": 0}
"""Nobody waits for anything."""

CLIENTS = 3
"""In a history that is interleaved."""

_STEPS = 3000
"""Of each thread in a history."""


def create(store: lsmsql.Store) -> None:
    """Make the table beside ``kv``."""
    store.create_table("t", {"key": "INTEGER", "value": "INTEGER"}, "key")


def makers(store: lsmsql.Store, way: str) -> list[Callable[[], Client]]:
    """What makes each client."""
    numbers = CommitNumbers(store)
    return [partial(kind, store, numbers) for kind in WAYS[way]]


def run(seed: int, seconds: float) -> Counter[str]:
    """Histories, one after the other, for about so long; what was in them, by kind.

    Raises AssertionError if one is not strictly serializable.
    """
    end = time.monotonic() + seconds
    done: Counter[str] = Counter()
    number = 0
    while (left := end - time.monotonic()) > 0:
        sync = "full" if number % 3 == 0 else "off"
        tape = run_one(seed + number, list(WAYS)[number % len(WAYS)], sync, seconds=left)
        done.update(counts(tape))
        number += 1
    return done


def run_one(
    seed: int, way: str, sync: str, *, seconds: float = math.inf, steps: int = _STEPS
) -> Tape:
    """One history of threads, of so many seconds and steps of each at most.

    Raises AssertionError.
    """
    with (
        tempfile.TemporaryDirectory(prefix="lsmsql-histories-") as directory,
        lsmsql.open(f"{directory}/store", sync=sync, **SETTINGS) as store,
    ):
        create(store)
        tape = run_random(makers(store, way), seed, seconds, steps)
    check_history(tape.history)
    return tape


def check_history(history: History) -> None:
    """Strictly serializable, and nothing was refused without a reason."""
    check(history)
    for transaction in history:
        if transaction.conflict and transaction.kind != "autocommit":
            assert transaction.looks and transaction.writes, f"{transaction} cannot conflict"


def interleaved(way: str, program: Program) -> Tape:
    """What comes of a program, step by step on a new store, in memory."""
    with lsmsql.open(DIRECTORY, filesystem=MemoryFileSystem(), **AT_ONCE) as store:
        create(store)
        clients = [make() for make in makers(store, way)[:CLIENTS]]
        return interleave(clients, program)


def counts(tape: Tape) -> dict[str, int]:
    """What is in a history."""
    history = tape.history
    return {
        "histories": 1,
        "transactions": len(history),
        "commits": sum(t.number is not None for t in history),
        "conflicts": sum(t.conflict for t in history),
        "reads": sum(len(t.looks) for t in history),
        "writes": sum(len(t.writes) for t in history),
    }
