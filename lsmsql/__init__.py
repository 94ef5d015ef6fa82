"""lsmsql: a persistent LSM-tree store that you query with SQL.

    import lsmsql

    with lsmsql.open("store") as db:
        db["user:1"] = b"Ada"
        for key, value in db.prefix("user:"):
            print(key, value)

    with lsmsql.connect("store") as connection:
        connection.execute("SELECT value FROM kv WHERE key = ?", ["user:1"]).fetchone()

What is here is imported at its first use, so that ``import lsmsql`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsmsql.dbapi.adapters import PARSE_COLNAMES as PARSE_COLNAMES
    from lsmsql.dbapi.adapters import PARSE_DECLTYPES as PARSE_DECLTYPES
    from lsmsql.dbapi.adapters import PrepareProtocol as PrepareProtocol
    from lsmsql.dbapi.adapters import register_adapter as register_adapter
    from lsmsql.dbapi.adapters import register_converter as register_converter
    from lsmsql.dbapi.connection import Connection as Connection
    from lsmsql.dbapi.connection import connect as connect
    from lsmsql.dbapi.cursor import Cursor as Cursor
    from lsmsql.dbapi.errors import DatabaseError as DatabaseError
    from lsmsql.dbapi.errors import DataError as DataError
    from lsmsql.dbapi.errors import IntegrityError as IntegrityError
    from lsmsql.dbapi.errors import InterfaceError as InterfaceError
    from lsmsql.dbapi.errors import InternalError as InternalError
    from lsmsql.dbapi.errors import NotSupportedError as NotSupportedError
    from lsmsql.dbapi.errors import OperationalError as OperationalError
    from lsmsql.dbapi.errors import ProgrammingError as ProgrammingError
    from lsmsql.dbapi.errors import Warning as Warning
    from lsmsql.dbapi.rows import Row as Row
    from lsmsql.dbapi.statements import sqlite_version as sqlite_version
    from lsmsql.dbapi.statements import sqlite_version_info as sqlite_version_info
    from lsmsql.dbapi.transactions import LEGACY_TRANSACTION_CONTROL as LEGACY_TRANSACTION_CONTROL
    from lsmsql.dbapi.types import BINARY as BINARY
    from lsmsql.dbapi.types import DATETIME as DATETIME
    from lsmsql.dbapi.types import NUMBER as NUMBER
    from lsmsql.dbapi.types import ROWID as ROWID
    from lsmsql.dbapi.types import STRING as STRING
    from lsmsql.dbapi.types import Binary as Binary
    from lsmsql.dbapi.types import Date as Date
    from lsmsql.dbapi.types import DateFromTicks as DateFromTicks
    from lsmsql.dbapi.types import Time as Time
    from lsmsql.dbapi.types import TimeFromTicks as TimeFromTicks
    from lsmsql.dbapi.types import Timestamp as Timestamp
    from lsmsql.dbapi.types import TimestampFromTicks as TimestampFromTicks
    from lsmsql.engine.backup import BackupReport as BackupReport
    from lsmsql.engine.batch import Batch as Batch
    from lsmsql.engine.column import Column as Column
    from lsmsql.engine.errors import BusyError as BusyError
    from lsmsql.engine.errors import ClosedError as ClosedError
    from lsmsql.engine.errors import ConflictError as ConflictError
    from lsmsql.engine.errors import ConstraintError as ConstraintError
    from lsmsql.engine.errors import CorruptionError as CorruptionError
    from lsmsql.engine.errors import Error as Error
    from lsmsql.engine.errors import FailedError as FailedError
    from lsmsql.engine.errors import FormatError as FormatError
    from lsmsql.engine.errors import LimitError as LimitError
    from lsmsql.engine.errors import NoSuchTableError as NoSuchTableError
    from lsmsql.engine.errors import ReadOnlyError as ReadOnlyError
    from lsmsql.engine.errors import SchemaError as SchemaError
    from lsmsql.engine.errors import StorageError as StorageError
    from lsmsql.engine.errors import TypeMismatchError as TypeMismatchError
    from lsmsql.engine.errors import UsageError as UsageError
    from lsmsql.engine.repair.repair import repair as repair
    from lsmsql.engine.repair.report import Loss as Loss
    from lsmsql.engine.repair.report import RepairReport as RepairReport
    from lsmsql.engine.snapshot import Snapshot as Snapshot
    from lsmsql.engine.stats import Stats as Stats
    from lsmsql.engine.store import Store as Store
    from lsmsql.engine.store import open_store
    from lsmsql.engine.table import Table as Table
    from lsmsql.engine.transaction import Transaction as Transaction
    from lsmsql.engine.verify.report import Finding as Finding
    from lsmsql.engine.verify.report import Report as Report
    from lsmsql.engine.verify.verify import verify as verify

    open = open_store

__version__ = "0.1.0"

# PEP 249
apilevel = "2.0"
threadsafety = 3
paramstyle = "qmark"

_DBAPI = {
    "connection": ("Connection", "connect"),
    "cursor": ("Cursor",),
    "rows": ("Row",),
    "statements": ("sqlite_version", "sqlite_version_info"),
    "transactions": ("LEGACY_TRANSACTION_CONTROL",),
    "adapters": (
        "PARSE_COLNAMES",
        "PARSE_DECLTYPES",
        "PrepareProtocol",
        "register_adapter",
        "register_converter",
    ),
    "errors": (
        "DataError",
        "DatabaseError",
        "IntegrityError",
        "InterfaceError",
        "InternalError",
        "NotSupportedError",
        "OperationalError",
        "ProgrammingError",
        "Warning",
    ),
    "types": (
        "BINARY",
        "DATETIME",
        "NUMBER",
        "ROWID",
        "STRING",
        "Binary",
        "Date",
        "DateFromTicks",
        "Time",
        "TimeFromTicks",
        "Timestamp",
        "TimestampFromTicks",
    ),
}

_HOMES = {
    "open": ("lsmsql.engine.store", "open_store"),
    "Store": ("lsmsql.engine.store", "Store"),
    "Table": ("lsmsql.engine.table", "Table"),
    "BackupReport": ("lsmsql.engine.backup", "BackupReport"),
    "Batch": ("lsmsql.engine.batch", "Batch"),
    "Snapshot": ("lsmsql.engine.snapshot", "Snapshot"),
    "Stats": ("lsmsql.engine.stats", "Stats"),
    "Transaction": ("lsmsql.engine.transaction", "Transaction"),
    "Column": ("lsmsql.engine.column", "Column"),
    "Finding": ("lsmsql.engine.verify.report", "Finding"),
    "Loss": ("lsmsql.engine.repair.report", "Loss"),
    "RepairReport": ("lsmsql.engine.repair.report", "RepairReport"),
    "repair": ("lsmsql.engine.repair.repair", "repair"),
    "Report": ("lsmsql.engine.verify.report", "Report"),
    "verify": ("lsmsql.engine.verify.verify", "verify"),
    **{
        name: ("lsmsql.engine.errors", name)
        for name in (
            "BusyError",
            "ClosedError",
            "ConflictError",
            "ConstraintError",
            "CorruptionError",
            "Error",
            "FailedError",
            "FormatError",
            "LimitError",
            "NoSuchTableError",
            "ReadOnlyError",
            "SchemaError",
            "StorageError",
            "TypeMismatchError",
            "UsageError",
        )
    },
    **{
        name: (f"lsmsql.dbapi.{module}", name) for module, names in _DBAPI.items() for name in names
    },
}

__all__ = [*_HOMES, "__version__", "apilevel", "paramstyle", "threadsafety"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lsmsql' has no attribute {name!r}")
    import importlib

    module, attribute = _HOMES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
