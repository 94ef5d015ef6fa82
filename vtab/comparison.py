"""Comparisons of a column with a constant: which values meet one, and what follows from it.

    x = 7       is met by 7 only; so x > 3, x <> 5 and x IS NOT NULL follow from it
    x > 5       is met by 6 and 'a', not by NULL; x > 3 and x <> 5 follow from it
    x IS NULL   is met by NULL; x IS NOT 5 follows from it

Values are in SQLite's order: number < text < blob, INTEGER and REAL compared exactly, texts by the
collation. NULL meets no comparison but IS NULL and IS NOT.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace

from lsmsql.engine.collation import fold_of, folded
from lsmsql.engine.column import BINARY
from lsmsql.engine.values import Value
from vtab.constraint import Op

REFUSE_NULL = frozenset({Op.EQ, Op.IN, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE, Op.NOT_NULL})
"""What NULL never meets."""

_HOLDS = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.IS_NOT: operator.ne,
    Op.LT: operator.lt,
    Op.LE: operator.le,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
}
_SIDES = ((Op.LT, Op.LE), (Op.GT, Op.GE))
_STRICT = {Op.LT: Op.LE, Op.GT: Op.GE}
_RANKS: dict[type, int] = {int: 1, float: 1, str: 2, bytes: 3}


@dataclass(frozen=True)
class Comparison:
    """``column op value``, ``column`` being a position in the table.

    ``value`` has the affinity of the column; None is one that is not known, or that ``op`` does
    not have. There is no IS with a value: that is EQ. ``collation`` is one of SQLite's own.
    """

    column: int
    op: Op
    value: Value = None
    collation: str = BINARY


def is_met(comparison: Comparison, value: Value) -> bool:
    """Whether a value of the column meets a comparison whose own value is known."""
    op = comparison.op
    if value is None:
        return op in (Op.NULL, Op.IS_NOT)
    if op in (Op.NULL, Op.NOT_NULL):
        return op is Op.NOT_NULL
    collation = comparison.collation
    return bool(_HOLDS[op](_place(value, collation), _place(comparison.value, collation)))


def _place(value: Value, collation: str) -> tuple[int, Value]:
    """Where in SQLite's order a value is that is not NULL."""
    return _RANKS[type(value)], folded(fold_of(collation), value)


def follows(wanted: Comparison, given: Comparison) -> bool:
    """Whether each value of their column that meets ``given`` meets ``wanted``.

    False also where that is not known.
    """
    if wanted.op is Op.NOT_NULL:
        return given.op in REFUSE_NULL
    if given.op is Op.NULL:
        return wanted.op in (Op.NULL, Op.IS_NOT)
    if wanted.value is None or given.value is None or _compare_otherwise(wanted, given):
        return False
    if wanted.op is Op.IS_NOT:
        return not is_met(given, wanted.value)
    if wanted.op is Op.NE:
        return given.op is not Op.IS_NOT and not is_met(given, wanted.value)
    if given.op is Op.EQ:
        return is_met(wanted, given.value)
    if not any(wanted.op in side and given.op in side for side in _SIDES):
        return False
    if given.op in _STRICT:  # x > 5 does not let in 5 itself, which x > 5 must not let in
        wanted = replace(wanted, op=_STRICT.get(wanted.op, wanted.op))
    return is_met(wanted, given.value)


def _compare_otherwise(one: Comparison, other: Comparison) -> bool:
    """Whether they compare texts with texts, each by another collation."""
    texts = isinstance(one.value, str) and isinstance(other.value, str)
    return texts and one.collation.upper() != other.collation.upper()
