"""Ctrl-C and SIGTERM.

While a statement runs, Ctrl-C asks SQLite to stop at its next step; an exception in the middle of
the engine's work could leave it half done. SQLite calls back now and then, because Python sees a
signal only when it runs itself. The third Ctrl-C raises KeyboardInterrupt wherever we are.
SIGTERM stops the statement in the same way and then the shell, which closes the store.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import apsw

_STEPS_BETWEEN_CALLS = 50_000
"""Steps of SQLite's virtual machine, about a millisecond."""

_PATIENCE = 3


class Signals:
    """What was asked for while a statement ran. Does nothing outside of the main thread."""

    def __init__(self) -> None:
        self._running: apsw.Connection | None = None
        self._interrupts = 0
        self._terminated = False

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Our handlers for the time of the block."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous: dict[int, Any] = {}
        try:
            previous[signal.SIGINT] = signal.signal(signal.SIGINT, self._on_interrupt)
            previous[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._on_terminate)
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def running(self, connection: apsw.Connection) -> Iterator[None]:
        """A statement or command runs in the block: signals wait until SQLite looks.

        Raises KeyboardInterrupt at the end if the block did not see that it was interrupted, and
        SystemExit after SIGTERM.
        """
        if self._running is not None:  # a statement of a command, such as .read
            yield
            return
        self._running, self._interrupts = connection, 0
        connection.set_progress_handler(_keep_going, _STEPS_BETWEEN_CALLS)
        try:
            yield
            self.check()
        finally:
            self._running = None
            if self._terminated:
                raise SystemExit(128 + signal.SIGTERM)

    def check(self) -> None:
        """Raise KeyboardInterrupt if somebody asked for it; for loops that SQLite does not run."""
        if self._interrupts or self._terminated:
            raise KeyboardInterrupt

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupts += 1
        if self._running is None or self._interrupts >= _PATIENCE:
            raise KeyboardInterrupt
        self._stop_statement(self._running)

    def _on_terminate(self, number: int, frame: FrameType | None) -> None:
        if self._running is None:
            raise SystemExit(128 + number)
        self._terminated = True
        self._stop_statement(self._running)

    def _stop_statement(self, connection: apsw.Connection) -> None:
        with contextlib.suppress(apsw.ConnectionClosedError):  # .open has closed it
            connection.interrupt()


def _keep_going() -> bool:
    return False
