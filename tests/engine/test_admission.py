"""Writers at full load: nobody loses anything, and what held them back is counted."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import pytest

import lsmsql
from lsmsql.engine.admission import Admission
from lsmsql.engine.backpressure import MOST_OF_ONE_COMMIT, WAIT, Rates
from lsmsql.engine.core import Core
from lsmsql.engine.counters import Counters, Stalls
from lsmsql.engine.manifest.version import Version
from lsmsql.engine.options import Options

SETTINGS: dict[str, Any] = {
    "sync": "off",
    "memtable_bytes": 30_000,
    "level0_files": 2,
    "level0_slow": 3,
    "level0_stop": 6,
    "table_bytes": 20_000,
    "level1_bytes": 60_000,
}


def test_stalls_are_counted_by_cause() -> None:
    counters = Counters()
    counters.stalled("flush", 0.25, 1000.0)
    counters.stalled("flush", 0.5, 1001.0)
    counters.stalled("level0", 0.125, 1002.0)
    assert counters.stalls_by_cause == {
        "flush": Stalls("flush", 2, 0.75, 0.5, 1001.0),
        "level0": Stalls("level0", 1, 0.125, 0.125, 1002.0),
    }
    assert counters.as_dict()["stalls"] == 3 and counters.as_dict()["stall_seconds"] == 0.875


@pytest.mark.parametrize("compaction", ["leveled", "tiered", "adaptive"])
def test_at_full_load_nothing_is_lost_and_stalls_are_counted(
    tmp_path: Path, compaction: str
) -> None:
    rows = 6000
    with lsmsql.open(tmp_path / "s", compaction=compaction, **SETTINGS) as store:
        for key in range(rows):
            store[key * 7919 % rows] = f"{key:050d}"
        stats = store.stats()
        assert len(store) == rows
    assert stats.stalls and {stalls.cause for stalls in stats.stalls} <= {"flush", "level0"}
    assert stats["stalls"] == sum(stalls.count for stalls in stats.stalls)
    for stalls in stats.stalls:
        assert 0 < stalls.longest <= stalls.seconds
        assert stalls.last > 1e9
    with lsmsql.open(tmp_path / "s", "r") as store:
        assert dict(store.items()) == {n * 7919 % rows: f"{n:050d}" for n in range(rows)}


class Clock:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def time(self) -> float:
        return self.now


class Waiting:
    """As much of an open store as an admission asks, with no background work."""

    def __init__(self, waiting: int, **options: Any) -> None:
        self.options = Options(memtable_bytes=100_000, **options)
        self.memtable_bytes = 0
        self.next_look = 0
        self.immutable = (object(),) * waiting
        self.version = Version()
        self.counters = Counters()
        self.failure = None
        self.rotations = 0

    def share_memory(self) -> None:
        assert self.memtable_bytes >= 0

    def rotate(self) -> None:
        self.rotations += 1
        self.memtable_bytes = 0


def admit(store: Waiting, commits: int, size: int) -> Clock:
    """``commits`` of ``size`` bytes each, one after the other, on a clock."""
    clock = Clock()
    admission = Admission(cast("Core", store), lambda: None, lambda: None, clock.sleep, clock.time)
    admission.rates = Rates(flush=1e6, compaction=1e6)
    admission.look_again("leveled")
    for _ in range(commits):
        if store.memtable_bytes >= store.next_look:
            admission.make_room()
        store.memtable_bytes += size
    return clock


def test_a_writer_does_not_sleep_while_nothing_waits() -> None:
    store = Waiting(0)
    assert admit(store, 1000, 400).sleeps == []
    assert store.rotations == 3 and store.counters.stalls == 0


def test_a_writer_sleeps_in_small_portions_while_a_memtable_waits() -> None:
    store = Waiting(1)
    clock = admit(store, 250, 400)
    # 100,000 bytes at 1 MB/s, times p / (1 - p) for p from 0 to 1/2
    assert clock.now == pytest.approx(0.1 * (2 * math.log(2) - 1), rel=0.1)
    assert all(0.001 <= slept <= 0.003 for slept in clock.sleeps)
    (stalls,) = store.counters.stalls_by_cause.values()
    assert stalls.cause == "flush" and stalls.count == len(clock.sleeps)
    assert stalls.seconds == pytest.approx(clock.now)


def test_a_large_commit_waits_for_no_more_than_its_share() -> None:
    store = Waiting(1)
    clock = admit(store, 3, 90_000_000)
    assert all(slept <= WAIT for slept in clock.sleeps)
    stalls = store.counters.stalls_by_cause["flush"]
    assert stalls.longest <= MOST_OF_ONE_COMMIT + 1e-9


def test_a_flush_is_announced_when_a_quarter_of_the_memtable_is_full() -> None:
    store = Waiting(0)
    announced: list[int] = []
    admission = Admission(
        cast("Core", store), lambda: None, lambda: announced.append(store.memtable_bytes)
    )
    admission.look_again("leveled")
    for _ in range(100):
        if store.memtable_bytes >= store.next_look:
            admission.make_room()
        store.memtable_bytes += 1000
    assert 25_000 <= min(announced) <= 25_000 + 100_000 / 16 + 1000


def test_without_background_work_a_full_memtable_is_rotated_and_nobody_sleeps() -> None:
    store = Waiting(0, background=False)
    assert admit(store, 1000, 400).sleeps == []
    assert store.rotations == 3
