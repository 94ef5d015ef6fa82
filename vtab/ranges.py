"""A plan and the values of its comparisons, as ranges of encoded keys."""

from __future__ import annotations

from collections.abc import Sequence

from lsmsql.engine.keys import KeyCodec, successor
from lsmsql.engine.scan import Range
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from vtab.bounds import Extent, bound, equal
from vtab.constraint import Op
from vtab.planner import ScanPlan

_LOW = (Op.GT, Op.GE)
_BEFORE = (Op.GE, Op.LT)
"""Ascending, these divide before the keys with the value itself."""


def key_range(
    codec: KeyCodec, schema: TableSchema, plan: ScanPlan, arguments: Sequence[Value]
) -> Range | None:
    """The range of keys that a plan reads; None if no row can meet its comparisons."""
    place = len(plan.prefix)
    values = equal_values(schema, arguments[:place])
    if values is None:
        return None
    start, stop = _span(codec, values)
    ops = [op for op in (plan.low, plan.high) if op is not None]
    for op, argument in zip(ops, arguments[place:], strict=False):
        limit = bound(schema.key_types[place], op, argument)
        if limit is Extent.NOTHING:
            return None
        if limit is Extent.EVERYTHING:
            continue
        cut = _cut(codec, [*values, limit.value], limit.op)
        if (limit.op in _LOW) == schema.descending[place]:
            stop = cut
        elif cut is None:
            return None
        else:
            start = cut
    return Range(start, stop)


def equal_values(schema: TableSchema, arguments: Sequence[Value]) -> list[Value] | None:
    """The values of the leading key columns that equal ``arguments``, if there can be such."""
    values = [equal(kind, v) for kind, v in zip(schema.key_types, arguments, strict=False)]
    return None if None in values else values


def _span(codec: KeyCodec, values: list[Value]) -> tuple[bytes | None, bytes | None]:
    """Where the keys begin and end that begin with ``values``."""
    if not values:
        return None, None
    prefix = codec.encode_bound(values)
    return prefix, successor(prefix)


def _cut(codec: KeyCodec, values: list[Value], op: Op) -> bytes | None:
    """Where keys are divided into those that meet ``op`` and those that do not.

    That is before or behind all keys that begin with ``values``, the last of which is compared.
    None is behind all keys.
    """
    at = codec.encode_bound(values)
    descending = codec.parts[len(values) - 1].descending
    if (op in _BEFORE) != descending:
        return at
    return at + b"\0" if len(values) == len(codec.parts) else successor(at)
