"""A comparison with a key column, as a bound on the values that the column holds.

SQLite hands over right-hand sides as they are written. What it does to them before it compares is
done here: the affinity of the column, then the order of the storage classes, number < text < blob,
and INTEGER and REAL compared exactly. A bound comes out in the column's own type:

    INTEGER column    k > 2.5   ->  k >= 3
                      k = 2.5   ->  nothing
                      k < 'abc' ->  everything
    TEXT column       k = 5     ->  k = '5'

SQLite does not tell a virtual table the affinity of the right-hand side. Compared with a *column*
of a number type, a TEXT, BLOB or ANY key therefore behaves as if compared with a literal: its texts
are not read as numbers.
"""

from __future__ import annotations

import enum
import math
from typing import NamedTuple

from lsmsql.engine.affinity import APPLY_AFFINITY, text_to_number
from lsmsql.engine.values import MAX_INTEGER, MIN_INTEGER, ColumnType, Value
from vtab.constraint import Op


class Bound(NamedTuple):
    """``column op value``, with a value of the column's type."""

    op: Op
    value: Value


class Extent(enum.Enum):
    """A comparison that does not depend on the row."""

    NOTHING = "no row"
    EVERYTHING = "every row"


PYTHON_TYPES: dict[ColumnType, type] = {
    ColumnType.INTEGER: int,
    ColumnType.REAL: float,
    ColumnType.TEXT: str,
    ColumnType.BLOB: bytes,
}
"""What a column of a type holds; ANY holds all of them."""

_RANKS: dict[type, int] = {int: 1, float: 1, str: 2, bytes: 3}
_TYPE_RANKS = {
    ColumnType.INTEGER: 1,
    ColumnType.REAL: 1,
    ColumnType.TEXT: 2,
    ColumnType.BLOB: 3,
}
_LOWER = (Op.GT, Op.GE)
_UPPER = (Op.LT, Op.LE)


def equal(kind: ColumnType, value: Value, affinity: ColumnType = ColumnType.ANY) -> Value:
    """The one value of a column of type ``kind`` that equals ``value``; None if there is none.

    It is the value as a key gives it back, which has no -0.0.
    """
    found = bound(kind, Op.EQ, value, affinity)
    if isinstance(found, Extent):
        return None
    return (found.value or 0.0) if kind is ColumnType.REAL else found.value


def bound(
    kind: ColumnType, op: Op, value: Value, affinity: ColumnType = ColumnType.ANY
) -> Bound | Extent:
    """What ``column op value`` says of a column of type ``kind`` that is never NULL.

    ``op`` is EQ, LT, LE, GT or GE. ``affinity`` is that of a column that holds any type.
    """
    if value is None:
        return Extent.NOTHING
    if kind is ColumnType.ANY:
        return Bound(op, as_compared(affinity, value))
    value = as_compared(kind, value)
    rank, own = _RANKS[type(value)], _TYPE_RANKS[kind]
    if rank != own:
        return _outside(op, above=rank > own)
    if kind is ColumnType.INTEGER and isinstance(value, float):
        return _integer_bound(op, value)
    if kind is ColumnType.REAL and isinstance(value, int):
        return _real_bound(op, value)
    return Bound(op, value)


def as_compared(kind: ColumnType, value: Value) -> Value:
    """The value as SQLite converts it for a comparison: REAL columns do not round integers."""
    if kind in (ColumnType.INTEGER, ColumnType.REAL):
        number = text_to_number(value) if isinstance(value, str) else None
        return value if number is None else number
    return APPLY_AFFINITY[kind](value)


def _outside(op: Op, *, above: bool) -> Extent:
    """Compared with a value above, or below, all that the column can hold."""
    return Extent.EVERYTHING if op in (_UPPER if above else _LOWER) else Extent.NOTHING


def _integer_bound(op: Op, value: float) -> Bound | Extent:
    if value > MAX_INTEGER:
        return _outside(op, above=True)
    if value < MIN_INTEGER:
        return _outside(op, above=False)
    if value.is_integer():
        return Bound(op, int(value))
    if op is Op.EQ:
        return Extent.NOTHING
    if op in _LOWER:
        return Bound(Op.GE, math.ceil(value))
    return Bound(Op.LE, math.floor(value))


def _real_bound(op: Op, value: int) -> Bound | Extent:
    """The nearest double is the next one above or below: no other lies between it and ``value``."""
    nearest = float(value)
    if nearest == value:  # Python compares int with float exactly
        return Bound(op, nearest)
    if op is Op.EQ:
        return Extent.NOTHING
    if op in _LOWER:
        return Bound(Op.GE if nearest > value else Op.GT, nearest)
    return Bound(Op.LT if nearest > value else Op.LE, nearest)
