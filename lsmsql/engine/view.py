"""What a read sees: the memtables and files of every table at one moment, and point reads in them.

A ``State`` is never changed; whoever flushes, compacts or creates a table puts a new one in its
place. A read takes the state once and works on it, so nothing that happens meanwhile disturbs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lsmsql.engine.columns import FIRST_VALUE
from lsmsql.engine.manifest.version import EMPTY, TableVersion
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.projection import Projection
from lsmsql.engine.recent import ABSENT, Absent, RecentValues
from lsmsql.engine.schema import KV_VALUE_SLOT
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.reader import SSTable, block_row, block_value
from lsmsql.engine.values import Row, Value

NEWEST = (1 << 62) - 1
"""A sequence number above all."""

Found = tuple[Block | None, int, Row]
"""A record: a row of a block, or (None, 0, payload) out of a memtable."""


@dataclass(frozen=True)
class TableState:
    """One table: its memtables, newest first, and its levels."""

    memtables: tuple[Memtable, ...] = ()
    version: TableVersion = EMPTY


NOTHING = TableState()


@dataclass(frozen=True)
class State:
    """All tables, by id."""

    tables: Mapping[int, TableState] = field(default_factory=dict)

    def table(self, table_id: int) -> TableState:
        """The state of a table; empty if nothing was ever written to it."""
        return self.tables.get(table_id, NOTHING)


NO_STATE = State()


def find(table: TableState, key: bytes, sequence: int, file_sequence: int) -> Found | None:
    """The newest record of ``key``, or None if there is none or it is a tombstone.

    Looks no further than the first place that knows the key: memtables, level 0 from new to old,
    then one file of each level. ``sequence`` bounds what is seen of the memtables,
    ``file_sequence`` what is seen of the files. Raises Forgotten (see ``memtable``).
    """
    for memtable in table.memtables:
        version = memtable.get(key, sequence)
        if version is not None:
            row = version.row
            return None if row is None else (None, 0, row)
    return find_in_files(table.version, key, file_sequence)


def find_in_files(files: TableVersion, key: bytes, file_sequence: int) -> Found | None:
    """``find`` where no memtable knows the key."""
    for file in files.levels[0].files:
        if file.meta.smallest <= key <= file.meta.largest:
            found = file.find(key, file_sequence)
            if found is not None:
                return _live(file, *found)
    for level in files.deeper:
        candidate = level.file_for(key)
        if candidate is not None:
            found = candidate.find(key, file_sequence)
            if found is not None:
                return _live(candidate, *found) if candidate.has_tombstones else (*found, ())
    return None


def read_value(recent: RecentValues, key: bytes, sequence: int) -> Value | Absent:
    """The value in ``kv`` of a key that memtables and row cache do not know; kept in the latter."""
    found = find_in_files(recent.version, key, sequence)
    if found is None:
        return ABSENT
    value = found_slot(found, KV_VALUE_SLOT)
    recent.add(key, value)
    return value


def _live(file: SSTable, block: Block, row: int) -> Found | None:
    """A record of a file, unless it is a tombstone."""
    return None if file.has_tombstones and file.is_tombstone(block, row) else (block, row, ())


def found_row(found: Found) -> Row:
    """The whole payload of a record."""
    block, row, payload = found
    return payload if block is None else block_row(block, row)


def found_slot(found: Found, slot: int) -> Value:
    """One slot of a record's payload."""
    block, row, payload = found
    if block is not None:
        position = FIRST_VALUE + slot
        return block.value(position, row) if position < block.width else None
    return payload[slot] if slot < len(payload) else None


def found_column(found: Sequence[Found], slot: int) -> list[Value]:
    """``found_slot`` of each of some records."""
    position = FIRST_VALUE + slot
    values: list[Value] = []
    try:
        for block, row, payload in found:
            if block is None:
                values.append(payload[slot] if slot < len(payload) else None)
            elif position < block.width:
                values.append((block.getters[position] or block.getter(position))(row))
            else:
                values.append(None)
    except ValueError:  # one by one, to know whose value is malformed
        return [found_slot(record, slot) for record in found]
    return values


def found_columns(found: Found, key: bytes, projection: Projection) -> list[Value]:
    """The projected columns of a record."""
    block, row, payload = found
    if block is None:
        return projection.from_row(key, payload)
    sparse: list[Value] = [None] * (max(projection.slots, default=-1) + 1)
    for slot in projection.slots:
        sparse[slot] = block_value(block, FIRST_VALUE + slot, row)
    return projection.from_row(key, tuple(sparse))
