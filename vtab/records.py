"""Rows to records: what ``RowCodec`` does for any row, done faster for the rows that SQL writes.

values    in the order of the columns, and what SQLite may have put behind them
record    key bytes, and a payload with a slot for each column outside the key
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

from lsmsql.engine.errors import LimitError
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Row, Value
from vtab.failures import RowLimitError

Values = tuple[Value, ...]
Record = tuple[bytes, Row]
Getter = Callable[[Values], Row]


class RecordEncoder:
    """Makes records of values that have been converted to their columns' types."""

    def __init__(self, rows: RowCodec) -> None:
        schema = rows.schema
        self._rows = rows
        self._encode_key = rows.keys.encode
        self._key = _getter(schema.key)
        self._mask: Row = (None,) if schema.has_real_mask else ()
        payload = _payload_getter(schema)
        self._payload = payload or _getter(())
        self._is_plain = payload is not None

    def for_types(self, types: Sequence[type]) -> Callable[[Values], Record]:
        """What makes records of all rows with values of these types.

        It raises RowLimitError for a key that is too long.
        """
        masked = bool(self._mask) and float in map(types.__getitem__, self._rows.schema.key)
        return self._encode if self._is_plain and not masked else self._encode_any

    def encode_all(self, rows: Sequence[Values]) -> list[Record] | None:
        """The records of rows; None if their types must be looked at one by one.

        Raises RowLimitError for a key that is too long.
        """
        key = self._rows.schema.key
        masked = self._mask and any(type(row[place]) is float for row in rows for place in key)
        if masked or not self._is_plain:
            return None
        try:
            keys = list(map(self._encode_key, map(self._key, rows)))
        except LimitError as error:
            raise RowLimitError(str(error)) from None
        payloads: Iterable[Row] = map(self._payload, rows)
        if self._mask:
            payloads = [self._mask + payload for payload in payloads]
        return list(zip(keys, payloads, strict=True))

    def _encode(self, values: Values) -> Record:
        try:
            return self._encode_key(self._key(values)), self._mask + self._payload(values)
        except LimitError as error:
            raise RowLimitError(str(error)) from None

    def _encode_any(self, values: Values) -> Record:
        try:
            return self._rows.encode_values(values)
        except LimitError as error:
            raise RowLimitError(str(error)) from None


def _payload_getter(schema: TableSchema) -> Getter | None:
    """What takes the payload out of a row, but for the mask; None if slots are out of use."""
    used = sorted((c.slot, i) for i, c in enumerate(schema.columns) if c.slot is not None)
    first = 1 if schema.has_real_mask else 0
    if [slot for slot, _ in used] != list(range(first, schema.slots)):
        return None
    return _getter([position for _, position in used])


def _getter(positions: Sequence[int]) -> Getter:
    """A function that takes the values at ``positions`` out of a row."""
    first = positions[0] if positions else 0
    if list(positions) == list(range(first, first + len(positions))):
        return itemgetter(slice(first, first + len(positions)))
    return itemgetter(*positions)
