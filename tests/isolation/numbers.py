"""Which numbers the engine gives to the commits of each thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import lsmsql


class CommitNumbers:
    """Listens to the core of a store, which numbers commits, and files that are ingested."""

    def __init__(self, store: lsmsql.Store) -> None:
        self._core = core = store.core
        self._own = threading.local()
        core.commit = self._noted(core.commit)  # type: ignore[method-assign]
        core.commit_one = self._noted(core.commit_one)  # type: ignore[method-assign]
        self._install = core.install
        core.install = self._noted_install  # type: ignore[method-assign]

    def _noted(self, commit: Callable[..., int]) -> Callable[..., int]:
        def noting(*args: Any) -> int:
            before = self._core.sequence
            number = commit(*args)
            if number != before:
                self._own.newest = number
            return number

        return noting

    def _noted_install(self, *args: Any, **kwargs: Any) -> None:
        self._install(*args, **kwargs)
        if kwargs.get("publish") is not None:
            self._own.newest = kwargs["publish"]

    @property
    def published(self) -> int:
        """The number of the newest commit that readers see."""
        return self._core.snapshots.published

    def take(self) -> int | None:
        """That of the newest commit of this thread, once."""
        newest: int | None = getattr(self._own, "newest", None)
        self._own.newest = None
        return newest
