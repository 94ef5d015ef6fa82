"""Bytes on the disk, of compacted stores."""

from __future__ import annotations

from tests.benchmarks.data import batches
from tests.benchmarks.engines.base import Capability, Engine
from tests.benchmarks.measure import Measure
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload


def disk_kv(bench: Workbench) -> Measure:
    """All rows."""
    return Measure(figures={"bytes": bench.loaded().packed_bytes(bench.place())})


def disk_flights(bench: Workbench) -> Measure:
    """The table of the flights, or for an engine without tables their packed keys and values."""
    store = bench.fresh()
    if Capability.SQL in bench.engine.capabilities:
        store.load_table(*bench.flights.tables["flights"])
    else:
        keys, values = zip(*bench.flights.packed(), strict=True)
        for pairs in batches(keys, values):
            store.put_many(pairs)
    return Measure(figures={"bytes": store.packed_bytes(bench.place())})


def with_flights(bench: Workbench, store: Engine) -> Engine:
    """The store, with the three tables."""
    for sql, rows in bench.flights.tables.values():
        store.load_table(sql, rows)
    store.compact()
    return store


DISK = (Workload("disk-kv", disk_kv), Workload("disk-flights", disk_flights))
