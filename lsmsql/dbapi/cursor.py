"""``Cursor``: runs statements and gives their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from threading import get_ident
from typing import Any, NoReturn, Protocol, Self

from lsmsql.dbapi.adapters import PARSE_COLNAMES, bind
from lsmsql.dbapi.errors import ProgrammingError, raise_translated
from lsmsql.dbapi.link import Link
from lsmsql.dbapi.rows import Decoder, TextFactory, decoder
from lsmsql.dbapi.statements import Description, plain_description

Tuple = tuple[Any, ...]
RowFactory = Callable[[Any, Tuple], Any]


class Owner(Protocol):
    """What a cursor needs of its connection."""

    _link: Link
    row_factory: RowFactory | None
    text_factory: TextFactory
    detect_types: int

    def commit(self) -> None: ...
    def rollback(self) -> None: ...


class Cursor:
    """Made by ``Connection.cursor`` or ``Connection.execute``; an iterator of rows.

    All methods raise ProgrammingError if the cursor or its connection is closed.

    ``rowcount``: how many rows the last statement has inserted, updated or deleted, otherwise -1.
    ``lastrowid``: the key that the last INSERT with ``execute`` has given, if it is one INTEGER.
    ``arraysize``: how many rows ``fetchmany`` gives if nothing is said.
    ``row_factory``: called with the cursor and the tuple of each row, makes the rows.
    """

    def __init__(self, connection: Owner) -> None:
        self._closed = True
        self._connection = connection
        self._link = link = connection._link
        with link.lock:
            link.check()
            self._raw = link.raw.cursor()
        self._closed = False
        self._rows: Iterator[Tuple] | None = None
        self._ahead: Tuple | None = None
        """The next row. Who has fetched the last row has thereby ended the statement, too."""
        self._decode: Decoder | None = None
        self._description: tuple[Description, ...] | None = None
        self.row_factory = connection.row_factory
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    def __del__(self) -> None:
        if not self._closed and self._ahead is not None:  # a statement is still running
            self._link.retire(self._raw)

    @property
    def connection(self) -> Any:
        """The ``Connection``."""
        return self._connection

    @property
    def description(self) -> tuple[Description, ...] | None:
        """For each column its name, its declared type (None for an expression) and five times None.

        None if the statement gives no rows. The type equals one of ``STRING``, ``NUMBER``,
        ``BINARY`` and ``DATETIME``.
        """
        return self._description

    # ------------------------------------------------------------------------------- running

    def execute(self, sql: str, parameters: object = (), /) -> Self:
        """Run one statement. ``parameters``: a sequence for ``?``, a mapping for ``:name``.

        Raises an ``lsmsql.DatabaseError``; see the table in docs/dbapi.md.
        """
        link = self._link
        rows = None
        with link.lock:
            try:
                link.ready()
                if self._closed:
                    self._refuse()
                if self._ahead is not None:
                    self._stop()
                self._rows = self._description = self._decode = None
                self.rowcount = -1
                statement = link.statements.get(sql) or link.statement(sql)
                values = bind(statement, parameters)
                if statement.changing:
                    self._begin_transaction()
                rows, self.rowcount = link.run(self._raw, statement, values)
                if rows is not None:
                    self._rows, self._ahead = rows, next(rows, None)
            except Exception as error:
                if rows is not None:
                    self._stop()
                raise_translated(error)
            if statement.inserting:
                self.lastrowid = link.raw.last_insert_rowid()
            self._description = statement.description
            connection = self._connection
            if connection.detect_types or connection.text_factory is not str:
                self._choose_decoder()
        return self

    def executemany(self, sql: str, parameters: Iterable[object], /) -> Self:
        """Run a statement that changes rows once for each of ``parameters``.

        ``rowcount`` is the sum. Rows that it returns are not kept.
        """
        link = self._link
        with link.lock:
            try:
                self._begin()
                statement = link.statement(sql)
                if not statement.changing:
                    raise ProgrammingError("executemany() can only execute DML statements.")
                self._begin_transaction()
                self.rowcount = link.run_many(self._raw, statement, parameters)
            except Exception as error:
                raise_translated(error)
        return self

    def executescript(self, script: str, /) -> Self:
        """Run statements one after the other, up to the first that fails.

        A transaction that goes on is committed first, as in sqlite3, unless ``autocommit`` was set.
        """
        link = self._link
        with link.lock:
            try:
                self._begin()
                link.transactions.before_script()
                while script:
                    statement, script = link.first_statement(script)
                    rows, _ = link.run(self._raw, statement, bind(statement, ()))
                    if rows is not None:
                        self._stop()
                    link.ready()
            except Exception as error:
                raise_translated(error)
        return self

    def _begin(self) -> None:
        self._link.ready()
        if self._closed:
            self._refuse()
        if self._ahead is not None:
            self._stop()
        self._rows = self._description = self._decode = None
        self.rowcount = -1

    def _stop(self) -> None:
        """End a statement whose rows nobody wants."""
        self._ahead = None
        self._raw.close(True)
        self._raw = self._link.raw.cursor()

    def _begin_transaction(self) -> None:
        link = self._link
        implicit = link.transactions.implicit
        if implicit is not None and not link.raw.in_transaction and not link.store.readonly:
            link.command(implicit)

    def _choose_decoder(self) -> None:
        description, connection = self._description, self._connection
        if description is not None:
            self._decode = decoder(description, connection.detect_types, connection.text_factory)
            if connection.detect_types & PARSE_COLNAMES:
                self._description = plain_description(description)

    # ------------------------------------------------------------------------------- rows

    def fetchone(self) -> Any:
        """The next row, or None. Raises ProgrammingError if the statement gives no rows."""
        link = self._link
        with link.lock:
            if link.thread is not None and link.thread != get_ident():
                link.refuse()
            row, rows = self._ahead, self._rows
            if rows is None:
                self._refuse()
            if row is not None:
                try:
                    self._ahead = next(rows, None)
                except Exception as error:
                    self._stop()
                    raise_translated(error)
        if row is None or (self._decode is None and self.row_factory is None):
            return row
        return self._make(row)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows, ``size`` or ``arraysize`` at most. Raises as ``fetchone``."""
        return self._fetch(self.arraysize if size is None else size)

    def fetchall(self) -> list[Any]:
        """The rows that are left. Raises as ``fetchone``."""
        return self._fetch(None)

    def _fetch(self, size: int | None) -> list[Any]:
        if size is not None and size < 0:
            raise ProgrammingError(f"a number of rows is at least 0, not {size}")
        with self._link.lock:
            self._link.check()
            if self._rows is None:
                self._refuse()
            rows = self._take(self._rows, size)
        if self._decode is None and self.row_factory is None:
            return rows
        return [self._make(row) for row in rows]

    def _take(self, rows: Iterator[Tuple], size: int | None) -> list[Tuple]:
        if self._ahead is None or size == 0:
            return []
        taken = [self._ahead]
        try:
            taken += islice(rows, None if size is None else size - 1)
            self._ahead = next(rows, None)
        except Exception as error:
            self._stop()
            raise_translated(error)
        return taken

    def _refuse(self) -> NoReturn:
        if self._closed:
            raise ProgrammingError("Cannot operate on a closed cursor.")
        raise ProgrammingError("there are no rows to fetch: no statement that gives any was run")

    def _make(self, row: Tuple) -> Any:
        if self._decode is not None:
            row = self._decode(row)
        return row if self.row_factory is None else self.row_factory(self, row)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    # ------------------------------------------------------------------------------- the rest

    def setinputsizes(self, sizes: object, /) -> None:
        """Nothing: there is no need for it."""

    def setoutputsize(self, size: object, column: object = None, /) -> None:
        """Nothing: there is no need for it."""

    def close(self) -> None:
        """Let go of the rows. Closing twice is harmless."""
        with self._link.lock:
            self._link.check()
            if not self._closed:
                self._closed = True
                self._rows = self._ahead = self._description = None
                self._raw.close(True)
