"""Where in a transaction its savepoints are, as one virtual table is told of them.

SQLite numbers the open savepoints of a connection: those of the user, and behind them one for a
statement that changes several rows. It tells a table of a savepoint when it is made, if the table
has been written to in the transaction, and of the topmost one when the table is first written to.

A statement that fails because a Python exception was raised leaves its savepoint open: apsw then
calls neither RollbackTo nor Release. That it is left over shows when a savepoint of the same number
is made again, or at the end of the transaction; then what the statement did is taken back. Nothing
is taken back if other statements have changed rows since: ``changes`` is the connection's count of
rows changed by statements that did not fail.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """A savepoint: the step of the write set, and ``changes``, when it was made."""

    step: int
    changes: int


class Savepoints:
    """The open savepoints of one table. ``start`` is the step at which it was first written to."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._marks: dict[int, Mark] = {}

    def add(self, level: int, mark: Mark) -> None:
        """A savepoint is made."""
        self.release(level)
        self._marks[level] = mark

    def at(self, level: int) -> Mark | None:
        """The open savepoint of that number. If a new one gets it, a failed statement left it."""
        return self._marks.get(level)

    def release(self, level: int) -> None:
        """The savepoint ``level`` and all behind it are no more."""
        self._marks = {n: m for n, m in self._marks.items() if n < level}

    def step_of(self, level: int) -> int:
        """The step to go back to for ``ROLLBACK TO`` the savepoint ``level``.

        One that the table was not told of was made before the table was first written to.
        """
        mark = self._marks.get(level)
        return self._start if mark is None else mark.step

    def top(self) -> Mark | None:
        """The newest open savepoint."""
        return self._marks[max(self._marks)] if self._marks else None
