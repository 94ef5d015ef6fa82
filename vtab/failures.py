"""Errors of ours that SQLite understands: each is of our tree and of apsw's, and carries the result
code that SQLite gives for the same mistake in a table of its own.

What the statement says of conflicts, such as OR IGNORE, SQLite applies to every constraint error
of a virtual table. To a value of a wrong type it does not apply: that is then reported with another
code.
"""

from __future__ import annotations

from typing import TypeVar

import apsw

from lsmsql.engine.column import Column
from lsmsql.engine.errors import (
    BusyError,
    ConflictError,
    ConstraintError,
    LimitError,
    ReadOnlyError,
    SchemaError,
    TypeMismatchError,
    UsageError,
)
from lsmsql.engine.schema import Check, TableSchema
from lsmsql.engine.values import Value
from vtab.planner import has_rowid

_STORAGE_NAMES: dict[type, str] = {int: "INT", float: "REAL", str: "TEXT", bytes: "BLOB"}
"""As SQLite calls them in this message."""

CodedError = TypeVar("CodedError", bound=apsw.Error)


class RowConstraintError(ConstraintError, apsw.ConstraintError):
    """A row that breaks UNIQUE or NOT NULL."""


class RowTypeError(TypeMismatchError, apsw.ConstraintError):
    """A value that the declared type of its column refuses."""


class StatementTypeError(TypeMismatchError, apsw.MismatchError):
    """The same for a rowid, or in a statement with OR IGNORE, OR FAIL or OR ROLLBACK."""


class DefinitionError(SchemaError, apsw.SQLError):
    """What cannot be done because of how a table is defined."""


class RowLimitError(LimitError, apsw.TooBigError):
    """A key that is too long."""


class StoreReadOnlyError(ReadOnlyError, apsw.ReadOnlyError):
    """A write on a store that was opened for reading."""


class HistoryError(UsageError, apsw.SQLError):
    """A commit that cannot be asked for, or no number of one."""


class TransactionConflictError(ConflictError, apsw.BusyError):
    """Another commit came first."""


class PlaceTakenError(BusyError, apsw.BusyError):
    """Another transaction has the writer's place."""


def busy(error: ConflictError | BusyError) -> TransactionConflictError | PlaceTakenError:
    """The engine's error as the busy error that SQLite users know.

    Only with the plain code does SQLite leave the transaction of a failed COMMIT open.
    """
    if isinstance(error, BusyError):
        return _coded(PlaceTakenError(str(error), error.owner), apsw.SQLITE_BUSY)
    return _coded(TransactionConflictError(str(error)), apsw.SQLITE_BUSY)


def read_only(error: ReadOnlyError) -> StoreReadOnlyError:
    """The engine's ReadOnlyError as one that SQLite understands."""
    return StoreReadOnlyError(str(error))


def duplicate_key(schema: TableSchema) -> RowConstraintError:
    """There is a row with this key."""
    names = ", ".join(f"{schema.name}.{schema.columns[i].name}" for i in schema.key)
    hidden = schema.columns[schema.key[0]].hidden
    code = apsw.SQLITE_CONSTRAINT_ROWID if hidden else apsw.SQLITE_CONSTRAINT_PRIMARYKEY
    return _coded(RowConstraintError(f"UNIQUE constraint failed: {names}"), code)


def duplicate_terms(message: str, *, primary: bool = False) -> RowConstraintError:
    """A UNIQUE index, or one that is the ``primary`` key, has a row with these terms."""
    code = apsw.SQLITE_CONSTRAINT_PRIMARYKEY if primary else apsw.SQLITE_CONSTRAINT_UNIQUE
    return _coded(RowConstraintError(message), code)


def broken_check(check: Check) -> RowConstraintError:
    """A row makes a condition false."""
    message = f"CHECK constraint failed: {check.name or check.sql}"
    return _coded(RowConstraintError(message), apsw.SQLITE_CONSTRAINT_CHECK)


def generated_column(schema: TableSchema, position: int) -> DefinitionError:
    """A value for a column that is computed."""
    name = schema.columns[position].name
    return DefinitionError(f'cannot UPDATE generated column "{name}"')


def null_value(schema: TableSchema, column: Column) -> RowConstraintError:
    """NULL in a column that is NOT NULL."""
    message = f"NOT NULL constraint failed: {schema.name}.{column.name}"
    return _coded(RowConstraintError(message), apsw.SQLITE_CONSTRAINT_NOTNULL)


def null_rowid(schema: TableSchema) -> StatementTypeError:
    """NULL in the key of a row that is there already: it would have no rowid."""
    name = f"{schema.name}.{schema.columns[schema.key[0]].name}"
    message = f"cannot store NULL in {name}, the key of the table; give an integer"
    return _coded(StatementTypeError(message), apsw.SQLITE_MISMATCH)


def wrong_type(
    schema: TableSchema, column: Column, value: Value, on_conflict: int
) -> RowTypeError | StatementTypeError:
    """A value that cannot be converted to the type of its column. It fails the whole statement.

    For a rowid, which takes integers in any table, SQLite has another code than for STRICT.
    """
    message = (
        f"cannot store {_STORAGE_NAMES[type(value)]} value in {column.type_name} column"
        f" {schema.name}.{column.name}"
    )
    is_rowid = has_rowid(schema) and column is schema.columns[schema.key[0]]
    if is_rowid or on_conflict not in (apsw.SQLITE_ABORT, apsw.SQLITE_REPLACE):
        return _coded(StatementTypeError(message), apsw.SQLITE_MISMATCH)
    return _coded(RowTypeError(message), apsw.SQLITE_CONSTRAINT_DATATYPE)


def _coded(error: CodedError, code: int) -> CodedError:
    error.extendedresult = code  # type: ignore[attr-defined]
    error.result = code & 0xFF  # type: ignore[attr-defined]
    return error
