"""The errors of PEP 249, and how errors from below become them.

    Warning
    lsmsql.Error
    ├── InterfaceError
    └── DatabaseError
        ├── DataError          a value out of range
        ├── OperationalError   what lies outside the program: locks, the disk, a missing table
        ├── IntegrityError     a constraint that would be broken
        ├── InternalError
        ├── ProgrammingError   a wrong call
        └── NotSupportedError

An error of the engine keeps its class as well: a conflict is caught as ``OperationalError`` and as
``ConflictError``. Errors of SQLite have its result code, as in sqlite3: ``sqlite_errorcode`` and
``sqlite_errorname``.
"""

from __future__ import annotations

from typing import Final, NoReturn

import apsw

from lsmsql.dialects.errors import DialectError
from lsmsql.engine import errors as engine
from lsmsql.engine.errors import Error

# ruff: noqa: N818 (the names of PEP 249)


class Warning(Exception):
    """Something that deserves attention; nothing raises it so far."""


class _FromSQLite(Error):
    """What an error has that comes from SQLite."""

    sqlite_errorcode: int
    """The extended result code."""
    sqlite_errorname: str
    """Its name, such as "SQLITE_CONSTRAINT_PRIMARYKEY"."""


class InterfaceError(_FromSQLite):
    """The interface to SQLite was used wrongly."""


class DatabaseError(_FromSQLite):
    """Root of all errors that concern the database."""


class DataError(DatabaseError):
    """A value that is out of range or too large."""


class OperationalError(DatabaseError):
    """The statement cannot be run as things are."""


class IntegrityError(DatabaseError):
    """A constraint would be broken."""


class InternalError(DatabaseError):
    """SQLite is at fault."""


class ProgrammingError(DatabaseError):
    """The program has made a wrong call."""


class NotSupportedError(DatabaseError):
    """Something that cannot be had here."""


class IntegerRangeError(DataError, OverflowError):
    """An integer that does not fit into 64 bits."""


class DatabaseCorruptionError(DatabaseError, engine.CorruptionError):
    """``CorruptionError`` in SQL."""


class DatabaseFormatError(DatabaseError, engine.FormatError):
    """``FormatError`` in SQL."""


class OperationalBusyError(OperationalError, engine.BusyError):
    """``BusyError`` in SQL."""


class OperationalConflictError(OperationalError, engine.ConflictError):
    """``ConflictError`` in SQL: roll back and try again."""


class OperationalReadOnlyError(OperationalError, engine.ReadOnlyError):
    """``ReadOnlyError`` in SQL."""


class OperationalNoSuchTableError(OperationalError, engine.NoSuchTableError):
    """``NoSuchTableError`` in SQL."""


class OperationalSchemaError(OperationalError, engine.SchemaError):
    """``SchemaError`` in SQL."""


class OperationalFailedError(OperationalError, engine.FailedError):
    """``FailedError`` in SQL."""


class OperationalStorageError(OperationalError, engine.StorageError):
    """``StorageError`` in SQL."""


class IntegrityConstraintError(IntegrityError, engine.ConstraintError):
    """``ConstraintError`` in SQL."""


class IntegrityTypeError(IntegrityError, engine.TypeMismatchError):
    """``TypeMismatchError`` in SQL: a declared type refuses the value."""


class DataLimitError(DataError, engine.LimitError):
    """``LimitError`` in SQL."""


class ProgrammingClosedError(ProgrammingError, engine.ClosedError):
    """``ClosedError`` in SQL."""


class ProgrammingUsageError(ProgrammingError, engine.UsageError):
    """``UsageError`` in SQL."""


class NotSupportedDialectError(NotSupportedError, DialectError):
    """``DialectError`` in SQL: a construct that SQLite has no equivalent of."""


