"""A transaction: reads of one snapshot with its own changes on top, and one commit at the end.

    begin     a reader is registered at the newest commit
    read      its own changes first, then the snapshot; what is read is remembered (``readset``)
    write     into the write set, which nobody else sees
    commit    if nothing of what was read has changed since (``validation``), all in one frame

Not for more than one thread at a time.
"""

from __future__ import annotations

import contextlib
import enum
import random
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeVar

from lsmsql.engine.catalog import CATALOG_TABLE_ID, SEQUENCES_SCHEMA, Catalog, CatalogRecords
from lsmsql.engine.database import Database
from lsmsql.engine.errors import ClosedError, ConflictError, UsageError
from lsmsql.engine.indexes import index_schema
from lsmsql.engine.projection import Projection
from lsmsql.engine.readset import ReadSet
from lsmsql.engine.readview import LongView, ReadView
from lsmsql.engine.recent import ABSENT, Absent
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import KV_TABLE_ID, KV_VALUE_SLOT, IndexDefinition, TableSchema
from lsmsql.engine.slices import Range
from lsmsql.engine.snapshot import catalog_at
from lsmsql.engine.table import Table
from lsmsql.engine.values import Row, Value
from lsmsql.engine.verbs import WriteVerbs
from lsmsql.engine.view import Found
from lsmsql.engine.wal.changes import Changes
from lsmsql.engine.writeset import WriteSet

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.05
"""Seconds before the first retry, at most; twice as long each time."""


class _State(enum.Enum):
    OPEN = "open"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled back"


