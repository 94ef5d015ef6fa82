"""How much a writer is slowed down, as pure functions of what waits to be done.

Left alone, a writer that is faster than flush and compaction fills the memory and level 0, and then
stands still for seconds. So it is slowed down early and little by little. For each thing that can
run full there is a *pressure*, 0 where slowing begins and 1 where it must have stopped:

    flush        memtables that wait, in parts of as many as may wait
    level0       runs of level 0, from level0_slow to level0_stop
    compaction   bytes above the targets of their levels, from debt_slow to debt_stop

The greatest counts. At pressure p a writer takes p / (1 - p) times as long for each byte as the
background work needs for it; what it takes anyway counts, the rest is waited for. So half way it is
at most as fast as the background work, and since it then stays there, full is not reached; and one
that is slower hardly ever waits. Nobody waits long at once: see ``WAIT`` and
``MOST_OF_ONE_COMMIT``.
"""

from __future__ import annotations

from dataclasses import dataclass

from lsmsql.engine.options import Options

MAX_IMMUTABLE = 2
"""Generations of full memtables that may wait for their flush; writers wait before a third."""

LEAST_WAIT = 0.001
"""Seconds: what is owed is slept off when it comes to this. A shorter sleep would mostly wait
for the processor, not for the clock."""

WAIT = 0.020
"""Seconds that a writer sleeps at most before it looks again how things are."""

MOST_OF_ONE_COMMIT = 0.080
"""Seconds that one commit waits at most; what it owes beyond is left to the next."""

MOST_OWED = 1.0
"""Seconds of debt that are remembered."""

SLOWEST = 100.0
"""A writer is never slower than the background work by more than this factor."""

FIRST_RATE = 100e6
"""Bytes of memtables per second that background work is taken to do before it has been measured."""

_SMOOTHING = 0.3


@dataclass(frozen=True)
class Load:
    """What waits to be done. ``filled``: the part of the memtable in use that is full."""

    waiting_memtables: int = 0
    filled: float = 0.0
    level0_runs: int = 0
    debt_bytes: int = 0


@dataclass(frozen=True)
class Rates:
    """Bytes of memtables per second that flush does, and that compaction takes out of level 0."""

    flush: float = FIRST_RATE
    compaction: float = FIRST_RATE


@dataclass(frozen=True)
class Delay:
    """How long a writer is to take for each byte that it writes, and why."""

    seconds_per_byte: float = 0.0
    cause: str = ""


NO_DELAY = Delay()


def delay(load: Load, rates: Rates, options: Options) -> Delay:
    """The delay under ``load``: the longest of those that the three pressures call for."""
    under_way = load.waiting_memtables + load.filled
    runs = load.level0_runs + (under_way if load.level0_runs >= options.level0_slow else 0)
    candidates = (
        Delay(_factor(flush_pressure(under_way)) / rates.flush, "flush"),
        Delay(
            _factor(_pressure(runs, options.level0_slow, options.level0_stop)) / rates.compaction,
            "level0",
        ),
        Delay(
            _factor(_pressure(load.debt_bytes, options.debt_slow, options.debt_stop))
            / rates.compaction,
            "compaction",
        ),
    )
    longest = max(candidates, key=lambda candidate: candidate.seconds_per_byte)
    return longest if longest.seconds_per_byte > 0 else NO_DELAY


def flush_pressure(under_way: float) -> float:
    """``under_way``: memtables that wait, and the part of the one in use that is full.

    Nothing, while none waits; from then on it grows, to 1 when as many wait as may, and the one
    in use is full.
    """
    return max(0.0, (under_way - 1) / MAX_IMMUTABLE)


def _pressure(level: float, slow: float, stop: float) -> float:
    """0 below ``slow``, 1 at ``stop``."""
    return max(0.0, (level - slow) / max(1, stop - slow))


def _factor(pressure: float) -> float:
    if pressure >= 1:
        return SLOWEST
    return min(SLOWEST, pressure / (1 - pressure))


def smoothed(rate: float, size: int, seconds: float) -> float:
    """A rate after ``size`` bytes were done in ``seconds``: an exponential average.

    The first measurement takes the place of the guess.
    """
    if size <= 0 or seconds <= 0:
        return rate
    if rate == FIRST_RATE:
        return size / seconds
    return rate + _SMOOTHING * (size / seconds - rate)


@dataclass
class Throttle:
    """What a writer owes: bytes that it wrote under pressure, as seconds to be waited."""

    owed: float = 0.0

    def charge(self, size: int, price: Delay, taken: float) -> None:
        """``size`` bytes have been written at ``price``, in ``taken`` seconds without waits.

        Without pressure nothing is owed. Nor is the writer ever owed anything.
        """
        if price is NO_DELAY:
            self.owed = 0.0
        else:
            owed = self.owed + size * price.seconds_per_byte - taken
            self.owed = min(MOST_OWED, max(0.0, owed))

    def next_wait(self, waited: float) -> float:
        """Seconds to sleep now, in a commit that has ``waited`` so long; 0: go on."""
        left = MOST_OF_ONE_COMMIT - waited
        if self.owed < LEAST_WAIT or left < LEAST_WAIT:
            return 0.0
        return min(self.owed, WAIT, left)

    def pay(self, seconds: float) -> None:
        """So long was waited."""
        self.owed = max(0.0, self.owed - seconds)

    def bytes_until_wait(self, price: Delay, most: int) -> int:
        """Bytes that may be written before there is anything to wait for, at most ``most``.

        Not too few: a writer whose own time just covers the price always owes almost enough.
        """
        if price is NO_DELAY:
            return most
        seconds = max(LEAST_WAIT - self.owed, LEAST_WAIT / 4)
        return max(1, min(most, int(seconds / price.seconds_per_byte)))
