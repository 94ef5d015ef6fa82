"""Plans in words: what EXPLAIN QUERY PLAN says about a table of ours.

SEARCH flights BY PRIMARY KEY (origin=? AND day>?) COLUMNS carrier,dep_delay
SCAN flights ORDER BY PRIMARY KEY DESC LIMIT ? OFFSET ? COLUMNS *
SCAN flights ZONES delay>? (12 of 340 blocks) COLUMNS carrier,delay
SEARCH flights USING INDEX late (delay>?) COLUMNS carrier,delay
SCAN flights USING COVERING INDEX late ORDER BY late COLUMNS delay

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
from vtab.indexaccess import AnyAccess
from vtab.indexplan import IndexPlan
from vtab.planner import ScanPlan, Zone

_UNARY = (Op.NULL, Op.NOT_NULL)
_SHOWN = {Op.IN: " IN (...)", Op.IS: " IS ?", Op.NULL: " IS NULL"}

_PREFIX = re.compile(
    r"(?:SCAN|SEARCH) (?P<name>.*?) VIRTUAL TABLE INDEX \d+:(?P<verb>SCAN|SEARCH) (?P<rest>.*)"
)


def describe(plan: ScanPlan | IndexPlan, access: AnyAccess, blocks: Estimated | None = None) -> str:
    """The plan as text. ``blocks``: how many it reads of those in its range, if that is known."""
    schema = access.index or access.schema
    scan = plan.plan if isinstance(plan, IndexPlan) else plan
    words = ["SEARCH" if scan.searches else "SCAN", plan_table(plan)]
    order = "PRIMARY KEY"
    if isinstance(plan, IndexPlan):
        order = plan.name
        words.append(f"USING {'COVERING ' * plan.covering}INDEX {plan.name}")
    elif scan.searches:
        words.append("BY PRIMARY KEY")
    if scan.searches:
        words.append(f"({' AND '.join(_comparisons(scan, schema))})")
    if scan.ordered and not access.is_point:
        words.append(f"ORDER BY {order}{' DESC' * scan.reverse}")
    if scan.zones:
        words.append(f"ZONES {' AND '.join(_zone(zone, schema) for zone in scan.zones)}")
        if blocks is not None:
            words.append(f"({blocks.blocks} of {blocks.of} blocks)")
    words += [f"{word} ?" for word, on in (("LIMIT", scan.limit), ("OFFSET", scan.offset)) if on]
    columns = _columns(plan, access.schema)
    return " ".join([*words, f"COLUMNS {columns}"] if columns else words)


def plan_table(plan: ScanPlan | IndexPlan) -> str:
    """The name of the table that a plan reads."""
    return plan.plan.table if isinstance(plan, IndexPlan) else plan.table


def _columns(plan: ScanPlan | IndexPlan, schema: TableSchema) -> str:
    if len(plan.columns) == len(schema.columns):
        return "*"
    if isinstance(plan, IndexPlan):
        return ",".join(schema.columns[i].name for i in plan.columns)
    bounded = plan.low is not None or plan.high is not None
    searched = schema.key[: len(plan.prefix) + bounded]
    return ",".join(schema.columns[i].name for i in plan.columns if i not in searched)


def _comparisons(plan: ScanPlan, schema: TableSchema) -> list[str]:
    names = [schema.columns[position].name for position in schema.key]
    shown = [f"{name}{_SHOWN.get(op, '=?')}" for name, op in zip(names, plan.prefix, strict=False)]
    bounds = [(plan.low, plan.low_folded), (plan.high, plan.high_folded)]
    return shown + [
        f"{names[len(plan.prefix)]}{op.value}{'?' * (op not in _UNARY)}{' NOCASE' * folded}"
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
