"""What a connection and its cursors share: the SQLite connection that shows the store, a lock, the
statements that are known, and the one place where statements are handed to SQLite.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from threading import get_ident
from typing import Any, NoReturn

import apsw

import vtab
from lsmsql.dbapi.adapters import bind
from lsmsql.dbapi.errors import ProgrammingError
from lsmsql.dbapi.statements import Statement, read
from lsmsql.dbapi.transactions import Transactions
from lsmsql.dialects import functions
from lsmsql.dialects.translation import SQLITE, translate
from lsmsql.engine.errors import ClosedError
from lsmsql.engine.store import Store
from vtab.bulk import Bulk, parameter_places
from vtab.statements import run_change

Result = tuple[Iterator[tuple[Any, ...]] | None, int]
"""The rows of a statement, None if it gives none; and how many rows it has changed, or -1."""

Values = Sequence[Any] | dict[str, Any]
"""For the parameters of a statement, by number or by name."""

CLOSED = -1
"""In place of a thread: none may use the connection any more."""

_KNOWN_PER_CACHED = 4
_BULK = 1_000
"""Rows that are inserted at once."""
_LEAST_BULK = 20
"""Fewer are not worth it."""


@dataclass
class _Changes:
    """How many rows were changed by the last statement that changes any, and by all."""

    last: int = 0
    total: int = 0


class Link:
    """A store in an SQLite connection. Whoever uses it holds ``lock``.

    ``thread`` is the only one that may use it, None if any may, or ``CLOSED``.
    """

    def __init__(
        self,
        store: Store,
        cached: int,
        autocommit: object,
        isolation_level: object,
        one_thread: bool,
        references: bool = False,
        dialect: str = SQLITE,
    ) -> None:
        self.store = store
        self.lock = threading.RLock()
        self.statements: dict[str, Statement] = {}
        self.thread = get_ident() if one_thread else None
        self.raw = self._connection(cached)
        self.binding = vtab.register(self.raw, store, owned=True, references=references)
        self._planning = self.binding.session.planning
        self._changes = counts = _Changes()
        # SQLite's own functions count rows that a table of the store has ignored. What is given to
        # the connection must not hold it.
        self.raw.create_scalar_function("changes", lambda *_: counts.last, 0)
        self.raw.create_scalar_function("total_changes", lambda *_: counts.total, 0)
        self._dialect = dialect
        if dialect != SQLITE:
            functions.register(self.raw)
        self._known = max(1, cached) * _KNOWN_PER_CACHED
        self._core = store.core
        self._catalog = store.catalog
        self._follows = store.readonly
        self._retired: deque[apsw.Cursor] = deque()
        """Cursors that nobody has any more."""
        self._defined = False
        """Whether the transaction, if it is rolled back, takes tables with it."""
        self._commands = self.raw.cursor()
        self._trace: Callable[[str], object] | None = None
        self.transactions = Transactions(
            self.command, lambda: self.raw.in_transaction, autocommit, isolation_level
        )

    def _connection(self, cached: int) -> apsw.Connection:
        """An SQLite connection for the store."""
        raw = apsw.Connection(":memory:", statementcachesize=cached)
        # As in the shell: "x" is a name and never a text.
        settings = {apsw.SQLITE_DBCONFIG_DQS_DML: 0, apsw.SQLITE_DBCONFIG_DQS_DDL: 0}
        if self.store.readonly:  # so SQLite does with a file that is open for reading
            settings[apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE] = 0
            settings[apsw.SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE] = 0
        for setting, value in settings.items():
            raw.config(setting, value)
        return raw

    # ------------------------------------------------------------------------------- use

    def check(self) -> None:
        """Raises ProgrammingError in a wrong thread, or if the connection is closed."""
        if self.thread is not None and self.thread != get_ident():
            self.refuse()

    def refuse(self) -> NoReturn:
        """Say what is wrong with a use that ``thread`` does not allow."""
        if self.thread == CLOSED:
            raise ProgrammingError("Cannot operate on a closed database.")
        raise ProgrammingError(
            "a connection can only be used in the thread that made it, which is"
            f" {self.thread}, and this is {get_ident()}; connect(..., check_same_thread=False)"
            " lets threads share one"
        )

    def ready(self) -> None:
        """``check``, and see the tables that there are now."""
        if self.thread is not None and self.thread != get_ident():
            self.refuse()
        if self._retired:
            self._close_retired()
        if self._core.catalog is not self._catalog or self._follows:
            self._catch_up()
        if self._defined and not self.raw.in_transaction:
            self._define_again()

    def _catch_up(self) -> None:
        """Show tables that others have made, unless a transaction has begun to read or write."""
        if self.binding.session.has_begun:
            return
        self.binding.catch_up()
        catalog = self._core.catalog
        if catalog is self._catalog:
            return
        if self.raw.in_transaction:
            self.binding.refresh()
            self._defined = True
        self._catalog = catalog
        self.statements.clear()

    def retire(self, cursor: apsw.Cursor) -> None:
        """Have a cursor closed before the next statement.

        Not at once: a garbage collection may call this anywhere, also while this thread holds a
        lock of the engine that closing would wait for.
        """
        self._retired.append(cursor)

    def _close_retired(self) -> None:
        while self._retired:
            self._retired.popleft().close(True)

    def close(self) -> None:
        """Roll back what is not committed, and close."""
        self.thread = CLOSED
        self._close_retired()
        self.raw.close(True)

    # ------------------------------------------------------------------------------- statements

    @property
    def changes(self) -> int:
        """How many rows were changed since the connection was made."""
        return self._changes.total

    def statement(self, sql: str) -> Statement:
        """What ``sql`` is. Raises ProgrammingError if it is more than one statement."""
        found = self.statements.get(sql)
        if found is not None:
            return found
        statement, rest = self.first_statement(sql)
        if rest:
            raise ProgrammingError("You can only execute one statement at a time.")
        return self._remember(sql, statement)

    def _remember(self, sql: str, statement: Statement) -> Statement:
        if len(self.statements) >= self._known:
            del self.statements[next(iter(self.statements))]
        self.statements[sql] = statement
        return statement

    def first_statement(self, sql: str) -> tuple[Statement, str]:
        """The first statement of a text, and the text behind it."""
        if not isinstance(sql, str):
            raise TypeError(f"SQL is a str, not {type(sql).__name__}")
        if "\0" in sql:
            raise ProgrammingError("the query contains a null character")
        if self._dialect == SQLITE:
            return read(self.raw, self.binding.session, sql)
        from lsmsql.dialects.splitting import split_first  # imports sqlglot: 0.2 seconds, once

        first, rest = split_first(sql, self._dialect)
        translated = translate(first, self._dialect).sql
        return read(self.raw, self.binding.session, translated)[0], rest

    def run(self, cursor: apsw.Cursor, statement: Statement, values: Values) -> Result:
        """Run a statement: the one place where this is done."""
        if self._trace is not None:
            cursor.exec_trace = self._traced
        self._planning.told = statement.told
        if statement.plain:
            cursor.execute(statement.sql, values)
            return cursor, -1
        if statement.changing:
            return self._change(cursor, statement, values)
        if statement.definition is not None and self._define(statement):
            return None, -1
        cursor.execute(statement.sql, values)
        if statement.plan:
            return ((*node[:3], vtab.readable(str(node[3]))) for node in cursor), -1
        if statement.defining:
            self._has_defined(statement)
        return (None if statement.description is None else cursor), -1

    def _change(self, cursor: apsw.Cursor, statement: Statement, values: Values) -> Result:
        """Run a statement that changes rows. Those it returns are read at once: only then it is
        over, and its changes are counted."""
        if self._defined and not self.binding.session.is_writing:
            self.binding.session.have_told()
        if statement.change is not None:
            session = self.binding.session
            changes, found = run_change(session, cursor, statement.change, values, self._all)
            rows = None if statement.description is None else iter(found)
        else:
            cursor.execute(statement.sql, values)
            rows = None if statement.description is None else iter(self._all(cursor))
            changes = self.raw.changes()
        self._changes.last = changes
        self._changes.total += changes
        return rows, changes

    def run_many(
        self, cursor: apsw.Cursor, statement: Statement, parameters: Iterable[object]
    ) -> int:
        """Run a statement that changes rows once for each of the parameters: how many it has
        changed."""
        bulk = self._bulk(statement, parameters)
        if bulk is None or not isinstance(parameters, list | tuple):
            return sum(self.run(cursor, statement, bind(statement, row))[1] for row in parameters)
        # SQLite begins the transaction with the first row, and knows of the last.
        count = self.run(cursor, statement, bind(statement, parameters[0]))[1]
        for start in range(1, len(parameters) - 1, _BULK):
            rows = parameters[start : min(start + _BULK, len(parameters) - 1)]
            count += self._insert(bulk(), cursor, statement, rows)
        return count + self.run(cursor, statement, bind(statement, parameters[-1]))[1]

    def _bulk(self, statement: Statement, parameters: object) -> Callable[[], Bulk] | None:
        """What inserts rows of parameters at once, if that may be; to be called after the first.

        It may be done for a list alone: what an iterator gives could depend on the rows before.
        """
        if not isinstance(parameters, list | tuple) or len(parameters) < _LEAST_BULK:
            return None
        change = statement.change
        if change is None or self._trace is not None or not self.raw.in_transaction:
            return None
        places = parameter_places(change)
        if places is None:
            return None
        longest = self.raw.limit(apsw.SQLITE_LIMIT_LENGTH)
        return cache(lambda: Bulk(self.binding.session, change.table, places, longest))

    def _insert(
        self, bulk: Bulk, cursor: apsw.Cursor, statement: Statement, rows: Sequence[object]
    ) -> int:
        """Insert rows at once, or one by one up to the first that fails."""
        try:
            done = bulk.insert([bind(statement, row) for row in rows])
        except ProgrammingError:
            done = False
        if not done:
            return sum(self.run(cursor, statement, bind(statement, row))[1] for row in rows)
        self._changes.total += len(rows)
        return len(rows)

    def _all(self, cursor: apsw.Cursor) -> list[tuple[Any, ...]]:
        """The rows that a change returns."""
        return cursor.fetchall()

    def command(self, sql: str) -> None:
        """Run a statement of SQLite's that neither takes nor gives anything."""
        statement = self.statements.get(sql)
        if statement is None:
            statement = self._remember(sql, read(self.raw, self.binding.session, sql)[0])
        self.run(self._commands, statement, ())

    def _define(self, statement: Statement) -> bool:
        """Run a statement that defines something in the store; False if it is about another."""
        defined = self.binding.define(statement.sql)
        if defined:
            if self._trace is not None:
                self._show(statement.sql)
            self._defined = self.raw.in_transaction
            self.statements.clear()
        return defined

    def _has_defined(self, statement: Statement) -> None:
        if statement.verb == "ROLLBACK":
            if self._defined:
                self._define_again()
            return
        self._defined = self.raw.in_transaction
        self.statements.clear()

    def _define_again(self) -> None:
        """SQLite has forgotten tables, in a rollback, that the store still holds."""
        self._defined = self.raw.in_transaction
        self.statements.clear()
        with contextlib.suppress(ClosedError):
            self.binding.refresh()

    # ------------------------------------------------------------------------------- tracing

    def trace(self, callback: Callable[[str], object] | None) -> None:
        """Call ``callback`` with each statement of the program before it runs, or no more."""
        self._trace = callback

    def _traced(self, cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
        self._show(cursor.expanded_sql)
        tracer = self.raw.exec_trace  # a cursor's own is called in its place
        return True if tracer is None else tracer(cursor, sql, bindings)

    def _show(self, sql: str) -> None:
        if self._trace is not None:
            with contextlib.suppress(Exception):  # as in sqlite3: it only looks on
                self._trace(sql)
