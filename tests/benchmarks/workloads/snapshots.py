"""What a snapshot costs: to take it, to read through it, and to write while some are open."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from tests.benchmarks.data import Data, Pair, batches, random_values
from tests.benchmarks.engines.base import Capability, Engine, Get, Put, Settings, Snapshot
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload

ROWS = 100_000
TAKEN = 20_000
GETS = 50_000
PUTS = 20_000
PART = 10
"""Not more than this part of the rows of the benchmark is put, and snapshots are taken."""

OPEN = (0, 1, 1_000)
"""So many snapshots are open while rows are put."""


def snapshots(bench: Workbench) -> Measure:
    """Of a store that is compacted before; those that stay open are each of another commit."""
    data = bench.data
    store = bench.fresh(Settings(shared=True))
    rows = dict(zip(data.keys[:ROWS], data.values[:ROWS], strict=True))
    for pairs in batches(list(rows), list(rows.values())):
        store.put_many(pairs)
    store.compact()
    taken = min(TAKEN, data.rows // PART)
    with Stopwatch() as watch:
        for _ in range(taken):
            with store.snapshot():
                pass
    figures = {"open": watch.seconds / taken, "get_store": _seconds_of_get(store.get, data, rows)}
    with store.snapshot() as snapshot:
        figures["get_snapshot"] = _seconds_of_get(snapshot.get, data, rows)
    _seconds_of_put(store, data, rows, 0)  # the first puts take longer
    for count in OPEN:
        if count <= store.most_snapshots:
            figures[f"put_{count}"] = _seconds_of_put(store, data, rows, count)
    return Measure(watch.seconds, taken, figures)


def _seconds_of_get(get: Get, data: Data, rows: dict[bytes, bytes]) -> float:
    """Of keys that are there, the second time."""
    wanted = _sample(data, rows, min(GETS, data.rows), "snapshot-gets")
    for key in wanted:
        get(key)
    with Stopwatch() as watch:
        found = [get(key) for key in wanted]
    expect("values", found, [rows[key] for key in wanted])
    return watch.seconds / len(wanted)


def _seconds_of_put(store: Engine, data: Data, rows: dict[bytes, bytes], count: int) -> float:
    """Of keys that are there, while ``count`` snapshots are open. ``rows`` is kept up to date."""
    purpose = f"snapshot-puts-{count}"
    keys = _sample(data, rows, min(PUTS, data.rows // PART), purpose)
    pairs = list(zip(keys, random_values(len(keys), purpose), strict=True))
    with ExitStack() as stack:
        if count:
            first = stack.enter_context(store.snapshot())
            before = {key: rows[key] for key in keys}
            last = _take_more(store, stack, count - 1, keys[0], rows) or first
            after = {key: rows[key] for key in keys}
        with Stopwatch() as watch:
            _put_all(store.put, pairs)
        rows.update(pairs)
        if count:
            expect("first snapshot", {key: first.get(key) for key in before}, before)
            expect("last snapshot", {key: last.get(key) for key in after}, after)
    expect("rows", {key: store.get(key) for key in keys}, {key: rows[key] for key in keys})
    return watch.seconds / len(pairs)


def _take_more(
    store: Engine, stack: ExitStack, count: int, key: bytes, rows: dict[bytes, bytes]
) -> Snapshot | None:
    """``count`` snapshots, each after another value of ``key``. Returns the last."""
    snapshot = None
    for value in random_values(count, "snapshot-values"):
        store.put(key, value)
        rows[key] = value
        snapshot = stack.enter_context(store.snapshot())
    return snapshot


def _put_all(put: Put, pairs: Sequence[Pair]) -> None:
    for key, value in pairs:
        put(key, value)


def _sample(data: Data, rows: dict[bytes, bytes], count: int, purpose: str) -> list[bytes]:
    return [data.keys[i % len(rows)] for i in data.sample(count, purpose)]


SNAPSHOTS = (Workload("snapshots", snapshots, frozenset({Capability.SNAPSHOTS})),)
