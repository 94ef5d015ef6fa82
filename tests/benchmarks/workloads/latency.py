"""How long single operations take, idle and while a full compaction runs in another thread.

An engine that cannot do that (LMDB has nothing to compact, LSM1 works within the puts) is measured
after the same load without the thread. SQLite's other thread makes a checkpoint.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import apsw

from tests.benchmarks.data import random_values
from tests.benchmarks.engines.base import Capability, Engine
from tests.benchmarks.measure import Measure, Stopwatch, percentiles
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload
from tests.benchmarks.workloads.compaction import overlapping
from tests.benchmarks.workloads.sql import POINT_SQL

OPERATIONS = 20_000
FEWEST = 2_000
MOST = 200_000

Arguments = tuple[object, ...]


def put_latency(bench: Workbench) -> Measure:
    """Puts of existing keys with new values; idle: of new keys into an empty store."""
    data = bench.data
    idle = _times(bench.fresh().put, zip(data.keys[:OPERATIONS], data.values, strict=False))
    keys = [data.keys[i] for i in data.sample(OPERATIONS, "latency")]
    pairs = list(zip(keys, random_values(OPERATIONS, "latency"), strict=True))
    store = overlapping(bench)
    return _measure(idle, _times_while_compacting(store, store.put, pairs))


def query_latency(bench: Workbench) -> Measure:
    """SELECTs of single rows."""
    keys = [(bench.data.keys[i],) for i in bench.data.sample(OPERATIONS, "latency")]
    with bench.loaded().connection() as connection:
        query = _point_query(connection)
        _times(query, keys)
        idle = _times(query, keys)
    store = overlapping(bench)
    with store.connection() as connection:
        busy = _times_while_compacting(store, _point_query(connection), keys)
    return _measure(idle, busy)


def _point_query(connection: apsw.Connection) -> Callable[[bytes], object]:
    execute = connection.cursor().execute
    return lambda key: execute(POINT_SQL, (key,)).fetchall()


def _times(
    operation: Callable[..., object],
    arguments: Iterable[Arguments],
    over: Callable[[], bool] = lambda: False,
) -> list[int]:
    """Nanoseconds of each call, until the arguments are used up or it is ``over``."""
    clock = time.perf_counter_ns
    times = []
    with Stopwatch():
        for values in arguments:
            began = clock()
            operation(*values)
            times.append(clock() - began)
            if over():
                break
    return times


def _times_while_compacting(
    store: Engine, operation: Callable[..., object], arguments: Sequence[Arguments]
) -> list[int]:
    """Until a compaction is over, but at least ``FEWEST`` calls, beside several if need be."""
    if Capability.BACKGROUND not in store.capabilities:
        return _times(operation, arguments)
    compacted, enough = threading.Event(), threading.Event()

    def compact() -> None:
        while not enough.is_set():
            store.compact()
            compacted.set()

    calls = itertools.cycle(arguments)
    with ThreadPoolExecutor(1) as executor:
        compaction = executor.submit(compact)
        times = _times(operation, itertools.islice(calls, FEWEST))
        times += _times(operation, itertools.islice(calls, MOST - FEWEST), compacted.is_set)
        enough.set()
        compaction.result()
    return times


def _measure(idle: list[int], busy: list[int]) -> Measure:
    figures = {**percentiles(idle, "idle"), **percentiles(busy, "busy")}
    return Measure(sum(busy) / 1e9, len(busy), figures)


LATENCY = (
    Workload("put-latency", put_latency),
    Workload("query-latency", query_latency, frozenset({Capability.SQL})),
)
