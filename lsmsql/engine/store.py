"""A store: a directory of tables, among them ``kv``, which the store's own verbs read and write."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

from lsmsql.engine.backup import BackupReport, back_up
from lsmsql.engine.batch import Batch
from lsmsql.engine.building import TermsOf, build_index, drop_unfinished
from lsmsql.engine.columns import column_values
from lsmsql.engine.core import Core
from lsmsql.engine.database import Database, IndexedError
from lsmsql.engine.errors import UsageError
from lsmsql.engine.filesystem import FileSystem, Lock, OsFileSystem
from lsmsql.engine.following import Follower
from lsmsql.engine.options import make_options
from lsmsql.engine.ownership import take_ownership, watch_forks
from lsmsql.engine.recovery import check_place, create_store, is_store, recover
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.scheduler import Scheduler
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.snapshot import Snapshot
from lsmsql.engine.sources import read_source
from lsmsql.engine.stats import Stats, collect_stats
from lsmsql.engine.transaction import Transaction, run
from lsmsql.engine.values import Row
from lsmsql.engine.verbs import WriteVerbs
from lsmsql.engine.verify.agreement import check_indexes
from lsmsql.engine.verify.report import Level, Report
from lsmsql.engine.verify.verify import verify_directory
from lsmsql.engine.wal.changes import Changes

T = TypeVar("T")


def open_store(
    path: str | os.PathLike[str],
    mode: str = "rw",
    *,
    filesystem: FileSystem | None = None,
    **settings: object,
) -> Store:
    """Open the store in the directory ``path``.

    ``mode``: "rw" to read and write, creating the store if there is none; "r" to read, which
    changes nothing, and sees what another process commits. ``settings`` are those of ``Options``:
    ``sync``, ``memory_budget``, ...

    Raises UsageError for a wrong argument, StorageError if there is no store (mode "r") or the
    directory cannot be used, BusyError if another process writes to it, and still does after
    ``busy_timeout`` seconds, CorruptionError, FormatError.
    """
    if mode not in ("r", "rw"):
        raise UsageError(f'mode is "rw" or "r", not {mode!r}')
    options = make_options(**settings)
    filesystem = filesystem or OsFileSystem()
    directory = absolute_path(path)
    if mode == "r":
        reader = Follower(filesystem, directory, options)
        try:
            reader.begin()
        except BaseException:
            with contextlib.ExitStack() as stack:
                _close_files(reader, stack)
            raise
        watch_forks(reader, None)
        return Store(reader, None, None)
    core = Core(filesystem, directory, options)
    if not is_store(core):
        check_place(core)
    core.filesystem.make_directory(core.path)
    lock = take_ownership(core)
    try:
        if is_store(core):
            recover(core)
        else:
            create_store(core)
        core.announce = lock.announce
        core.announce()
        store = Store(core, lock, Scheduler(core))
        drop_unfinished(store)
        return store
    except BaseException:
        with contextlib.ExitStack() as stack:
            stack.callback(lock.release)
            _close_files(core, stack)
        raise


def absolute_path(path: object) -> str:
    """The path of a store's directory from the root. Raises UsageError if it cannot be one."""
    if not isinstance(path, str | bytes | os.PathLike):
        raise UsageError(f"path names a directory, as str or PathLike, not {path!r}")
    name = os.fsdecode(path)
    if not name or "\0" in name:
        raise UsageError(f"path {name!r} cannot name a directory")
    return os.path.abspath(name)


def _close_files(core: Core, stack: contextlib.ExitStack) -> None:
    """Have ``stack`` close what is open, all of it even if some cannot be closed."""
    for _, file in core.version.files():
        stack.callback(file.close)
    for log in (core.manifest, core.log):
        if log is not None:
            stack.callback(log.close)