_OF_ENGINE: Final[dict[type, type[_FromSQLite]]] = {
    engine.CorruptionError: DatabaseCorruptionError,
    engine.FormatError: DatabaseFormatError,
    engine.BusyError: OperationalBusyError,
    engine.ConflictError: OperationalConflictError,
    engine.ReadOnlyError: OperationalReadOnlyError,
    engine.NoSuchTableError: OperationalNoSuchTableError,
    engine.SchemaError: OperationalSchemaError,
    engine.FailedError: OperationalFailedError,
    engine.StorageError: OperationalStorageError,
    engine.ConstraintError: IntegrityConstraintError,
    engine.TypeMismatchError: IntegrityTypeError,
    engine.LimitError: DataLimitError,
    engine.ClosedError: ProgrammingClosedError,
    DialectError: NotSupportedDialectError,
    engine.UsageError: ProgrammingUsageError,
    engine.Error: DatabaseError,
}

_OF_SQLITE: Final[dict[type, type[_FromSQLite]]] = {
    apsw.InternalError: InternalError,
    apsw.NotFoundError: InternalError,
    apsw.SQLError: OperationalError,
    apsw.PermissionsError: OperationalError,
    apsw.AbortError: OperationalError,
    apsw.BusyError: OperationalError,
    apsw.LockedError: OperationalError,
    apsw.ReadOnlyError: OperationalError,
    apsw.InterruptError: OperationalError,
    apsw.IOError: OperationalError,
    apsw.FullError: OperationalError,
    apsw.CantOpenError: OperationalError,
    apsw.ProtocolError: OperationalError,
    apsw.EmptyError: OperationalError,
    apsw.SchemaChangeError: OperationalError,
    apsw.ExtensionLoadingError: OperationalError,
    apsw.TooBigError: DataError,
    apsw.ConstraintError: IntegrityError,
    apsw.MismatchError: IntegrityError,
    apsw.MisuseError: InterfaceError,
    apsw.RangeError: InterfaceError,
    apsw.BindingsError: ProgrammingError,
    apsw.ConnectionClosedError: ProgrammingError,
    apsw.CursorClosedError: ProgrammingError,
    apsw.ForkingViolationError: ProgrammingError,
    apsw.ThreadingViolationError: ProgrammingError,
    apsw.IncompleteExecutionError: ProgrammingError,
    apsw.Error: DatabaseError,
}
"""The classes that sqlite3 has for SQLite's result codes. All others are DatabaseError."""


def translate(error: Exception) -> Exception:
    """The error as a program gets it. One that is not ours to translate stays as it is."""
    if isinstance(error, InterfaceError | DatabaseError):
        return error
    tables: tuple[dict[type, type[_FromSQLite]], ...] = (_OF_ENGINE, _OF_SQLITE)
    for table in tables:
        for base in type(error).__mro__:
            if base in table:
                return _as(table[base], error)
    if isinstance(error, OverflowError):
        return IntegerRangeError("Python int too large to convert to SQLite INTEGER")
    if isinstance(error, UnicodeEncodeError):
        return DataError(f"a text with surrogates cannot be encoded as UTF-8: {error}")
    if isinstance(error, UnicodeDecodeError):
        return OperationalError(f"could not decode a text that is not valid UTF-8: {error}")
    return error


def raise_translated(error: Exception) -> NoReturn:
    """Raise what ``error`` is for a program, with its own traceback."""
    translated = translate(error)
    if translated is error:
        raise error
    raise translated.with_traceback(error.__traceback__) from None


def _as(kind: type[_FromSQLite], error: Exception) -> _FromSQLite:
    """The same message and attributes in an error of another class."""
    made = kind.__new__(kind)
    made.args = error.args
    for name, value in vars(error).items():
        setattr(made, name, value)
    code = getattr(error, "extendedresult", None)
    if code is not None:
        made.sqlite_errorcode = code
        made.sqlite_errorname = _name_of(code)
    return made


def _name_of(code: int) -> str:
    names = apsw.mapping_extended_result_codes, apsw.mapping_result_codes
    return next((str(table[code]) for table in names if code in table), "unknown")
