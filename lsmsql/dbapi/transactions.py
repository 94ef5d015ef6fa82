"""When a connection begins and ends transactions, as in sqlite3 since Python 3.12.

autocommit                   a transaction begins                      commit(), rollback()
LEGACY_TRANSACTION_CONTROL   before INSERT, UPDATE, DELETE, REPLACE,   end it, if there is one
                             unless isolation_level is None
False                        always: there is one all the time         end it and begin another
True                         with BEGIN                                do nothing
"""

from __future__ import annotations

from collections.abc import Callable

LEGACY_TRANSACTION_CONTROL = -1

_LEVELS = ("", "DEFERRED", "IMMEDIATE", "EXCLUSIVE")


class Transactions:
    """The transactions of a connection. ``run`` runs a statement, ``active`` says whether there is
    a transaction.

    Raises ValueError or TypeError for a wrong mode or level.
    """

    def __init__(
        self,
        run: Callable[[str], None],
        active: Callable[[], bool],
        autocommit: object,
        isolation_level: object,
    ) -> None:
        self._run = run
        self._active = active
        self._autocommit = _check_autocommit(autocommit)
        self._level = _check_level(isolation_level)
        self.implicit: str | None = None
        """What begins a transaction before a statement that changes rows."""
        self._choose_implicit()

    def start(self) -> None:
        """The connection is there."""
        if self._autocommit is False:
            self._run("BEGIN")

    @property
    def autocommit(self) -> bool | int:
        """The mode."""
        return self._autocommit

    @autocommit.setter
    def autocommit(self, value: object) -> None:
        mode = _check_autocommit(value)
        if mode is True and self._active():
            self._run("COMMIT")
        elif mode is False and not self._active():
            self._run("BEGIN")
        self._autocommit = mode
        self._choose_implicit()

    @property
    def isolation_level(self) -> str | None:
        """How transactions that begin by themselves begin; None: they do not."""
        return self._level

    @isolation_level.setter
    def isolation_level(self, value: object) -> None:
        level = _check_level(value)
        if level is None:
            self.commit()
        self._level = level
        self._choose_implicit()

    def _choose_implicit(self) -> None:
        legacy = self._autocommit == LEGACY_TRANSACTION_CONTROL
        automatic = legacy and self._level is not None
        self.implicit = f"BEGIN {self._level}".rstrip() if automatic else None

    def commit(self) -> None:
        """End the transaction; its changes are made."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """End the transaction; its changes are not made."""
        self._end("ROLLBACK")

    def _end(self, verb: str) -> None:
        if self._autocommit is True:
            return
        if self._active():
            self._run(verb)
        if self._autocommit is False:
            self._run("BEGIN")

    def before_script(self) -> None:
        """A script commits what came before it, unless transactions are the program's."""
        if self._autocommit == LEGACY_TRANSACTION_CONTROL and self._active():
            self._run("COMMIT")

    def leave(self, failed: bool) -> None:
        """The end of a ``with`` block: roll back if it has failed, or if the commit does."""
        if self._autocommit is True or not self._active():
            return
        if failed:
            self.rollback()
            return
        try:
            self.commit()
        except BaseException:
            if self._active():
                self.rollback()
            raise


def _check_autocommit(value: object) -> bool | int:
    if isinstance(value, bool) or (type(value) is int and value == LEGACY_TRANSACTION_CONTROL):
        return value
    raise ValueError("autocommit must be True, False, or lsmsql.LEGACY_TRANSACTION_CONTROL")


def _check_level(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("isolation_level must be str or None")
    if value.upper() not in _LEVELS:
        raise ValueError(
            "isolation_level string must be '', 'DEFERRED', 'IMMEDIATE', or 'EXCLUSIVE'"
        )
    return value.upper()
