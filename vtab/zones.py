"""A comparison that does not bound the range of keys, as values that zone maps can look for.

SQLite checks every row again, so these may be too many, but they must not leave out a row.
SQLite compares after conversions that depend on both sides, and does not tell a virtual table what
the right-hand side is declared as. So where these matter, more is let through:

    texts with a number       compared with a column of a number type, texts are read as numbers
    texts below another text  which may stand in a column of a number type: then texts that can be
                              read as numbers are below it
"""

from __future__ import annotations

from lsmsql.engine.affinity import text_to_number
from lsmsql.engine.conditions import ALL, NONE, Interval, Intervals, Wanted
from lsmsql.engine.values import ColumnType, Value
from vtab.constraint import Collation, Op
from vtab.folding import folds, highest, lowest, spellings

ZONE_OPS = frozenset(
    {Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE, Op.IS, Op.IS_NOT, Op.NULL, Op.NOT_NULL}
)

_NUMBERS = (ColumnType.INTEGER, ColumnType.REAL)
_ABOVE_NUMBERS = ":"
"""Texts that can be read as numbers begin with a character below this one."""

_UPPER = (Op.LT, Op.LE, Op.NE)
_LOWER = (Op.GT, Op.GE, Op.NE)
_PLAIN = {Op.IS: Op.EQ, Op.IS_NOT: Op.NE}


def wanted(
    kind: ColumnType, op: Op, value: Value, collation: Collation, *, patterned: bool
) -> Wanted:
    """The stored values of a column of type ``kind`` that may meet ``column op value``.

    ``patterned``: the comparison may stem from LIKE or GLOB, which find blobs as well.
    """
    if op is Op.NULL or (op is Op.IS and value is None):
        return Wanted(nulls=True)
    if op is Op.NOT_NULL or (op is Op.IS_NOT and value is None):
        return Wanted(ALL, ALL, ALL)
    if value is None:
        return Wanted()
    if isinstance(value, str) and kind in _NUMBERS:
        number = text_to_number(value)
        value = value if number is None else number
    nulls = op is Op.IS_NOT
    op = _PLAIN.get(op, op)
    below = ALL if op in _UPPER else NONE  # of values of a class below that of ``value``
    above = ALL if op in _LOWER else NONE
    if isinstance(value, bytes):
        return Wanted(below, below, _intervals(op, value), nulls)
    blobs = ALL if patterned else above
    if isinstance(value, str):
        return Wanted(below, _texts(op, value, collation), blobs, nulls)
    return Wanted(_intervals(op, value), ALL, blobs, nulls)


def _intervals(op: Op, value: Value) -> Intervals:
    if op is Op.EQ:
        return (Interval(value, value),)
    if op is Op.NE:
        return Interval(high=value, below=True), Interval(value, above=True)
    if op in _UPPER:
        return (Interval(high=value, below=op is Op.LT),)
    return (Interval(value, above=op is Op.GT),)


def _texts(op: Op, value: str, collation: Collation) -> Intervals:
    if collation is Collation.NOCASE and folds(value) and op is not Op.NE:
        low = lowest(value) if op in (Op.EQ, *_LOWER) else None
        high = highest(value) if op in (Op.EQ, *_UPPER) else None
        found: Intervals = (Interval(low, high),)
    elif collation is Collation.BINARY:
        found = _intervals(op, value)
    else:
        return ALL
    if op in (Op.LT, Op.LE):
        return (*found, Interval(high=_ABOVE_NUMBERS))
    return found


def wanted_between(low: Value, high: Value) -> Wanted | None:
    """The texts between two, without regard to case, and all values of other classes.

    None if that is no less than each of the two bounds says. LIKE with a prefix sends such pairs.
    """
    if not (isinstance(low, str) and isinstance(high, str) and folds(low) and folds(high)):
        return None
    return Wanted(ALL, tuple(Interval(*ends) for ends in spellings(low, high)), ALL)
