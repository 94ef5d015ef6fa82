"""A table of an open store, of a snapshot, or within a transaction: rows by key, in Python.

``Table`` works on whole rows. ``KeyValue`` is the same for ``kv``, without rows around the values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar, cast, overload

from lsmsql.engine.errors import (
    ConstraintError,
    NoSuchTableError,
    TypeMismatchError,
    UsageError,
)
from lsmsql.engine.keys import KeyCodec
from lsmsql.engine.keys.codec import BLOB_FIRST, TEXT_FIRST
from lsmsql.engine.projection import Columns, Projection
from lsmsql.engine.readview import ReadView
from lsmsql.engine.recent import ABSENT
from lsmsql.engine.rows import RowCodec, RowLike
from lsmsql.engine.scan import FIRST_STEP, LAST_STEP
from lsmsql.engine.schema import KV_SCHEMA, KV_TABLE_ID, TableSchema
from lsmsql.engine.slices import Range, Slice
from lsmsql.engine.tables import Tables
from lsmsql.engine.values import MAX_KEY_BYTES, MAX_VALUE_BYTES, Row, Value, check_value
from lsmsql.engine.view import found_columns

T = TypeVar("T")

_WANTED = "update takes pairs (key, value), as tuples, or a mapping"

_KV_ROWS = RowCodec(KV_SCHEMA)

AT_ONCE = 128
"""A range of at most so many rows is read before it is handed out, which spares a view."""


class Table:
    """Rows of one table. A row is a dict by column name; keys are values, or tuples of values.

    All methods raise ClosedError once the store is closed, the writing ones ReadOnlyError if it was
    opened for reading, and all of them UsageError and StorageError with their descendants.
    """

    def __init__(self, tables: Tables, schema: TableSchema) -> None:
        self._tables = tables
        self._rows = RowCodec(schema)

    @property
    def schema(self) -> TableSchema:
        """The definition of the table."""
        known = self._rows.schema
        return self._tables.catalog.by_id.get(known.id, known)

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.schema.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.schema.columns)

    def __repr__(self) -> str:
        return f"<table {self.name}({', '.join(self.columns)}) of {self._tables!r}>"

    # ------------------------------------------------------------------------------- writing

    def put(self, row: RowLike) -> None:
        """Insert a row, or replace the one with the same key.

        A row is a mapping by column name (missing columns are NULL) or a sequence of all columns.
        """
        table_id = self._id()
        self._tables.write_one(table_id, *self._rows.encode_row(row))

    def update(self, rows: Iterable[RowLike]) -> None:
        """``put`` many rows as one commit: all of them or, if one is refused, none."""
        if isinstance(rows, Mapping) or not isinstance(rows, Iterable):
            given = type(rows).__name__
            raise TypeMismatchError(f"update takes several rows, not {given}; put takes one")
        table_id = self._id()
        records: dict[bytes, Row | None] = dict(map(self._rows.encode_row, rows))
        self._tables.write({table_id: records})

    def delete(self, key: object) -> None:
        """Delete the row with that key, if there is one."""
        self._tables.write_one(self._id(), self._rows.encode_key(key), None)

    def __setitem__(self, key: object, row: RowLike) -> None:
        """Put a row under ``key``; a mapping may leave out the key columns."""
        self._id()
        self.put(self._rows.row_with_key(key, row))

    def __delitem__(self, key: object) -> None:
        if key not in self:
            raise KeyError(key)
        self.delete(key)

    def ingest(self, data: object, *, progress: Callable[[int], object] | None = None) -> int:
        """Add many rows at once, straight to files, and return how many.

        ``data``: Arrow data, a DataFrame, anything with the Arrow C interface, or an iterable of
        rows. Rows replace those with the same key; of several with one key the last counts. All of
        them appear at once, or none. ``progress`` is called with the number of rows read so far.
        """
        self._id()
        self._rows.check_without_sql()
        return self._tables.ingest_rows(self._rows, data, progress)

    # ------------------------------------------------------------------------------- reading

    @overload
    def get(self, key: object) -> dict[str, Value] | None: ...
    @overload
    def get(self, key: object, default: T) -> dict[str, Value] | T: ...
    def get(self, key: object, default: object = None) -> object:
        """The row with that key, or ``default``."""
        table_id = self._id()
        encoded = self._rows.encode_key(key)
        found = self._tables.find(table_id, encoded)
        if found is None:
            return default
        return self._rows.as_dict(found_columns(found, encoded, self._rows.everything))

    def __getitem__(self, key: object) -> dict[str, Value]:
        row = self.get(key)
        if row is None:
            raise KeyError(key)
        return row

    def __contains__(self, key: object) -> bool:
        return self._tables.find(self._id(), self._rows.encode_key(key)) is not None

    def range(
        self,
        start: object = None,
        stop: object = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[dict[str, Value]]:
        """The rows from key ``start`` up to but not including ``stop``, in key order.

        Both may be leading values of a composite key. The rows are those there at the call.
        """
        self._id()
        return self._read(self._rows.range(start, stop), self._dicts(), reverse, limit)

    def prefix(
        self, prefix: object, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[dict[str, Value]]:
        """The rows whose key begins with ``prefix``, in key order.

        A text (or bytes) for a key of one column; leading values for a composite key.
        """
        self._id()
        return self._read(self._rows.prefix(prefix), self._dicts(), reverse, limit)

    def __iter__(self) -> Iterator[object]:
        """The keys in order: values, or tuples for a composite key."""
        return self._read(Range(), _keys, False, None, self._rows.key_only)

    def __reversed__(self) -> Iterator[object]:
        """The keys from the last to the first."""
        return self._read(Range(), _keys, True, None, self._rows.key_only)

    def __len__(self) -> int:
        """The number of rows, by counting: this reads the keys of the whole table."""
        projection = Projection(self.schema, self._rows.keys, ())
        with self._tables.view() as view:
            return sum(len(s.keys) for s in view.scan(self._id(), Range(), projection))

    def __bool__(self) -> bool:
        return True

    def _id(self) -> int:
        """The number of the table, whose rows are as it is defined now.

        Raises NoSuchTableError if it has been dropped.
        """
        known = self._rows.schema
        schema = self._tables.catalog.by_id.get(known.id)
        if schema is None:
            raise NoSuchTableError(f"no such table: {known.name}; it has been dropped")
        if schema is not known:  # it has been altered
            self._rows = RowCodec(schema)
        return schema.id

    def _dicts(self) -> Callable[[Columns], Iterator[dict[str, Value]]]:
        """What makes rows of columns, by the names that these have now."""
        names = self.columns

        def dicts(columns: Columns) -> Iterator[dict[str, Value]]:
            return (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))

        return dicts

    def _read(
        self,
        span: Range,
        shape: Callable[[Columns], Iterable[T]],
        reverse: bool,
        limit: int | None,
        projection: Projection | None = None,
    ) -> Iterator[T]:
        if limit is not None and (not isinstance(limit, int) or limit < 0):
            raise UsageError(f"limit is a number of rows, or None for all, not {limit!r}")
        table_id = self._id()
        projection = projection or self._rows.everything
        if limit is not None and limit <= AT_ONCE:
            columns = self._tables.first_rows(table_id, span, projection, limit, reverse=reverse)
            if columns is not None:
                return iter(shape(columns))
        view = self._tables.view()
        first = FIRST_STEP if limit is None else max(1, min(limit, LAST_STEP))
        slices = view.scan(table_id, span, projection, reverse=reverse, first=first)
        return chain.from_iterable(_shaped(view, slices, shape, reverse, limit))


def _shaped(
    view: ReadView,
    slices: Iterator[Slice],
    shape: Callable[[Columns], Iterable[T]],
    reverse: bool,
    limit: int | None,
) -> Iterator[Iterable[T]]:
    """The rows of ``slices`` in scan order, slice by slice; closes the view at the end."""
    left = float("inf") if limit is None else limit
    with view:
        while left > 0 and (piece := next(slices, None)) is not None:
            columns = piece.columns
            if reverse:
                columns = [column[::-1] for column in columns]
            if len(piece.keys) > left:
                columns = [column[: int(left)] for column in columns]
            yield shape(columns)
            left -= len(piece.keys)


def _keys(columns: Columns) -> Iterable[object]:
    return columns[0] if len(columns) == 1 else zip(*columns, strict=True)


def _pairs(columns: Columns) -> Iterable[tuple[Value, Value]]:
    return cast("Iterable[tuple[Value, Value]]", zip(*columns, strict=True))


def _unzip(pairs: list[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    """The first and the second of each pair. Raises TypeMismatchError for what is no pair."""
    if not {tuple, list}.issuperset(map(type, pairs)) or not {2}.issuperset(map(len, pairs)):
        raise TypeMismatchError(_WANTED)
    return [key for key, _ in pairs], [value for _, value in pairs]


def _all_bytes(items: list[Any], longest: int) -> bool:
    """Whether all are bytes, and none has more than ``longest``."""
    return set(map(type, items)) == {bytes} and max(map(len, items)) <= longest


def _all_ascii(items: list[Any], longest: int) -> bool:
    """Whether all are text of ASCII alone, and none has more than ``longest`` characters."""
    if set(map(type, items)) != {str}:
        return False
    return all(map(str.isascii, items)) and max(map(len, items)) <= longest


class KeyValue(Table):
    """The table ``kv`` as a sorted mapping from keys to values."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rows = _KV_ROWS
        self._codec: KeyCodec = _KV_ROWS.keys

    def encode(self, key: object, value: object) -> tuple[bytes, Row]:
        """Key and payload of an entry. Raises TypeMismatchError, LimitError, ConstraintError."""
        if type(key) is bytes and len(key) < MAX_KEY_BYTES:
            encoded, mask = BLOB_FIRST + key, None
        else:
            encoded = self.encode_key(key)
            mask = self._codec.real_mask([key]) if type(key) is float else None
        if type(value) is not bytes or len(value) > MAX_VALUE_BYTES:  # mostly it is, and short
            value = check_value(value)
        return encoded, (mask, value)

    def encode_key(self, key: object) -> bytes:
        """A key as bytes."""
        kind = type(key)
        if kind is str:
            try:
                encoded = TEXT_FIRST + str.encode(key)  # type: ignore[arg-type]
            except UnicodeEncodeError:
                return self._encode_checked(key)
        elif kind is bytes:
            encoded = BLOB_FIRST + key  # type: ignore[operator]
        else:
            return self._encode_checked(key)
        if len(encoded) > MAX_KEY_BYTES:
            return self._encode_checked(key)
        return encoded

    def _encode_checked(self, key: object) -> bytes:
        """A key of any other type, or the error for one that cannot be."""
        checked = check_value(key, "key")
        if checked is None:
            raise ConstraintError("a key cannot be None (NOT NULL constraint failed: kv.key)")
        return self._codec.encode([checked])

    def put_value(self, key: object, value: object) -> None:
        """Set the value of a key."""
        encoded, payload = self.encode(key, value)
        self._tables.write_one(KV_TABLE_ID, encoded, payload)

    def put_values(self, entries: Mapping[Any, object] | Iterable[tuple[object, object]]) -> None:
        """Set the values of many keys as one commit."""
        self._tables.write({KV_TABLE_ID: self._encode_all(entries)})

    def _encode_all(
        self, entries: Mapping[Any, object] | Iterable[tuple[object, object]]
    ) -> dict[bytes, Row | None]:
        if isinstance(entries, Mapping):
            keys, values = list(entries), list(entries.values())
        elif isinstance(entries, Iterable):
            keys, values = _unzip(list(entries))
        else:
            raise TypeMismatchError(f"{_WANTED}, not {type(entries).__name__}")
        if _all_bytes(values, MAX_VALUE_BYTES) or _all_ascii(values, MAX_VALUE_BYTES):
            if _all_bytes(keys, MAX_KEY_BYTES - 1):
                return {BLOB_FIRST + k: (None, v) for k, v in zip(keys, values, strict=True)}
            if _all_ascii(keys, MAX_KEY_BYTES - 1):
                encoded = map(str.encode, keys)
                return {TEXT_FIRST + k: (None, v) for k, v in zip(encoded, values, strict=True)}
        return dict(map(self.encode, keys, values))

    def get_value(self, key: object, default: object = None) -> object:
        """The value of a key, or ``default``."""
        value = self._tables.value(self.encode_key(key))
        return default if value is ABSENT else value

    def delete_key(self, key: object) -> None:
        """Delete a key, if it is there."""
        self._tables.write_one(KV_TABLE_ID, self.encode_key(key), None)

    def has(self, key: object) -> bool:
        """Whether the key is there."""
        return self._tables.find(KV_TABLE_ID, self.encode_key(key)) is not None

    def pairs(
        self, span: Range, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[Value, Value]]:
        """Keys and values of a range."""
        return self._read(span, _pairs, reverse, limit)

    def span(self, start: object, stop: object) -> Range:
        """Keys from ``start`` up to but not including ``stop``."""
        return Range(
            None if start is None else self.encode_key(start),
            None if stop is None else self.encode_key(stop),
        )

    def prefix_span(self, prefix: object) -> Range:
        """Keys that begin with a text or bytes."""
        return self._rows.prefix(prefix)
