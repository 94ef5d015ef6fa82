"""Validation: whether what a transaction has read is still so, when it is about to commit.

A transaction reads one snapshot and commits later. It is as if it had done all at the moment of its
commit, if no commit in between has changed anything of what it has read: then transactions are
serializable, in the order of their commits. That is backward validation (Kung and Robinson, 1981);
that only reads need be looked at, and two that write one row unread do no harm, is write-snapshot
isolation (Gómez Ferro and Yabandeh, 2012).

What has changed is told by the records themselves: each has the number of its commit. As long as a
reader is registered at the transaction's snapshot, no later version, and no later tombstone, of a
key is thrown away by anybody.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from dataclasses import dataclass

from lsmsql.engine.catalog import CATALOG_TABLE_ID, Catalog, catalog_key
from lsmsql.engine.columns import KEY, SEQUENCE
from lsmsql.engine.projection import key_codec
from lsmsql.engine.ragged import from_numpy, to_numpy
from lsmsql.engine.readset import ReadSet
from lsmsql.engine.slices import Range
from lsmsql.engine.sstable.reader import SSTable
from lsmsql.engine.view import NEWEST, State, TableState

_BLOCKS_PER_RUN = 16


@dataclass(frozen=True)
class Conflict:
    """What was read and has changed: a key, or something in a range, of a table."""

    table_id: int
    read: bytes | Range


def first_conflict(
    state: State, reads: ReadSet, since: int, tables: Iterable[int] = ()
) -> Conflict | None:
    """Something of ``reads`` that a commit after ``since`` has changed; None if there is nothing.

    A reader is registered at ``since``. The definitions of all tables that were read count as read,
    and so do those of ``tables``. Whoever goes on to commit must keep others from it meanwhile.
    """
    definitions = _Newer(state.table(CATALOG_TABLE_ID), since)
    if definitions:
        for table_id in {*reads, *tables}:
            if definitions.changed(catalog_key(table_id)):
                return Conflict(CATALOG_TABLE_ID, catalog_key(table_id))
    for table_id in reads:
        newer = _Newer(state.table(table_id), since)
        if newer:
            for key in reads.keys(table_id):
                if newer.changed(key):
                    return Conflict(table_id, key)
            for span in reads.ranges(table_id):
                if newer.changed_in(span):
                    return Conflict(table_id, span)
    return None


def changed_keys(table: TableState, since: int) -> set[bytes]:
    """The keys of records, and of tombstones, that commits after ``since`` have written.

    A reader is registered at ``since``.
    """
    return _Newer(table, since).keys()


def describe(conflict: Conflict, catalog: Catalog) -> str:
    """What has changed, for an error message."""
    if conflict.table_id == CATALOG_TABLE_ID:
        return "the definition of a table"
    schema = catalog.by_id[conflict.table_id]
    if isinstance(conflict.read, Range):
        return f"a range of rows of {schema.name}"
    values = key_codec(schema).decode(conflict.read)
    shown = ", ".join(map(reprlib.repr, values))
    return f"row {shown} of {schema.name}"


class _Newer:
    """The memtables and files of a table that hold anything newer than a sequence number."""

    def __init__(self, table: TableState, since: int) -> None:
        self._since = since
        self._memtables = [m for m in table.memtables if m.max_sequence > since]
        self._files = [f for _, f in table.version.files() if f.max_sequence > since]

    def __bool__(self) -> bool:
        return bool(self._memtables or self._files)

    def keys(self) -> set[bytes]:
        """All keys with a newer record."""
        found: set[bytes] = set()
        for memtable in self._memtables:
            for keys in memtable.slices():
                _, sequences, _ = memtable.records(keys, NEWEST)
                found.update(
                    key for key, number in zip(keys, sequences, strict=True) if number > self._since
                )
        for file in self._files:
            for run in file.runs(None, None, (), blocks_per_run=_BLOCKS_PER_RUN):
                newer = to_numpy(run.column(SEQUENCE)) > self._since
                found.update(run.column(KEY).filter(from_numpy(newer)).to_pylist())
        return found

    def changed(self, key: bytes) -> bool:
        """Whether there is a newer record of ``key``."""
        since = self._since
        for memtable in self._memtables:
            version = memtable.get(key, NEWEST)
            if version is not None and version.sequence > since:
                return True
        for file in self._files:
            if file.meta.smallest <= key <= file.meta.largest:
                found = file.find(key, NEWEST)
                if found is not None and file.sequence_of(*found) > since:
                    return True
        return False

    def changed_in(self, span: Range) -> bool:
        """Whether there is a newer record of any key in ``span``."""
        if any(m.changed_between(span.start, span.stop, self._since) for m in self._memtables):
            return True
        return any(self._changed_in_file(file, span) for file in self._files)

    def _changed_in_file(self, file: SSTable, span: Range) -> bool:
        runs = file.runs(span.start, span.stop, (), blocks_per_run=_BLOCKS_PER_RUN)
        return any(int(to_numpy(run.column(SEQUENCE)).max()) > self._since for run in runs)
