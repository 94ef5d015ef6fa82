"""Before each commit: is there room for it? Rotates full memtables and slows writers down.

There is mostly nothing to do: ``make_room`` is called when ``Core.next_look`` bytes are in the
memtables: at every sixteenth of their size, sooner while writers are slowed down, and at once after
background work has called ``look_again``. All is called with ``write_lock`` held, so writers wait
together; readers take no part in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from lsmsql.engine.backpressure import (
    LEAST_WAIT,
    MAX_IMMUTABLE,
    NO_DELAY,
    Delay,
    Load,
    Rates,
    Throttle,
    delay,
    smoothed,
)
from lsmsql.engine.compaction.strategy import debt, level0_runs
from lsmsql.engine.core import Core

_LOOKS = 16
"""Looks in the life of a memtable when nothing calls for more."""

_FILLING = 0.25
"""With this part of a memtable full it is likely that there will be a flush."""

_PATIENCE = 1.0
"""Seconds after which a waiting ingest looks whether the store was closed meanwhile."""

_LAST_RESORT = 2
"""With this many times ``level0_stop`` runs, which takes batches far larger than a memtable, a
full memtable waits for as long as it takes."""


class Admission:
    """Lets the commits of one store in.

    ``rotated`` is called when a full memtable has been handed over, ``filling`` when the one in use
    is no longer nearly empty. ``sleep`` and ``clock`` are those of ``time``.
    """

    def __init__(
        self,
        core: Core,
        rotated: Callable[[], None],
        filling: Callable[[], None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._core = core
        self._rotated = rotated
        self._filling = filling
        self._sleep = sleep
        self._clock = clock
        self._throttle = Throttle()
        self._seen = 0
        self._looked = clock()
        self._level0_runs = 0
        self._debt = 0
        self.rates = Rates()

    def make_room(self) -> None:
        """Rotate full memtables; hold the writer back if background work is behind.

        The caller holds ``write_lock`` and has checked that the store is writable. Raises
        StorageError, and FailedError if background work has failed; the commit must not be made.
        """
        core, options = self._core, self._core.options
        size = core.memtable_bytes
        written = size - self._seen if size >= self._seen else size
        self._hold_back(written, min(1.0, size / options.flush_bytes))
        if size >= options.flush_bytes:
            self._wait_for_slot()
            core.rotate()
            self._rotated()
            size = 0
        elif size >= options.flush_bytes * _FILLING:
            self._filling()
        self._seen = size
        core.share_memory()
        price = self._price(size / options.flush_bytes)
        step = self._throttle.bytes_until_wait(price, max(1, options.flush_bytes // _LOOKS))
        core.next_look = min(options.flush_bytes, size + step)

    def _hold_back(self, written: int, filled: float) -> None:
        """Charge for ``written`` bytes and sleep off what is owed."""
        throttle = self._throttle
        price = self._price(filled)
        throttle.charge(written, price, self._clock() - self._looked)
        waited = 0.0
        while (seconds := throttle.next_wait(waited)) > 0:
            began = self._clock()
            self._sleep(seconds)
            slept = self._clock() - began
            throttle.pay(slept)
            waited += slept
            throttle.charge(0, self._price(filled), 0.0)
        self._looked = self._clock()
        if waited:
            self._core.counters.stalled(price.cause, waited, time.time())

    def _price(self, filled: float) -> Delay:
        core = self._core
        if not core.options.background or core.failure is not None:
            return NO_DELAY
        load = Load(len(core.immutable), filled, self._level0_runs, self._debt)
        return delay(load, self.rates, core.options)

    def _wait_for_slot(self) -> None:
        """The last resort: wait until one more memtable may be full."""
        core = self._core
        if not core.options.background or self._has_slot():
            return
        cause = "flush" if len(core.immutable) >= MAX_IMMUTABLE else "level0"
        began = self._clock()
        core.wake()
        with core.room:
            core.room.wait_for(lambda: self._has_slot() or core.failure is not None)
        core.counters.stalled(cause, self._clock() - began, time.time())
        core.check_writable()

    def _has_slot(self) -> bool:
        core = self._core
        most = _LAST_RESORT * core.options.level0_stop
        return len(core.immutable) < MAX_IMMUTABLE and level0_runs(core.version) < most

    def wait_for_level0(self) -> None:
        """Before files are ingested: wait while level 0 has as many runs as it may have.

        The caller holds no lock. Nothing to wait for without background work, or once it failed.
        """
        core = self._core
        stop = core.options.level0_stop
        began = self._clock()
        with core.room:
            while level0_runs(core.version) >= stop and not core.closed:
                if not core.options.background or core.failure is not None:
                    return
                core.room.wait(_PATIENCE)
        waited = self._clock() - began
        if waited >= LEAST_WAIT:
            core.counters.stalled("level0", waited, time.time())

    # ------------------------------------------------------------------------------- what is told

    def look_again(self, style: str) -> None:
        """What waits to be done has changed."""
        version = self._core.version
        self._level0_runs = level0_runs(version)
        self._debt = debt(version, self._core.options, style)
        self._core.next_look = 0

    def flushed(self, size: int, seconds: float) -> None:
        """Memtables of ``size`` bytes were flushed in ``seconds``."""
        self.rates = replace(self.rates, flush=smoothed(self.rates.flush, size, seconds))

    def compacted(self, size: int, seconds: float) -> None:
        """Runs that were ``size`` bytes of memtables once went out of level 0 in ``seconds``."""
        rate = smoothed(self.rates.compaction, size, seconds)
        self.rates = replace(self.rates, compaction=rate)
