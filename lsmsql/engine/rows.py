"""Turning what callers pass in, keys and rows, into records, for one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lsmsql.engine.errors import ConstraintError, TypeMismatchError, UsageError
from lsmsql.engine.keys import KeyCodec, successor
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range
from lsmsql.engine.values import ColumnType, Row, Value

RowLike = Mapping[str, object] | Sequence[object]
"""A row as callers write it: by column name, or all values in column order."""


class RowCodec:
    """Rows and keys of a table, to records and back."""

    def __init__(self, schema: TableSchema) -> None:
        self.schema = schema
        self.keys: KeyCodec = key_codec(schema)
        self.everything = Projection(schema, self.keys, range(len(schema.columns)))
        self.key_only = Projection(schema, self.keys, schema.key)
        self._needs_sql = bool(schema.checks) or any(c.generated for c in schema.columns)
        self._added = [
            (c.null_slot, i) for i, c in enumerate(schema.columns) if c.null_slot is not None
        ]
        self._value_columns = sorted(
            (column.slot, i) for i, column in enumerate(schema.columns) if column.slot is not None
        )

    def encode_row(self, row: RowLike) -> tuple[bytes, Row]:
        """Key and payload of a row. Raises what ``TableSchema.convert_row`` raises, LimitError.

        Raises UsageError for a table whose rows only SQL can check or compute.
        """
        if self._needs_sql:
            self.check_without_sql()
        return self.encode_values(self.schema.convert_row(row))

    def check_without_sql(self) -> None:
        """Raise UsageError for a table whose rows only SQL can check or compute."""
        if self._needs_sql:
            raise UsageError(
                f"table {self.schema.name} has CHECK constraints or generated columns;"
                " write its rows with SQL: store.connect()"
            )

    def encode_values(self, values: Sequence[Value]) -> tuple[bytes, Row]:
        """Key and payload of values in column order that have been converted."""
        schema = self.schema
        key_values = [values[position] for position in schema.key]
        payload: list[Value] = [None] * schema.slots
        if schema.has_real_mask:
            payload[0] = self.keys.real_mask(key_values)
        for slot, position in self._value_columns:
            payload[slot] = values[position]
        for null_slot, position in self._added:
            payload[null_slot] = 1 if values[position] is None else None
        return self.keys.encode(key_values), tuple(payload)

    def key_values(self, key: object) -> list[Value]:
        """The leading key columns that ``key`` gives: a value, or a sequence of values.

        Raises UsageError for more values than the key has, ConstraintError for NULL.
        """
        parts = list(key) if isinstance(key, tuple | list) else [key]
        schema = self.schema
        if not 0 < len(parts) <= len(schema.key):
            raise UsageError(
                f"the key of {schema.name} is ({self._key_names()}); {len(parts)} values were given"
            )
        values = []
        for part, position in zip(parts, schema.key, strict=False):
            if part is None:
                raise ConstraintError(f"NOT NULL constraint failed: {self._name(position)}")
            values.append(schema.columns[position].convert(part))
        return values

    def encode_key(self, key: object) -> bytes:
        """The whole key: a value, or for a composite key a sequence. Raises as ``key_values``."""
        values = self.key_values(key)
        if len(values) != len(self.schema.key):
            raise UsageError(
                f"the key of {self.schema.name} is ({self._key_names()}); give all of its values"
            )
        return self.keys.encode(values)

    def row_with_key(self, key: object, row: RowLike) -> RowLike:
        """``row`` with the key columns set to ``key``; a sequence of values must have them already.

        Raises UsageError if the row says otherwise.
        """
        names = [self.schema.columns[position].name for position in self.schema.key]
        values = self.key_values(key)
        if len(values) != len(names):
            raise UsageError(f"the key of {self.schema.name} is ({self._key_names()})")
        if isinstance(row, Mapping):
            merged = {**row, **dict(zip(names, values, strict=True))}
            if any(merged[name] != row.get(name, merged[name]) for name in names):
                raise UsageError(f"the row names another key than {key!r}")
            return merged
        converted = self.schema.convert_row(row)
        if [converted[position] for position in self.schema.key] != values:
            raise UsageError(f"the row has another key than {key!r}")
        return converted

    def range(self, start: object, stop: object) -> Range:
        """Keys from ``start`` up to but not including ``stop``; None is unbounded.

        Either may be leading values of the key: ``start`` then includes all keys that begin with
        them, ``stop`` excludes them.
        """
        first = None if start is None else self.keys.encode_prefix(self.key_values(start))
        last = None if stop is None else self.keys.encode_prefix(self.key_values(stop))
        return Range(first, last)

    def prefix(self, prefix: object) -> Range:
        """Keys that begin with ``prefix``.

        For a key of one TEXT, BLOB or ANY column: its texts (or blobs) that begin with that text
        (or blob). For a composite key: a value or a sequence of values for its leading columns.
        """
        values = self.key_values(prefix)
        if len(self.schema.key) == 1:
            self._check_text_prefix(values[0])
        encoded = self.keys.encode_prefix(values)
        if len(values) == len(self.schema.key) > 1:
            return Range(encoded, encoded + b"\0")
        return Range(encoded, successor(encoded))

    def _check_text_prefix(self, value: Value) -> None:
        position = self.schema.key[0]
        if not isinstance(value, str | bytes) or self.schema.columns[position].type in (
            ColumnType.INTEGER,
            ColumnType.REAL,
        ):
            raise TypeMismatchError(
                f"a prefix of {self._name(position)} is text or bytes; for numbers use range()"
            )
        if self.schema.descending[0]:
            raise UsageError(f"{self._name(position)} is a descending key; use range()")

    def as_dict(self, values: Sequence[Value]) -> dict[str, Value]:
        """A row by column name."""
        return dict(zip([c.name for c in self.schema.columns], values, strict=True))

    def _name(self, position: int) -> str:
        return f"{self.schema.name}.{self.schema.columns[position].name}"

    def _key_names(self) -> str:
        return ", ".join(self.schema.columns[position].name for position in self.schema.key)
