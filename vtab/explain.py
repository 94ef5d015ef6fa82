"""Plans in words: what EXPLAIN QUERY PLAN says about a table of ours.

SEARCH flights BY PRIMARY KEY (origin=? AND day>?) COLUMNS carrier,dep_delay
SCAN flights ORDER BY PRIMARY KEY DESC LIMIT ? OFFSET ? COLUMNS *
SCAN flights ZONES delay>? (12 of 340 blocks) COLUMNS carrier,delay

ZONES are comparisons by which blocks are skipped, whose zone maps say that no row in them can meet
these. If their values stand in the statement, the index tells how many blocks of the range are left
to read, at the moment of planning.

COLUMNS are those that are read beside those of the search; ``*`` are all of the table.
"""

from __future__ import annotations

import re

from lsmsql.engine.scan import Estimated
from lsmsql.engine.schema import TableSchema
from vtab.constraint import Op
from vtab.planner import ScanPlan, Zone, is_point

_UNARY = (Op.NULL, Op.NOT_NULL)

_PREFIX = re.compile(
    r"(?:SCAN|SEARCH) (?P<name>.*?) VIRTUAL TABLE INDEX \d+:(?P<verb>SCAN|SEARCH) (?P<rest>.*)"
)


def describe(plan: ScanPlan, schema: TableSchema, found: Estimated | None = None) -> str:
    """The plan as text. ``found``: what it reads, as far as the index tells."""
    words = ["SEARCH" if plan.searches else "SCAN", plan.table]
    if plan.searches:
        words.append(f"BY PRIMARY KEY ({' AND '.join(_comparisons(plan, schema))})")
    if plan.ordered and not is_point(plan, schema):
        words.append("ORDER BY PRIMARY KEY DESC" if plan.reverse else "ORDER BY PRIMARY KEY")
    if plan.zones:
        words.append(f"ZONES {' AND '.join(_zone(zone, schema) for zone in plan.zones)}")
        if found is not None:
            words.append(f"({found.blocks} of {found.of} blocks)")
    words += [f"{word} ?" for word, on in (("LIMIT", plan.limit), ("OFFSET", plan.offset)) if on]
    columns = _columns(plan, schema)
    return " ".join([*words, f"COLUMNS {columns}"] if columns else words)


def _columns(plan: ScanPlan, schema: TableSchema) -> str:
    if len(plan.columns) == len(schema.columns):
        return "*"
    bounded = plan.low is not None or plan.high is not None
    searched = schema.key[: len(plan.prefix) + bounded]
    return ",".join(schema.columns[i].name for i in plan.columns if i not in searched)


def _comparisons(plan: ScanPlan, schema: TableSchema) -> list[str]:
    names = [schema.columns[position].name for position in schema.key]
    shown = [
        f"{name} IN (...)" if op is Op.IN else f"{name}=?"
        for name, op in zip(names, plan.prefix, strict=False)
    ]
    bounds = [(plan.low, plan.low_folded), (plan.high, plan.high_folded)]
    return shown + [
        f"{names[len(plan.prefix)]}{op.value}?{' NOCASE' * folded}"
        for op, folded in bounds
        if op is not None
    ]


def _zone(zone: Zone, schema: TableSchema) -> str:
    name = schema.columns[zone.column].name
    return f"{name}{zone.op.value}" if zone.op in _UNARY else f"{name}{zone.op.value}?"


def readable(detail: str) -> str:
    """A line of EXPLAIN QUERY PLAN without what SQLite puts before the plan of a virtual table.

    An alias is kept as ``flights AS f``; lines about anything else come back as they are.
    """
    match = _PREFIX.fullmatch(detail)
    if match is None:
        return detail
    name, verb, rest = match.group("name", "verb", "rest")
    if f"{rest} ".startswith(f"{name} "):
        return f"{verb} {rest}"
    table, space, rest = rest.partition(" ")
    return f"{verb} {table} AS {name}{space}{rest}"
