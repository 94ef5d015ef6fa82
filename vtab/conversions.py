"""Comparisons for which SQLite may convert the values of a column.

    TEXT or no affinity, compared with a number column or CAST    its texts are read as numbers
    no affinity, compared with a TEXT column or CAST              its numbers are written as texts
    either, compared with a parameter                             neither: a TEXT column has the
                                                                  number written as a text

SQLite does not tell a virtual table what stands on the right-hand side. So such a comparison is
*doubtful*, unless the statement shows that it is none of the first two (see ``sql.operands``):
beside what it means with a parameter, all is read that it may mean as well, and SQLite checks the
rows. Not so with IN, whose values it compares itself without their affinity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsmsql.engine.affinity import text_to_number
from lsmsql.engine.slices import Range
from lsmsql.engine.values import ColumnType, Value
from vtab.constraint import Constraint, Op

_FIRST_NUMBER, _LAST_NUMBER = "\t", ":"
"""Texts that can be read as numbers begin with a space, a sign, a point or a digit."""
_GREATEST_WRITTEN = "Inf"
"""No number is a greater text than this."""

_COMPARED = (Op.EQ, Op.IS, Op.LT, Op.LE, Op.GT, Op.GE)
_LOW = (Op.GT, Op.GE)
_HIGH = (Op.LT, Op.LE)

Interval = tuple[Value, Value]
"""The least and the greatest value; None for the greatest: there is none."""


def is_doubtful(constraint: Constraint, kind: ColumnType, affinity: ColumnType) -> bool:
    """Whether SQLite may convert the values of a column of type ``kind`` to compare them."""
    if constraint.told or constraint.op not in _COMPARED:
        return False
    holds_texts = kind in (ColumnType.TEXT, ColumnType.ANY)
    return holds_texts and affinity in (ColumnType.TEXT, ColumnType.ANY)


def is_plain_text(value: Value) -> bool:
    """Whether a value is a text that no number is like: it means the same in any case."""
    return type(value) is str and value > _GREATEST_WRITTEN


def is_certain(affinity: ColumnType, value: Value) -> bool:
    """Whether a constant is compared with a column of that affinity as it stands in the statement.

    A text may be a CAST to TEXT, but not one to a number. So the texts of a column are not read as
    numbers, and its numbers are not written as a text that is none of theirs.
    """
    if isinstance(value, str):
        return affinity is ColumnType.TEXT or is_plain_text(value)
    return isinstance(value, bytes)


def converted(kind: ColumnType, affinity: ColumnType, op: Op, value: Value) -> Iterator[Interval]:
    """Where values are that meet a doubtful ``column op value`` only if they are converted.

    Some of them may not. ``op`` is EQ for IS.
    """
    untyped = kind is ColumnType.ANY and affinity is ColumnType.ANY
    if isinstance(value, int | float):
        if op not in _LOW:
            yield _FIRST_NUMBER, _LAST_NUMBER
        elif not untyped:  # texts that are no numbers are above all numbers
            yield "", None
    elif isinstance(value, str):
        if op in _HIGH and value < _LAST_NUMBER:
            yield _FIRST_NUMBER, _LAST_NUMBER
        if untyped and op in _LOW and value <= _GREATEST_WRITTEN:
            yield float("-inf"), float("inf")
        number = text_to_number(value) if untyped and op is Op.EQ else None
        if number is not None:
            yield number, number


def united(ranges: Iterable[Range]) -> list[Range]:
    """Ranges of keys in ascending order, with those made one that meet."""
    found: list[Range] = []
    for each in sorted(ranges, key=lambda span: span.start or b""):
        last = found[-1] if found else None
        if last is None or (last.stop is not None and last.stop < (each.start or b"")):
            found.append(each)
        elif last.stop is not None and (each.stop is None or each.stop > last.stop):
            found[-1] = Range(last.start, each.stop)
    return found
