"""Reading a store that has all rows, is compacted and was opened anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from tests.benchmarks.data import Pair, random_keys
from tests.benchmarks.engines.base import Engine
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload

COLD_GETS = 20_000
WARM_GETS = 200_000
RANGE_ROWS = 200_000
"""How many rows the ranges of one workload have together."""


def get_cold(bench: Workbench) -> Measure:
    """The first gets after opening; the operating system has the files in memory still."""
    bench.close_loaded()
    positions = bench.data.sample(min(COLD_GETS, bench.data.rows), "get-cold")
    return _gets(bench, positions)


def get_warm(bench: Workbench) -> Measure:
    """The second gets of the same random keys."""
    positions = bench.data.sample(min(WARM_GETS, bench.data.rows), "get-warm")
    _gets(bench, positions)
    return _gets(bench, positions)


def _gets(bench: Workbench, positions: Sequence[int]) -> Measure:
    keys = [bench.data.keys[i] for i in positions]
    found, seconds = _get_all(bench.loaded(), keys)
    expect("values", found, [bench.data.values[i] for i in positions])
    return Measure(seconds, len(keys))


def get_miss(bench: Workbench) -> Measure:
    """Keys like the others that are not there, the second time."""
    keys = random_keys(min(WARM_GETS, bench.data.rows), "absent")
    _get_all(bench.loaded(), keys)
    found, seconds = _get_all(bench.loaded(), keys)
    expect("values of absent keys", found, [None] * len(keys))
    return Measure(seconds, len(keys))


def _get_all(store: Engine, keys: Sequence[bytes]) -> tuple[list[bytes | None], float]:
    with store.reading():
        get = store.get
        with Stopwatch() as watch:
            found = [get(key) for key in keys]
    return found, watch.seconds


def scan(bench: Workbench, reverse: bool = False) -> Measure:
    """All pairs in order; one byte of each key and value is added up."""
    store = bench.loaded()
    keys = values = count = 0
    with store.reading(), Stopwatch() as watch:
        for key, value in store.scan(reverse):
            keys += key[-1]
            values += value[-1]
            count += 1
    data = bench.data
    expect("rows of the scan", count, data.rows)
    expect("sum of bytes of the keys", keys, sum(key[-1] for key in data.keys))
    expect("sum of bytes of the values", values, sum(value[-1] for value in data.values))
    return Measure(watch.seconds, count)


def ranges(bench: Workbench, limit: int) -> Measure:
    """Lists of ``limit`` pairs from random existing keys on, the second time."""
    store = bench.loaded()
    places = bench.data.sample(max(1, min(RANGE_ROWS, bench.data.rows) // limit), f"range-{limit}")
    starts = [bench.data.keys[bench.data.order[place]] for place in places]
    with store.reading():
        read = store.range
        for start in starts:
            read(start, limit)
        with Stopwatch() as watch:
            found: list[list[Pair]] = [read(start, limit) for start in starts]
    wanted = [bench.data.following(place, limit) for place in places]
    expect(f"ranges of {limit}", found, wanted)
    return Measure(watch.seconds, len(starts))


def _ranges_of(limit: int) -> Workload:
    run: Callable[[Workbench], Measure] = partial(ranges, limit=limit)
    return Workload(f"range-{limit}", run)


READING = (
    Workload("get-cold", get_cold),
    Workload("get-warm", get_warm),
    Workload("get-miss", get_miss),
    Workload("scan", scan),
    Workload("scan-reverse", partial(scan, reverse=True)),
    *map(_ranges_of, (10, 50, 1000)),
)
