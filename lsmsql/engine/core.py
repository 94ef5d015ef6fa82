"""The mutable heart of an open store: what is live now, and the few places that change it.

    commit    log frame, then memtables, then the number that readers see
    rotate    full memtables become immutable and a new log begins
    install   an edit of the file set becomes durable, then visible

Flush, compaction, ingest and recovery are built on these.

Thread rules. ``write_lock`` is held by whoever commits, rotates or changes the catalogue: one
writer at a time. ``_install_lock`` is held while an edit becomes durable and visible.
``_state_lock`` guards, for moments only, the making of a new ``state``. They are taken in this
order. Readers take none of them: they read ``state`` once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.catalog import CATALOG_SCHEMA, EMPTY_CATALOG, Catalog
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import (
    ClosedError,
    Error,
    FailedError,
    NoSuchTableError,
    ReadOnlyError,
    UsageError,
)
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.manifest.edit import Edit
from lsmsql.engine.manifest.manifest import Manifest, ManifestState
from lsmsql.engine.manifest.version import EMPTY, Version
from lsmsql.engine.memtable.memtable import RECORD_OVERHEAD, Memtable
from lsmsql.engine.options import Options
from lsmsql.engine.recent import RecentValues
from lsmsql.engine.schema import KV_TABLE_ID, TableSchema
from lsmsql.engine.snapshot import Snapshots
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.reader import Cached, SSTable
from lsmsql.engine.values import Row
from lsmsql.engine.view import State, TableState
from lsmsql.engine.wal.changes import Changes, encode_changes
from lsmsql.engine.wal.format import (
    DELETE,
    FRAME_HEADER_SIZE,
    LOG,
    PUT,
    RECORD_HEADER_SIZE,
    delete_record,
    log_name,
    put_record,
    table_record,
)
from lsmsql.engine.wal.payloads import encode_payload
from lsmsql.engine.wal.writer import LogWriter


@dataclass(frozen=True)
class Immutable:
    """Memtables that are full and wait for their flush.

    Their records are those of ``logs``, oldest first. ``next_log`` is the log that was begun after
    them: once they are in files, those before it can go.
    """

    memtables: Mapping[int, Memtable]
    logs: tuple[int, ...]
    next_log: int
    last_sequence: int


class Core:
    """The state of an open store. ``log`` and ``manifest`` are None in a store open for reading."""

    def __init__(self, filesystem: FileSystem, path: str, options: Options) -> None:
        self.filesystem = filesystem
        self.path = path
        self.options = options
        self.counters = Counters()
        self.cache: BlockCache[Cached] = BlockCache(options.memory_budget)
        self.recent = RecentValues(EMPTY, options.recent_bytes, self.share_memory)
        self.snapshots = Snapshots()
        self.catalog: Catalog = EMPTY_CATALOG
        self.version = Version()
        self.state = State()
        self.active: dict[int, Memtable] = {}
        self.immutable: tuple[Immutable, ...] = ()
        self.log: LogWriter | None = None
        self.log_number = 0
        self.logs: tuple[int, ...] = ()
        """Numbers of the logs that hold what the active memtables hold, oldest first."""
        self.manifest: Manifest | None = None
        self.manifest_state = ManifestState()
        self.write_lock = threading.RLock()
        self.room = threading.Condition(threading.Lock())
        """Notified whenever background work has made room for writers."""
        self.wake: Callable[[], None] = lambda: None
        """Tells the scheduler that there may be work."""
        self.writable = False
        """Whether writes are taken now. If not, ``check_writable`` tells why."""
        self.failure: BaseException | None = None
        self.closed = False
        self.memtable_bytes = 0
        """Estimated size of the memtables that take writes."""
        self.next_look = 0
        """With so many bytes in them the next commit asks whether there is room for it."""
        self.level0_files = 0
        """The most files that any table has in level 0."""
        self._syncs = options.sync == "full"
        self._install_lock = threading.Lock()
        self._state_lock = threading.Lock()
        self._next_file = 1
        self._not_committed = 0
        """How many of the published sequence numbers are not of commits since the opening."""
        self._logged = 0
        """Bytes appended since then to logs before the present one."""

    # ------------------------------------------------------------------------------- numbers

    def file_path(self, name: str) -> str:
        """Path of a file of the store."""
        return f"{self.path}/{name}"

    def next_number(self) -> int:
        """A number that no file of the store has had."""
        with self._state_lock:
            number = self._next_file
            self._next_file += 1
            return number

    def reserve_numbers(self, number: int) -> None:
        """Numbers up to ``number`` are in use."""
        with self._state_lock:
            self._next_file = max(self._next_file, number + 1)

    def schema_of(self, table_id: int) -> TableSchema:
        """The definition of a table. Raises NoSuchTableError if it has been dropped."""
        if table_id == CATALOG_SCHEMA.id:
            return CATALOG_SCHEMA
        schema = self.catalog.by_id.get(table_id)
        if schema is None:
            raise NoSuchTableError(f"table {table_id} has been dropped")
        return schema

    # ------------------------------------------------------------------------------- checks

    def check_open(self) -> None:
        """Raise ClosedError after ``close``."""
        if self.closed:
            raise ClosedError(f"the store {self.path} is closed")

    def check_writable(self) -> None:
        """Raise ClosedError, ReadOnlyError, or FailedError if a write has failed before."""
        if self.writable:
            return
        self.check_open()
        if self.log is None:
            raise ReadOnlyError(f'the store {self.path} was opened with mode="r"')
        if self.failure is not None:
            raise FailedError(
                f"the store {self.path} takes no more writes since one failed: {self.failure};"
                " close it and open it again"
            ) from self.failure

    def fail(self, error: BaseException) -> None:
        """Refuse all further writes: it is not known any more what is on the disk."""
        self.failure = self.failure or error
        self.writable = False
        with self.room:
            self.room.notify_all()

    def pin(self, reader: int) -> tuple[int, State]:
        """Register a reader: its sequence number, and the state that goes with it.

        As long as the number is the newest, nothing has been thrown away that belongs to it, nor
        has a newer commit been merged into what the state holds.
        """
        snapshots = self.snapshots
        while True:
            sequence = snapshots.acquire(reader)
            state = self.state
            if sequence == snapshots.published:
                return sequence, state

    # ------------------------------------------------------------------------------- commit

    def commit(self, changes: Changes) -> int:
        """Write all ``changes`` atomically and return the sequence number of the commit.

        The caller holds ``write_lock``, has checked that the store is writable and every value.
        Raises LimitError for a commit beyond 4 GiB. If it raises StorageError, or is interrupted,
        the store refuses further writes; readers see nothing of the commit.
        """
        payload, count, sizes = encode_changes(changes)
        if not count:
            return self.snapshots.published
        sequence = self.snapshots.published + 1
        log = self.log
        assert log is not None
        try:
            log.append(sequence, count, payload)
            if self._syncs:
                self._sync_commit(log)
            oldest = self.snapshots.oldest()
            for table_id, size in sizes.items():
                memtable = self.active.get(table_id)
                if memtable is None:
                    memtable = self._new_memtable(table_id)
                memtable.put_all(changes[table_id], sequence, size, oldest)
                self.memtable_bytes += size + len(changes[table_id]) * RECORD_OVERHEAD
        except UsageError:  # beyond the limit: nothing has been written
            raise
        except BaseException as error:
            self.fail(error)
            raise
        self.snapshots.published = sequence
        return sequence

    def commit_one(self, table_id: int, key: bytes, row: Row | None) -> int:
        """``commit`` for one record, which is the most frequent commit of all."""
        if row is None:
            kind, value = DELETE, b""
        else:
            kind, value = PUT, encode_payload(row)
        size = RECORD_HEADER_SIZE + len(key) + len(value)
        snapshots, log = self.snapshots, self.log
        sequence = snapshots.published + 1
        assert log is not None
        try:
            if table_id == KV_TABLE_ID:
                log.append_one(sequence, kind, key, value)
            else:
                record = delete_record(key) if row is None else put_record(key, value)
                log.append(sequence, 2, table_record(table_id) + record)
            if self._syncs:
                self._sync_commit(log)
            memtable = self.active.get(table_id)
            if memtable is None:
                memtable = self._new_memtable(table_id)
            oldest = snapshots.oldest() if snapshots.registered else sequence - 1
            memtable.put(key, row, sequence, size, oldest)
            self.memtable_bytes += size + RECORD_OVERHEAD
        except UsageError:
            raise
        except BaseException as error:
            self.fail(error)
            raise
        snapshots.published = sequence
        return sequence

    def _sync_commit(self, log: LogWriter) -> None:
        log.sync()
        self.counters.log_syncs += 1

    def _new_memtable(self, table_id: int) -> Memtable:
        memtable = Memtable()
        with self._state_lock:
            self.active[table_id] = memtable
            self._rebuild()
        return memtable

    def count_commits(self) -> None:
        """Bring the counters of commits up to date: a commit takes no time to count itself.

        It has a sequence number of its own, and one frame in a log.
        """
        with self._state_lock:
            commits = self.snapshots.published - self._not_committed
            logged = self._logged + (0 if self.log is None else self.log.appended)
        self.counters.commits = commits
        self.counters.log_bytes = logged - commits * FRAME_HEADER_SIZE

    def adopt_log(self, log: LogWriter, number: int) -> None:
        """Take writes, and write them to ``log``."""
        self.log, self.log_number = log, number
        if number not in self.logs:
            self.logs = (*self.logs, number)
        self.writable = True

    def share_memory(self) -> None:
        """Leave to the block cache what memtables and row cache do not need of the budget."""
        waiting = sum(m.nbytes for i in self.immutable for m in i.memtables.values())
        memtables = waiting + self.memtable_bytes
        others = memtables + self.options.least_cache_bytes
        if others + self.recent.reserved > self.options.memory_budget:
            self.recent.clear()  # which the next flush would do, too
        self.cache.resize(self.options.cache_bytes(memtables + self.recent.reserved))

    # ------------------------------------------------------------------------------- rotate

    def rotate(self) -> None:
        """Make the memtables immutable and begin a new log. The caller holds ``write_lock``.

        The old log is on the disk before there is a new one, in every sync mode: only the newest
        log of a store may be torn. Raises StorageError. If the new log cannot be created nothing
        has changed; if one of them cannot be synced, the store refuses further writes.
        """
        if not any(len(memtable) for memtable in self.active.values()):
            return
        old = self.log
        assert old is not None
        self._sync(old.sync)
        number = self.next_number()
        log = LogWriter.create(self.filesystem, self.file_path(log_name(number)), LOG, number)
        try:
            self._sync(log.sync)
            self._sync(lambda: self.filesystem.sync_directory(self.path))
        except Error:
            log.close()
            raise
        with self._state_lock:
            memtables = dict(self.active)
            full = Immutable(memtables, self.logs, number, self.snapshots.published)
            self.immutable = (*self.immutable, full)
            self.active = {}
            self.memtable_bytes = 0
            self._logged += old.appended
            self.log, self.log_number = log, number
            self.logs = (number,)
            self._rebuild()
        old.close()
        self.wake()

    def _sync(self, sync: Callable[[], None]) -> None:
        try:
            sync()
        except Error as error:
            self.fail(error)
            raise

    # ------------------------------------------------------------------------------- install

    def install(
        self, edit: Edit, flushed: Immutable | None = None, publish: int | None = None
    ) -> None:
        """Make ``edit`` durable, then visible.

        At the same moment ``flushed`` goes out of memory, and ``publish`` becomes the number that
        readers see: whoever sees a version sees numbers that cover its files.

        Raises StorageError if the manifest cannot be written; the store then refuses writes.
        """
        with self._install_lock:
            manifest = self.manifest
            assert manifest is not None
            numbered = msgspec.structs.replace(edit, next_file=self._next_file)
            try:
                manifest.record(numbered)
                if manifest.wants_rotation:
                    self._rotate_manifest(manifest)
            except Error as error:
                self.fail(error)
                raise
            self.manifest_state = manifest.state
            before = self.version
            after = before.apply(edit, self.open_table)
            with self._state_lock:
                self.version = after
                if flushed is not None:
                    self.immutable = tuple(i for i in self.immutable if i is not flushed)
                self._rebuild()
                if publish is not None:
                    self._not_committed += publish - self.snapshots.published
                    self.snapshots.published = publish
            _retire(before, after)
        self.share_memory()
        with self.room:
            self.room.notify_all()

    def _rotate_manifest(self, old: Manifest) -> None:
        number = self.next_number()
        self.manifest = Manifest.begin(self.filesystem, self.path, number, old.state)
        old.close()
        self.filesystem.remove(old.path)

    def open_table(self, meta: FileMeta) -> SSTable:
        """A file of the store, to be read."""
        path = self.file_path(file_name(meta.number))
        return SSTable(self.filesystem, path, meta, self.cache, self.counters, self._beside)

    def _beside(self, work: Callable[[], None]) -> None:
        """Do ``work`` that nobody waits for."""
        if self.options.background and not self.closed:
            threading.Thread(target=work, name="lsmsql-index", daemon=True).start()
        else:
            work()

    def adopt(self, version: Version) -> None:
        """Begin with ``version``: recovery has read it."""
        with self._state_lock:
            self.version = version
            self._rebuild()

    def restore(self, memtables: dict[int, Memtable], sequence: int, logs: tuple[int, ...]) -> None:
        """Begin with what ``logs`` held, up to commit ``sequence``: recovery has read them."""
        with self._state_lock:
            self.active, self.logs = memtables, logs
            self.memtable_bytes = sum(memtable.nbytes for memtable in memtables.values())
            self.snapshots.published = max(self.snapshots.published, sequence)
            self._not_committed = self.snapshots.published
            self._rebuild()
        self.share_memory()

    def _rebuild(self) -> None:
        """Make the state anew from memtables and version. The caller holds ``_state_lock``."""
        files = self.version.table(KV_TABLE_ID)
        if self.recent.version is not files:
            self.recent = self.recent.of(files)
        tables = self.version.tables.values()
        self.level0_files = max((len(table.levels[0].files) for table in tables), default=0)
        newest_first = [self.active, *(i.memtables for i in reversed(self.immutable))]
        ids = {table_id for memtables in newest_first for table_id in memtables}
        ids.update(self.version.tables)
        self.state = State(
            {
                table_id: TableState(
                    tuple(m[table_id] for m in newest_first if table_id in m),
                    self.version.table(table_id),
                )
                for table_id in ids
            }
        )


def _retire(before: Version, after: Version) -> None:
    live = {file.meta.number for _, file in after.files()}
    for _, file in before.files():
        if file.meta.number not in live:
            file.retire()
