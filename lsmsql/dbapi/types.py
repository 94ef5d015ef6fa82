"""The types of PEP 249: constructors of values, and objects that the types of columns equal."""

from __future__ import annotations

import datetime
import time
from typing import Final

# ruff: noqa: N802 (the names of PEP 249)

Date = datetime.date
Time = datetime.time
Timestamp = datetime.datetime
Binary = memoryview


def DateFromTicks(ticks: float) -> datetime.date:
    """The local date at ``ticks`` seconds since 1970."""
    return Date(*time.localtime(ticks)[:3])


def TimeFromTicks(ticks: float) -> datetime.time:
    """The local time of day at ``ticks`` seconds since 1970."""
    return Time(*time.localtime(ticks)[3:6])


def TimestampFromTicks(ticks: float) -> datetime.datetime:
    """The local date and time at ``ticks`` seconds since 1970."""
    return Timestamp(*time.localtime(ticks)[:6])


class TypeObject:
    """Equals the type code of a column, which is its declared type, if it is of this kind.

    ``parts``: one of them occurs in the name of each such type.
    """

    def __init__(self, name: str, *parts: str) -> None:
        self._name = name
        self._parts = parts

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return _kind_of(other) is self
        return self is other

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"lsmsql.{self._name}"

    def matches(self, declared: str) -> bool:
        """Whether the name of a type, in capitals, is of this kind."""
        return any(part in declared for part in self._parts)


ROWID: Final = TypeObject("ROWID", "ROWID")
DATETIME: Final = TypeObject("DATETIME", "DATE", "TIME")
STRING: Final = TypeObject("STRING", "CHAR", "CLOB", "TEXT", "STRING")
BINARY: Final = TypeObject("BINARY", "BLOB", "BINARY", "BYTEA")
NUMBER: Final = TypeObject(
    "NUMBER", "INT", "REAL", "FLOA", "DOUB", "NUMERIC", "NUMBER", "DECIMAL", "BOOL"
)

_KINDS = (ROWID, DATETIME, STRING, BINARY, NUMBER)


def _kind_of(declared: str) -> TypeObject | None:
    name = declared.upper()
    return next((kind for kind in _KINDS if kind.matches(name)), None)
