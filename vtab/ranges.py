"""The keys that a plan reads: the values of its comparisons, as encoded keys and ranges of them."""

from __future__ import annotations

from collections.abc import Sequence

from lsmsql.engine.errors import LimitError
from lsmsql.engine.keys import KeyCodec, successor
from lsmsql.engine.scan import Range
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import ColumnType, Value
from vtab.bounds import PYTHON_TYPES, Bound, Extent, bound, equal
from vtab.constraint import Op
from vtab.planner import ScanPlan

EVERYTHING = Range()

_LOW = (Op.GT, Op.GE)
_BEFORE = (Op.GE, Op.LT)
"""Ascending, these divide keys before those with the value itself."""


class KeySelection:
    """Which keys a plan reads, given its arguments."""

    def __init__(self, schema: TableSchema, codec: KeyCodec, plan: ScanPlan) -> None:
        self._codec = codec
        self._place = place = len(plan.prefix)
        # A value of the column's own type is compared as it is, but for -0.0, which is 0.0 in keys.
        self._prefix = [
            (kind, None if kind is ColumnType.REAL else PYTHON_TYPES.get(kind))
            for kind in schema.key_types[:place]
        ]
        self._ops = [op for op in (plan.low, plan.high) if op is not None]
        if self._ops:
            self._bounded = schema.key_types[place]
            self._own = PYTHON_TYPES.get(self._bounded)
            self._descending = schema.descending[place]
            self._is_last = place + 1 == len(schema.key)

    def values(self, arguments: Sequence[Value]) -> list[Value] | None:
        """The values of the columns compared by ``=``; None if no row can have them."""
        values = [
            value if type(value) is own else equal(kind, value)
            for (kind, own), value in zip(self._prefix, arguments, strict=False)
        ]
        return None if None in values else values

    def key(self, values: Sequence[Value]) -> bytes | None:
        """The key that has these values; None if it is longer than any key."""
        try:
            return self._codec.encode(values)
        except LimitError:
            return None

    def range(self, arguments: Sequence[Value]) -> Range | None:
        """The range of keys with the arguments given; None if no row can meet the comparisons."""
        if not arguments:
            return EVERYTHING
        values = self.values(arguments)
        if values is None:
            return None
        start = stop = None
        if values:
            start = self._codec.encode_bound(values)
            stop = successor(start)
        for op, argument in zip(self._ops, arguments[self._place :], strict=False):
            if type(argument) is self._own:
                limit: Bound | Extent = Bound(op, argument)
            else:
                limit = bound(self._bounded, op, argument)
            if limit is Extent.NOTHING:
                return None
            if limit is Extent.EVERYTHING:
                continue
            cut = self._cut([*values, limit.value], limit.op)
            if (limit.op in _LOW) == self._descending:
                stop = cut
            elif cut is None:
                return None
            else:
                start = cut
        return Range(start, stop)

    def _cut(self, values: list[Value], op: Op) -> bytes | None:
        """Where keys are divided into those that meet ``op`` and those that do not.

        That is before or behind all keys that begin with ``values``, the last of which is compared.
        None is behind all keys.
        """
        at = self._codec.encode_bound(values)
        if (op in _BEFORE) != self._descending:
            return at
        return at + b"\0" if self._is_last else successor(at)
