"""The writer's place, which a transaction may take for as long as it goes on.

Those who commit take turns by a lock, and have it for moments only. While somebody has the place,
only he may commit; the others wait without the lock.

    take       before anything is read: nobody else commits from then on
    admit      by whoever has the lock and is about to commit: waits until the place is free

A holder that is gone without having given the place back has lost it.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Protocol

from lsmsql.engine.errors import BusyError

_LOOK_SECONDS = 0.02
"""How often those who wait look whether the holder is still there."""


class Holder(Protocol):
    """Who has the writer's place, or wants it."""

    def holds_place(self) -> bool:
        """Whether what it was taken for still goes on. Asked by other threads."""


class WriterPlace:
    """Belongs to one holder at a time, or to nobody. ``lock`` is what writers take turns by."""

    def __init__(self, lock: threading.RLock, timeout: float) -> None:
        self._freed = threading.Condition(lock)
        self._timeout = timeout
        self._holder: Callable[[], Holder | None] = lambda: None

    @property
    def holder(self) -> Holder | None:
        """Who has the place. It is held weakly: one that nobody has any more lets go of it."""
        return self._holder()

    def take(self, holder: Holder) -> None:
        """Take the place. The caller has the lock.

        Raises BusyError if somebody else has it, and still does after the timeout.
        """
        self.admit(holder)
        self._holder = weakref.ref(holder)

    def admit(self, holder: Holder | None = None) -> None:
        """Return when nobody but ``holder`` has the place. The caller has the lock, once.

        Raises BusyError.
        """
        until = time.monotonic() + self._timeout
        while (present := self.holder) is not None and present is not holder:
            if not present.holds_place():
                self._holder = lambda: None
                return
            del present
            left = until - time.monotonic()
            if left <= 0:
                raise BusyError(
                    "another transaction has the writer's place, and has not given it back within"
                    f" {self._timeout:g} s (busy_timeout); end it, or try again"
                )
            self._freed.wait(min(left, _LOOK_SECONDS))

    def free(self, holder: Holder) -> None:
        """Give the place back, if ``holder`` has it. The caller has the lock."""
        if self.holder is holder:
            self._holder = lambda: None
            self._freed.notify_all()
