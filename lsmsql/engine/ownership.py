"""Who may write to a store: one process at a time, and not the processes that it forks off.

A lock is waited for, as it goes with its holder: a process that is killed blocks nobody. Within a
process nobody waits, who would mostly wait for himself.

A process that is forked off has a copy of every open store, with handles on the same files and the
lock, but without the threads that work on it. There each of them becomes an orphan: using it raises
ClosedError, and its lock is let go of, which is still the parent's.
"""

from __future__ import annotations

import os
import time
import weakref

from lsmsql.engine.core import Core
from lsmsql.engine.errors import BusyError
from lsmsql.engine.filesystem import Lock

LOCK = "LOCK"

_PAUSE, _LONGEST_PAUSE = 0.001, 0.05

_locks: weakref.WeakKeyDictionary[Core, Lock | None] = weakref.WeakKeyDictionary()
"""The open stores of this process, and the locks of those that are open for writing."""


def take_ownership(core: Core) -> Lock:
    """Lock the store for writing, for which ``busy_timeout`` seconds are waited.

    Raises BusyError, which names the process that has it, and StorageError.
    """
    deadline = time.monotonic() + core.options.busy_timeout
    pause = _PAUSE
    while True:
        try:
            lock = core.filesystem.lock(core.file_path(LOCK), str(os.getpid()))
        except BusyError as error:
            left = deadline - time.monotonic()
            if _is_ours(core, error.owner):
                problem = (
                    f"this process ({error.owner}) has the store {core.path} open for writing"
                    ' already; threads may share one store, and mode "r" reads beside it'
                )
                raise BusyError(problem, error.owner) from error
            if left <= 0:
                raise BusyError(_held(core, error.owner), error.owner) from error
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            watch_forks(core, lock)
            return lock


def _is_ours(core: Core, owner: str) -> bool:
    if owner != str(os.getpid()):
        return False
    real = os.path.realpath(core.path)
    return any(
        lock is not None and not other.closed and os.path.realpath(other.path) == real
        for other, lock in list(_locks.items())
    )


def _held(core: Core, owner: str) -> str:
    who = f"process {owner}" if owner else "another process"
    waited = f"; waited for {core.options.busy_timeout:g} s" if core.options.busy_timeout else ""
    return f'{who} has the store {core.path} open for writing{waited}; mode "r" reads beside it'


def watch_forks(core: Core, lock: Lock | None) -> None:
    """Make an orphan of the store in processes that are forked off."""
    _locks[core] = lock


def _orphan_all() -> None:
    for core, lock in list(_locks.items()):
        core.orphan()
        if lock is not None:
            lock.release()
    _locks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_orphan_all)
