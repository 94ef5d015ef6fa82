"""Slowing writers down: the pure part, under a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.backpressure import (
    LEAST_WAIT,
    MAX_IMMUTABLE,
    MOST_OF_ONE_COMMIT,
    MOST_OWED,
    NO_DELAY,
    SLOWEST,
    WAIT,
    Delay,
    Load,
    Rates,
    Throttle,
    delay,
    smoothed,
)
from lsmsql.engine.options import Options

OPTIONS = Options(level0_slow=10, level0_stop=20, debt_slow=1000, debt_stop=2000)
RATES = Rates(flush=1e6, compaction=2e6)

loads = st.builds(
    Load,
    st.integers(0, MAX_IMMUTABLE),
    st.floats(0, 1),
    st.integers(0, 40),
    st.integers(0, 4000),
)


def price(**load: float) -> Delay:
    return delay(Load(**load), RATES, OPTIONS)  # type: ignore[arg-type]


def test_there_is_no_delay_while_nothing_waits_too_long() -> None:
    assert price() is NO_DELAY
    assert price(filled=1.0) is NO_DELAY
    assert price(level0_runs=10, filled=0.0) is NO_DELAY
    assert price(debt_bytes=1000) is NO_DELAY


def test_slowing_begins_with_one_waiting_memtable_and_level0_slow_runs() -> None:
    assert price(waiting_memtables=1, filled=0.1).cause == "flush"
    assert price(level0_runs=11).cause == "level0"
    assert price(debt_bytes=1001).cause == "compaction"


def test_half_way_a_writer_waits_as_long_as_the_background_work_takes() -> None:
    assert price(waiting_memtables=1, filled=1.0) == Delay(1 / 1e6, "flush")
    assert price(level0_runs=15) == Delay(1 / 2e6, "level0")
    assert price(debt_bytes=1500) == Delay(1 / 2e6, "compaction")


def test_where_writers_must_have_stopped_they_have_but_for_a_hundredth() -> None:
    assert price(waiting_memtables=2, filled=1.0) == Delay(SLOWEST / 1e6, "flush")
    assert price(level0_runs=20) == Delay(SLOWEST / 2e6, "level0")
    assert price(debt_bytes=9999) == Delay(SLOWEST / 2e6, "compaction")


@given(loads, loads)
def test_more_of_everything_never_makes_a_writer_faster(one: Load, other: Load) -> None:
    greater = Load(
        max(one.waiting_memtables, other.waiting_memtables),
        max(one.filled, other.filled),
        max(one.level0_runs, other.level0_runs),
        max(one.debt_bytes, other.debt_bytes),
    )
    slower = delay(greater, RATES, OPTIONS).seconds_per_byte
    assert slower >= delay(one, RATES, OPTIONS).seconds_per_byte


def test_a_rate_follows_what_is_measured_and_ignores_what_is_not() -> None:
    rate = 1e6
    for _ in range(30):
        rate = smoothed(rate, 4_000_000, 1.0)
    assert rate == pytest.approx(4e6, rel=0.01)
    assert smoothed(rate, 0, 1.0) == smoothed(rate, 10, 0.0) == rate


def test_small_debts_are_put_together_and_large_ones_slept_off_in_portions() -> None:
    throttle = Throttle()
    throttle.charge(500, Delay(1e-6, "flush"), 0.0)
    assert throttle.next_wait(0.0) == 0.0
    throttle.charge(500, Delay(1e-6, "flush"), 0.0)
    assert throttle.next_wait(0.0) == pytest.approx(LEAST_WAIT)
    throttle.charge(10**9, Delay(1e-6, "flush"), 0.0)
    assert throttle.owed == MOST_OWED and throttle.next_wait(0.0) == WAIT
    assert throttle.next_wait(MOST_OF_ONE_COMMIT) == 0.0
    throttle.pay(0.25)
    assert throttle.owed == pytest.approx(MOST_OWED - 0.25)
    throttle.charge(100, NO_DELAY, 0.0)
    assert throttle.owed == 0.0


def test_the_time_that_writing_takes_is_not_waited_for_once_more() -> None:
    throttle = Throttle()
    throttle.charge(5000, Delay(1e-6, "flush"), 0.002)
    assert throttle.owed == pytest.approx(0.003)
    throttle.charge(5000, Delay(1e-6, "flush"), 7.0)
    assert throttle.owed == 0.0
    throttle.charge(5000, Delay(1e-6, "flush"), 0.0)
    assert throttle.owed == pytest.approx(0.005)


def test_the_next_look_is_when_there_is_something_to_sleep_off() -> None:
    throttle = Throttle()
    assert throttle.bytes_until_wait(NO_DELAY, 5000) == 5000
    assert throttle.bytes_until_wait(Delay(1e-6, "flush"), 5000) == 1000
    assert throttle.bytes_until_wait(Delay(1e-9, "flush"), 5000) == 5000
    throttle.charge(10**6, Delay(1e-6, "flush"), 0.0)
    assert throttle.bytes_until_wait(Delay(1e-6, "flush"), 5000) == 250
    assert throttle.bytes_until_wait(Delay(1e-3, "flush"), 5000) == 1


@dataclass
class Machine:
    """A writer, a flush and a compaction, each with its speed, under one clock.

    The writer's commits are ``commit`` bytes. Compaction takes all of level 0 at a
    time.
    """

    write_rate: float
    flush_rate: float
    compaction_rate: float
    commit: int = 400
    memtable: int = 40_000
    now: float = 0.0
    size: int = 0
    waiting: int = 0
    runs: int = 0
    taken: int = 0
    flush_ends: float = 0.0
    compaction_ends: float = 0.0
    waits: list[float] = field(default_factory=list)
    most_runs: int = 0
    hard_waits: int = 0

    def go_on(self, seconds: float) -> None:
        """Let time pass, and background work end and begin again."""
        self.now += seconds
        while self.waiting and self.flush_ends <= self.now:
            self.waiting -= 1
            self.runs += 1
            self.flush_ends += self.memtable / self.flush_rate
        if self.taken and self.compaction_ends <= self.now:
            self.runs, self.taken = self.runs - self.taken, 0
        if not self.taken and self.runs >= 4:
            self.taken = self.runs
            self.compaction_ends = self.now + self.taken * self.memtable / self.compaction_rate
        self.most_runs = max(self.most_runs, self.runs)

    def run(self, commits: int) -> None:
        throttle = Throttle()
        rates = Rates(self.flush_rate, self.compaction_rate)
        for _ in range(commits):
            began = self.now
            if self.size >= self.memtable:
                self.rotate()
            throttle.charge(self.commit, self.price(rates), self.commit / self.write_rate)
            while seconds := throttle.next_wait(self.now - began):
                self.go_on(seconds)
                throttle.pay(seconds)
                throttle.charge(0, self.price(rates), 0.0)
            self.waits.append(self.now - began)
            self.size += self.commit
            self.go_on(self.commit / self.write_rate)

    def price(self, rates: Rates) -> Delay:
        load = Load(self.waiting, self.size / self.memtable, self.runs)
        return delay(load, rates, OPTIONS)

    def rotate(self) -> None:
        while self.waiting >= MAX_IMMUTABLE:
            self.hard_waits += 1
            self.go_on(max(1e-6, self.flush_ends - self.now))
        if not self.waiting:
            self.flush_ends = self.now + self.memtable / self.flush_rate
        self.waiting += 1
        self.size = 0

    @property
    def rate(self) -> float:
        return len(self.waits) * self.commit / self.now


@pytest.mark.parametrize(
    ("write_rate", "flush_rate", "compaction_rate"),
    [(4e6, 1e6, 10e6), (4e6, 10e6, 1e6), (40e6, 2e6, 1e6), (4e6, 1.5e6, 1e6), (4e6, 3e6, 3.9e6)],
)
def test_a_writer_comes_down_to_what_the_background_work_does_and_never_stands_still(
    write_rate: float, flush_rate: float, compaction_rate: float
) -> None:
    machine = Machine(write_rate, flush_rate, compaction_rate)
    machine.run(40_000)
    slowest = min(flush_rate, compaction_rate)
    assert 0.7 * slowest < machine.rate < 1.2 * slowest
    assert max(machine.waits) <= 0.1
    assert machine.hard_waits == 0
    assert machine.most_runs < OPTIONS.level0_stop


def test_a_writer_that_is_slower_than_the_background_work_never_waits() -> None:
    machine = Machine(write_rate=1e6, flush_rate=4e6, compaction_rate=4e6)
    machine.run(20_000)
    assert max(machine.waits) == 0.0
