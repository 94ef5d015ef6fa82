"""Which columns a read wants, and how they come out of blocks, memtable rows and runs.

A column of a table is either a part of the key, to be decoded from the key's bytes, or a slot of
the payload. Reads hand rows on as lists of Python values, one list per wanted column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pyarrow as pa

from lsmsql.engine.columns import FIRST_VALUE, KEY, column_values
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.keys import KeyCodec, KeyPart
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
    return KeyCodec(
        [
            KeyPart(schema.columns[position].type, descending)
            for position, descending in zip(schema.key, schema.descending, strict=True)
        ]
    )


class Projection:
    """The columns at ``columns`` (positions in the table), in that order."""

    __slots__ = ("_masked", "_places", "codec", "columns", "parts", "slots")

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
        if self._masked:
            wanted.add(REAL_MASK_SLOT)
        self.slots = sorted(wanted)
        """Payload slots that a run must have for this projection, in its order."""

    def from_block(self, block: Block, low: int, high: int) -> Columns:
        """Rows [low, high) of a block."""
        parts = self._block_parts(block, low, high) if self.parts else {}
        columns: Columns = []
        for is_part, number in self._places:
            if is_part:
                columns.append(parts[number])
            elif FIRST_VALUE + number < block.width:
                columns.append(block.values(FIRST_VALUE + number, low, high))
            else:
                columns.append([None] * (high - low))
        return columns

    def _block_parts(self, block: Block, low: int, high: int) -> dict[int, list[Value]]:
        """The key parts wanted, of rows [low, high)."""
        masks = None
        if self._masked and not block.is_null(FIRST_VALUE + REAL_MASK_SLOT):
            masks = block.column(FIRST_VALUE + REAL_MASK_SLOT).slice(low, high - low)
        uniform = block.uniform(KEY) if masks is None else None
        if uniform is not None and self.codec.holds_blobs(uniform.first_bytes(low, high)):
            return {0: cast("list[Value]", uniform.values(low, high, skip=1))}
        if masks is None and high - low <= FEW_KEYS:
            try:
                decoded = self.codec.decode_few(block.some_keys(low, high), self.parts)
            except ValueError as error:
                raise CorruptionError(*block.where, f"malformed key: {error}") from None
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
        if uniform is not None and self.codec.holds_blobs(uniform.first_bytes(0, len(keys))):
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
        return [
            decoded[number] if is_part else column_values(columns_of[number])
            for is_part, number in self._places
        ]

    def from_rows(self, keys: Sequence[bytes], rows: Sequence[Row | None]) -> Columns:
        """Records held as Python objects. What a tombstone gives is of no meaning."""
        decoded: list[tuple[Value, ...]] = []
        if self.parts:
            decoded = [self._key_values(k, r) for k, r in zip(keys, rows, strict=True)]
        columns: Columns = []
        for is_part, number in self._places:
            if is_part:
                columns.append([values[number] for values in decoded])
            else:
                columns.append([row[number] if row and number < len(row) else None for row in rows])
        return columns

    def from_row(self, key: bytes, row: Row) -> list[Value]:
        """One record held as Python objects."""
        values = self._key_values(key, row) if self.parts else ()
        return [
            values[number] if is_part else row[number] if number < len(row) else None
            for is_part, number in self._places
        ]

    def _key_values(self, key: bytes, row: Row | None) -> tuple[Value, ...]:
        values = self.codec.decode(key)
        if self._masked and row:
            return self.codec.apply_real_mask(values, row[REAL_MASK_SLOT])  # type: ignore[arg-type]
        return values
