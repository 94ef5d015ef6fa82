"""Where in a transaction its savepoints are.

SQLite numbers the open savepoints of a connection: those of the user, and behind them one for a
statement that changes several rows. It tells a table of a savepoint when it is made, if the table
has been written to in the transaction, and of the topmost one when the table is first written to.
A point of the transaction is a step of its write set.

A statement that fails because a Python exception was raised leaves its savepoint open: apsw then
calls neither RollbackTo nor Release. If a table has raised it, it knows. For the exceptions of
others, whatever was made by the statement before is looked at when the next one begins. A savepoint
of the user has nothing behind it then. If there are changes behind it, it is one of a statement
that has failed, and they are taken back. When a table is first written to, it may be told of an
older savepoint of the user. There, if the statement did not fail, it has counted the row it has
changed.
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

    def may_be_late(self, step: int) -> bool:
        """Whether a savepoint that the table is told of at ``step`` may be an older one."""
        return step == self._start and not self._steps

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
    """The savepoints that tables were told of since the last statement began, or by one it runs.

    A statement is run by another one if a function of the user does so.
    """

    def __init__(self) -> None:
        self._marks: dict[int, Mark] = {}
        self._outer: list[int] = []
        """For each statement that another one runs, the newest savepoint when it began."""

    def __bool__(self) -> bool:
        return bool(self._marks)

    def add(self, level: int, mark: Mark) -> int:
        """A table is told of a savepoint: the step at which it was made.

        Several tables are told of each, before anything is changed. So if there are changes behind
        one of the same number, that was another one, and its statement has failed.
        """
        return self._marks.setdefault(level, mark).step

    def drop(self, level: int) -> None:
        """The savepoint ``level`` and all behind it are no more."""
        self._marks = {n: mark for n, mark in self._marks.items() if n < level}

    def begin_inner(self) -> None:
        """A statement begins that another one runs."""
        self._outer.append(max(self._marks, default=OUTERMOST))

    def end_inner(self, changes: int) -> int | None:
        """It ends: the step to go back to if it has failed. ``changes``: see ``Mark``."""
        step = self.end(changes)
        if self._outer:
            self._outer.pop()
        return step

    def end(self, changes: int) -> int | None:
        """The running statement ends: the step to go back to if it has failed."""
        behind = self._outer[-1] if self._outer else OUTERMOST
        marks = [mark for level, mark in self._marks.items() if level > behind]
        self.drop(behind + 1)
        steps = [m.step for m in marks if m.changes is None or m.changes == changes]
        return min(steps, default=None)

    def end_all(self, changes: int) -> int | None:
        """No statement is running: the step to go back to because one has failed."""
        self._outer.clear()
        return self.end(changes)
