"""Which columns a read wants, and how they come out of blocks, memtable rows and runs.

A column of a table is either a part of the key, to be decoded from the key's bytes, or a slot of
the payload. Reads hand rows on as lists of Python values, one list per wanted column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import pyarrow as pa

from lsmsql.engine.columns import FIRST_VALUE, KEY, column_values
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.keys import KeyCodec, key_parts
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.uniform import uniform_bytes
from lsmsql.engine.values import Row, Value

Columns = list[list[Value]]
"""One list of values per wanted column, all of the same length."""

REAL_MASK_SLOT = 0

FEW_KEYS = 128
"""Up to this many keys are decoded one by one: the kernels have a fixed cost."""


def key_codec(schema: TableSchema) -> KeyCodec:
    """The codec of a table's primary key."""
    return KeyCodec(key_parts(schema))


class Projection:
    """The columns at ``columns`` (positions in the table), in that order."""

    __slots__ = ("_added", "_masked", "_places", "codec", "columns", "parts", "slots")

    def __init__(self, schema: TableSchema, codec: KeyCodec, columns: Sequence[int]) -> None:
        self.codec = codec
        self.columns = tuple(columns)
        part_of = {position: part for part, position in enumerate(schema.key)}
        self._places: list[tuple[bool, int]] = []
        for position in self.columns:
            slot = schema.columns[position].slot
            if slot is None:
                self._places.append((True, part_of[position]))
            else:
                self._places.append((False, slot))
        self.parts = [number for is_part, number in self._places if is_part]
        """Key parts to decode."""
        self._masked = schema.has_real_mask and bool(self.parts)
        wanted = {number for is_part, number in self._places if not is_part}
        self._added = [
            (place, column.null_slot, column.absent)
            for place, column in enumerate(map(schema.columns.__getitem__, self.columns))
            if column.null_slot is not None
        ]
        """Of columns that were added to rows: the place, the slot that tells of NULL, the value of
        rows that know nothing of the column."""
        wanted.update(slot for _, slot, _ in self._added)
        if self._masked:
            wanted.add(REAL_MASK_SLOT)
        self.slots = sorted(wanted)
        """Payload slots that a run must have for this projection, in its order."""

    def from_block(self, block: Block, low: int, high: int) -> Columns:
        """Rows [low, high) of a block."""
        parts = self._block_parts(block, low, high) if self.parts else {}
        columns = [
            parts[number] if is_part else _slot_values(block, number, low, high)
            for is_part, number in self._places
        ]
        if self._added:
            nulls = {slot: _slot_values(block, slot, low, high) for _, slot, _ in self._added}
            self._fill(columns, nulls)
        return columns

    def _fill(self, columns: Columns, values_of: Mapping[int, list[Value]]) -> None:
        """Put the value of a column that was added into the rows that know nothing of it."""
        for place, null_slot, absent in self._added:
            pairs = zip(columns[place], values_of[null_slot], strict=True)
            columns[place] = [
                absent if value is None and null is None else value for value, null in pairs
            ]

    def block_slots(self, block: Block, low: int, high: int) -> Columns:
        """The payload slots that ``assemble`` asks for, of rows [low, high) of a block."""
        slots = self.slots
        if slots and slots[-1] + FIRST_VALUE < block.width:
            values = block.values
            return [values(FIRST_VALUE + slot, low, high) for slot in slots]
        return [_slot_values(block, slot, low, high) for slot in slots]

    def row_slots(self, rows: Sequence[Row | None]) -> Columns:
        """The same of records held as Python objects; NULL for tombstones."""
        try:
            return [[row[slot] for row in rows] for slot in self.slots]  # type: ignore[index]
        except (TypeError, IndexError):  # a tombstone, or a column younger than the row
            return [
                [row[slot] if row and slot < len(row) else None for row in rows]
                for slot in self.slots
            ]

    def assemble(self, keys: Sequence[bytes], slots: Columns) -> Columns:
        """The columns of records with these keys, ascending, and payload slots."""
        values_of = dict(zip(self.slots, slots, strict=True))
        parts: dict[int, list[Value]] = {}
        if self.parts:
            masks = values_of[REAL_MASK_SLOT] if self._masked else None
            parts = dict(zip(self.parts, self._key_parts(keys, masks), strict=True))
        columns = [
            parts[number] if is_part else values_of[number] for is_part, number in self._places
        ]
        if self._added:
            self._fill(columns, values_of)
        return columns

    def _key_parts(
        self,
        keys: Sequence[bytes],
        masks: list[Value] | None,
        where: tuple[str, int | None] = ("a run", None),
    ) -> Columns:
        """The key parts wanted, of ascending keys and their real masks, one by one."""
        codec = self.codec
        if not keys:
            return [[] for _ in self.parts]
        if codec.holds_blobs(keys[0][:1] + keys[-1][:1]):
            return [[key[1:] for key in keys]]
        try:
            if masks is None or masks.count(None) == len(masks):
                return codec.decode_few(keys, self.parts)
            decoded = [
                codec.apply_real_mask(codec.decode(key), mask)  # type: ignore[arg-type]
                for key, mask in zip(keys, masks, strict=True)
            ]
        except ValueError as error:
            raise CorruptionError(*where, f"malformed key: {error}") from None
        return [[values[part] for values in decoded] for part in self.parts]

    def _block_parts(self, block: Block, low: int, high: int) -> dict[int, list[Value]]:
        """The key parts wanted, of rows [low, high)."""
        masks = None
        if self._masked and not block.is_null(FIRST_VALUE + REAL_MASK_SLOT):
            masks = block.column(FIRST_VALUE + REAL_MASK_SLOT).slice(low, high - low)
        uniform = block.uniform(KEY) if masks is None else None
        if uniform is not None and self.codec.holds_blobs(uniform.first_bytes()):
            return {0: cast("list[Value]", uniform.values(low, high, skip=1))}
        if masks is None and high - low <= FEW_KEYS:
            decoded = self._key_parts(block.some_keys(low, high), None, block.where)
        else:
            keys = block.column(KEY).slice(low, high - low)
            decoded = self._decode_keys(keys, self.parts, masks, block.where)
        return dict(zip(self.parts, decoded, strict=True))

    def _decode_keys(
        self,
        keys: pa.Array,
        parts: Sequence[int],
        masks: pa.Array | None,
        where: tuple[str, int | None] = ("a run", None),
    ) -> Columns:
        """The key parts; ``masks`` are the real masks, if the key has any."""
        if masks is not None and masks.null_count == len(masks):
            masks = None
        uniform = uniform_bytes(keys) if masks is None else None
        if uniform is not None and self.codec.holds_blobs(uniform.first_bytes()):
            return [cast("list[Value]", uniform.values(0, len(keys), skip=1))]
        try:
            return [column_values(c) for c in self.codec.decode_columns(keys, parts, masks)]
        except ValueError as error:
            path, offset = where
            raise CorruptionError(path, offset, f"malformed key: {error}") from None

    def from_run(self, run: pa.RecordBatch) -> Columns:
        """All rows of a run that has exactly the slots of this projection."""
        columns_of = {slot: run.column(FIRST_VALUE + i) for i, slot in enumerate(self.slots)}
        decoded: dict[int, list[Value]] = {}
        if self.parts:
            masks = columns_of.get(REAL_MASK_SLOT) if self._masked else None
            columns = self._decode_keys(run.column(KEY), self.parts, masks)
            decoded = dict(zip(self.parts, columns, strict=True))
        found = [
            decoded[number] if is_part else column_values(columns_of[number])
            for is_part, number in self._places
        ]
        if self._added:
            nulls = {slot: column_values(columns_of[slot]) for _, slot, _ in self._added}
            self._fill(found, nulls)
        return found

    def from_row(self, key: bytes, row: Row) -> list[Value]:
        """One record held as Python objects."""
        values = self._key_values(key, row) if self.parts else ()
        found = [
            values[number] if is_part else row[number] if number < len(row) else None
            for is_part, number in self._places
        ]
        for place, null_slot, absent in self._added:
            if found[place] is None and (null_slot >= len(row) or row[null_slot] is None):
                found[place] = absent
        return found

    def _key_values(self, key: bytes, row: Row | None) -> tuple[Value, ...]:
        values = self.codec.decode(key)
        if self._masked and row:
            return self.codec.apply_real_mask(values, row[REAL_MASK_SLOT])  # type: ignore[arg-type]
        return values


def _slot_values(block: Block, slot: int, low: int, high: int) -> list[Value]:
    position = FIRST_VALUE + slot
    if position >= block.width:
        return [None] * (high - low)
    return block.values(position, low, high)
