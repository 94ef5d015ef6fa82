"""What the records of a table must be like, and whether those of a run are.

A file says itself what its columns are (see ``Properties``). So its rows can be checked, and saved,
when the definition of their table is lost; what the file does not know is the names of the columns
outside the key, and NOT NULL.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsmsql.engine.columns import (
    DELETE,
    FIRST_VALUE,
    KEY,
    KIND,
    PUT,
    SEQUENCE,
    arrow_type,
    make_run,
)
from lsmsql.engine.errors import Error
from lsmsql.engine.keys import KeyCodec, parse_part
from lsmsql.engine.projection import REAL_MASK_SLOT, key_codec
from lsmsql.engine.ragged import Mask, from_numpy, to_numpy
from lsmsql.engine.schema import TableSchema, make_schema, with_nullable_key
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.format import (
    Properties,
)
from lsmsql.engine.values import ColumnType


@dataclass(frozen=True)
class Shape:
    """A table as its records see it."""

    schema: TableSchema

    @cached_property
    def codec(self) -> KeyCodec:
        """The codec of its keys."""
        return key_codec(self.schema)

    @property
    def types(self) -> tuple[ColumnType, ...]:
        """The declared type of each slot."""
        return self.schema.slot_types

    @cached_property
    def _not_null(self) -> list[tuple[int, str]]:
        """Slot and name of the columns that hold no NULL; in one that was added, older rows do."""
        return [
            (c.slot, c.name)
            for c in self.schema.columns
            if c.not_null and c.slot is not None and c.null_slot is None
        ]

    def problem(self, run: pa.RecordBatch) -> str | None:
        """What is wrong with the records of ``run``, whatever their order; None if nothing is."""
        kinds = to_numpy(run.column(KIND))
        if not np.isin(kinds, (PUT, DELETE)).all():
            return "a record is neither PUT nor DELETE"
        return self._problem_of_values(run, kinds == PUT) or self._problem_of_keys(run)

    def _problem_of_values(self, run: pa.RecordBatch, put: Mask) -> str | None:
        for slot, declared in enumerate(self.types):
            if FIRST_VALUE + slot >= run.num_columns:
                break
            kind, wanted = run.column(FIRST_VALUE + slot).type, arrow_type(declared)
            if wanted is not None and kind not in (wanted, pa.null()):
                return f"slot {slot} is declared {declared} and holds {kind}"
        for slot, name in self._not_null:
            if FIRST_VALUE + slot >= run.num_columns:
                continue
            given = to_numpy(run.column(FIRST_VALUE + slot).is_valid())
            if (put & ~given).any():
                return f"NULL in column {name}, which is NOT NULL"
        return None

    def _problem_of_keys(self, run: pa.RecordBatch) -> str | None:
        """Keys must be what their values are encoded to, and the real masks with them."""
        keys, codec = run.column(KEY), self.codec
        masks = run.column(FIRST_VALUE + REAL_MASK_SLOT) if self.schema.has_real_mask else None
        if masks is not None and masks.null_count == len(masks):
            masks = None
        try:
            again, masks_again = codec.encode_columns(codec.decode_columns(keys, None, masks))
        except (ValueError, TypeError, Error) as error:
            return f"malformed key: {error}"
        if not again.equals(keys):
            return "a key is not in the form in which it is written"
        if not _mask_bits(masks, len(keys)).equals(_mask_bits(masks_again, len(keys))):
            return "the mark of a REAL in the key does not fit the key"
        return None


def block_run(block: Block) -> pa.RecordBatch:
    """All columns of a data block. Raises CorruptionError."""
    keys, sequences, kinds, *slots = [block.column(position) for position in range(block.width)]
    return make_run(keys, sequences, kinds, slots)


def problem_of_order(run: pa.RecordBatch, *, assigned: bool) -> str | None:
    """What is wrong with the order of a run; None if nothing is. ``assigned`` as in FileMeta."""
    keys = run.column(KEY)
    before, after = keys.slice(0, len(keys) - 1), keys.slice(1)
    if pc.any(pc.less(after, before)).as_py():
        return "the keys are out of order"
    same = to_numpy(pc.equal(after, before))
    if not same.any():
        return None
    if assigned:
        return "a key is there twice"
    if (np.diff(to_numpy(run.column(SEQUENCE)))[same] >= 0).any():
        return "the versions of a key are not in order, the newest first"
    return None


def described_table(properties: Properties) -> TableSchema:
    """The table that a file's properties describe, its columns numbered where they have no name.

    Raises SchemaError, LimitError or ValueError for what describes no table.
    """
    parts = dict(map(parse_part, properties.key))
    columns = {name: part.type for name, part in parts.items()}
    masked = ColumnType.ANY in columns.values()
    for slot, kind in enumerate(properties.slots):
        if not (masked and slot == REAL_MASK_SLOT):
            columns[_free_name(f"column{slot}", columns)] = ColumnType(kind)
    schema = make_schema(
        properties.table,
        columns,
        list(parts),
        descending=[name for name, part in parts.items() if part.descending],
        table_id=properties.table_id,
    )
    nullable = [name for name, part in parts.items() if part.nullable]
    if nullable:  # only an index has such a key
        schema = with_nullable_key(schema, nullable)
    if schema.slots != len(properties.slots):
        raise ValueError(f"{len(properties.slots)} slots, where there must be {schema.slots}")
    return schema


def _free_name(name: str, taken: dict[str, ColumnType]) -> str:
    while name in map(str.lower, taken):
        name += "_"
    return name


def _mask_bits(masks: pa.Array | None, rows: int) -> pa.Array:
    if masks is None:
        return from_numpy(np.zeros(rows, np.int64))
    return masks.fill_null(0)
