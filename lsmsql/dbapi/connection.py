"""``Connection``, and ``connect``, which makes it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

import apsw

from lsmsql.dbapi import errors, functions, sharing
from lsmsql.dbapi.cursor import Cursor, RowFactory
from lsmsql.dbapi.errors import NotSupportedError, ProgrammingError, raise_translated
from lsmsql.dbapi.limits import Limits
from lsmsql.dbapi.link import Link
from lsmsql.dbapi.rows import TextFactory
from lsmsql.dbapi.transactions import LEGACY_TRANSACTION_CONTROL
from lsmsql.dbapi.untrusted import UntrustedLink
from lsmsql.dialects.translation import SQLITE, check_dialect
from lsmsql.engine.backup import BackupReport
from lsmsql.engine.errors import Error, UsageError
from lsmsql.engine.store import Store
from lsmsql.shell.dump import dump

T = TypeVar("T")
Place = str | os.PathLike[str] | Store


class Connection:
    """A store through SQL; made by ``lsmsql.connect`` and ``Store.connect``.

    With ``check_same_thread=False`` threads may share it, and its cursors: they take turns. A
    context manager of a transaction: the end of the block commits, an exception rolls back.
    All methods raise ProgrammingError after ``close``.

    ``row_factory`` and ``text_factory`` make the rows of new cursors and their texts.
    """

    Warning = errors.Warning
    Error = Error
    InterfaceError = errors.InterfaceError
    DatabaseError = errors.DatabaseError
    DataError = errors.DataError
    OperationalError = errors.OperationalError
    IntegrityError = errors.IntegrityError
    InternalError = errors.InternalError
    ProgrammingError = errors.ProgrammingError
    NotSupportedError = errors.NotSupportedError

    _link: Link

    def __init__(
        self,
        path: Place,
        *,
        mode: str = "rw",
        timeout: float = 5.0,
        detect_types: int = 0,
        isolation_level: str | None = "",
        check_same_thread: bool = True,
        cached_statements: int = 128,
        autocommit: bool | int = LEGACY_TRANSACTION_CONTROL,
        foreign_keys: str = "refuse",
        dialect: str = SQLITE,
        untrusted: bool = False,
        max_seconds: float | None = None,
        max_rows: int | None = None,
        max_memory: int | None = None,
        **options: Any,
    ) -> None:
        self._closed = True
        self.row_factory: RowFactory | None = None
        self.text_factory: TextFactory = str
        self.detect_types = detect_types
        references = _check_foreign_keys(foreign_keys) == "declare"
        _check_dialect(dialect, untrusted)
        limits = _limits(untrusted, seconds=max_seconds, rows=max_rows, memory=max_memory)
        make_link = Link if limits is None else partial(UntrustedLink, limits)
        try:
            self._lease = _take(path, mode, timeout, options)
        except Exception as error:
            raise_translated(error)
        try:
            self._link = make_link(
                self._lease.store,
                cached_statements,
                autocommit,
                isolation_level,
                check_same_thread,
                references,
                dialect,
            )
            self._link.transactions.start()
        except BaseException as error:
            self._lease.release()
            if isinstance(error, Exception):
                raise_translated(error)
            raise
        self._closed = False

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            warnings.warn(f"{self!r} was never closed", ResourceWarning, source=self, stacklevel=2)
            link, lease = self._link, self._lease

            def close() -> None:
                link.close()
                lease.release()

            sharing.abandon(close)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "r" if self._lease.store.readonly else "rw"
        return f"<lsmsql connection {self._lease.store.path!r} ({state})>"

    # ------------------------------------------------------------------------------- statements

    def cursor(self, factory: Callable[[Connection], Cursor] = Cursor) -> Cursor:
        """A new cursor, of a class derived from ``Cursor`` if one is given."""
        self._link.check()
        cursor = factory(self)
        if not isinstance(cursor, Cursor):
            raise TypeError(f"factory must return a Cursor, not {type(cursor).__name__}")
        return cursor

    def execute(self, sql: str, parameters: object = (), /) -> Cursor:
        """``Cursor.execute`` of a new cursor, which is returned."""
        return Cursor(self).execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[object], /) -> Cursor:
        """``Cursor.executemany`` of a new cursor, which is returned."""
        return Cursor(self).executemany(sql, parameters)

    def executescript(self, script: str, /) -> Cursor:
        """``Cursor.executescript`` of a new cursor, which is returned."""
        return Cursor(self).executescript(script)

    # ------------------------------------------------------------------------------- transactions

    def commit(self) -> None:
        """Commit the transaction, if there is one and ``autocommit`` is not True.

        Raises OperationalError, which is a ``ConflictError``, too, if another commit has changed
        what the transaction has read: roll back and try again.
        """
        self._do(lambda link: link.transactions.commit())

    def rollback(self) -> None:
        """Roll back the transaction, if there is one and ``autocommit`` is not True."""
        self._do(lambda link: link.transactions.rollback())

    @property
    def autocommit(self) -> bool | int:
        """Who begins transactions; see docs/dbapi.md. To set True commits one that goes on."""
        return self._do(lambda link: link.transactions.autocommit)

    @autocommit.setter
    def autocommit(self, value: bool | int) -> None:
        self._do(lambda link: setattr(link.transactions, "autocommit", value))

    @property
    def isolation_level(self) -> str | None:
        """How a transaction begins by itself: "DEFERRED", "IMMEDIATE", ...; None: it does not.

        Only of meaning with ``autocommit=LEGACY_TRANSACTION_CONTROL``. To set None commits.
        """
        return self._do(lambda link: link.transactions.isolation_level)

    @isolation_level.setter
    def isolation_level(self, value: str | None) -> None:
        self._do(lambda link: setattr(link.transactions, "isolation_level", value))

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction goes on."""
        return self._do(lambda link: link.raw.in_transaction)

    @property
    def total_changes(self) -> int:
        """How many rows have been changed since the connection was made."""
        return self._do(lambda link: link.changes)

    def __enter__(self) -> Self:
        self._link.check()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(lambda link: link.transactions.leave(failed=kind is not None))

    def close(self) -> None:
        """Roll back what is not committed, and close. Closing twice is harmless.

        The store is closed with the last of its connections in this process, unless it was open
        before the connection was made.
        """
        if self._closed:
            return
        link = self._link
        with link.lock:
            link.check()
            self._closed = True
            link.close()
        self._lease.release()
        sharing.close_abandoned()

    # ------------------------------------------------------------------------------- functions

    def create_function(
        self,
        name: str,
        narg: int,
        func: Callable[..., Any] | None,
        /,
        *,
        deterministic: bool = False,
    ) -> None:
        """Have SQL call ``func`` by ``name``, with ``narg`` arguments (-1: any number).

        ``deterministic``: it gives the same for the same arguments. None takes it away.
        """
        call = None if func is None else functions.scalar(func)
        self._do(
            lambda link: link.raw.create_scalar_function(
                name, call, narg, deterministic=deterministic
            )
        )

    def create_aggregate(self, name: str, n_arg: int, factory: Callable[[], Any] | None, /) -> None:
        """An aggregate function: ``factory`` makes objects with ``step`` and ``finalize``."""
        make = None if factory is None else lambda: functions.Aggregate(factory)
        self._do(lambda link: link.raw.create_aggregate_function(name, make, n_arg))

    def create_window_function(
        self, name: str, num_params: int, factory: Callable[[], Any] | None, /
    ) -> None:
        """A window function: the same with ``value`` and ``inverse`` in addition."""
        make = None if factory is None else lambda: functions.Aggregate(factory)
        self._do(lambda link: link.raw.create_window_function(name, make, num_params))

    def create_collation(self, name: str, compare: Callable[[str, str], int] | None, /) -> None:
        """A collation: ``compare`` gives a negative number, 0 or a positive one."""
        call = None if compare is None else functions.collation(compare)
        self._do(lambda link: link.raw.create_collation(name, call))

    def set_progress_handler(self, handler: Callable[[], object] | None, n: int) -> None:
        """Call ``handler`` every ``n`` instructions of SQLite; if it gives a true value, or raises,
        the statement ends with OperationalError. None takes it away."""

        def ask() -> bool:
            assert handler is not None
            try:
                return bool(handler())
            except Exception:
                return True

        asked = None if handler is None else ask
        self._do(lambda link: link.raw.set_progress_handler(asked, n, id="lsmsql"))

    def set_trace_callback(self, callback: Callable[[str], object] | None) -> None:
        """Call ``callback`` with each statement before it runs, its values filled in."""
        self._do(lambda link: link.trace(callback))

    def interrupt(self) -> None:
        """End the statements that run now with OperationalError; for other threads to call."""
        if self._closed:
            raise ProgrammingError("Cannot operate on a closed database.")
        self._link.raw.interrupt()

    # ------------------------------------------------------------------------------- the store

    def backup(self, path: str | os.PathLike[str]) -> BackupReport:
        """Make the directory ``path`` a backup of the store; see ``Store.backup``."""
        return self._do(lambda link: link.store.backup(path))

    def iterdump(self) -> Iterator[str]:
        """The store as SQL text that builds it again, a statement or two at a time."""
        self._link.ready()
        lines = self._do(_dump)
        while (line := self._do(lambda _: next(lines, None))) is not None:
            yield line.rstrip("\n")

    def getlimit(self, category: int, /) -> int:
        """One of SQLite's limits, by its number in apsw, such as ``SQLITE_LIMIT_SQL_LENGTH``."""
        return self.setlimit(category, -1)

    def setlimit(self, category: int, limit: int, /) -> int:
        """Set one of SQLite's limits, and return what it was."""
        if category not in apsw.mapping_limits:
            raise ProgrammingError("'category' is out of bounds")
        return self._do(lambda link: link.raw.limit(category, limit))

    # ------------------------------------------------------------------------------- refused

    def set_authorizer(self, callback: object) -> NoReturn:
        """Not supported."""
        raise NotSupportedError(
            "set_authorizer: it would be asked about statements that lsmsql runs by itself, too"
        )

    def blobopen(self, *arguments: object, **options: object) -> NoReturn:
        """Not supported."""
        raise NotSupportedError("blobopen: a blob of a store is read and written as a whole")

    def serialize(self, *arguments: object, **options: object) -> NoReturn:
        """Not supported."""
        raise NotSupportedError("serialize: a store is a directory; backup(path) copies it")

    def deserialize(self, *arguments: object, **options: object) -> NoReturn:
        """Not supported."""
        raise NotSupportedError("deserialize: a store is a directory; connect(path) opens it")

    def enable_load_extension(self, *arguments: object) -> NoReturn:
        """Not supported."""
        raise NotSupportedError("enable_load_extension: no extensions can be loaded")

    def load_extension(self, *arguments: object, **options: object) -> NoReturn:
        """Not supported."""
        raise NotSupportedError("load_extension: no extensions can be loaded")

    def _do(self, action: Callable[[Link], T]) -> T:
        """Do something while no other thread uses the connection."""
        link = self._link
        with link.lock:
            link.check()
            try:
                return action(link)
            except Exception as error:
                raise_translated(error)


