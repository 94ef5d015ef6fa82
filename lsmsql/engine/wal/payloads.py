"""The rows in the values of PUT records: each a msgpack array of the payload's values."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import msgspec

from lsmsql.engine.values import Row

encode_payload = msgspec.msgpack.Encoder().encode

_decode: Callable[[bytes], Row] = msgspec.msgpack.Decoder(tuple).decode
_are_values = frozenset({int, float, str, bytes, type(None)}).issuperset

MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that it cannot decode."""


class MalformedRowError(ValueError):
    """The value number ``index`` of those to be decoded is no row."""

    def __init__(self, index: int, problem: str) -> None:
        super().__init__(f"malformed row: {problem}")
        self.index = index


def decode_payloads(values: Sequence[bytes | None]) -> list[Row | None]:
    """The row in each value; None for None, which stands for a DELETE. Raises MalformedRowError."""
    with contextlib.suppress(*MALFORMED):
        rows: list[Row | None] = list(map(_decode, filter(None, values)))
        if len(rows) == len(values) and are_values(chain.from_iterable(rows)):  # type: ignore[arg-type]
            return rows
    # There is a DELETE, or a malformed row.
    return [_decode_one(index, value) for index, value in enumerate(values)]


def are_values(items: Iterable[object]) -> bool:
    """Whether all ``items`` are of the classes that values of columns have."""
    return _are_values(map(type, items))


def _decode_one(index: int, value: bytes | None) -> Row | None:
    if value is None:
        return None
    try:
        row = _decode(value)
    except MALFORMED as error:
        raise MalformedRowError(index, str(error)) from None
    if not are_values(row):
        raise MalformedRowError(index, "not an array of values")
    return row
