"""Repair: a new store of all that is undamaged in an old one, which stays as it is.

    take     what is there, and what is lost, by table             (see ``source``)
    merge    the newest version of each key, by the one merge
    write    as files of the new store, with a catalogue, in one edit
    index    what the tables have indexes on                       (see ``indexes``)

What is lost may have been newer than what is left: then an older row is in the new store, or one
that was deleted. The report tells for which keys that may be so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pyarrow as pa

from lsmsql.engine.catalog import (
    CATALOG_TABLE_ID,
    Catalog,
    catalog_key,
    catalog_row,
    next_id_row,
)
from lsmsql.engine.core import Core
from lsmsql.engine.definitions import View
from lsmsql.engine.errors import StorageError, UsageError
from lsmsql.engine.filesystem import FileSystem, OsFileSystem
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.output import write_tables
from lsmsql.engine.repair.indexes import make_indexes, without_indexes
from lsmsql.engine.repair.report import RepairReport
from lsmsql.engine.repair.source import Source
from lsmsql.engine.schema import KV_TABLE_ID, TableSchema
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.store import open_store
from lsmsql.engine.values import Row
from lsmsql.engine.verify.verify import is_store_file

_LEVEL = 1
"""The files of a table share no key, so they can be in any level but 0."""


def repair(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    filesystem: FileSystem | None = None,
) -> RepairReport:
    """Save all that is undamaged in the store at ``source`` as a new store at ``target``.

    Nothing of ``source`` is changed; nobody may be writing to it. ``target`` must not exist, or be
    an empty directory. Raises UsageError for places that will not do, FormatError for files of a
    newer format, StorageError if the new store cannot be written.
    """
    filesystem = filesystem or OsFileSystem()
    old, new = (os.path.abspath(os.fspath(path)) for path in (source, target))
    _check_places(filesystem, old, new)
    found = Source(filesystem, old)
    found.take()
    with open_store(new, filesystem=filesystem, background=False) as store:
        written = without_indexes(found.catalog, lossless=not found.losses)
        rows = _write(store.core, found, written)
        notes = [*found.notes, *make_indexes(store, found.catalog)]
        indexes = {schema.name for schema in store.catalog.by_id.values() if schema.index}
    losses = tuple(loss for loss in found.losses if loss.table not in indexes)
    places = os.fsdecode(source), os.fsdecode(target)
    return RepairReport(*places, rows, losses, tuple(notes))


def _check_places(filesystem: FileSystem, source: str, target: str) -> None:
    names = filesystem.list(source) if filesystem.exists(source) else []
    if not any(map(is_store_file, names)):
        raise StorageError(f"there is no store at {source}")
    if os.path.commonpath([source, target]) == source:
        raise UsageError(f"{target} is within {source}, which must not be changed")
    if filesystem.exists(target) and filesystem.list(target):
        raise UsageError(f"{target} is not empty; name a directory that does not exist yet")


def _write(core: Core, found: Source, catalog: Catalog) -> dict[str, int]:
    """Fill the new store with what is in ``catalog``; the rows of each table by its name."""
    counts: dict[str, int] = {}
    written: list[FileMeta] = []
    for schema in catalog.by_id.values():
        counted = _Counted(found.rows(schema))
        written += write_tables(
            core, schema, counted, bottom=True, table_bytes=core.options.table_bytes
        )
        if schema.index is None:
            counts[schema.name] = counted.rows
    things: list[TableSchema | View] = [*catalog.by_id.values(), *catalog.views.values()]
    records: dict[bytes, Row | None] = {
        catalog_key(thing.id): catalog_row(thing) for thing in things if thing.id != KV_TABLE_ID
    }
    with core.write_lock:
        core.commit({CATALOG_TABLE_ID: {**records, catalog_key(0): next_id_row(catalog.next_id)}})
        core.catalog = catalog
        core.install(Edit(added=tuple(AddedFile(_LEVEL, meta) for meta in written)))
    return counts


class _Counted:
    """Runs, and how many rows they had together."""

    def __init__(self, runs: Iterator[pa.RecordBatch]) -> None:
        self._runs = runs
        self.rows = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for run in self._runs:
            self.rows += run.num_rows
            yield run
