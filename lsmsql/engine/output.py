"""Writing runs in key order as the files of a level: what flush, compaction and ingest share."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from lsmsql.engine.core import Core
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.writer import TableWriter


def write_tables(
    core: Core,
    schema: TableSchema,
    runs: Iterable[pa.RecordBatch],
    *,
    bottom: bool,
    table_bytes: int | None,
) -> list[FileMeta]:
    """Write ``runs``, in key order, as files of about ``table_bytes``; None: as one file.

    The files and their directory entries are on the disk when this returns. If anything fails, the
    files are removed again. ``bottom``: they go to the deepest level of their table.
    """
    written: list[FileMeta] = []
    writer: TableWriter | None = None
    try:
        for run in runs:
            if writer is None:
                writer = _new_writer(core, schema, bottom)
            writer.add(run)
            if table_bytes is not None and writer.size >= table_bytes:
                written.append(writer.finish())
                writer = None
        if writer is not None:
            written.append(writer.finish())
    except BaseException:
        if writer is not None:
            writer.abandon()
        remove_files(core, written)
        raise
    if written:
        core.filesystem.sync_directory(core.path)
    return written


def remove_files(core: Core, files: Iterable[FileMeta]) -> None:
    """Remove files that no version has."""
    for meta in files:
        core.filesystem.remove(core.file_path(file_name(meta.number)))


def _new_writer(core: Core, schema: TableSchema, bottom: bool) -> TableWriter:
    number = core.next_number()
    path = core.file_path(file_name(number))
    return TableWriter(core.filesystem, path, number, schema, core.options, bottom=bottom)
