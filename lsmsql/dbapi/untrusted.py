"""``Link`` for SQL from strangers: what they may do is asked, and what they take is measured.

modules       all of SQLite's are taken out of the connection, but json_each and the PRAGMAs
functions     those that are not on the list are refused; what the program adds is its own
the rest      see ``permissions``, and ``limits``
definitions   refused: others would run what a stranger has put into a view or a CHECK
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import apsw

from lsmsql.dbapi import linear
from lsmsql.dbapi.errors import DataError, NotSupportedError
from lsmsql.dbapi.limits import INSTRUCTIONS, SQLITE_LIMITS, BoundedWriteSet, Limits, Meter, Watch
from lsmsql.dbapi.link import Link, Result, Values
from lsmsql.dbapi.permissions import FUNCTIONS, refusal
from lsmsql.dbapi.statements import Statement
from vtab.sql.tokens import first_word

_SETTINGS = {
    apsw.SQLITE_DBCONFIG_DEFENSIVE: 1,
    apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA: 0,
    apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE: 0,
    apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE: 0,
}
_DEFINING = frozenset({"CREATE", "DROP", "ALTER", "REINDEX", "ANALYZE", "VACUUM"})
_MOST_CALLS = 200
"""Calls of functions in a statement: those of one row cannot be stopped in between."""


class UntrustedLink(Link):
    """A store in an SQLite connection that runs the SQL of strangers within ``limits``."""

    def __init__(self, limits: Limits, *arguments: Any) -> None:
        self._limits = limits
        self._watch = Watch(limits)
        self._ours = False
        self._asked = False
        """Whether SQLite has asked about a statement of ours since that was last made False."""
        self._refused: str | None = None
        self._calls = 0
        super().__init__(*arguments)
        session = self.binding.session
        session.new_writes = partial(BoundedWriteSet, limits.memory)
        session.writes = session.new_writes()
        self.raw.authorizer = self._authorize
        self.raw.set_progress_handler(self._watch.stops, INSTRUCTIONS, id="lsmsql-limits")

    def _connection(self, cached: int) -> apsw.Connection:
        raw = super()._connection(cached)
        for setting, value in _SETTINGS.items():
            raw.config(setting, value)
        raw.execute("PRAGMA temp_store = MEMORY")  # no files, and what it takes is measured
        names = {str(row[0]).lower() for row in raw.execute("PRAGMA function_list")}
        self._functions = frozenset(names - FUNCTIONS)
        raw.drop_modules([])
        linear.register(raw)
        for limit, most in SQLITE_LIMITS.items():
            raw.limit(limit, most)
        return raw

    # ------------------------------------------------------------------------------- permissions

    def _authorize(
        self, action: int, first: str | None, second: str | None, schema: str | None, _: str | None
    ) -> int:
        """SQLite's question about a part of a statement that it prepares."""
        self._asked = self._ours
        refused = refusal(action, first, second, schema, functions=self._functions, ours=self._ours)
        if action == apsw.SQLITE_FUNCTION and refused is None:
            self._calls += 1
            if self._calls > _MOST_CALLS:
                refused = f"more than {_MOST_CALLS} calls of functions in a statement"
        if refused is None:
            return apsw.SQLITE_OK
        self._refused = refused
        return apsw.SQLITE_DENY

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say what was refused, where SQLite says that something was."""
        self._refused, self._calls = None, 0
        try:
            yield
        except apsw.Error:
            if self._refused is None:
                raise
            raise _not_allowed(self._refused) from None

    @contextmanager
    def _trusted(self) -> Iterator[None]:
        """While the connection itself shows the tables of the store."""
        before, self._ours, self._asked = self._ours, True, False
        try:
            yield
        finally:
            self._ours = before
            if self._asked:  # SQLite prepares all anew, so that it asks about it again
                self.raw.authorizer = self._authorize

    def _catch_up(self) -> None:
        with self._trusted():
            super()._catch_up()

    def _define_again(self) -> None:
        with self._trusted():
            super()._define_again()

    # ------------------------------------------------------------------------------- statements

    def first_statement(self, sql: str) -> tuple[Statement, str]:
        """The first statement of a text, and the text behind it.

        Raises NotSupportedError for what is not allowed, DataError for a text that is too long.
        """
        if isinstance(sql, str):
            most = self.raw.limit(apsw.SQLITE_LIMIT_SQL_LENGTH)
            if len(sql.encode(errors="replace")) > most:
                raise DataError(f"the SQL of a stranger may have {most} bytes, not more")
            if (verb := first_word(sql)) in _DEFINING:
                raise _not_allowed(verb)
        with self._translated(), Meter(self._watch):
            statement, rest = super().first_statement(sql)
        if statement.definition is not None:  # which SQLite does not see before it is done
            raise _not_allowed(statement.verb)
        return statement, rest

    def _bulk(self, statement: Statement, parameters: object) -> None:
        """Each row is measured alone."""

    def run(self, cursor: apsw.Cursor, statement: Statement, values: Values) -> Result:
        """Run a statement. Raises OperationalError if it takes more than it may."""
        meter = Meter(self._watch)
        with self._translated(), meter:
            rows, changes = super().run(cursor, statement, values)
        if rows is not None and not statement.changing:
            rows = self._metered(rows, meter)
        return rows, changes

    def _metered(self, rows: Iterator[tuple[Any, ...]], meter: Meter) -> Iterator[tuple[Any, ...]]:
        while True:
            with self._translated(), meter:
                row = next(rows, None)
            if row is None:
                return
            meter.count(row)
            yield row

    def _all(self, cursor: apsw.Cursor) -> list[tuple[Any, ...]]:
        meter, rows = self._watch.running, []
        for row in cursor:
            if meter is not None:
                meter.count(row)
            rows.append(row)
        return rows


def _not_allowed(what: str) -> NotSupportedError:
    return NotSupportedError(f"not allowed in an untrusted connection: {what}")