def _dump(link: Link) -> Iterator[str]:
    link.ready()
    yield from dump(link.raw, link.binding.session.catalog)


def _take(path: Place, mode: str, timeout: float, options: dict[str, Any]) -> sharing.Lease:
    if not isinstance(path, Store):
        return sharing.lease(path, mode, timeout, options)
    if options or (mode == "r" and not path.readonly):
        names = ", ".join(sorted(options)) or "mode"
        raise ProgrammingError(f"the store is open already; give {names} when it is opened")
    return sharing.borrow(path)


def _check_foreign_keys(value: object) -> object:
    if value in ("refuse", "declare"):
        return value
    raise ValueError(f"foreign_keys is 'refuse' or 'declare', not {value!r}")


def _check_dialect(dialect: str, untrusted: bool) -> None:
    try:
        check_dialect(dialect)
    except UsageError as error:
        raise_translated(error)
    if untrusted and dialect != SQLITE:
        raise NotSupportedError("untrusted=True: strangers may use SQLite's own dialect only")


def _limits(untrusted: bool, **given: Any) -> Limits | None:
    """The limits of an untrusted connection."""
    wanted = {name: value for name, value in given.items() if value is not None}
    if untrusted:
        return Limits(**wanted)
    if wanted:
        names = ", ".join(f"max_{name}" for name in wanted)
        raise ProgrammingError(f"{names}: only with untrusted=True")
    return None


