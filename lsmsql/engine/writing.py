"""The log of an open store: who may append to it, and when what is in it is on the disk.

    check_writable   closed, open for reading only, or failed: no
    admit            also waits while another transaction has the writer's place
    settle           group commit (mode "full"): one sync for all who commit at the same time
    fail             a write has failed: no more of them

Thread rules: see ``core``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NoReturn

from lsmsql.engine.errors import FailedError, ReadOnlyError
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.live import Live
from lsmsql.engine.options import Options
from lsmsql.engine.place import Holder, WriterPlace
from lsmsql.engine.turns import Turns
from lsmsql.engine.wal.writer import LogWriter

_LOOKS = 30
"""How often one who would have to wait for ``write_lock`` looks again before he does."""


class Writing(Live):
    """What writers need. ``log`` is None in a store open for reading."""

    def __init__(self, filesystem: FileSystem, path: str, options: Options) -> None:
        super().__init__(filesystem, path, options)
        self.sequence = 0
        """That of the newest commit. Others see it once it is published."""
        self.log: LogWriter | None = None
        self.writable = False
        """Whether anybody may commit now. If not, ``admit`` tells why, or waits."""
        self.failure: BaseException | None = None
        self.committing = False
        """Whether somebody is at a commit now, and will not be for long."""
        self.syncs = options.sync == "full"
        """Whether a commit is published only when ``settle`` has made it durable."""
        self._make_locks()
        self._sync_seconds = 0.0
        self._served = 0
        """How long the last sync took, and how many commits it was for."""

    def _make_locks(self) -> None:
        self.write_lock = threading.RLock()
        self.place = WriterPlace(self.write_lock, self.options.busy_timeout)
        self.room = threading.Condition(threading.Lock())
        """Notified whenever background work has made room for writers."""
        self._sync_lock = Turns()

    def end(self) -> None:
        super().end()
        self.writable = False

    def orphan(self) -> None:
        super().orphan()
        self._make_locks()

    # ------------------------------------------------------------------------------- who may

    def check_writable(self) -> None:
        """Raise ClosedError, ReadOnlyError, or FailedError if a write has failed before."""
        if self.writable:
            return
        self.check_open()
        if self.log is None:
            raise ReadOnlyError(f'the store {self.path} was opened with mode="r"')
        if self.failure is not None:
            self._refuse(self.failure)

    def queue(self) -> None:
        """Wait for a moment in which nobody commits, before ``write_lock`` is taken.

        Whoever waits for a lock gets it without the interpreter. The one who has that comes to the
        lock again before, finds it taken, and must wait in turn: two changes of threads for each
        commit, from then on (a lock convoy). So at first only the interpreter is let go of.
        """
        for _ in range(_LOOKS):
            time.sleep(0)
            if not self.committing:
                return

    def admit(self, holder: Holder | None = None) -> None:
        """Before a commit: ``check_writable``, and wait until nobody else has the writer's place.

        The caller holds ``write_lock``, and nothing that others wait for. Raises BusyError.
        """
        if not self.writable:
            self.check_writable()
            self.place.admit(holder)
            self.check_writable()
            self.writable = self.place.holder is None

    def take_place(self, holder: Holder) -> None:
        """Let nobody but ``holder`` commit from now on. What was committed before is published.

        Raises BusyError, and as ``check_writable``.
        """
        with self.write_lock:
            self.admit(holder)
            self.place.take(holder)
            self.writable = False
        try:
            self.settle(self.sequence)
        except BaseException:
            self.free_place(holder)
            raise

    def free_place(self, holder: Holder) -> None:
        """Let others commit again, if ``holder`` has had the place."""
        with self.write_lock:
            self.place.free(holder)
            self.writable = self._takes_writes and self.place.holder is None

    @property
    def _takes_writes(self) -> bool:
        return not self.closed and self.log is not None and self.failure is None

    def _refuse(self, failure: BaseException) -> NoReturn:
        raise FailedError(
            f"the store {self.path} takes no more writes since one failed: {failure};"
            " close it and open it again"
        ) from failure

    # ------------------------------------------------------------------------------- failure

    def fail(self, error: BaseException) -> None:
        """Refuse all further writes: it is not known any more what is on the disk."""
        self.failure = self.failure or error
        self.writable = False
        with self.room:
            self.room.notify_all()

    def _or_fail(self, work: Callable[[], None]) -> None:
        """Do what the store takes no more writes without."""
        try:
            work()
        except BaseException as error:
            self.fail(error)
            raise

    # ------------------------------------------------------------------------------- sync

    def settle(self, sequence: int) -> None:
        """Return when a commit is on the disk, as mode "full" promises, and readers see it.

        Group commit: the caller holds no lock, so others commit while one syncs, and the next sync
        is for all of them. Raises StorageError if the sync fails, FailedError if it cannot be made
        because a write has failed; it is not known then whether the commit is on the disk.
        """
        if not self.syncs or not self._sync_lock.take_unless(
            lambda: self.snapshots.published >= sequence
        ):
            return
        try:
            if self.snapshots.published < sequence:
                if self.failure is not None:
                    self._refuse(self.failure)
                self._gather()
                self._sync_log()
        finally:
            self._sync_lock.release()

    def _gather(self) -> None:
        """Wait for those who have just been served, and are about to commit again, to take part.

        For as many as there were, and no longer than half the time of a sync.
        """
        until = time.perf_counter() + self._sync_seconds / 2
        while self.sequence < self.snapshots.published + self._served:
            if time.perf_counter() > until:
                break
            time.sleep(0)

    def sync_log(self) -> None:
        """Have all commits on the disk. Raises StorageError; the store refuses writes then."""
        with self._sync_lock:
            if self.log is not None and (self.log.unsynced or self.syncs):
                self._sync_log()

    def _sync_log(self) -> None:
        """Sync the log; what is in it is published. The caller holds ``_sync_lock``."""
        sequence, log, began = self.sequence, self.log, time.perf_counter()
        assert log is not None
        self._or_fail(log.sync)
        self.counters.log_syncs += 1
        if self.syncs:
            self._sync_seconds = time.perf_counter() - began
            self._served = sequence - self.snapshots.published
            self.snapshots.published = max(self.snapshots.published, sequence)
