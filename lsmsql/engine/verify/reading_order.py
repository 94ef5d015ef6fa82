"""Whether readers, who stop at the first file that knows a key, find its newest version there.

Files are read from new to old: those of level 0 by their newest commit, then level after level. The
merge of all files in this order must give the same as one by sequence numbers alone. Both look at
one window of the keys at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import pyarrow as pa

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.columns import KEY, SEQUENCE
from lsmsql.engine.counters import Counters
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.manifest.version import TableVersion, Version
from lsmsql.engine.merge import Retention, merge
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.reader import SSTable

_BLOCKS_PER_RUN = 8


def hidden_version(
    filesystem: FileSystem, directory: str, files: Sequence[tuple[int, FileMeta]]
) -> tuple[bytes, int, int] | None:
    """A key of which readers find an old version in ``files``, the levels and facts of a table.

    With it the commit of that version and the newest one. None if there is no such key. Raises
    StorageError if files are gone, CorruptionError.
    """

    def open_file(meta: FileMeta) -> SSTable:
        path = f"{directory}/{file_name(meta.number)}"
        return SSTable(filesystem, path, meta, BlockCache(0), Counters())

    edit = Edit(added=tuple(AddedFile(level, meta) for level, meta in files))
    version = Version().apply(edit, open_file).table(files[0][1].table_id)
    try:
        in_order, by_number = _newest(version, False), _newest(version, True)
        for read, newest in zip(in_order, by_number, strict=True):
            found = _difference(read, newest)
            if found is not None:
                return found
        return None
    finally:
        for _, file in version.files():
            file.close()


def _newest(version: TableVersion, by_sequence: bool) -> Iterator[pa.RecordBatch]:
    """Key, sequence number and kind of the version of each key that counts as the newest."""
    sources = [
        chain.from_iterable(
            file.runs(None, None, (), blocks_per_run=_BLOCKS_PER_RUN) for file in run.files
        )
        for run in version.sorted_runs
    ]
    return merge(sources, Retention(), by_sequence=by_sequence)


def _difference(read: pa.RecordBatch, newest: pa.RecordBatch) -> tuple[bytes, int, int] | None:
    """The first key of two runs, which have the same keys, whose versions differ."""
    if read.equals(newest):
        return None
    for key, seen, last in zip(
        read.column(KEY), read.column(SEQUENCE), newest.column(SEQUENCE), strict=True
    ):
        if seen != last:
            return key.as_py(), seen.as_py(), last.as_py()
    return None
