"""Rows to records: what ``RowCodec`` does for any row, done faster for the rows that SQL writes.

values    in the order of the columns
record    key bytes, and a payload with a slot for each column outside the key
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from lsmsql.engine.errors import LimitError
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Row, Value
from vtab.failures import RowLimitError

Getter = Callable[[Sequence[Value]], Row]


class RecordEncoder:
    """Makes records of values that have been converted to their columns' types."""

    def __init__(self, rows: RowCodec) -> None:
        schema = rows.schema
        self._rows = rows
        self._masked = schema.has_real_mask
        self._encode_key = rows.keys.encode
        self._key = _getter(schema.key)
        self._payload = _payload_getter(schema)

    def encode(self, values: Sequence[Value]) -> tuple[bytes, Row]:
        """Key and payload. Raises RowLimitError for a key that is too long."""
        key, payload = self._key(values), self._payload
        try:
            if payload is None or (self._masked and float in map(type, key)):
                return self._rows.encode_values(values)
            encoded = self._encode_key(key)
        except LimitError as error:
            raise RowLimitError(str(error)) from None
        if self._masked:
            return encoded, (None, *payload(values))
        return encoded, payload(values)


def _payload_getter(schema: TableSchema) -> Getter | None:
    """What takes the payload out of a row, but for the mask; None if slots are out of use."""
    used = sorted((c.slot, i) for i, c in enumerate(schema.columns) if c.slot is not None)
    first = 1 if schema.has_real_mask else 0
    if [slot for slot, _ in used] != list(range(first, schema.slots)):
        return None
    return _getter([position for _, position in used])


def _getter(positions: Sequence[int]) -> Getter:
    """A function that takes the values at ``positions`` out of a row, as a tuple."""
    if not positions:
        return lambda _values: ()
    if len(positions) == 1:
        (position,) = positions
        return lambda values: (values[position],)
    return itemgetter(*positions)
