"""Writing runs in key order as the files of a level: what flush, compaction and ingest share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import pyarrow as pa

from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.options import Options
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.writer import TableWriter


class Destination(Protocol):
    """Where files are written: an open store, or the place that a job has for its files."""

    @property
    def filesystem(self) -> FileSystem:
        """The way to the disk."""

    @property
    def path(self) -> str:
        """The directory of the store."""

    @property
    def options(self) -> Options:
        """Block sizes, codecs, bits of the bloom filters."""

    def next_number(self) -> int:
        """A number for a new file."""

    def file_path(self, name: str) -> str:
        """Path of a file."""


def write_tables(
    destination: Destination,
    schema: TableSchema,
    runs: Iterable[pa.RecordBatch],
    *,
    bottom: bool,
    table_bytes: int | None,
) -> list[FileMeta]:
    """``write_files``, and their directory entries are on the disk as well."""
    written = write_files(destination, schema, runs, bottom=bottom, table_bytes=table_bytes)
    if written:
        destination.filesystem.sync_directory(destination.path)
    return written


def write_files(
    destination: Destination,
    schema: TableSchema,
    runs: Iterable[pa.RecordBatch],
    *,
    bottom: bool,
    table_bytes: int | None,
    most: int | None = None,
) -> list[FileMeta]:
    """Write ``runs``, in key order, as files of about ``table_bytes``; None: as one file.

    With ``most`` there are no more files than that: the last one takes all that is left. The
    contents of the files are on the disk when this returns. If anything fails, the files are
    removed again. ``bottom``: they go to the deepest level of their table.
    """
    written: list[FileMeta] = []
    writer: TableWriter | None = None
    try:
        for run in runs:
            if writer is None:
                writer = _new_writer(destination, schema, bottom)
            writer.add(run)
            last = len(written) + 1 == most
            if table_bytes is not None and writer.size >= table_bytes and not last:
                written.append(writer.finish())
                writer = None
        if writer is not None:
            written.append(writer.finish())
    except BaseException:
        if writer is not None:
            writer.abandon()
        remove_files(destination, written)
        raise
    return written


def remove_files(destination: Destination, files: Iterable[FileMeta]) -> None:
    """Remove files that no version has."""
    for meta in files:
        destination.filesystem.remove(destination.file_path(file_name(meta.number)))


def _new_writer(destination: Destination, schema: TableSchema, bottom: bool) -> TableWriter:
    number = destination.next_number()
    path = destination.file_path(file_name(number))
    filesystem, options = destination.filesystem, destination.options
    return TableWriter(filesystem, path, number, schema, options, bottom=bottom)
