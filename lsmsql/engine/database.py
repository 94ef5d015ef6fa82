"""An open database by table ids and encoded keys: what tables, batches and SQL are built on."""

from __future__ import annotations

from collections.abc import Callable

from lsmsql.engine.catalog import CATALOG_TABLE_ID, Catalog
from lsmsql.engine.core import Core
from lsmsql.engine.errors import ConflictError
from lsmsql.engine.ingest import ingest
from lsmsql.engine.memtable.memtable import Forgotten
from lsmsql.engine.place import Holder
from lsmsql.engine.projection import Columns, Projection
from lsmsql.engine.readset import ReadSet
from lsmsql.engine.readview import ReadView, read_at_once
from lsmsql.engine.recent import ABSENT, Absent
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.scheduler import Scheduler
from lsmsql.engine.schema import KV_TABLE_ID, KV_VALUE_SLOT
from lsmsql.engine.slices import Range
from lsmsql.engine.sources import read_source
from lsmsql.engine.tables import Tables
from lsmsql.engine.upkeep import Upkeeps
from lsmsql.engine.validation import describe, first_conflict
from lsmsql.engine.values import Row, Value
from lsmsql.engine.view import (
    NEWEST,
    NOTHING,
    Found,
    find,
    find_in_files,
    found_slot,
    read_value,
)
from lsmsql.engine.wal.changes import Changes
from lsmsql.engine.writeset import WriteSet


class IndexedError(ConflictError):
    """Rows were to be changed unread, of a table that has indexes: they must be kept up."""

    def __init__(self) -> None:
        super().__init__("an index has been created for the table; try again")


class Database(Tables):
    """Reads and commits. ``scheduler`` is None in a database that is open for reading only."""

    def __init__(self, core: Core, scheduler: Scheduler | None) -> None:
        self.core = core
        self.upkeeps = Upkeeps()
        self._scheduler = scheduler
        self._make_room = core.check_writable if scheduler is None else scheduler.make_room

    @property
    def path(self) -> str:
        """The directory."""
        return self.core.path

    @property
    def readonly(self) -> bool:
        """Whether the store was opened with mode "r"."""
        return self._scheduler is None

    @property
    def catalog(self) -> Catalog:
        """The tables there are now."""
        return self.core.catalog

    @property
    def scheduler(self) -> Scheduler:
        """The background work. Raises ReadOnlyError or ClosedError if there is none."""
        self.core.check_writable()
        assert self._scheduler is not None
        return self._scheduler

    def find(self, table_id: int, key: bytes) -> Found | None:
        """The newest record of an encoded key."""
        core = self.core
        if core.alert:
            core.check_open()
        core.counters.gets += 1
        while True:
            sequence = core.snapshots.published
            table = core.state.tables.get(table_id, NOTHING)
            try:
                return find(table, key, sequence, NEWEST)
            except Forgotten:  # a writer was faster: look again, at a newer commit
                continue

    def value(self, key: bytes) -> Value | Absent:
        """The value in ``kv`` of an encoded key, or ABSENT: ``find`` by way of the row cache."""
        core = self.core
        if core.alert:
            core.check_open()
        core.counters.gets += 1
        while True:
            sequence = core.snapshots.published
            table = core.state.tables.get(KV_TABLE_ID, NOTHING)
            try:
                for memtable in table.memtables:
                    version = memtable.get(key, sequence)
                    if version is not None:
                        return ABSENT if version.row is None else version.row[KV_VALUE_SLOT]
            except Forgotten:
                continue
            break
        recent = core.recent
        if recent.version is not table.version:  # a new version becomes live at this moment
            found = find_in_files(table.version, key, NEWEST)
            return ABSENT if found is None else found_slot(found, KV_VALUE_SLOT)
        value: Value | Absent = recent.values.get(key, ABSENT)
        if value is not ABSENT:
            core.counters.recent_hits += 1
            return value
        return read_value(recent, key, NEWEST)

    def write_one(self, table_id: int, key: bytes, row: Row | None) -> None:
        """Commit one record."""
        core = self.core
        if core.committing:
            core.queue()
        with core.write_lock:
            core.committing = True
            try:
                if not core.writable:
                    core.admit()
                if table_id != KV_TABLE_ID:  # which cannot be dropped, nor indexed
                    core.schema_of(table_id)
                    if table_id in core.catalog.indexes:
                        raise IndexedError
                if core.memtable_bytes >= core.next_look:
                    self._make_room()
                sequence = core.commit_one(table_id, key, row)
            finally:
                core.committing = False
        if core.syncs:
            core.settle(sequence)

    def write(self, changes: Changes) -> None:
        """Commit many records as one."""
        self.commit_changes(changes)

    def commit_changes(
        self,
        changes: Changes,
        reads: ReadSet | None = None,
        since: int = 0,
        holder: Holder | None = None,
    ) -> None:
        """Commit many records as one; those of the catalogue create and drop tables.

        ``reads`` were made by a reader that is registered at ``since``: raises ConflictError if a
        later commit has changed any of it. ``holder`` is who may have the writer's place. Without
        ``reads``, raises IndexedError for changes of a table that has indexes.
        """
        core = self.core
        if core.committing:
            core.queue()
        with core.write_lock:
            core.committing = True
            try:
                sequence = self._commit(changes, reads, since, holder)
            finally:
                core.committing = False
        core.settle(sequence)

    def _commit(
        self, changes: Changes, reads: ReadSet | None, since: int, holder: Holder | None
    ) -> int:
        """``commit_changes`` for whoever has the writers' lock."""
        core = self.core
        if not core.writable:
            core.admit(holder)
        if reads is not None and core.sequence > since:
            self._validate(changes, reads, since)
        definitions = changes.get(CATALOG_TABLE_ID)
        catalog = core.catalog
        if reads is None and not catalog.indexes.keys().isdisjoint(changes):
            raise IndexedError
        if definitions:
            catalog = catalog.changed(definitions, core.path)
        for table_id in changes:
            if table_id not in catalog.by_id and table_id != CATALOG_TABLE_ID:
                core.schema_of(table_id)
        if core.memtable_bytes >= core.next_look:
            self._make_room()
        return core.commit(changes, catalog if definitions else None)

    def remove_dropped(self, changes: Changes) -> None:
        """After a commit of ``changes``: let the files go of tables that it has dropped.

        That is when no reader may ask for them, so that of the commit itself must have ended.
        """
        if CATALOG_TABLE_ID in changes and self._scheduler is not None:
            self._scheduler.look_for_work()

    def _validate(self, changes: Changes, reads: ReadSet, since: int) -> None:
        conflict = first_conflict(self.core.state, reads, since, changes)
        if conflict is not None:
            what = describe(conflict, self.core.catalog)
            raise ConflictError(
                f"another commit has changed {what}, which this transaction has read;"
                " roll back and try again"
            )

    def ingest_rows(
        self, rows: RowCodec, data: object, progress: Callable[[int], object] | None
    ) -> int:
        """Add many rows straight to files."""
        self.core.check_writable()
        batches = read_source(data, rows.schema)
        return ingest(self.core, self.scheduler, rows, batches, progress)

    def view(self, writes: WriteSet | None = None) -> ReadView:
        """A reader's view of the store as it is now, with uncommitted changes on top."""
        return ReadView(self.core, writes)

    def first_rows(
        self, table_id: int, span: Range, projection: Projection, limit: int, *, reverse: bool
    ) -> Columns | None:
        """The first records of ``span``; None if there was a commit meanwhile."""
        return read_at_once(self.core, table_id, span, projection, limit, reverse=reverse)
