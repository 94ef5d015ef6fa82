"""The stores that the connections of this process have open.

A store has one writer. So all connections to one path share one open store, which is closed with
the last of them. Those for reading share another, which follows the first as a reader in another
process would.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lsmsql.dbapi.errors import ProgrammingError
from lsmsql.engine.options import make_options
from lsmsql.engine.store import Store, absolute_path, open_store

MEMORY = ":memory:"


@dataclass(frozen=True)
class Lease:
    """An open store, and what to call when the connection is closed."""

    store: Store
    release: Callable[[], None]


class _Shared:
    """The store at one path, and how many connections use it or are about to."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.store: Store | None = None
        self.users = 0


_lock = threading.Lock()
_shared: dict[tuple[str, str], _Shared] = {}
_abandoned: deque[Callable[[], None]] = deque()
"""What closes connections that nobody has closed: a garbage collection, which may come while an
engine's lock is held, is no time to do it."""


def borrow(store: Store) -> Lease:
    """The lease of a store that stays open."""
    return Lease(store, lambda: None)


def lease(
    path: str | os.PathLike[str], mode: str, timeout: float, options: dict[str, Any]
) -> Lease:
    """The store at ``path``, opened if no connection has it open.

    ":memory:" is a new one each time, in a temporary directory that goes with it. Raises
    ProgrammingError if it is open with other options, and as ``lsmsql.open``.
    """
    close_abandoned()
    if path == MEMORY:
        return _temporary(mode, timeout, options)
    key = os.path.realpath(absolute_path(path)), mode
    with _lock:
        shared = _shared.setdefault(key, _Shared())
        shared.users += 1
    try:
        with shared.lock:
            if shared.store is None or shared.store.core.closed:
                shared.store = open_store(path, mode, busy_timeout=timeout, **options)
            else:
                _check_options(shared.store, options)
            return Lease(shared.store, lambda: _release(key, shared))
    except BaseException:
        _release(key, shared)
        raise


def _temporary(mode: str, timeout: float, options: dict[str, Any]) -> Lease:
    folder = tempfile.TemporaryDirectory(prefix="lsmsql-", ignore_cleanup_errors=True)
    try:
        store = open_store(folder.name, mode, busy_timeout=timeout, **{"sync": "off", **options})
    except BaseException:
        folder.cleanup()
        raise

    def release() -> None:
        try:
            store.close()
        finally:
            folder.cleanup()

    return Lease(store, release)


def _check_options(store: Store, options: dict[str, Any]) -> None:
    wanted, given = make_options(**options), store.core.options
    for name in options:
        ours, theirs = getattr(given, name), getattr(wanted, name)
        if ours != theirs:
            raise ProgrammingError(
                f"this process has {store.path} open with {name}={ours!r}, not {theirs!r};"
                " connections to one store share its options"
            )


def _release(key: tuple[str, str], shared: _Shared) -> None:
    with shared.lock:
        with _lock:
            shared.users -= 1
            last = shared.users == 0
        if last and shared.store is not None:
            store, shared.store = shared.store, None
            store.close()
    with _lock:
        if not shared.users and _shared.get(key) is shared:
            del _shared[key]


def abandon(close: Callable[[], None]) -> None:
    """A connection was not closed, and is no more: ``close`` is called at the next opportunity."""
    _abandoned.append(close)


def close_abandoned() -> None:
    """Close what was abandoned."""
    while _abandoned:
        try:
            close = _abandoned.popleft()
        except IndexError:  # another thread was faster
            return
        close()


def _forget() -> None:
    """After a fork: the stores are those of the parent."""
    global _lock
    _lock = threading.Lock()
    _shared.clear()
    _abandoned.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
