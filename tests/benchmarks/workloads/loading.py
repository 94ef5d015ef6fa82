"""All rows in random order into an empty store."""

from __future__ import annotations

from tests.benchmarks.data import batches
from tests.benchmarks.engines.base import Capability
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench, put_all
from tests.benchmarks.workloads.base import Workload


def put_one_by_one(bench: Workbench) -> Measure:
    """A commit for each row."""
    rows = min(bench.data.rows, bench.engine.single_puts)
    keys, values = bench.data.keys[:rows], bench.data.values[:rows]
    store = bench.fresh()
    put = store.put
    with Stopwatch() as watch:
        for key, value in zip(keys, values, strict=True):
            put(key, value)
    expect("rows put one by one", store.count(), rows)
    return Measure(watch.seconds, rows)


def put_batches(bench: Workbench) -> Measure:
    """A commit for each 1,000 rows. The store is the loaded one from then on."""
    store = bench.fresh()
    watch = put_all(store, bench.data)
    bench.settle(store)
    return Measure(watch.seconds, bench.data.rows)


def put_update(bench: Workbench) -> Measure:
    """A call of ``update`` for each 1,000 rows."""
    store = bench.fresh()
    with Stopwatch() as watch:
        for pairs in batches(bench.data.keys, bench.data.values):
            store.update(pairs)
    expect("rows put by update", store.count(), bench.data.rows)
    return Measure(watch.seconds, bench.data.rows)


def bulk_ingest(bench: Workbench) -> Measure:
    """The fastest way for unsorted rows. The Arrow table, where it is used, is there before."""
    store = bench.fresh()
    with Stopwatch() as watch:
        store.bulk_load(bench.data)
    expect("rows loaded in bulk", store.count(), bench.data.rows)
    return Measure(watch.seconds, bench.data.rows)


LOADING = (
    Workload("put-one-by-one", put_one_by_one),
    Workload("put-batches", put_batches),
    Workload("put-update", put_update, frozenset({Capability.UPDATE})),
    Workload("bulk-ingest", bulk_ingest, frozenset({Capability.BULK})),
)
