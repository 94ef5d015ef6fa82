"""``Link`` for SQL from strangers: what they may do is asked, and what they take is measured.

modules       all of SQLite's are taken out of the connection, but json_each and the PRAGMAs
functions     those that are not on the list are refused; what the program adds is its own
the rest      see ``permissions``, and ``limits``
definitions   refused: others would run what a stranger has put into a view or a CHECK
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import apsw

from lsmsql.dbapi.errors import DataError, NotSupportedError
from lsmsql.dbapi.limits import INSTRUCTIONS, SQLITE_LIMITS, BoundedWriteSet, Limits, Meter, Watch
from lsmsql.dbapi.link import Link, Result, Values
from lsmsql.dbapi.permissions import FUNCTIONS, refusal
from lsmsql.dbapi.statements import Statement
from lsmsql.engine.affinity import APPLY_AFFINITY
from lsmsql.engine.values import ColumnType, Value
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
_TRIMS: dict[str, Callable[[str, str], str]] = {
    "trim": str.strip,
    "ltrim": str.lstrip,
    "rtrim": str.rstrip,
}
_MOST_TRIMMED = 100
"""Characters that may be named to be trimmed: SQLite takes the product of both lengths."""


class UntrustedLink(Link):
    """A store in an SQLite connection that runs the SQL of strangers within ``limits``."""

    def __init__(self, limits: Limits, *arguments: Any) -> None:
        self._limits = limits
        self._watch = Watch(limits)
        self._ours = False
        self._asked = False
        """Whether SQLite has asked about a statement of ours since that was last made False."""
        self._refused: str | None = None
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
        for name, strip in _TRIMS.items():
            raw.create_scalar_function(
                name, partial(_trimmed, strip), 2, deterministic=True, flags=apsw.SQLITE_INNOCUOUS
            )
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
        if refused is None:
            return apsw.SQLITE_OK
        self._refused = refused
        return apsw.SQLITE_DENY

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say what was refused, where SQLite says that something was."""
        self._refused = None
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


def _trimmed(strip: Callable[[str, str], str], value: Value, characters: Value) -> str | None:
    """SQLite's ``trim`` of two arguments."""
    if value is None or characters is None:
        return None
    text, ends = _text(value), _text(characters)
    if len(ends) > _MOST_TRIMMED:
        raise DataError(f"trim takes up to {_MOST_TRIMMED} characters in an untrusted connection")
    return strip(text, ends)


def _text(value: Value) -> str:
    converted = APPLY_AFFINITY[ColumnType.TEXT](value)
    return converted if isinstance(converted, str) else bytes(converted).decode()  # type: ignore[arg-type]
