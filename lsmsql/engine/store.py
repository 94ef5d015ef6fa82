"""A store: a directory of tables, among them ``kv``, which the store's own verbs read and write."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar, overload

from lsmsql.engine.backup import BackupReport, back_up
from lsmsql.engine.batch import Batch
from lsmsql.engine.catalog import (
    CATALOG_TABLE_ID,
    Catalog,
    catalog_key,
    catalog_row,
    next_id_row,
)
from lsmsql.engine.core import Core
from lsmsql.engine.database import Database
from lsmsql.engine.errors import UsageError
from lsmsql.engine.filesystem import FileSystem, Lock, OsFileSystem
from lsmsql.engine.following import Follower
from lsmsql.engine.options import make_options
from lsmsql.engine.ownership import take_ownership, watch_forks
from lsmsql.engine.recovery import check_place, create_store, is_store, recover
from lsmsql.engine.scheduler import Scheduler
from lsmsql.engine.schema import KV_TABLE_ID, Column, TableSchema, make_schema
from lsmsql.engine.stats import Stats, collect_stats
from lsmsql.engine.table import KeyValue, Table
from lsmsql.engine.values import ColumnType, Row, Value
from lsmsql.engine.verify.report import Level, Report
from lsmsql.engine.verify.verify import verify_directory

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
    directory = _absolute(path)
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
        return Store(core, lock, Scheduler(core))
    except BaseException:
        with contextlib.ExitStack() as stack:
            stack.callback(lock.release)
            _close_files(core, stack)
        raise


def _absolute(path: object) -> str:
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


class Store(Database):
    """An open store; made by ``lsmsql.open``. A context manager, and a sorted mapping of ``kv``.

    Threads may share a store: readers never wait, writers take turns. All methods raise
    ClosedError after ``close``, and the writing ones ReadOnlyError in mode "r".
    """

    def __init__(self, core: Core, lock: Lock | None, scheduler: Scheduler | None) -> None:
        super().__init__(core, scheduler)
        self._lock = lock
        self.kv = KeyValue(self)
        self._tables: dict[int, Table] = {}

    def __repr__(self) -> str:
        state = "closed" if self.core.closed else "r" if self.readonly else "rw"
        return f"<lsmsql store {self.path!r} ({state})>"

    # ------------------------------------------------------------------------------- kv

    def put(self, key: object, value: object) -> None:
        """Set the value of a key. Both are int (64-bit), float, str or bytes, or value None."""
        encoded, payload = self.kv.encode(key, value)
        self.write_one(KV_TABLE_ID, encoded, payload)

    @overload
    def get(self, key: object) -> Value: ...
    @overload
    def get(self, key: object, default: T) -> Value | T: ...
    def get(self, key: object, default: object = None) -> object:
        """The value of a key, or ``default`` if the key is not there."""
        return self.kv.get_value(key, default)

    def update(self, entries: Mapping[Any, object] | Iterable[tuple[object, object]]) -> None:
        """Set many keys as one commit: all of them or, if an entry is refused, none.

        ``entries``: a mapping, or pairs of key and value. Of several with one key the last counts.
        """
        self.kv.put_values(entries)

    def delete(self, key: object) -> None:
        """Delete a key, if it is there."""
        self.kv.delete_key(key)

    def range(
        self,
        start: object = None,
        stop: object = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[tuple[Value, Value]]:
        """Keys and values from ``start`` up to but not including ``stop``, in key order.

        What is there at the call is what is given, whatever is written meanwhile.
        """
        return self.kv.pairs(self.kv.span(start, stop), reverse, limit)

    def prefix(
        self, prefix: str | bytes, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[Value, Value]]:
        """Keys and values whose key is a text (or bytes) that begins with ``prefix``."""
        return self.kv.pairs(self.kv.prefix_span(prefix), reverse, limit)

    def __getitem__(self, key: object) -> Value:
        value = self.kv.get_value(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value  # type: ignore[return-value]

    __setitem__ = put

    def __delitem__(self, key: object) -> None:
        if key not in self:
            raise KeyError(key)
        self.delete(key)

    def __contains__(self, key: object) -> bool:
        return self.kv.has(key)

    def __iter__(self) -> Iterator[object]:
        return iter(self.kv)

    def __reversed__(self) -> Iterator[object]:
        return reversed(self.kv)

    keys = __iter__

    def items(self) -> Iterator[tuple[Value, Value]]:
        """All keys and values, in key order."""
        return self.range()

    def values(self) -> Iterator[Value]:
        """All values, in the order of their keys."""
        return (value for _, value in self.range())

    def __len__(self) -> int:
        """The number of keys in ``kv``, by counting."""
        return len(self.kv)

    def __bool__(self) -> bool:
        return True

    def ingest(self, data: object, *, progress: Callable[[int], object] | None = None) -> int:
        """Add many entries to ``kv`` at once, straight to files; see ``Table.ingest``.

        ``data``: Arrow data or a DataFrame with columns key and value, an iterable of pairs, or a
        mapping.
        """
        entries = data.items() if isinstance(data, Mapping) else data
        return self.kv.ingest(entries, progress=progress)

    # ------------------------------------------------------------------------------- tables

    def create_table(
        self,
        name: str,
        columns: Mapping[str, ColumnType | str] | Sequence[Column],
        primary_key: str | Sequence[str],
        *,
        descending: Sequence[str] = (),
        sql: str | None = None,
    ) -> Table:
        """Create a table.

        ``columns`` maps names to types ('INTEGER', 'REAL', 'TEXT', 'BLOB', 'ANY'), in order;
        ``primary_key`` names one or several of them, ``descending`` those that sort downwards.
        ``sql`` is kept as what the user wrote. Raises SchemaError.
        """
        schema = make_schema(name, columns, primary_key, descending=descending, sql=sql)
        core = self.core
        with core.write_lock:
            core.check_writable()
            catalog, schema = core.catalog.create(schema)
            records: dict[bytes, Row | None] = {
                catalog_key(schema.id): catalog_row(schema),
                catalog_key(0): next_id_row(catalog.next_id),
            }
            self._commit_catalog(catalog, records)
        return self.table(name)

    def drop_table(self, name: str) -> None:
        """Drop a table and all of its rows. Raises NoSuchTableError, and SchemaError for ``kv``."""
        core = self.core
        with core.write_lock:
            core.check_writable()
            schema = core.catalog.get(name)
            catalog = core.catalog.drop(schema.id)
            self._commit_catalog(catalog, {catalog_key(schema.id): None})
            self._tables.pop(schema.id, None)
        self.scheduler.look_for_work()

    def _commit_catalog(self, catalog: Catalog, records: dict[bytes, Row | None]) -> None:
        self.scheduler.make_room()
        self.core.settle(self.core.commit({CATALOG_TABLE_ID: records}))
        self.core.catalog = catalog

    def table(self, name: str) -> Table:
        """The table of that name. Raises NoSuchTableError, which lists those there are."""
        self.core.check_open()
        schema = self.core.catalog.get(name)
        table = self._tables.get(schema.id)
        if table is None:
            table = self._tables[schema.id] = Table(self, schema)
        return table

    def tables(self) -> list[TableSchema]:
        """The definitions of all tables, by name."""
        self.core.check_open()
        return sorted(self.core.catalog.by_id.values(), key=lambda schema: schema.name.lower())

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
        return replace(back_up(self.core, _absolute(path)), path=os.fsdecode(path))

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


_MISSING = object()
