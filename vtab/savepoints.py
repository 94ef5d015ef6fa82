"""Where in a transaction its savepoints are.

SQLite numbers the open savepoints of a connection: those of the user, and behind them one for a
statement that changes several rows. It tells a table of a savepoint when it is made, if the table
has been written to in the transaction, and of the topmost one when the table is first written to.
A point of the transaction is a step of its write set.

A statement that fails because a Python exception was raised leaves its savepoint open: apsw then
calls neither RollbackTo nor Release. So whatever was made by the statement before is looked at when
the next one begins. A savepoint of the user has nothing behind it then. If there are changes behind
it, it is one of a statement that has failed, and they are taken back. When a table is first written
to, it may be told of an older savepoint of the user. There, if the statement did not fail, it has
counted the row it has changed.
"""

from __future__ import annotations

from dataclasses import dataclass

OUTERMOST = -1
"""The number of the savepoint that has opened the transaction; no table is told of it."""


class Savepoints:
    """The open savepoints of one table. ``start`` is the step at which it was first written to."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._steps: dict[int, int] = {}

    def add(self, level: int, step: int) -> None:
        """A savepoint is made."""
        self.release(level)
        self._steps[level] = step

    def release(self, level: int) -> None:
        """The savepoint ``level`` and all behind it are no more."""
        self._steps = {n: step for n, step in self._steps.items() if n < level}

    def step_of(self, level: int) -> int:
        """The step to go back to for ``ROLLBACK TO`` the savepoint ``level``.

        One that the table was not told of was made before the table was first written to.
        """
        return self._steps.get(level, self._start)


@dataclass(frozen=True)
class Mark:
    """A savepoint that may be that of a running or failed statement.

    ``changes`` is given if it may as well be an older one of the user, and the statement one of a
    single row: the connection's count of rows changed by statements that did not fail.
    """

    step: int
    changes: int | None


class Unfinished:
    """The savepoints that tables were told of since the last statement began, or by one it runs."""

    def __init__(self) -> None:
        self._marks: dict[int, Mark] = {}

    def __bool__(self) -> bool:
        return bool(self._marks)

    def add(self, level: int, mark: Mark) -> None:
        """A savepoint is made."""
        self._marks[level] = mark

    def made_before(self, level: int) -> int | None:
        """The step of the savepoint that had this number before: one of a failed statement.

        If several tables tell of one savepoint, nothing lies between.
        """
        mark = self._marks.get(level)
        return None if mark is None else mark.step

    def drop(self, level: int) -> None:
        """The savepoint ``level`` and all behind it are no more."""
        self._marks = {n: mark for n, mark in self._marks.items() if n < level}

    def keep_newest(self) -> None:
        """What the newest one's statement has changed is to stay."""
        if self._marks:
            del self._marks[max(self._marks)]

    def finish(self, changes: int) -> int | None:
        """Forget all of them: the step to go back to, because what lies behind it has failed."""
        marks, self._marks = self._marks, {}
        steps = [m.step for m in marks.values() if m.changes is None or m.changes == changes]
        return min(steps, default=None)
