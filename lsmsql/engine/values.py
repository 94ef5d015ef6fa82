"""The values that SQLite can hold, and the checks that keep all others out."""

from __future__ import annotations

import enum
import math

from lsmsql.engine.errors import LimitError, TypeMismatchError

Value = int | float | str | bytes | None
Row = tuple[Value, ...]
"""A payload: values indexed by slot."""

MIN_INTEGER = -(1 << 63)
MAX_INTEGER = (1 << 63) - 1
MAX_VALUE_BYTES = 1_000_000_000
MAX_KEY_BYTES = 64 * 1024


class ColumnType(enum.StrEnum):
    """The types of SQLite's STRICT tables."""

    INTEGER = "INTEGER"
    REAL = "REAL"
    TEXT = "TEXT"
    BLOB = "BLOB"
    ANY = "ANY"


def storage_class(value: Value) -> str:
    """Name of the SQLite storage class of ``value``, as in SQLite's own messages."""
    match value:
        case None:
            return "NULL"
        case int():
            return "INTEGER"
        case float():
            return "REAL"
        case str():
            return "TEXT"
    return "BLOB"


def check_value(value: object, where: str = "value") -> Value:
    """Return ``value`` in the one form that is stored, or raise.

    bool becomes int, bytearray and memoryview become bytes, as the sqlite3 module does. ``where``
    names the place in messages.

    Raises TypeMismatchError for a type that SQLite cannot hold, for NaN (SQLite has no NaN) and for
    text that is not UTF-8; LimitError for an integer beyond 64 bits or a value over 1,000,000,000
    bytes.
    """
    kind = type(value)
    if kind is bytes:
        size = len(value)  # type: ignore[arg-type]
    elif kind is str:
        size = _utf8_size(value, where)  # type: ignore[arg-type]
    elif value is None:
        return None
    elif kind is int:
        if not MIN_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]
            raise LimitError(f"{where}: integer {value} does not fit in 64 bits")
        return value  # type: ignore[return-value]
    elif kind is float:
        if math.isnan(value):  # type: ignore[arg-type]
            raise TypeMismatchError(f"{where}: NaN cannot be stored; use None for a missing number")
        return value  # type: ignore[return-value]
    else:
        return _check_relative(value, where)
    if size > MAX_VALUE_BYTES:
        raise LimitError(f"{where}: {size:,} bytes; the limit is {MAX_VALUE_BYTES:,}")
    return value  # type: ignore[return-value]


def _utf8_size(text: str, where: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise TypeMismatchError(f"{where}: text is not valid UTF-8: {error}") from None


def _check_relative(value: object, where: str) -> Value:
    """The types that stand in for one of the four: subclasses and buffers."""
    if isinstance(value, int):
        return check_value(int(value), where)
    if isinstance(value, float):
        return check_value(float(value), where)
    if isinstance(value, str):
        return check_value(str.__str__(value), where)
    if isinstance(value, bytes | bytearray | memoryview):
        return check_value(bytes(value), where)
    raise TypeMismatchError(
        f"{where}: cannot store {type(value).__name__};"
        " int, float, str, bytes and None can be stored"
    )