class Transaction(WriteVerbs):
    """Reads and changes ``kv`` and all tables, creates and drops tables.

    ``commit``, or leaving the ``with`` block, makes all changes at once, or raises ConflictError
    and makes none. An exception in the block rolls back. Afterwards, and for iterators that are
    left, every call raises ClosedError.
    """

    def __init__(self, database: Database, *, immediate: bool = False) -> None:
        super().__init__()
        self.core = database.core
        self._database = database
        self._state = _State.OPEN
        self._writes = WriteSet()
        self._reads = ReadSet()
        self._savepoints: list[Savepoint] = []
        try:
            if immediate:
                self.core.take_place(self)
            self._view = LongView(self.core, reads=self._reads)
            self._view.share()
            self._catalog = catalog_at(self._view)
        except BaseException:
            self._state = _State.ROLLED_BACK
            self._give_place_back()
            raise

    def __repr__(self) -> str:
        return f"<transaction at {self.sequence} of {self.core.path!r} ({self._state.value})>"

    def holds_place(self) -> bool:
        """Whether it goes on."""
        return self._state is _State.OPEN

    @property
    def sequence(self) -> int:
        """The number of the newest commit that it sees."""
        return self._view.sequence

    @property
    def catalog(self) -> Catalog:
        """The tables there are for it."""
        return self._catalog

    def _check(self) -> None:
        if self._state is not _State.OPEN:
            raise ClosedError(f"the transaction has been {self._state.value}; begin another one")

    # ------------------------------------------------------------------------------- reading

    def find(self, table_id: int, key: bytes) -> Found | None:
        """The record of an encoded key; None if there is none."""
        self._check()
        change = self._writes.get(table_id, key)
        if change is None:
            return self._view.find(table_id, key)
        (row,) = change
        return None if row is None else (None, 0, row)

    def value(self, key: bytes) -> Value | Absent:
        """The value in ``kv`` of an encoded key, or ABSENT."""
        self._check()
        change = self._writes.get(KV_TABLE_ID, key)
        if change is None:
            return self._view.value(key)
        (row,) = change
        return ABSENT if row is None else row[KV_VALUE_SLOT]

    def view(self) -> ReadView:
        """What there is now, for a range."""
        self._check()
        return self._view.branch(self._writes)

    # ------------------------------------------------------------------------------- writing

    def write_one(self, table_id: int, key: bytes, row: Row | None) -> None:
        """Set the row of ``key``, or delete it with None."""
        self._check()
        if self._database.readonly:
            self.core.check_writable()
        self._change(table_id, key, row)

    def write(self, changes: Changes) -> None:
        """Make many changes, all of them or, if one is refused, none."""
        self._check()
        self.core.check_writable()
        before = self._writes.step
        try:
            for table_id, records in changes.items():
                for key, row in records.items():
                    self._change(table_id, key, row)
        except BaseException:
            self._writes.rollback(before)
            raise

    def _change(self, table_id: int, key: bytes, row: Row | None) -> None:
        """Change a row, and the indexes of its table."""
        indexes = self._catalog.indexes
        if indexes and table_id in indexes:
            table = self._catalog.by_id[table_id]
            self._database.upkeeps.of(table, indexes[table_id]).change(self, key, row)
        else:
            self._writes.put(table_id, key, row)

    def has_any(self, table_id: int, span: Range, projection: Projection) -> bool:
        """Whether there is a record in a range now."""
        with self.view() as view:
            return bool(view.keys_between(table_id, span, projection))

    def set_record(self, table_id: int, key: bytes, row: Row | None) -> None:
        """Set the payload of a key, or with None delete it, and nothing else."""
        self._writes.put(table_id, key, row)

    def ingest_rows(
        self, rows: RowCodec, data: object, progress: Callable[[int], object] | None
    ) -> int:
        """Raise UsageError."""
        self._check()
        raise UsageError("ingest goes straight to files, past a transaction; use update")

    # ------------------------------------------------------------------------------- tables

    def table(self, name: str) -> Table:
        """The table of that name. Raises NoSuchTableError, which lists those there are."""
        self._check()
        if self._catalog.find(name) is None:
            self._read_catalog()
        return super().table(name)

    def tables(self) -> list[TableSchema]:
        """The definitions of all tables, by name."""
        self._check()
        self._read_catalog()
        return super().tables()

    def _read_catalog(self) -> None:
        """From now on, whoever creates or drops a table is in conflict with this."""
        self._reads.add_range(CATALOG_TABLE_ID, Range())

    def define(
        self, schema: TableSchema, indexes: Sequence[tuple[str, IndexDefinition]] = ()
    ) -> None:
        """Create a table, and indexes that it has from the beginning."""
        self._check()
        if schema.autoincrement and self._catalog.sequences is None:
            self._create(SEQUENCES_SCHEMA)
        self._create(schema)
        table = self._catalog.get(schema.name)
        for name, definition in indexes:
            self.define_index(index_schema(table, name, definition))

    def define_index(self, index: TableSchema) -> TableSchema:
        """Create an index without entries, and return it with its number."""
        self._check()
        self._create(index)
        created = self._catalog.named(index.name)
        assert isinstance(created, TableSchema)
        return created

    def redefine(self, schema: TableSchema) -> None:
        """Give a table or an index another definition."""
        self._check()
        self._change_catalog(*self._catalog.alter(schema))

    def undefine_index(self, index: TableSchema) -> None:
        """Drop an index."""
        self._check()
        self._change_catalog(*self._catalog.drop(index.id))

    def _create(self, schema: TableSchema) -> None:
        least = self.core.new_table_id(self._catalog.next_id)
        self._change_catalog(*self._catalog.create(schema, least))

    def undefine(self, name: str) -> None:
        """Drop a table and its indexes."""
        self._check()
        self._change_catalog(*self._catalog.drop(self._catalog.get(name).id))

    def _change_catalog(self, catalog: Catalog, records: CatalogRecords) -> None:
        self._read_catalog()
        self.write({CATALOG_TABLE_ID: records})
        self._catalog = catalog

    # ------------------------------------------------------------------------------- savepoints

    def savepoint(self) -> Savepoint:
        """This point, to come back to. In a ``with`` block, an exception leads back to it."""
        self._check()
        savepoint = Savepoint(self, self._writes.step, self._catalog)
        self._savepoints.append(savepoint)
        return savepoint

    def leave(self, savepoint: Savepoint, *, undo: bool) -> None:
        """Forget the savepoints behind this one and take back the changes since, or forget it too.

        Raises ClosedError if it has been forgotten.
        """
        self._check()
        if savepoint not in self._savepoints:
            raise ClosedError("the savepoint has been released, or what it is within")
        place = self._savepoints.index(savepoint)
        if undo:
            self._writes.rollback(savepoint.step)
            self._catalog = savepoint.catalog
        del self._savepoints[place + undo :]

    # ------------------------------------------------------------------------------- the end

    def commit(self) -> None:
        """Make all changes, atomically.

        Raises ConflictError if a later commit has changed what this one has read, BusyError if
        another has the writer's place, and as every write; then nothing has been changed and the
        transaction is rolled back. One that changes nothing never fails.
        """
        self._check()
        state = _State.ROLLED_BACK
        try:
            changes = self._changes()
            if changes:
                self._database.commit_changes(changes, self._reads, self.sequence, self)
            state = _State.COMMITTED
        finally:
            self._end(state)
        self._database.remove_dropped(changes)

    def _changes(self) -> Changes:
        """All changes but those of tables that were dropped afterwards."""
        known = {CATALOG_TABLE_ID, *self._catalog.by_id}
        return {i: records for i, records in self._writes.changes().items() if i in known}

    def rollback(self) -> None:
        """Throw all changes away. Does nothing to a transaction that is over."""
        if self._state is _State.OPEN:
            self._end(_State.ROLLED_BACK)

    def _end(self, state: _State) -> None:
        self._state = state
        self._view.close()
        self._writes, self._reads = WriteSet(), ReadSet()
        self._give_place_back()

    def _give_place_back(self) -> None:
        if self.core.place.holder is self:
            self.core.free_place(self)

    def __del__(self) -> None:
        if getattr(self, "_state", None) is _State.OPEN:
            self.rollback()

    def __enter__(self) -> Transaction:
        self._check()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.rollback()
        elif self._state is _State.OPEN:
            self.commit()


class Savepoint:
    """A point of a transaction: ``step`` of its changes, and the tables there were.

    Savepoints nest: to go back to one, or to release it, does away with all behind it.
    """

    def __init__(self, transaction: Transaction, step: int, catalog: Catalog) -> None:
        self._transaction = transaction
        self.step = step
        self.catalog = catalog

    def rollback(self) -> None:
        """Take back all changes made since; the savepoint stays. What was read was read."""
        self._transaction.leave(self, undo=True)

    def release(self) -> None:
        """Keep the changes; this point is no more."""
        self._transaction.leave(self, undo=False)

    def __enter__(self) -> Savepoint:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ClosedError):  # it, or the transaction, may have been ended within
            if kind is not None:
                self.rollback()
            self.release()


def run(database: Database, work: Callable[[Transaction], T], retries: int) -> T:
    """Call ``work`` in a transaction, and again after a conflict; see ``Store.run``."""
    if not callable(work):
        raise UsageError(f"run calls a function with a transaction; {work!r} is none")
    if type(retries) is not int or retries < 0:
        raise UsageError(f"retries is a number of at least 0, not {retries!r}")
    for attempt in range(retries + 1):
        last = attempt == retries
        try:
            with Transaction(database, immediate=last and retries > 0) as transaction:
                return work(transaction)
        except ConflictError:
            if last:
                raise
        pause = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
        time.sleep(random.uniform(0, pause))
    raise AssertionError("the last attempt returns or raises")
