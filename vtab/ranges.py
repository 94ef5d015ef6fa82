"""A plan and the values of its comparisons, as ranges of encoded keys."""

from __future__ import annotations

from collections.abc import Sequence

from lsmsql.engine.errors import LimitError
from lsmsql.engine.keys import KeyCodec, successor
from lsmsql.engine.scan import Range
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from vtab.bounds import Bound, Extent, bound
from vtab.constraint import Op
from vtab.planner import ScanPlan

Argument = Value | set[Value]
"""What SQLite gives for a comparison: the values of an IN come as a set."""


def key_points(
    codec: KeyCodec, schema: TableSchema, plan: ScanPlan, arguments: Sequence[Argument]
) -> list[bytes]:
    """The keys that a plan with a comparison for every key column looks up, ascending."""
    points = set()
    for values in _prefixes(schema, plan, arguments):
        try:
            points.add(codec.encode(values))
        except LimitError:  # longer than any key
            continue
    return sorted(points)


def key_ranges(
    codec: KeyCodec, schema: TableSchema, plan: ScanPlan, arguments: Sequence[Argument]
) -> list[Range]:
    """The ranges of keys that a plan reads, ascending and not overlapping."""
    bounds = _bounds(schema, plan, arguments)
    if bounds is None:
        return []
    prefixes = {codec.encode_bound(p): p for p in _prefixes(schema, plan, arguments)}
    spans = [_range(codec, schema, start, prefixes[start], bounds) for start in sorted(prefixes)]
    return [span for span in spans if not span.empty]


def _prefixes(
    schema: TableSchema, plan: ScanPlan, arguments: Sequence[Argument]
) -> list[list[Value]]:
    """Values for the leading key columns, one list for each combination."""
    prefixes: list[list[Value]] = [[]]
    for kind, argument in zip(schema.key_types, arguments[: len(plan.prefix)], strict=False):
        wanted = argument if isinstance(argument, set) else (argument,)
        bounds = [bound(kind, Op.EQ, value) for value in wanted]
        values = [b.value for b in bounds if isinstance(b, Bound)]
        prefixes = [[*prefix, value] for prefix in prefixes for value in values]
    return prefixes


def _bounds(
    schema: TableSchema, plan: ScanPlan, arguments: Sequence[Argument]
) -> list[Bound] | None:
    """The bounds on the column behind the prefix; None if no value can meet them."""
    place = len(plan.prefix)
    ops = [op for op in (plan.low, plan.high) if op is not None]
    found: list[Bound] = []
    for op, argument in zip(ops, arguments[place:], strict=False):
        assert not isinstance(argument, set)
        limit = bound(schema.key_types[place], op, argument)
        if limit is Extent.NOTHING:
            return None
        if isinstance(limit, Bound):
            found.append(limit)
    return found


def _range(
    codec: KeyCodec,
    schema: TableSchema,
    prefix: bytes,
    values: list[Value],
    bounds: Sequence[Bound],
) -> Range:
    start: bytes | None = prefix or None
    stop = successor(prefix)
    for limit in bounds:
        at = codec.encode_bound([*values, limit.value])
        whole = len(values) + 1 == len(schema.key)
        behind = at + b"\0" if whole else successor(at)
        is_low = limit.op in (Op.GT, Op.GE)
        inclusive = limit.op in (Op.GE, Op.LE)
        if is_low != schema.descending[len(values)]:
            start = at if inclusive else behind
        else:
            stop = behind if inclusive else at
    return Range(start, stop)
