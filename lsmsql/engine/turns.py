"""Taking turns at work that one may do for all: the lock of a group commit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class Turns:
    """A lock. Whoever wants something done waits for his turn, or until another has done it.

    All who wait are woken at the end of a turn. With a plain lock each would have to take it just
    to see that nothing is left to do, and the first one to whom something is left would keep the
    others waiting for the length of another turn.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Condition(threading.Lock())
        self._turns = 0

    def take_unless(self, done: Callable[[], bool]) -> bool:
        """Take the lock, and return True; or False as soon as it is done."""
        while not done():
            turns = self._turns
            if self._lock.acquire(blocking=False):
                return True
            with self._ended:
                while self._turns == turns:
                    self._ended.wait()
        return False

    def release(self) -> None:
        """Let others have their turn."""
        self._lock.release()
        with self._ended:
            self._turns += 1
            self._ended.notify_all()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
