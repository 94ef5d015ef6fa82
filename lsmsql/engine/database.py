"""An open database by table ids and encoded keys: what tables, batches and SQL are built on."""

from __future__ import annotations

from lsmsql.engine.core import Core
from lsmsql.engine.errors import ConflictError
from lsmsql.engine.memtable.memtable import Forgotten
from lsmsql.engine.readview import ReadView
from lsmsql.engine.recent import ABSENT, Absent
from lsmsql.engine.scheduler import Scheduler
from lsmsql.engine.schema import KV_TABLE_ID, KV_VALUE_SLOT
from lsmsql.engine.values import Row, Value
from lsmsql.engine.view import (
    NEWEST,
    NOTHING,
    Found,
    changed_since,
    find,
    find_in_files,
    found_slot,
    read_value,
)
from lsmsql.engine.wal.changes import Changes
from lsmsql.engine.writeset import WriteSet


class Database:
    """Reads and commits. ``scheduler`` is None in a database that is open for reading only."""

    def __init__(self, core: Core, scheduler: Scheduler | None) -> None:
        self.core = core
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
        with core.write_lock:
            if not core.writable:
                core.check_writable()
            if table_id != KV_TABLE_ID:  # which cannot be dropped
                core.schema_of(table_id)
            if core.memtable_bytes >= core.next_look:
                self._make_room()
            sequence = core.commit_one(table_id, key, row)
        if core.syncs:
            core.settle(sequence)

    def write(self, changes: Changes, since: int | None = None) -> None:
        """Commit many records as one.

        With ``since``, the sequence number of a view that is still open: raises ConflictError if a
        later commit has changed one of the keys.
        """
        core = self.core
        with core.write_lock:
            core.check_writable()
            for table_id in changes:
                core.schema_of(table_id)
            if since is not None and core.sequence > since:
                self._check_conflicts(changes, since)
            if core.memtable_bytes >= core.next_look:
                self._make_room()
            sequence = core.commit(changes)
        core.settle(sequence)

    def _check_conflicts(self, changes: Changes, since: int) -> None:
        for table_id, records in changes.items():
            table = self.core.state.table(table_id)
            if any(changed_since(table, key, since) for key in records):
                raise ConflictError(
                    f"another commit has changed a row of {self.core.schema_of(table_id).name} that"
                    " this transaction changes too; roll back and try again"
                )

    def view(self, writes: WriteSet | None = None) -> ReadView:
        """A reader's view of the store as it is now, with uncommitted changes on top."""
        return ReadView(self.core, writes)
