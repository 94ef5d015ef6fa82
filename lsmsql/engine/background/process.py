"""A worker as the store's process sees it.

It is started as a program of its own, not forked: a fork of a process with threads may inherit
locks that nobody will release. It has no handles but its pipes, finds modules where this process
finds them, and is no member of the terminal's foreground: Ctrl-C is the application's to handle.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from typing import IO

import msgspec

from lsmsql.engine.background import wire
from lsmsql.engine.background.failure import Failure, rebuild
from lsmsql.engine.background.job import Job, Outcome
from lsmsql.engine.sstable.writer import CREATOR

_MODULE = "lsmsql.engine.background.worker"
_START_SECONDS = 60.0
"""A worker that has not said hello by then is none (imports take about 0.3 s)."""
_END_SECONDS = 5.0

_decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
_decode_failure = msgspec.msgpack.Decoder(Failure).decode


class WorkerLostError(Exception):
    """The worker could not be started, has died, or answers what is no answer."""


def can_start() -> bool:
    """Whether there is an interpreter to start: not within an application that embeds or is one."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


class WorkerProcess:
    """A running worker. One thread at a time."""

    def __init__(self) -> None:
        """Start it, without waiting until it is ready. Raises WorkerLostError."""
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-P", "-m", _MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(p or os.curdir for p in sys.path)},
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except (OSError, ValueError) as error:
            raise WorkerLostError(f"cannot start {sys.executable}: {error}") from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to: IO[bytes] = self._process.stdin
        self._from: IO[bytes] = self._process.stdout
        self._ready = False

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    def _await_hello(self) -> None:
        impatience = threading.Timer(_START_SECONDS, self._process.kill)
        impatience.start()
        try:
            hello = wire.receive(self._from)
        except (EOFError, OSError, OverflowError, MemoryError) as error:
            raise WorkerLostError("the worker does not start") from error
        finally:
            impatience.cancel()
        if hello != (wire.HELLO, CREATOR.encode()):
            raise WorkerLostError(f"the worker is not {CREATOR}")
        self._ready = True

    def run(self, job: Job) -> Outcome:
        """Have ``job`` done. Raises the job's own error, or WorkerLostError."""
        if not self._ready:
            self._await_hello()
        try:
            wire.send(self._to, wire.JOB, wire.encode(job))
            kind, body = wire.receive(self._from)
            answer = _decode_outcome(body) if kind == wire.OUTCOME else _decode_failure(body)
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            raise WorkerLostError("the worker has died") from error
        if isinstance(answer, Failure):
            raise rebuild(answer)
        return answer

    def close(self) -> None:
        """End the worker, which does nothing just now, and wait for it."""
        if not self._ready:  # it would first finish its imports
            self._process.kill()
        with contextlib.suppress(OSError):
            self._to.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._from.close()

    def kill(self) -> None:
        """End the worker, whatever it is at, and wait for it."""
        self._process.kill()
        self.close()
