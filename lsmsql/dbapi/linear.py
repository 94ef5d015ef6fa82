"""Functions of SQLite whose time grows with the product of the lengths of what they are given, with
the same results in a time that grows with the sum: a stranger's statement cannot be stopped while
one runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import apsw

from lsmsql.dbapi.errors import DataError
from lsmsql.engine.affinity import APPLY_AFFINITY
from lsmsql.engine.values import ColumnType, Value

_MOST_TRIMMED = 100
"""Characters that may be named to be trimmed."""


def register(connection: apsw.Connection) -> None:
    """Have a connection call these in place of SQLite's."""
    longest = partial(connection.limit, apsw.SQLITE_LIMIT_LENGTH)
    functions: dict[str, tuple[Callable[..., Any], int]] = {
        "instr": (instr, 2),
        "replace": (replace(longest), 3),
        "trim": (trim(str.strip), 2),
        "ltrim": (trim(str.lstrip), 2),
        "rtrim": (trim(str.rstrip), 2),
    }
    for name, (function, count) in functions.items():
        connection.create_scalar_function(
            name, function, count, deterministic=True, flags=apsw.SQLITE_INNOCUOUS
        )


def instr(value: Value, part: Value) -> int | None:
    """Where a text or a blob has another one, from 1; 0 if it has not."""
    if value is None or part is None:
        return None
    if isinstance(value, bytes) and isinstance(part, bytes):
        return value.find(part) + 1
    return _text(value).find(_text(part)) + 1


def replace(longest: Callable[[], int]) -> Callable[[Value, Value, Value], Value]:
    """``replace``, whose results have ``longest()`` characters at most."""

    def call(value: Value, old: Value, new: Value) -> Value:
        if value is None or old is None:
            return None
        text, before = _text(value), _text(old)
        if not before:
            return text
        if new is None:
            return None
        after = _text(new)
        if len(text) + text.count(before) * (len(after) - len(before)) > longest():
            raise DataError("string or blob too big")
        return text.replace(before, after)

    return call


def trim(strip: Callable[[str, str], str]) -> Callable[[Value, Value], str | None]:
    """``trim`` of two arguments, or ``ltrim`` or ``rtrim``."""

    def call(value: Value, characters: Value) -> str | None:
        if value is None or characters is None:
            return None
        text, ends = _text(value), _text(characters)
        if len(ends) > _MOST_TRIMMED:
            raise DataError(
                f"trim takes up to {_MOST_TRIMMED} characters in an untrusted connection"
            )
        return strip(text, ends)

    return call


def _text(value: Value) -> str:
    converted = APPLY_AFFINITY[ColumnType.TEXT](value)
    return converted.decode() if isinstance(converted, bytes) else str(converted)
