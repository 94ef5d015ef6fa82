"""Where in a transaction its savepoints are.

SQLite numbers the open savepoints of a connection: those of the user, and behind them one for a
statement that changes several rows. It tells a table of a savepoint when it is made, if the table
has been written to in the transaction, and of the topmost one when the table is first written to.
A point of the transaction is a step of its write set.

A statement that fails because a Python exception was raised leaves its savepoint open: apsw then
calls neither RollbackTo nor Release. So whenever a statement begins, or one ends that another runs,
the savepoints that were made since the last one began are looked at. If there are changes behind
one, its number tells: if it is free again, the statement has failed, and they are taken back.
Otherwise it is a savepoint of the user, of which a table is told late, when it is first written to;
or the statement still waits for the rows of its RETURNING to be read, all changes made.
"""

from __future__ import annotations

OUTERMOST = -1
"""The number of the savepoint that has opened the transaction; no table is told of it."""


class Savepoints:
    """The open savepoints of a transaction, as far as its tables were told of them."""

    def __init__(self) -> None:
        self._steps: dict[int, int] = {}

    def add(self, level: int, step: int, *, late: bool) -> None:
        """A table is told of a savepoint; ``late``: it may be an old one, known by others.

        Those before it of which no table was told are older than all changes.
        """
        if not (late and level in self._steps):
            known = self._steps
            self._steps = {n: known.get(n, 0) for n in range(level)}
            self._steps[level] = step

    def release(self, level: int) -> None:
        """The savepoint ``level`` and all behind it are no more."""
        self._steps = {n: step for n, step in self._steps.items() if n < level}

    def step_of(self, level: int) -> int:
        """The step to go back to for ``ROLLBACK TO`` the savepoint ``level``.

        If no table was told of it, none was written to before it was made.
        """
        return self._steps.get(level, 0)


class Unfinished:
    """The steps of the savepoints that tables were told of since the last statement began, or by
    statements that a function of the user runs within it."""

    def __init__(self) -> None:
        self._steps: dict[int, int] = {}
        self._running = OUTERMOST
        """The newest one that is known to be of a statement that is running."""
        self._within: dict[object, int] = {}
        """The statements that are run within another one, and the newest savepoint before each."""

    def __bool__(self) -> bool:
        return bool(self._steps) or self._running > OUTERMOST

    def add(self, level: int, step: int) -> int:
        """A table is told of a savepoint: the step at which it was made.

        Several tables are told of each, before anything is changed. So if there are changes behind
        one of the same number, that was another one, and its statement has failed.
        """
        return self._steps.setdefault(level, step)

    def drop(self, level: int) -> None:
        """The savepoint ``level`` and all behind it are no more."""
        if self._steps:
            self._steps = {n: step for n, step in self._steps.items() if n < level}
        self._running = max(OUTERMOST, min(self._running, level - 1))

    def forget(self) -> bool:
        """Another statement begins: what they have changed stays.

        Whether one of them still waits to go on, so that it must be looked for the end of others.
        """
        self._steps = {}
        self._within = {}
        return self._running > OUTERMOST

    def enter(self, statement: object) -> None:
        """A statement begins that a function of the user runs within another one."""
        self._within[statement] = max(self._steps, default=OUTERMOST)

    def leave(self, statement: object) -> None:
        """A statement ends."""
        self._within.pop(statement, None)

    def keep_newest(self) -> None:
        """What the running statement has changed is to stay."""
        newest = max(self._steps, default=OUTERMOST)
        before = next(reversed(self._within.values()), OUTERMOST)
        if newest > before:
            self.drop(newest)

    def in_doubt(self, step: int, *, inner: bool) -> bool:
        """Whether there are changes behind a savepoint that may be of a failed statement."""
        first = self._running + 1 if inner else 0
        return any(made < step for level, made in self._steps.items() if level >= first)

    def failed(self, number: int) -> int | None:
        """The step to go back to if ``number`` is the first that is free: those from it on are of
        statements that have failed."""
        step = min((made for level, made in self._steps.items() if level >= number), default=None)
        self.drop(number)
        self._running = number - 1
        return step
