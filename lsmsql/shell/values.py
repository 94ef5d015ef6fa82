"""Values as text: for people, as SQL literals, and as JSON."""

from __future__ import annotations

import json
import math

from lsmsql.engine.values import Value


def show(value: Value, null: str = "") -> str:
    """A value for people: a blob is shown as the text it holds, or else in hex."""
    if isinstance(value, str):
        return value
    if value is None:
        return null
    if isinstance(value, bytes):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return f"x'{value.hex()}'"
        return text if "\0" not in text else f"x'{value.hex()}'"
    if isinstance(value, float) and math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return repr(value)


def literal(value: Value) -> str:
    """A value as a SQL literal that gives exactly this value, of the same storage class.

    Text with a NUL or a carriage return is written in hex: the one would end the text, the other be
    lost where lines are read.
    """
    if isinstance(value, str):
        if "\0" in value or "\r" in value:
            return f"CAST(x'{value.encode().hex()}' AS TEXT)"
        return "'" + value.replace("'", "''") + "'"
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float) and math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    return repr(value)


def json_text(value: Value) -> str:
    """A value as JSON; a blob is the string that ``show`` gives."""
    if isinstance(value, bytes):
        value = show(value)
    if isinstance(value, float) and math.isinf(value):
        return "9.0e+999" if value > 0 else "-9.0e+999"
    return json.dumps(value, ensure_ascii=False)
