"""What the commit of a transaction takes that has read much, when others have committed since.

It looks for what it has read in all that is newer: in a memtable or, when that has been flushed
meanwhile, in a file. Nothing of it has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from lsmsql import ConflictError
from tests.benchmarks.data import random_source, random_values
from tests.benchmarks.engines.base import Capability, Settings
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload

if TYPE_CHECKING:
    from lsmsql import Store
    from tests.benchmarks.engines.lsmsql import Lsmsql

ROWS = 250_000
READ = (10, 1_000, 100_000)
"""Keys, or rows of one range."""

TIMES = 10
OTHERS = 1_000
"""Commits of others, each of one row."""

PLACES = ("memtable", "file")

Reader = Callable[[Any, Sequence[bytes], int], object]
"""Reads so many of the keys, which are in order."""


def read_keys(transaction: Any, keys: Sequence[bytes], count: int) -> None:
    """Look up random ones, each by itself."""
    for place in random_source("validation").permutation(len(keys))[:count].tolist():
        transaction.get(keys[place])


def read_range(transaction: Any, keys: Sequence[bytes], count: int) -> None:
    """Read neighbours."""
    for _ in transaction.range(keys[0], keys[count]):
        pass


READERS: dict[str, Reader] = {"keys": read_keys, "range": read_range}


def validation(bench: Workbench) -> Measure:
    """Mean seconds of a commit, for each way to read, number of rows, and place of the others."""
    data = bench.data
    engine = cast("Lsmsql", bench.fresh(Settings(automatic=False)))
    engine.store.ingest(data.arrow.slice(0, ROWS))
    keys = sorted(data.keys[:ROWS])
    figures: dict[str, float] = {}
    for place in PLACES:
        engine.compact()
        for name, seconds in _commits(engine.store, keys, place).items():
            figures[f"{name}_{place}"] = seconds
    return Measure(figures=figures)


def _commits(store: Store, keys: list[bytes], place: str) -> dict[str, float]:
    """Seconds of a commit. What is read is below the middle, what others change is around it."""
    middle = len(keys) // 2
    lowest, below, above = keys[0], keys[1:middle], keys[middle:]
    late = store.transaction()
    late.put(lowest, late.get(lowest))
    begun = _begin(store, below, above[0])
    for key in [lowest, *above[:: -(-len(above) // OTHERS)]]:
        store.put(key, *random_values(1, place))
    if place == "file":
        store.flush()
    seconds: dict[str, float] = {}
    for name, transactions in begun.items():
        with Stopwatch() as watch:
            for transaction in transactions:
                transaction.commit()
        seconds[name] = watch.seconds / TIMES
    expect("commit of what has changed", _conflicts(late), True)
    return seconds


def _begin(store: Store, keys: list[bytes], key_to_write: bytes) -> dict[str, list[Any]]:
    """Transactions that have read and written, by what they have read."""
    begun: dict[str, list[Any]] = {}
    for kind, read in READERS.items():
        for count in (count for count in READ if count < len(keys)):
            transactions = begun[f"{kind}_{count}"] = []
            for _ in range(TIMES):
                transaction = store.transaction()
                read(transaction, keys, count)
                transaction.put(key_to_write, b"")
                transactions.append(transaction)
    return begun


def _conflicts(transaction: Any) -> bool:
    try:
        transaction.commit()
    except ConflictError:
        return True
    return False


VALIDATION = (Workload("validation", validation, frozenset({Capability.VALIDATION})),)