def connect(
    path: Place, *, factory: Callable[..., Connection] = Connection, **arguments: Any
) -> Connection:
    """A connection to the store in the directory ``path``, which is made if there is none.

    ``mode``: "rw", or "r" to read only. ``timeout``: how many seconds to wait for another process,
    or another transaction, that writes. ``autocommit``, ``isolation_level``, ``detect_types``,
    ``check_same_thread`` and ``cached_statements`` are those of sqlite3. Further arguments are the
    options of the store: ``sync``, ``memory_budget``, ... ":memory:" is a temporary store. Instead
    of a path it may be an open ``Store``.

    ``foreign_keys``: "refuse" a table that has some, or let it "declare" them; they are reflected
    then, but, as in SQLite by default, not enforced.

    ``dialect``: "postgres", "mysql" or "duckdb": what statements are written in
    (docs/dialects.md); what has no equivalent raises NotSupportedError.

    ``untrusted``: for SQL from strangers (docs/untrusted.md). A statement may take ``max_seconds``
    (5), give ``max_rows`` (100,000) and take ``max_memory`` bytes (64 MiB).

    Connections of one process to one path share the open store. Raises OperationalError if another
    process writes to it, or if it cannot be used; ProgrammingError for wrong arguments.
    """
    return factory(path, **arguments)
