"""The six core workloads of the Yahoo! Cloud Serving Benchmark (Cooper et al., SoCC 2010).

Which key comes is zipfian with the constant 0.99: the r-th most popular key comes as often as
1/r^0.99. The keys are random, so popular ones lie anywhere; in D they are the latest.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial

import numpy as np

from tests.benchmarks.data import random_keys, random_source, random_values
from tests.benchmarks.engines.base import Engine
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload

ZIPFIAN = 0.99
OPERATIONS = 100_000
SCANS = 20_000
"""Operations of E, of which each reads 50 rows on average."""
LONGEST_SCAN = 100


class Verb(Enum):
    """What is done with a key."""

    READ = auto()
    PUT = auto()
    SCAN = auto()
    MODIFY = auto()  # read, then put


@dataclass(frozen=True)
class Mix:
    """``reads`` of the operations (0..1) are the first verb, the others the second."""

    name: str
    reads: float
    first: Verb
    second: Verb
    new_keys: bool = False
    latest: bool = False
    operations: int = OPERATIONS


MIXES = (
    Mix("a", 0.5, Verb.READ, Verb.PUT),
    Mix("b", 0.95, Verb.READ, Verb.PUT),
    Mix("c", 1.0, Verb.READ, Verb.PUT),
    Mix("d", 0.95, Verb.READ, Verb.PUT, new_keys=True, latest=True),
    Mix("e", 0.95, Verb.SCAN, Verb.PUT, new_keys=True, operations=SCANS),
    Mix("f", 0.5, Verb.READ, Verb.MODIFY),
)

Operation = tuple[Verb, bytes, bytes, int]
"""Verb, key, value to put, rows to scan."""


def run(bench: Workbench, mix: Mix) -> Measure:
    """One mix on the loaded store, every answer checked."""
    store = bench.loaded()
    operations = plan(mix, list(bench.contents))
    answers, seconds = _carry_out(store, operations)
    expect(f"answers of YCSB {mix.name}", answers, _model_answers(bench.contents, operations))
    expect(f"rows after YCSB {mix.name}", store.count(), len(bench.contents))
    return Measure(seconds, len(operations))


def plan(mix: Mix, keys: list[bytes]) -> list[Operation]:
    """The operations of a mix. ``keys`` are those there are, the oldest first."""
    count = min(mix.operations, len(keys))
    random = random_source(f"ycsb-{mix.name}")
    reads = (random.random(count) < mix.reads).tolist()
    ranks = _zipfian_ranks(random, len(keys), count)
    limits = random.integers(1, LONGEST_SCAN + 1, size=count).tolist()
    new_keys = iter(random_keys(count, f"ycsb-{mix.name}-keys"))
    values = random_values(count, f"ycsb-{mix.name}-values")
    operations: list[Operation] = []
    for is_read, rank, value, limit in zip(reads, ranks, values, limits, strict=True):
        if not is_read and mix.new_keys:
            key = next(new_keys)
            keys.append(key)
        else:
            key = keys[-1 - rank] if mix.latest else keys[rank]
        operations.append((mix.first if is_read else mix.second, key, value, limit))
    return operations


def _zipfian_ranks(random: np.random.Generator, items: int, count: int) -> list[int]:
    """Random ranks from 0, the most popular, to ``items`` - 1."""
    weights = np.cumsum(np.arange(1, items + 1) ** -ZIPFIAN)
    ranks: list[int] = np.searchsorted(weights, random.random(count) * weights[-1]).tolist()
    return ranks


def _carry_out(store: Engine, operations: Sequence[Operation]) -> tuple[list[object], float]:
    get, put, read_range = store.get, store.put, store.range
    answers: list[object] = []
    add = answers.append
    with Stopwatch() as watch:
        for verb, key, value, limit in operations:
            if verb is Verb.READ:
                add(get(key))
            elif verb is Verb.PUT:
                put(key, value)
            elif verb is Verb.SCAN:
                add(read_range(key, limit))
            else:
                add(get(key))
                put(key, value)
    return answers, watch.seconds


def _model_answers(contents: dict[bytes, bytes], operations: Sequence[Operation]) -> list[object]:
    """The answers that ``contents`` gives; it is changed as the store was."""
    in_order = sorted(contents) if any(verb is Verb.SCAN for verb, *_ in operations) else []
    answers: list[object] = []
    for verb, key, value, limit in operations:
        if verb is Verb.SCAN:
            place = bisect.bisect_left(in_order, key)
            answers.append([(k, contents[k]) for k in in_order[place : place + limit]])
        elif verb is not Verb.PUT:
            answers.append(contents[key])
        if verb in (Verb.PUT, Verb.MODIFY):
            if in_order and key not in contents:
                bisect.insort(in_order, key)
            contents[key] = value
    return answers


def _workload(mix: Mix) -> Workload:
    function: Callable[[Workbench], Measure] = partial(run, mix=mix)
    return Workload(f"ycsb-{mix.name}", function)


YCSB = tuple(map(_workload, MIXES))
