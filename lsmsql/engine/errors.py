"""Every error lsmsql raises on purpose, one tree with ``Error`` at its root.

    Error
    ├── UsageError            the call was wrong; nothing has changed
    │   ├── TypeMismatchError a value SQLite cannot hold, or that a declared type refuses
    │   ├── LimitError        a value, key or table beyond the documented limits
    │   ├── SchemaError       a table definition that cannot be honoured
    │   ├── ConstraintError   a row that breaks a declared constraint (NULL key, NOT NULL)
    │   ├── NoSuchTableError  a table name that the store does not hold
    │   ├── ReadOnlyError     a write on a store that was opened with mode="r"
    │   └── ClosedError       use of a closed store, batch or iterator
    ├── ConflictError         another commit came first; roll back and try again
    └── StorageError          the disk, or what lies on it, is at fault
        ├── CorruptionError   a file does not say what it must; names file and offset
        ├── FormatError       a file of a newer format than this version reads
        ├── BusyError         another process holds the store, or a transaction the writer's place
        └── FailedError       an earlier write failed; the store refuses further ones

Some also derive from the built-in exception that Python users would catch.
"""

from __future__ import annotations


class Error(Exception):
    """Root of all errors raised by lsmsql."""


class UsageError(Error):
    """The caller asked for something that cannot be done; nothing has changed."""


class TypeMismatchError(UsageError, TypeError):
    """A value of a type that SQLite cannot hold, or that the column's declared type refuses."""


class LimitError(UsageError, ValueError):
    """A value beyond a documented limit: key and value sizes, integer range, column count."""


class SchemaError(UsageError, ValueError):
    """A table definition that cannot be honoured."""


class ConstraintError(UsageError, ValueError):
    """A row that breaks a declared constraint."""


class NoSuchTableError(UsageError, KeyError):
    """A table name that the store does not hold."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class ReadOnlyError(UsageError):
    """A write on a store that was opened for reading."""


class ClosedError(UsageError):
    """Use of a store, batch or iterator after it was closed."""


class ConflictError(Error):
    """Another commit has changed what this transaction changes; nothing of it has been made.

    To roll back and try again is the way on.
    """


class StorageError(Error):
    """The disk, or what lies on it, is at fault."""


class CorruptionError(StorageError):
    """A file does not say what it must.

    ``file`` is its path, ``offset`` the byte at which the damaged part begins (``None`` when the
    file as a whole is at fault), ``problem`` what is wrong there.
    """

    def __init__(self, file: str, offset: int | None, problem: str) -> None:
        where = file if offset is None else f"{file}, offset {offset}"
        super().__init__(f"{where}: {problem}")
        self.file = file
        self.offset = offset
        self.problem = problem


class FormatError(StorageError):
    """A file of a format version that this release does not read."""


class BusyError(StorageError):
    """Another process holds the store for writing, or another transaction the writer's place.

    ``owner`` is what the process wrote into the lock: its number; empty if nothing is known.
    """

    def __init__(self, problem: str, owner: str = "") -> None:
        super().__init__(problem)
        self.owner = owner


class FailedError(StorageError):
    """An earlier write failed, so the store refuses further ones until it is opened again."""
