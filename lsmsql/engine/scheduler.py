"""When flush, compaction and log syncs happen: in threads of their own, or in the caller's.

Thread rules: one flush at a time (``_flush_lock``), one compaction at a time (``compaction_lock``);
the two run beside each other. An error in a background thread stops the writers, who are told of it
by the next write; readers go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lsmsql.engine.admission import Admission
from lsmsql.engine.background.executor import Executor
from lsmsql.engine.cleanup import drop_files_of_dropped_tables
from lsmsql.engine.compaction.adaptive import ADAPTIVE, Observations, next_style
from lsmsql.engine.compaction.job import Job, Merge, run_job
from lsmsql.engine.compaction.partition import processors
from lsmsql.engine.compaction.parts import UnderWay
from lsmsql.engine.compaction.picking import compact_all, level0_inputs
from lsmsql.engine.compaction.strategy import choose, first_style, parts_between
from lsmsql.engine.core import Core
from lsmsql.engine.errors import Error
from lsmsql.engine.flush import flush_oldest

_FLUSHES_AHEAD = 2
"""So many flushes before the first compaction is due its worker is started."""

_MOST_WORKERS = 2
"""Somebody waits for a compaction that was asked for: it may take the processor of the flushes."""

_NEARLY_FULL = 0.9
"""From here on the log is synced while writers go on: they wait for it when memtables are full."""

_WORTH_A_SYNC = 1 << 20

_RECONSIDER_SECONDS = 1.0
"""An adaptive store that only reads has no other occasion to change its style."""


class Scheduler:
    """Runs the background work of one store."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._executor = Executor(core.filesystem, core.options, core.counters)
        self._flush_lock = threading.Lock()
        self.compaction_lock = threading.Lock()
        self._stopping = threading.Event()
        self._flush_wanted = threading.Event()
        self._compaction_wanted = threading.Event()
        self._sync_wanted = threading.Event()
        self._threads: list[threading.Thread] = []
        core.counters.compaction_style = first_style(core.options)
        self._observed = Observations()
        self._seconds_of_compaction = 0.0
        self._under_way = UnderWay(core, self._executor)
        self._parts_first = 0
        self._asked: set[object] = set()
        self._admission = Admission(core, self._rotated, self._filling)
        self.make_room = self._admission.make_room
        if core.options.background:
            self._start("flush", self._flush_wanted, self._flush_all)
            self._start("compaction", self._compaction_wanted, self._compact_due, self._pause)
            core.wake = self._flush_wanted.set
        if core.options.sync == "normal":
            self._start("sync", self._sync_wanted, core.sync_log, core.options.sync_interval)
        elif core.options.background:
            self._start("sync", self._sync_wanted, core.sync_log)
        self._admission.look_again(self._style)
        self._compaction_wanted.set()
        self._flush_wanted.set()

    @property
    def _pause(self) -> float | None:
        """Seconds after which compaction has a look though nobody has called for it."""
        if self._core.options.compaction == ADAPTIVE:
            return _RECONSIDER_SECONDS
        return self._core.history.interval

    @property
    def _style(self) -> str:
        return self._core.counters.compaction_style

    # ------------------------------------------------------------------------------- threads

    def _start(
        self,
        name: str,
        wanted: threading.Event,
        work: Callable[[], None],
        interval: float | None = None,
    ) -> None:
        def loop() -> None:
            while not self._stopping.is_set():
                wanted.wait(interval)
                wanted.clear()
                if self._stopping.is_set():
                    return
                try:
                    work()
                except Exception as error:
                    self._core.fail(error)
                    return

        thread = threading.Thread(target=loop, name=f"lsmsql-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """End the threads; what they are at is finished first, of a large merge only a part."""
        self._stopping.set()
        for event in (self._flush_wanted, self._compaction_wanted, self._sync_wanted):
            event.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        self._settle()
        self._executor.close()

    def _settle(self) -> None:
        """Keep what has been done of large merges."""
        with self.compaction_lock:
            try:
                if self._core.failure is not None:
                    self._under_way.abandon()
                elif self._under_way:
                    drop_files_of_dropped_tables(self._core)
                    self._under_way.forget_dropped()
                    self._under_way.settle()
            except Exception as error:
                self._core.fail(error)

    # ------------------------------------------------------------------------------- work

    def _flush_all(self) -> None:
        while not self._stopping.is_set() and self._flush_one():
            self.look_for_work()

    def _flush_one(self) -> bool:
        core = self._core
        with self._flush_lock:
            if not core.immutable:
                return False
            memtables = core.immutable[0].memtables.values()
            size = sum(memtable.nbytes for memtable in memtables)
            records = sum(map(len, memtables))
            if core.level0_files + _FLUSHES_AHEAD >= core.options.level0_files:
                self._executor.expect(2, size)
            began = time.monotonic()
            flush_oldest(core, self._executor)
            core.counters.flushed_records += records
            self._admission.flushed(size, time.monotonic() - began)
            self._admission.look_again(self._style)
            return True

    def _compact_due(self) -> None:
        self._core.history.tick()
        while not self._stopping.is_set() and not self._asked and self._compact_one():
            pass

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Somebody waits for ``compaction_lock``: whoever has it must not take it again at once."""
        asker = object()
        self._asked.add(asker)
        try:
            yield
        finally:
            self._asked.discard(asker)
            self._compaction_wanted.set()

    def _compact_one(self) -> bool:
        """Do the next job, or the next part of a large one; False if nothing is due.

        While there are both they take turns, so neither has to wait for long.
        """
        core = self._core
        with self.compaction_lock:
            drop_files_of_dropped_tables(core)
            self._under_way.forget_dropped()
            self._reconsider()
            job = None if self._under_way and self._parts_first else self._next_job()
            if job is not None:
                self._run(job)
                self._parts_first = parts_between(core.version, core.options)
            elif self._under_way:
                with self._timed():
                    self._under_way.run_part()
                self._parts_first = max(0, self._parts_first - 1)
            else:
                return False
            return True

    def _next_job(self) -> Job | None:
        """The next job that is to be done as a whole; those that are not are begun."""
        core = self._core
        while True:
            job = choose(core.version, core.options, self._style, self._under_way.busy)
            if not (isinstance(job, Merge) and job.in_parts):
                return job
            self._under_way.begin(job)

    def _run(self, job: Job, workers: int = 1) -> None:
        runs = level0_inputs(self._core.version, job)
        with self._timed():
            run_job(self._core, job, self._executor, workers)
        if runs:
            size = runs * self._core.options.flush_bytes
            self._admission.compacted(size, self._seconds_of_compaction)
            self._seconds_of_compaction = 0.0

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Around work that makes the files of the store other ones."""
        began = time.monotonic()
        yield
        self._seconds_of_compaction += time.monotonic() - began
        self._admission.look_again(self._style)

    def _reconsider(self) -> None:
        """Let an adaptive store change its style, once there is enough to decide by."""
        if self._core.options.compaction != ADAPTIVE:
            return
        counters = self._core.counters
        now = Observations(
            counters.gets, counters.scans, counters.blocks_read, counters.flushed_records
        )
        seen = now.since(self._observed)
        if seen.enough:
            style = next_style(self._style, seen)
            if style != self._style:
                self._under_way.settle()
            counters.compaction_style = style
            self._observed = now

    # ------------------------------------------------------------------------------- writers

    def _rotated(self) -> None:
        if not self._core.options.background:
            self.flush()

    def _filling(self) -> None:
        core = self._core
        self._executor.expect(1, core.options.flush_bytes)
        log = core.log
        if (
            core.memtable_bytes >= core.options.flush_bytes * _NEARLY_FULL
            and log is not None
            and log.unsynced >= _WORTH_A_SYNC
        ):
            self._sync_wanted.set()

    def make_room_for_files(self) -> None:
        """Before files are ingested: wait for compaction if it is too far behind."""
        self._admission.wait_for_level0()

    def look_for_work(self) -> None:
        """The set of files has changed: there may be something to compact."""
        self._admission.look_again(self._style)
        if self._core.options.background:
            self._compaction_wanted.set()
        else:
            self._compact_due()

    # ------------------------------------------------------------------------------- on demand

    def flush(self) -> None:
        """Flush all that is immutable, in the calling thread."""
        while self._flush_here():
            self.look_for_work()

    def _flush_here(self) -> bool:
        try:
            return self._flush_one()
        except Error as error:
            self._core.fail(error)
            raise

    def compact(self, table_id: int | None = None) -> None:
        """Flush, merge each table (or one) into its deepest level, see to the levels' sizes."""
        core = self._core
        workers = min(processors(), _MOST_WORKERS)
        size = sum(file.meta.size for _, file in core.version.files())
        self._executor.expect(workers, size // workers)
        # With the lock, or the compaction thread might begin on what is flushed now.
        with self._asking(), self.compaction_lock:
            while self._flush_here():
                pass
            drop_files_of_dropped_tables(core)
            self._under_way.abandon(table_id)
            for number in [table_id] if table_id is not None else list(core.version.tables):
                job = compact_all(number, core.version.table(number))
                if job is not None:
                    self._run(job, workers)
        self._compact_due()
