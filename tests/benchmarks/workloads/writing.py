"""Changes of the loaded store."""

from __future__ import annotations

from itertools import islice

from tests.benchmarks.data import BATCH, batches, random_values
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload


def overwrite(bench: Workbench) -> Measure:
    """New values for all keys there were at first, in batches of 1,000."""
    store, data = bench.loaded(), bench.data
    values = random_values(data.rows, "overwrite")
    keys = [data.keys[i] for i in reversed(range(data.rows))]
    with Stopwatch() as watch:
        for pairs in batches(keys, values):
            store.put_many(pairs)
    bench.contents.update(zip(keys, values, strict=True))
    expect("rows after overwriting", store.count(), len(bench.contents))
    with store.reading():
        expect("last value", store.get(keys[-1]), values[-1])
    return Measure(watch.seconds, data.rows)


def delete(bench: Workbench) -> Measure:
    """Half of the keys there were at first, in batches of 1,000."""
    store, data = bench.loaded(), bench.data
    count = max(1, data.rows // 2)
    keys = iter(data.keys[:count])
    with Stopwatch() as watch:
        for _ in range(0, count, BATCH):
            store.delete_many(islice(keys, BATCH))
    for key in data.keys[:count]:
        del bench.contents[key]
    with store.reading():
        expect("rows after deleting", dict(store.scan()), bench.contents)
    return Measure(watch.seconds, count)


WRITING = (Workload("overwrite", overwrite), Workload("delete", delete))
