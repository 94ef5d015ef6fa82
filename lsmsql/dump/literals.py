"""Values as people read them: SQL literals, and what JSON can hold."""

from __future__ import annotations

import math

from lsmsql.engine.affinity import real_to_text
from lsmsql.engine.values import Value


def sql_literal(value: Value) -> str:
    """The SQL literal of a value; printable, whatever is in it."""
    match value:
        case None:
            return "NULL"
        case int():
            return str(value)
        case float():
            return _real_literal(value)
        case str() if value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        case str():
            return f"CAST(X'{value.encode().hex()}' AS TEXT)"
    return f"X'{value.hex()}'"


def _real_literal(value: float) -> str:
    if math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    return real_to_text(value)


def json_value(value: Value) -> object:
    """A value in types that JSON has: bytes as ``{"hex": "..."}``, an infinite number its name."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
