"""Faults a layer below: calls of the operating system that fail, under the real file system."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

from lsmsql.engine.filesystem import disk, files, mapped, system

CALLS = frozenset(
    {
        "open",
        "close",
        "write",
        "pread",
        "fsync",
        "fstat",
        "ftruncate",
        "posix_fallocate",
        "replace",
        "remove",
        "listdir",
        "makedirs",
    }
)
"""What may fail."""


class FaultyOs:
    """The module ``os``, but for call number ``at`` of CALLS, which raises OSError."""

    def __init__(self, at: int, number: int) -> None:
        self._at = at
        self._number = number
        self.count = 0
        self.failed: list[str] = []

    def __getattr__(self, name: str) -> Any:
        value = getattr(os, name)
        return self.faulty(name, value) if name in CALLS else value

    def faulty(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` as one of the calls. A descriptor that cannot be closed is closed."""

        def call(*arguments: Any, **named: Any) -> Any:
            number = self.count
            self.count += 1
            if number != self._at:
                return function(*arguments, **named)
            self.failed.append(f"{name}{arguments[:1]}")
            if name == "close":
                function(*arguments)
            raise OSError(self._number, os.strerror(self._number))

        return call

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Let the file system call this."""
        with contextlib.ExitStack() as stack:
            for module in (disk, files, mapped, system):
                stack.enter_context(patch.object(module, "os", self))
            sync = self.faulty("fsync", system.sync_file)
            stack.enter_context(patch.object(files, "sync_file", sync))
            yield
