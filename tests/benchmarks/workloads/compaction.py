"""A full compaction of rows that came in random order."""

from __future__ import annotations

from tests.benchmarks.engines.base import Capability, Engine, Settings
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench, put_all
from tests.benchmarks.workloads.base import Workload

BUFFERS = 3.5
"""How many write buffers all rows fill. LevelDB does not let four files wait for ``compact``."""
BUFFERED_ROW_BYTES = 145
"""A row in LevelDB's write buffer; in others it takes as much or more."""


def overlapping(bench: Workbench) -> Engine:
    """A store with all rows in sorted runs that overlap, as far as it lets compaction wait."""
    data = bench.data
    buffer = max(64 * 1024, int(data.rows * BUFFERED_ROW_BYTES / BUFFERS))
    store = bench.fresh(Settings(write_buffer=buffer, automatic=False))
    put_all(store, data)
    return store


def compaction(bench: Workbench) -> Measure:
    """Rows in for the time of ``compact``."""
    store = overlapping(bench)
    with Stopwatch() as watch:
        store.compact()
    expect("rows after compaction", store.count(), bench.data.rows)
    return Measure(watch.seconds, bench.data.rows)


COMPACTION = (Workload("compaction", compaction, frozenset({Capability.COMPACTION})),)
