"""Functions in SQL that kill the statement that calls them, each in its own way, at the call that
was asked for."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import apsw


class KilledError(Exception):
    """Raised in a function of the user."""


class Killers:
    """The functions of one connection; each gives back its argument as long as it does not kill.

    boom(x)      raises a Python exception
    total(x)     an aggregate whose step raises one
    last(x)      an aggregate whose end raises one
    overflow(x)  makes abs() of SQLite fail, with no Python involved
    stop(x)      interrupts the connection
    late(x)      has the progress handler interrupt it, soon after
    fail(x)      has the progress handler raise a Python exception, soon after
    note(x)      writes to the table ``log`` from within the statement, and never kills
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._left = 0
        self._handler = ""
        killing = (self.boom, self.overflow, self.stop, self.late, self.fail)
        for function in (*killing, self.note, self.retry):
            connection.create_scalar_function(function.__name__, function, 1)
        summed: Any = partial(Summed, self)
        connection.create_aggregate_function("total", summed, 1)

    def load(self, calls: int, *, watch: bool) -> None:
        """The function that is called kills at the call of that number, counted from 1.

        ``watch``: by way of a progress handler. Without need there is none, because with one SQLite
        rolls the transaction back if an aggregate raises.
        """
        self._left = calls
        self._handler = ""
        self._connection.set_progress_handler(self._progress if watch else None, 20)

    def now(self) -> bool:
        """One more call: whether it is the one that kills."""
        self._left -= 1
        return self._left == 0

    def boom(self, *values: Any) -> Any:
        (value,) = values
        if self.now():
            raise KilledError("boom")
        return value

    def overflow(self, *values: Any) -> Any:
        (value,) = values
        return -(2**63) if self.now() else value

    def stop(self, *values: Any) -> Any:
        (value,) = values
        if self.now():
            self._connection.interrupt()
        return value

    def late(self, *values: Any) -> Any:
        (value,) = values
        if self.now():
            self._handler = "late"
        return value

    def fail(self, *values: Any) -> Any:
        (value,) = values
        if self.now():
            self._handler = "fail"
        return value

    def note(self, *values: Any) -> Any:
        (value,) = values
        self._connection.execute("INSERT INTO log(v) VALUES (?)", [value])
        return value

    def retry(self, *values: Any) -> Any:
        (value,) = values
        with suppress(apsw.ConstraintError):
            self._connection.execute("INSERT INTO log VALUES (90, 1), (91, ?), (90, 2)", [value])
        self._connection.execute("INSERT OR REPLACE INTO log VALUES (80, ?), (81, ?)", [value] * 2)
        return value

    def _progress(self) -> bool:
        kind, self._handler = self._handler, ""
        if kind == "fail":
            raise KilledError("fail")
        return kind == "late"


class Summed:
    """An aggregate: the sum of whole numbers, or the count of others."""

    def __init__(self, killers: Killers) -> None:
        self._killers = killers
        self._sum = 0

    def step(self, value: Any) -> None:
        if self._killers.now():
            raise KilledError("step")
        self._sum += value if isinstance(value, int) else 1

    def final(self) -> int:
        return self._sum
