"""The two databases that run a program: a store of ours, and SQLite's own tables in memory."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import apsw

import lsmsql
from lsmsql.engine.store import Store
from lsmsql.engine.values import MAX_INTEGER
from tests.differential.programs import Does, Step

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Outcome:
    """What a statement has done. ``error`` is its kind: the code of a broken constraint, or
    "error"; ``message`` is for people. ``changes`` and ``rowid`` are those of a change, else 0."""

    rows: list[Row] | None = None
    error: str = ""
    message: str = ""
    changes: int = 0
    rowid: int = 0
    in_transaction: bool = False


class Side(Protocol):
    """One of the two."""

    def run(self, step: Step) -> Outcome:
        """Run a step. Raises what is no error of SQL: then the side is at fault."""
        ...

    def close(self) -> None: ...


_CHANGES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


def changing(sql: str) -> bool:
    """Whether a statement changes rows."""
    return sql.startswith(_CHANGES)


class Theirs:
    """Tables of SQLite's own."""

    def __init__(self) -> None:
        self._connection = apsw.Connection(":memory:")
        self._connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        self._connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)

    def run(self, step: Step) -> Outcome:
        connection = self._connection
        if step.does is not Does.RUN:
            return Outcome(in_transaction=connection.in_transaction)
        try:
            rows = connection.execute(step.sql, dict(step.variables)).fetchall()
        except apsw.Error as error:
            kind = _kind(getattr(error, "extendedresult", 0))
            return Outcome(None, kind, str(error), in_transaction=connection.in_transaction)
        counts = changing(step.sql)
        return Outcome(
            rows,
            changes=connection.changes() if counts else 0,
            rowid=connection.last_insert_rowid() if step.keeps_rowid else 0,
            in_transaction=connection.in_transaction,
        )

    def is_full(self) -> bool:
        """Whether a table has come near the greatest rowid that there is."""
        connection = self._connection
        names = connection.execute(
            "SELECT name FROM pragma_table_list WHERE type = 'table'"
            " AND NOT wr AND name NOT LIKE 'sqlite%'"
        ).fetchall()
        return any(
            connection.execute(f"SELECT 1 FROM {name} WHERE rowid > {MAX_INTEGER - 10}").fetchall()
            for (name,) in names
        )

    def close(self) -> None:
        self._connection.close()


class Ours:
    """Tables of a store, with blocks of few rows."""

    def __init__(self) -> None:
        self._path = tempfile.mkdtemp()
        self._open()

    def _open(self) -> None:
        self._store: Store = lsmsql.open(
            self._path, sync="off", background=False, block_rows=4, bottom_block_factor=1
        )
        self._connection = self._store.connect(autocommit=True)

    def run(self, step: Step) -> Outcome:
        actions: Mapping[Does, Callable[[], object]] = {
            Does.FLUSH: self._store.flush,
            Does.COMPACT: self._store.compact,
            Does.REOPEN: self._reopen,
        }
        connection = self._connection
        if step.does is not Does.RUN:
            actions[step.does]()
            return Outcome(in_transaction=self._connection.in_transaction)
        try:
            cursor = connection.execute(step.sql, step.variables)
            rows = [] if cursor.description is None else cursor.fetchall()
        except (lsmsql.DatabaseError, lsmsql.InterfaceError) as error:
            kind = _kind(getattr(error, "sqlite_errorcode", 0))
            return Outcome(None, kind, str(error), in_transaction=connection.in_transaction)
        return Outcome(
            rows,
            changes=cursor.rowcount if changing(step.sql) else 0,
            rowid=cursor.lastrowid if step.keeps_rowid else 0,
            in_transaction=connection.in_transaction,
        )

    def _reopen(self) -> None:
        if not self._connection.in_transaction:
            self._connection.close()
            self._store.close()
            self._open()

    def close(self) -> None:
        self._connection.close()
        self._store.close()
        shutil.rmtree(self._path)


def _kind(code: int) -> str:
    if code & 0xFF in (apsw.SQLITE_CONSTRAINT, apsw.SQLITE_MISMATCH):
        return str({**apsw.mapping_result_codes, **apsw.mapping_extended_result_codes}[code])
    return "error"


class Both:
    """The two, and whether the last rowid that was given out is the same thing for both."""

    def __init__(self) -> None:
        self.ours, self.theirs = Ours(), Theirs()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ours.close()
        self.theirs.close()
