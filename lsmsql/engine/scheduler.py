"""When flush, compaction and log syncs happen: in threads of their own, or in the caller's.

Thread rules: one flush at a time (``_flush_lock``), one compaction at a time (``compaction_lock``);
the two run beside each other. An error in a background thread stops the writers, who are told of it
by the next write; readers go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lsmsql.engine.cleanup import drop_files_of_unknown_tables
from lsmsql.engine.compaction.job import run_job
from lsmsql.engine.compaction.leveled import choose, compact_all
from lsmsql.engine.core import Core
from lsmsql.engine.errors import Error
from lsmsql.engine.flush import flush_oldest

MAX_IMMUTABLE = 2
"""Writers wait when this many generations of memtables wait for their flush."""

_SLOWDOWN_SECONDS = 0.001


class Scheduler:
    """Runs the background work of one store."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._flush_lock = threading.Lock()
        self.compaction_lock = threading.Lock()
        self._stopping = threading.Event()
        self._flush_wanted = threading.Event()
        self._compaction_wanted = threading.Event()
        self._sync_wanted = threading.Event()
        self._threads: list[threading.Thread] = []
        if core.options.background:
            self._start("flush", self._flush_wanted, self._flush_all)
            self._start("compaction", self._compaction_wanted, self._compact_due)
            core.wake = self._flush_wanted.set
        if core.options.sync == "normal":
            self._start("sync", self._sync_wanted, self._sync_log, core.options.sync_interval)
        self._compaction_wanted.set()
        self._flush_wanted.set()

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
        """End the threads; what they are at is finished first."""
        self._stopping.set()
        for event in (self._flush_wanted, self._compaction_wanted, self._sync_wanted):
            event.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    # ------------------------------------------------------------------------------- work

    def _flush_all(self) -> None:
        while not self._stopping.is_set() and self._flush_one():
            self.look_for_work()

    def _flush_one(self) -> bool:
        with self._flush_lock:
            return flush_oldest(self._core)

    def _compact_due(self) -> None:
        while not self._stopping.is_set() and self._compact_one():
            pass

    def _compact_one(self) -> bool:
        with self.compaction_lock:
            drop_files_of_unknown_tables(self._core)
            job = choose(self._core.version, self._core.options)
            if job is None:
                return False
            run_job(self._core, job)
            return True

    def _sync_log(self) -> None:
        core = self._core
        log = core.log
        if log is not None and log.unsynced:
            with core.write_lock:  # the log may have been rotated
                if core.log is log:
                    log.sync()
                    core.counters.log_syncs += 1

    # ------------------------------------------------------------------------------- writers

    def make_room(self) -> None:
        """Before a commit: rotate full memtables; hold the writer back if the others are behind.

        The caller holds ``write_lock`` and has checked that the store is writable. Raises
        StorageError, and FailedError if background work has failed; the commit must not be made.
        """
        core = self._core
        if core.memtable_bytes() >= core.options.flush_bytes:
            self._wait_for_room(lambda: len(core.immutable) < MAX_IMMUTABLE)
            core.rotate()
            if not core.options.background:
                self.flush()
        elif core.level0_files >= core.options.level0_slow:
            self._hold_back()

    def _hold_back(self) -> None:
        core = self._core
        if not core.options.background or core.failure is not None:
            return
        self._compaction_wanted.set()
        if core.level0_files >= core.options.level0_stop:
            self._wait_for_room(lambda: core.level0_files < core.options.level0_stop)
        else:
            time.sleep(_SLOWDOWN_SECONDS)
            core.counters.stalls += 1
            core.counters.stall_seconds += _SLOWDOWN_SECONDS

    def _wait_for_room(self, enough: Callable[[], bool]) -> None:
        core = self._core
        if enough() or not core.options.background:
            return
        began = time.monotonic()
        self._flush_wanted.set()
        with core.room:
            core.room.wait_for(lambda: enough() or core.failure is not None)
        core.counters.stalls += 1
        core.counters.stall_seconds += time.monotonic() - began
        core.check_writable()

    def look_for_work(self) -> None:
        """The set of files has changed: there may be something to compact."""
        if self._core.options.background:
            self._compaction_wanted.set()
        else:
            self._compact_due()

    # ------------------------------------------------------------------------------- on demand

    def flush(self) -> None:
        """Flush all that is immutable, in the calling thread."""
        try:
            while self._flush_one():
                self.look_for_work()
        except Error as error:
            self._core.fail(error)
            raise

    def compact(self, table_id: int | None = None) -> None:
        """Merge each table (or one) into its deepest level, and see to the levels' sizes."""
        core = self._core
        with self.compaction_lock:
            drop_files_of_unknown_tables(core)
            for number in [table_id] if table_id is not None else list(core.version.tables):
                job = compact_all(number, core.version.table(number))
                if job is not None:
                    run_job(core, job)
        self._compact_due()
