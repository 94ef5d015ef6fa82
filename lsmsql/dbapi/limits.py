"""How much a statement of a stranger may take: time, rows, memory.

SQLite asks every few instructions whether to go on. The time between two rows that the program
fetches does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Any, Final

import apsw

from lsmsql.dbapi.errors import OperationalError, ProgrammingError
from lsmsql.engine.values import Row
from lsmsql.engine.writeset import WriteSet

INSTRUCTIONS: Final = 50
"""After so many SQLite asks: one function on values of the greatest length may take 15 ms."""

_OVERHEAD: Final = 50
"""About what a value takes in Python, in bytes, beside its contents."""

SQLITE_LIMITS: Final = {
    apsw.SQLITE_LIMIT_LENGTH: 100_000,
    apsw.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    apsw.SQLITE_LIMIT_EXPR_DEPTH: 100,
    apsw.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    apsw.SQLITE_LIMIT_VDBE_OP: 250_000,
    apsw.SQLITE_LIMIT_FUNCTION_ARG: 100,
    apsw.SQLITE_LIMIT_ATTACHED: 0,
    apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 100,
    apsw.SQLITE_LIMIT_VARIABLE_NUMBER: 1_000,
    apsw.SQLITE_LIMIT_TRIGGER_DEPTH: 10,
    apsw.SQLITE_LIMIT_WORKER_THREADS: 0,
}
"""What SQLite itself sees to. The longest value in bytes, the longest statement, ..."""


@dataclass(frozen=True)
class Limits:
    """What one statement may take: ``seconds`` of time, ``rows`` that it gives, and ``memory`` in
    bytes: of SQLite, of the rows, and of the changes that are not committed yet.

    Raises ProgrammingError for what is no such number.
    """

    seconds: float = 5.0
    rows: int = 100_000
    memory: int = 64 << 20

    def __post_init__(self) -> None:
        for name in ("seconds", "rows", "memory"):
            value = getattr(self, name)
            wanted = (int, float) if name == "seconds" else (int,)
            if type(value) not in wanted or not value > 0:
                kind = "a number" if name == "seconds" else "an int"
                raise ProgrammingError(f"max_{name} must be {kind} above 0, not {value!r}")


class Watch:
    """The limits of a connection, and which statement runs in it now."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.running: Meter | None = None

    def stops(self) -> bool:
        """SQLite's question whether the running statement must end."""
        return self.running is not None and self.running.stops()


class Meter:
    """What one statement has taken so far. A context manager of each stretch in which it runs.

    Raises OperationalError at the end of a stretch in which it was stopped.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._limits = limits = watch.limits
        self._memory = apsw.memory_used()
        self._deadline = 0.0
        self._left = limits.seconds
        self._rows = self._bytes = 0
        self._exceeded: str | None = None
        self._outer: Meter | None = None

    def __enter__(self) -> None:
        self._outer, self._watch.running = self._watch.running, self
        self._deadline = monotonic() + self._left

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left = self._deadline - monotonic()
        self._watch.running, self._outer = self._outer, None
        if self._exceeded is not None and isinstance(error, apsw.Error):
            raise OperationalError(self._exceeded) from None

    def stops(self) -> bool:
        """Whether the statement has taken more time or memory than it may."""
        limits = self._limits
        if monotonic() > self._deadline:
            self._exceeded = f"the statement takes longer than max_seconds={limits.seconds}"
        elif apsw.memory_used() - self._memory > limits.memory:
            self._exceeded = f"the statement takes more than max_memory={limits.memory} bytes"
        return self._exceeded is not None

    def count(self, row: Sequence[Any]) -> None:
        """The statement has given a row. Raises OperationalError if that is one too many."""
        limits = self._limits
        self._rows += 1
        if self._rows > limits.rows:
            raise OperationalError(f"the statement gives more than max_rows={limits.rows} rows")
        self._bytes += size_of(row)
        if self._bytes > limits.memory:
            raise OperationalError(f"the rows take more than max_memory={limits.memory} bytes")


class BoundedWriteSet(WriteSet):
    """Uncommitted changes that take a limited number of bytes.

    ``put`` raises OperationalError beyond that.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._bytes = 0

    def put(self, table_id: int, key: bytes, row: Row | None) -> None:
        """Set the payload of ``key``, or with None delete it."""
        self._bytes += len(key) + _OVERHEAD + (0 if row is None else size_of(row))
        if self._bytes > self._limit:
            raise OperationalError(
                f"the changes of the transaction take more than max_memory={self._limit} bytes"
            )
        super().put(table_id, key, row)


def size_of(row: Sequence[Any]) -> int:
    """About how many bytes a row takes."""
    size = _OVERHEAD * len(row)
    for value in row:
        if isinstance(value, str | bytes):
            size += len(value)
    return size