class Store(Database, WriteVerbs):
    """An open store; made by ``lsmsql.open``. A context manager, and a sorted mapping of ``kv``.

    Threads may share a store: readers never wait, writers take turns. All methods raise
    ClosedError after ``close``, and the writing ones ReadOnlyError in mode "r".
    """

    def __init__(self, core: Core, lock: Lock | None, scheduler: Scheduler | None) -> None:
        Database.__init__(self, core, scheduler)
        WriteVerbs.__init__(self)
        self._lock = lock

    def __repr__(self) -> str:
        state = "closed" if self.core.closed else "r" if self.readonly else "rw"
        return f"<lsmsql store {self.path!r} ({state})>"

    def ingest(self, data: object, *, progress: Callable[[int], object] | None = None) -> int:
        """Add many entries to ``kv`` at once, straight to files; see ``Table.ingest``.

        ``data``: Arrow data or a DataFrame with columns key and value, an iterable of pairs, or a
        mapping.
        """
        entries = data.items() if isinstance(data, Mapping) else data
        return self.kv.ingest(entries, progress=progress)

    def define(self, schema: TableSchema) -> None:
        """Create a table, as a transaction of its own."""
        with self.transaction(immediate=True) as transaction:
            transaction.define(schema)

    def undefine(self, name: str) -> None:
        """Drop a table, as a transaction of its own."""
        with self.transaction(immediate=True) as transaction:
            transaction.undefine(name)

    def write_one(self, table_id: int, key: bytes, row: Row | None) -> None:
        """Commit one record, and the indexes of its table."""
        try:
            super().write_one(table_id, key, row)
        except IndexedError:
            self.run(lambda transaction: transaction.write_one(table_id, key, row))

    def write(self, changes: Changes) -> None:
        """Commit many records as one, and the indexes of their tables."""
        try:
            super().write(changes)
        except IndexedError:
            self.run(lambda transaction: transaction.write(changes))

    def build_index(
        self, table: TableSchema, index: TableSchema, terms_of: TermsOf | None = None
    ) -> None:
        """Create an index while others write; see ``building``."""
        build_index(self, table, index, terms_of)

    def ingest_rows(
        self, rows: RowCodec, data: object, progress: Callable[[int], object] | None
    ) -> int:
        """Add many rows straight to files; to a table with indexes as one transaction."""
        if rows.schema.id not in self.core.catalog.indexes:
            return super().ingest_rows(rows, data, progress)
        taken = 0
        with self.transaction(immediate=True) as transaction:
            for batch in read_source(data, rows.schema):
                values = zip(*(column_values(array) for array in batch), strict=True)
                records: dict[bytes, Row | None] = dict(map(rows.encode_values, values))
                transaction.write({rows.schema.id: records})
                taken += len(batch[0])
                if progress is not None:
                    progress(taken)
        return taken

    def connect(self, **arguments: Any) -> Any:
        """An ``lsmsql.Connection`` to this store: SQL by PEP 249; see ``lsmsql.connect``.

        The store stays open when the connection is closed.
        """
        # By name: what knows of SQL stands above the engine, which runs without it.
        return importlib.import_module("lsmsql.dbapi.connection").connect(self, **arguments)

    # ------------------------------------------------------------------------------- transactions

    @property
    def sequence(self) -> int:
        """The number of the newest commit."""
        self.core.check_open()
        return self.core.snapshots.published

    def snapshot(self, at: int | None = None) -> Snapshot:
        """All tables as they are now, to be read for as long as you like; a context manager.

        It costs next to nothing to take; what it sees is kept until it is closed.

        With ``at``: as they were after the commit of that number (see ``sequence``). How far back
        that goes is said by the option ``history``; the number of an open snapshot will do, too.
        Raises UsageError if the commit is no longer kept, or is none yet.
        """
        return Snapshot(self, at)

    def transaction(self, *, immediate: bool = False) -> Transaction:
        """A transaction, to be used in a ``with`` block: reads one snapshot, commits all or none.

        Serializable: its commit raises ConflictError if what it has read was changed meanwhile, and
        then changes nothing. With ``immediate`` it takes the writer's place at once, so that can't
        happen, and others wait before they commit; raises BusyError if another has the place for
        longer than ``busy_timeout``.
        """
        return Transaction(self, immediate=immediate)

    def run(self, work: Callable[[Transaction], T], *, retries: int = 10) -> T:
        """Call ``work`` with a transaction, commit, and return what it returned.

        After a conflict that is done again, up to so many times, after a pause that grows; the last
        time with the writer's place, so that it succeeds whatever others do. ``work`` must not have
        effects elsewhere. With no ``retries`` raises ConflictError.
        """
        return run(self, work, retries)

    # ------------------------------------------------------------------------------- upkeep

    def batch(self) -> Batch:
        """A batch of changes, to be used in a ``with`` block."""
        self.core.check_writable()
        return Batch(self, self.kv)

    def flush(self) -> None:
        """Write all memtables to files. What is committed is durable without it."""
        self._rotate()
        self.scheduler.flush()

    def _rotate(self) -> None:
        with self.core.write_lock:
            self.core.check_writable()
            self.core.rotate()

    def compact(self, table: str | None = None) -> None:
        """Flush, then merge every table, or one, into its deepest level."""
        table_id = None if table is None else self.core.catalog.get(table).id
        self._rotate()
        self.scheduler.compact(table_id)

    def backup(self, path: str | os.PathLike[str]) -> BackupReport:
        """Make the directory ``path`` a backup: a store as this one is now, while others write.

        Files are shared with it where they can be (hard links); repeated, it only takes over what
        is new. Also from a store that is open for reading. Raises UsageError if the directory holds
        anything but a backup of this store to which nobody has written, BusyError, StorageError.
        """
        self.core.check_open()
        return replace(back_up(self.core, absolute_path(path)), path=os.fsdecode(path))

    def stats(self) -> Stats:
        """What the store holds and has done since it was opened."""
        self.core.check_open()
        return collect_stats(self.core)

    def verify(self, level: str = "full", table: str | None = None) -> Report:
        """Look for damage in what the store has on the disk; damage is told in the report.

        ``level``: "quick" (which files there are, and their tails), "checksums" (every checksum),
        "full" (every row as well). Reads and writes may go on meanwhile. With ``table`` the files
        of other tables are left out. Raises UsageError for an unknown level, NoSuchTableError.
        """
        core = self.core
        core.check_open()
        only = None if table is None else core.catalog.get(table).id
        chosen = Level.named(level)
        findings = verify_directory(core.filesystem, core.path, chosen, core.catalog, only)
        if chosen >= Level.FULL and findings.ok:
            check_indexes(core, findings, only)
        return findings.report(core.path, chosen)

    def close(self) -> None:
        """Close the store. What is committed stays; closing twice is harmless."""
        core = self.core
        with core.write_lock:
            if core.closed:
                return
            core.end()
        with contextlib.ExitStack() as stack:
            if self._lock is not None:
                stack.callback(self._lock.release)
                stack.callback(core.leave_files)
            _close_files(core, stack)
            if self._scheduler is not None:
                self._scheduler.stop()
            if core.log is not None and core.failure is None and core.options.sync != "off":
                core.sync_log()

    def __enter__(self) -> Store:
        self.core.check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
