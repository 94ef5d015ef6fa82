"""Transfers between accounts by several threads, beside readers of every kind."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import apsw

import lsmsql
import vtab
from lsmsql.engine.transaction import Transaction
from tests.isolation.accounts import INSIDE, OUTSIDE, START, Account, create, read, write
from tests.isolation.auditor import KINDS, Auditor, look_at_backup, look_at_everything
from tests.isolation.workload import frequent_switches, run_threads

SETTINGS: dict[str, Any] = {"memtable_bytes": 20_000, "level0_files": 2, "block_rows": 16}

_ROOT = Path(__file__).resolve().parent.parent.parent

Done = Counter[str]
"""How often what has been done."""


def plan(chance: random.Random) -> tuple[Account, Account, int]:
    """From which account to which other one how much is to go, if there is as much."""
    source, target = chance.sample(chance.choice([OUTSIDE, INSIDE]), 2)
    return source, target, chance.choice([1, 10, START, 3 * START])


def transfer(store: lsmsql.Store, chance: random.Random, done: Done) -> None:
    """A transfer in Python."""
    source, target, wanted = plan(chance)

    def move(transaction: Transaction) -> None:
        done["tries"] += 1
        there = read(transaction, source)
        amount = min(wanted, there)
        write(transaction, source, there - amount)
        write(transaction, target, read(transaction, target) + amount)

    store.run(move, retries=1000)
    done["transfers"] += 1


def transfer_by_sql(connection: apsw.Connection, chance: random.Random, done: Done) -> None:
    """A transfer in SQL; tried again when another commit came first."""
    source, target, wanted = plan(chance)
    begin = chance.choice(["BEGIN", "BEGIN", "BEGIN", "BEGIN IMMEDIATE"])
    while True:
        done["tries"] += 1
        try:
            connection.execute(begin)
            _move(connection, source, target, wanted)
            connection.execute("COMMIT")
        except apsw.BusyError:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        else:
            done["transfers"] += 1
            return


def _move(connection: apsw.Connection, source: Account, target: Account, wanted: int) -> None:
    (table, key), (other, goal) = source, target
    found = connection.execute(f"SELECT value FROM {table} WHERE key = ?", (key,)).get
    amount = min(wanted, found or 0)
    if not amount:
        return
    connection.execute(f"UPDATE {table} SET value = value - ? WHERE key = ?", (amount, key))
    connection.execute(f"DELETE FROM {table} WHERE key = ? AND value = 0", (key,))
    change = f"UPDATE {other} SET value = value + ? WHERE key = ?"
    connection.execute(change, (amount, goal))
    if not connection.changes():
        connection.execute(f"INSERT INTO {other}(key, value) VALUES (?, ?)", (goal, amount))


# ---------------------------------------------------------------------------------------- threads


def _until(end: float, work: Callable[[], None]) -> None:
    """Do it again and again, at least once."""
    work()
    while time.monotonic() < end:
        work()


def transfer_until(end: float, store: lsmsql.Store, chance: random.Random, done: Done) -> None:
    """Transfers in Python."""
    _until(end, lambda: transfer(store, chance, done))


def transfer_by_sql_until(
    end: float, store: lsmsql.Store, chance: random.Random, done: Done
) -> None:
    """Transfers in SQL."""
    connection = apsw.Connection(":memory:")
    vtab.register(connection, store)
    _until(end, lambda: transfer_by_sql(connection, chance, done))
    connection.close()


def audit_until(end: float, store: lsmsql.Store, chance: random.Random, done: Done) -> None:
    """Looks of all kinds in turn."""
    with Auditor(store, chance) as auditor:
        _until(end, lambda: auditor.look(done))


def back_up_until(end: float, store: lsmsql.Store, chance: random.Random, done: Done) -> None:
    """Backups, one after the other into one directory."""
    _until(end, lambda: look_at_backup(store, f"{store.path}-backup", done))


_WORKS: list[Callable[[float, lsmsql.Store, random.Random, Done], None]] = [
    transfer_until,
    transfer_until,
    transfer_by_sql_until,
    transfer_by_sql_until,
    audit_until,
    audit_until,
    back_up_until,
]


def run(seed: int, seconds: float, sync: str = "off") -> Done:
    """All of them at once, and readers in another process; how often what was done.

    Raises AssertionError if anybody sees a wrong sum.
    """
    with tempfile.TemporaryDirectory(prefix="lsmsql-bank-") as directory:
        path = os.path.join(directory, "store")
        with lsmsql.open(path, sync=sync, **SETTINGS) as store:
            create(store)
            total = _run_on(store, seed, seconds)
            look_at_everything(store)
            for name in ("flushes", "compactions"):
                total[name] = int(store.stats().counters[name])
        with lsmsql.open(path, "r") as store:
            look_at_everything(store)
    return total


def _run_on(store: lsmsql.Store, seed: int, seconds: float) -> Done:
    done = [Counter[str]() for _ in _WORKS]
    end = time.monotonic() + seconds
    with _beside(store.path, seed, seconds) as process, frequent_switches():
        chances = [random.Random(seed * 100 + n) for n in range(len(_WORKS))]
        parts = zip(_WORKS, chances, done, strict=True)
        run_threads([partial(work, end, store, chance, own) for work, chance, own in parts])
        looks, problem = process.communicate()
    assert process.returncode == 0, problem
    total = sum(done, Counter[str]())
    total["other process"] = int(looks)
    total["looks"] = sum(total[kind] for kind in (*KINDS, "backup", "other process"))
    return total


def _beside(path: str, seed: int, seconds: float) -> subprocess.Popen[str]:
    """A process that looks at the store for so long."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.isolation.beside", path, str(seed), str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), *sys.path])},
    )
