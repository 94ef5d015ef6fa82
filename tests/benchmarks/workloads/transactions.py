"""Transactions a second with 1, 2 and 4 threads, and how many must be begun again.

All of them move ones between balances, so the order in which they are carried out does not matter
for what must be there in the end: every balance is compared, not their sum alone.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial

from tests.benchmarks.data import batches, random_source
from tests.benchmarks.engines.base import (
    Capability,
    Engine,
    Get,
    Put,
    Read,
    Settings,
    Transact,
    Work,
)
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload

THREADS = (1, 2, 4)
MANY, FEW = 100_000, 10
"""Accounts for low and for high contention."""

TRANSACTIONS = 20_000
DURABLE_TRANSACTIONS = 2_000
"""For each number of threads, in all; but not more than a part of the rows of the benchmark."""
PART = 50

READ_ROWS = 100
BALANCE_BYTES = 8

SQL_PREFIX = "sql-"

Change = tuple[bytes, int]
Step = tuple[Work, list[Change]]
"""A transaction, and how it changes which balances."""


@dataclass(frozen=True)
class Contest:
    """``transfers``: between two accounts; else a range is read and its first account changed."""

    name: str
    accounts: int = MANY
    transfers: bool = True
    durable: bool = False


CONTESTS = (
    Contest("transfer-low"),
    Contest("transfer-high", accounts=FEW),
    Contest("scan-write", transfers=False),
    Contest("transfer-low-durable", durable=True),
    Contest("transfer-high-durable", accounts=FEW, durable=True),
)

# --------------------------------------------------------------------------------- what they do


def transfer(giver: bytes, taker: bytes, get: Get, put: Put, _read: Read) -> None:
    """Move one from an account to another."""
    put(giver, _changed(get(giver), -1))
    put(taker, _changed(get(taker), 1))


def read_and_write(start: bytes, _get: Get, put: Put, read: Read) -> None:
    """Read the accounts from one on, and add one to that."""
    key, balance = read(start, READ_ROWS)[0]
    put(key, _changed(balance, 1))


def _packed(balance: int) -> bytes:
    return balance.to_bytes(BALANCE_BYTES, "big", signed=True)


def _unpacked(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


def _changed(value: bytes | None, by: int) -> bytes:
    assert value is not None
    return _packed(_unpacked(value) + by)


def _steps(contest: Contest, keys: Sequence[bytes], count: int, threads: int) -> list[Step]:
    random = random_source(f"{contest.name}-{threads}")
    places = random.integers(len(keys), size=count).tolist()
    if not contest.transfers:
        return [(partial(read_and_write, keys[i]), [(keys[i], 1)]) for i in places]
    distances = random.integers(1, len(keys), size=count).tolist()
    steps: list[Step] = []
    for place, distance in zip(places, distances, strict=True):
        giver, taker = keys[place], keys[(place + distance) % len(keys)]
        steps.append((partial(transfer, giver, taker), [(giver, -1), (taker, 1)]))
    return steps


# --------------------------------------------------------------------------------- how it goes

Transactors = Callable[[Engine], AbstractContextManager[Transact]]


def through_python(store: Engine) -> AbstractContextManager[Transact]:
    """The engine's own transactions."""
    return store.transactor()


def through_sql(store: Engine) -> AbstractContextManager[Transact]:
    """BEGIN and COMMIT."""
    return store.sql_transactor()


def contend(bench: Workbench, contest: Contest, transactors: Transactors) -> Measure:
    """One contest with each number of threads, one after the other."""
    store = bench.fresh(Settings(durable=contest.durable, shared=True))
    keys = bench.data.keys[: contest.accounts]
    for pairs in batches(keys, [_packed(0)] * len(keys)):
        store.put_many(pairs)
    most, part = (DURABLE_TRANSACTIONS, 10 * PART) if contest.durable else (TRANSACTIONS, PART)
    count = max(THREADS[-1], min(most, bench.data.rows // part))
    balances = Counter(dict.fromkeys(keys, 0))
    figures: dict[str, float] = {}
    whole = 0.0
    for threads in THREADS:
        steps = _steps(contest, keys, count, threads)
        attempts, seconds = _carry_out(store, transactors, [work for work, _ in steps], threads)
        figures[f"rate_{threads}"] = count / seconds
        figures[f"aborts_{threads}"] = (attempts - count) / attempts
        whole += seconds
        for _, changes in steps:
            for key, by in changes:
                balances[key] += by
        with store.reading():
            found = {key: _unpacked(value) for key, value in store.scan()}
        expect("sum of the balances", sum(found.values()), sum(balances.values()))
        expect("balances", found, dict(balances))
    return Measure(whole, count * len(THREADS), figures)


def _carry_out(
    store: Engine, transactors: Transactors, works: Sequence[Work], threads: int
) -> tuple[int, float]:
    """How many transactions were begun, and the seconds until all of them were committed."""
    start = threading.Barrier(threads + 1)

    def carry_out(transact: Transact, works: Sequence[Work]) -> int:
        start.wait()
        return sum(map(transact, works))

    with ExitStack() as stack, ThreadPoolExecutor(threads) as executor:
        tasks = []
        for number in range(threads):
            transact = stack.enter_context(transactors(store))
            tasks.append(executor.submit(carry_out, transact, works[number::threads]))
        with Stopwatch() as watch:
            start.wait()
            attempts = sum(task.result() for task in tasks)
    return attempts, watch.seconds


def _workload(
    contest: Contest, prefix: str, transactors: Transactors, need: Capability
) -> Workload:
    run = partial(contend, contest=contest, transactors=transactors)
    return Workload(f"{prefix}{contest.name}", run, frozenset({need}))


TRANSACTING = tuple(
    _workload(contest, prefix, transactors, need)
    for contest in CONTESTS
    for prefix, transactors, need in (
        ("", through_python, Capability.TRANSACTIONS),
        (SQL_PREFIX, through_sql, Capability.SQL),
    )
)
