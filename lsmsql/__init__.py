"""lsmsql: a persistent LSM-tree store that you query with SQL.

    import lsmsql

    with lsmsql.open("store") as db:
        db["user:1"] = b"Ada"
        for key, value in db.prefix("user:"):
            print(key, value)

What is here is imported at its first use, so that ``import lsmsql`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
}

__all__ = [*_HOMES, "__version__"]


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
