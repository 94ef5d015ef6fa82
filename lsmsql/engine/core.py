"""The mutable heart of an open store: what is live now, and the few places that change it.

    commit    log frame, then memtables
    rotate    full memtables become immutable and a new log begins
    settle    what is in the log becomes durable, then visible (mode "full"); see ``writing``
    install   an edit of the file set becomes durable, then visible

Flush, compaction, ingest and recovery are built on these.

Thread rules. ``write_lock`` is held by whoever commits, rotates or changes the catalogue: one
writer at a time. ``_install_lock`` is held while an edit becomes durable and visible,
``_sync_lock`` while commits do. They are taken in this order, and ``_state_lock`` last.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

import msgspec

from lsmsql.engine.catalog import Catalog
from lsmsql.engine.claims import Claims
from lsmsql.engine.errors import (
    Error,
    UsageError,
)
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.live import Immutable
from lsmsql.engine.manifest.edit import Edit
from lsmsql.engine.manifest.manifest import Manifest, ManifestState
from lsmsql.engine.manifest.version import Version
from lsmsql.engine.memtable.memtable import RECORD_OVERHEAD, Memtable
from lsmsql.engine.options import Options
from lsmsql.engine.schema import KV_TABLE_ID
from lsmsql.engine.sstable.reader import SSTable
from lsmsql.engine.values import Row
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
from lsmsql.engine.writing import Writing


class Core(Writing):
    """The state of an open store. ``log`` and ``manifest`` are None in a store open for reading."""

    def __init__(self, filesystem: FileSystem, path: str, options: Options) -> None:
        super().__init__(filesystem, path, options)
        self.log_number = 0
        self.logs: tuple[int, ...] = ()
        """Numbers of the logs that hold what the active memtables hold, oldest first."""
        self.manifest: Manifest | None = None
        self.manifest_state = ManifestState()
        self.wake: Callable[[], None] = lambda: None
        """Tells the scheduler that there may be work."""
        self.announce: Callable[[], None] = lambda: None
        """Tells readers in other processes that the set of logs or files has changed."""
        self.next_look = 0
        """With so many bytes in them the next commit asks whether there is room for it."""
        self.claims = Claims()
        """The keys that tables give out to transactions that go on."""
        self._install_lock = threading.Lock()
        self._next_file = 1
        self._next_table = 0
        self._not_committed = 0
        """How many of the published sequence numbers are not of commits since the opening."""
        self._retired: weakref.WeakSet[SSTable] = weakref.WeakSet()
        """Files that are in no version any more, and are not removed yet."""
        self._logged = 0
        """Bytes appended since then to logs before the present one."""

    # ------------------------------------------------------------------------------- numbers

    def next_number(self) -> int:
        """A number that no file of the store has had."""
        with self._state_lock:
            number = self._next_file
            self._next_file += 1
            return number

    def new_table_id(self, least: int) -> int:
        """An id, ``least`` or greater, that was given out to nobody since the store was opened.

        Not even to somebody who has rolled back: plans, and tables, are remembered by it.
        """
        with self._state_lock:
            self._next_table = max(self._next_table, least) + 1
            return self._next_table - 1

    def reserve_numbers(self, number: int) -> None:
        """Numbers up to ``number`` are in use."""
        with self._state_lock:
            self._next_file = max(self._next_file, number + 1)

    def orphan(self) -> None:
        super().orphan()
        self._install_lock = threading.Lock()
        self.wake = self.announce = lambda: None

    # ------------------------------------------------------------------------------- commit

    def commit(self, changes: Changes, catalog: Catalog | None = None) -> int:
        """Write all ``changes`` atomically and return the sequence number of the commit.

        ``catalog`` is the catalogue afterwards, if they change it. It is there before readers see
        the commit, and not before the log has it: what a flush leaves out must have been dropped.

        The caller holds ``write_lock``, has checked that the store is writable and every value, and
        lets the commit ``settle``. Raises LimitError for a commit beyond 4 GiB. If it raises
        StorageError, or is interrupted, the store refuses further writes; readers see nothing of
        the commit.
        """
        payload, count, sizes = encode_changes(changes)
        if not count:
            return self.sequence
        sequence = self.sequence + 1
        log = self.log
        assert log is not None
        try:
            log.append(sequence, count, payload)
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
        self.sequence = sequence
        if catalog is not None:
            self.define(catalog, sequence)
        if not self.syncs:
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
        sequence = self.sequence + 1
        assert log is not None
        try:
            if table_id == KV_TABLE_ID:
                log.append_one(sequence, kind, key, value)
            else:
                record = delete_record(key) if row is None else put_record(key, value)
                log.append(sequence, 2, table_record(table_id) + record)
            memtable = self.active.get(table_id)
            if memtable is None:
                memtable = self._new_memtable(table_id)
            oldest = snapshots.oldest() if snapshots.registered else snapshots.published
            memtable.put(key, row, sequence, size, oldest)
            self.memtable_bytes += size + RECORD_OVERHEAD
        except UsageError:
            raise
        except BaseException as error:
            self.fail(error)
            raise
        self.sequence = sequence
        if not self.syncs:
            snapshots.published = sequence
        return sequence

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
            commits = self.sequence - self._not_committed
            logged = self._logged + (0 if self.log is None else self.log.appended)
        self.counters.commits = commits
        self.counters.log_bytes = logged - commits * FRAME_HEADER_SIZE

    def adopt_log(self, log: LogWriter, number: int) -> None:
        """Take writes, and write them to ``log``."""
        self.log, self.log_number = log, number
        if number not in self.logs:
            self.logs = (*self.logs, number)
        self.writable = True

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
        self.sync_log()
        number = self.next_number()
        log = LogWriter.create(self.filesystem, self.file_path(log_name(number)), LOG, number)
        try:
            self._or_fail(log.sync)
            self._or_fail(lambda: self.filesystem.sync_directory(self.path))
        except Error:
            log.close()
            raise
        with self._sync_lock:  # nobody is to sync the old log any more
            with self._state_lock:
                memtables = dict(self.active)
                full = Immutable(memtables, self.logs, number, self.sequence)
                self.immutable = (*self.immutable, full)
                self.active = {}
                self.memtable_bytes = 0
                self._logged += old.appended
                self.log, self.log_number = log, number
                self.logs = (number,)
                self._rebuild()
            old.close()
        self._or_fail(self.announce)
        self.wake()

    # ------------------------------------------------------------------------------- install

    def install(
        self, edit: Edit, flushed: Immutable | None = None, publish: int | None = None
    ) -> None:
        """Make ``edit`` durable, then visible.

        At the same moment ``flushed`` goes out of memory, and ``publish`` becomes the number that
        readers see: whoever sees a version sees numbers that cover its files. All commits must be
        published then.

        Raises StorageError if the manifest cannot be written; the store then refuses writes.
        """
        with self._install_lock:
            manifest = self.manifest
            assert manifest is not None
            numbered = msgspec.structs.replace(
                edit,
                next_file=self._next_file,
                floor=self.history.floor,
                samples=self.history.samples,
            )
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
            with self._sync_lock, self._state_lock:
                self.version = after
                if flushed is not None:
                    self.immutable = tuple(i for i in self.immutable if i is not flushed)
                self._rebuild()
                if publish is not None:
                    self._not_committed += publish - self.sequence
                    self.sequence = self.snapshots.published = publish
            self._retire(before, after)
        self._or_fail(self.announce)
        self.share_memory()
        with self.room:
            self.room.notify_all()

    def _retire(self, before: Version, after: Version) -> None:
        live = {file.meta.number for _, file in after.files()}
        for _, file in before.files():
            if file.meta.number not in live:
                file.retire()
                self._retired.add(file)

    def leave_files(self) -> None:
        """Remove no more files: before the lock is released, after which they may be another's.

        What readers, or errors, still hold of old files is closed, and stays on the disk until the
        store is next opened.
        """
        for file in list(self._retired):
            file.keep()
            file.close()

    def _rotate_manifest(self, old: Manifest) -> None:
        number = self.next_number()
        self.manifest = Manifest.begin(self.filesystem, self.path, number, old.state)
        old.close()
        self.filesystem.remove(old.path)

    def restore(self, memtables: dict[int, Memtable], sequence: int, logs: tuple[int, ...]) -> None:
        """Begin with what ``logs`` held, up to commit ``sequence``: recovery has read them."""
        with self._state_lock:
            self.active, self.logs = memtables, logs
            self.memtable_bytes = sum(memtable.nbytes for memtable in memtables.values())
            self.sequence = max(self.snapshots.published, sequence)
            self.snapshots.published = self._not_committed = self.sequence
            self._rebuild()
        self.share_memory()
