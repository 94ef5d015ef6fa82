"""Where jobs are done: large ones in a process beside this one, the others here.

Threads share one interpreter. While the application runs Python code, a thread that comes back
from a kernel waits up to 5 ms for its turn, a few times for every block; and its own Python code
stops the application's. A process of its own is free of both. It costs about 0.3 s and 70 MB,
once, so it is started only when a job that is worth it is to be expected, and soon enough to be
ready when it comes.

    thread of the store                        worker
    ───────────────────                        ──────
    Job ─────────────────────────────────────▶ merge, write part files, sync them
    give the files their names, sync the   ◀── Outcome
    directory; then the manifest

If a worker cannot be started or dies, the job is done here, and so is every other one of this
store from then on.

Threads: any number may run jobs; as many workers are there as jobs were under way at once, or
expected to be.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Sequence
from functools import partial

from lsmsql.engine.background.job import Job, Outcome
from lsmsql.engine.background.process import WorkerLostError, WorkerProcess, can_start
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import Error, StorageError
from lsmsql.engine.filesystem import FileSystem, OsFileSystem
from lsmsql.engine.options import Options
from lsmsql.engine.together import together

MIN_BYTES = 4 << 20
"""A smaller job is done here: it takes some tens of milliseconds, a worker's start about 300, and
stores that stay small start nothing. (A job's way through the pipes takes 0.2 ms.)"""


class Executor:
    """Carries out the jobs of one store."""

    def __init__(self, filesystem: FileSystem, options: Options, counters: Counters) -> None:
        self._filesystem = filesystem
        self._counters = counters
        self._lock = threading.Lock()
        self._idle: list[WorkerProcess] = []
        self._busy = 0
        # Only the real disk looks the same from another process.
        self._may_start = (
            options.background
            and options.compaction_process
            and type(filesystem) is OsFileSystem
            and can_start()
        )

    def expect(self, jobs: int, nbytes: int) -> None:
        """So many jobs, of about ``nbytes`` each, may soon be under way at once.

        Starts what workers they need. Returns at once.
        """
        if nbytes < MIN_BYTES:
            return
        with contextlib.suppress(WorkerLostError), self._lock:  # the job itself will notice
            while self._may_start and len(self._idle) + self._busy < jobs:
                self._idle.insert(0, WorkerProcess())

    def run(self, job: Job) -> Outcome:
        """Carry out a job. The new files, and their names, are on the disk on return.

        Raises StorageError, CorruptionError; nothing has changed then.
        """
        worth = job.nbytes >= MIN_BYTES and self._may_start
        outcome = self._run_beside(job) if worth else None
        if outcome is None:
            outcome = job.execute(self._filesystem)
        self._name_files(job, outcome)
        with self._lock:
            self._counters.blocks_read += outcome.blocks_read
            self._counters.block_bytes_read += outcome.block_bytes_read
        return outcome

    def run_all(self, jobs: Sequence[Job]) -> list[Outcome]:
        """``run`` for jobs of one store, at the same time: all of them, or none."""

        def undo(outcome: Outcome) -> None:
            self._remove(map(jobs[0].file_path, _numbers(outcome)))

        return together([partial(self.run, job) for job in jobs], undo)

    # ------------------------------------------------------------------------------- workers

    def _run_beside(self, job: Job) -> Outcome | None:
        """Have a worker do the job; None if there is no worker, or it is lost."""
        worker: WorkerProcess | None = None
        try:
            worker = self._take()
            outcome = worker.run(job)
        except WorkerLostError:
            self._counters.worker_failures += 1
            self.close()
            self._give_up(job, worker)
            return None
        except Error:  # the worker's answer: it is ready for the next job
            assert worker is not None
            self._give_back(worker)
            raise
        except BaseException:
            self._give_up(job, worker)
            raise
        self._give_back(worker)
        with self._lock:
            self._counters.worker_jobs += 1
        return outcome

    def _take(self) -> WorkerProcess:
        with self._lock:
            worker = self._idle.pop() if self._idle else WorkerProcess()
            self._busy += 1
            return worker

    def _give_back(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._busy -= 1
            if self._may_start:
                self._idle.append(worker)
                return
        worker.close()

    def _give_up(self, job: Job, worker: WorkerProcess | None) -> None:
        """End a worker in the midst of a job, and remove what it has written."""
        if worker is not None:
            worker.kill()
            with self._lock:
                self._busy -= 1
        for number in job.numbers:
            if self._filesystem.exists(job.part_path(number)):
                self._filesystem.remove(job.part_path(number))

    def close(self) -> None:
        """End the workers. Jobs may still be run: here."""
        with self._lock:
            self._may_start = False
            workers, self._idle = self._idle, []
        for worker in workers:
            worker.close()

    # ------------------------------------------------------------------------------- names

    def _name_files(self, job: Job, outcome: Outcome) -> None:
        numbers = _numbers(outcome)
        try:
            for number in numbers:
                self._filesystem.rename(job.part_path(number), job.file_path(number))
            if numbers:
                self._filesystem.sync_directory(job.directory)
        except BaseException:
            self._remove(place(n) for n in numbers for place in (job.part_path, job.file_path))
            raise

    def _remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            with contextlib.suppress(StorageError):
                self._filesystem.remove(path)


def _numbers(outcome: Outcome) -> list[int]:
    return [meta.number for meta in outcome.files]
