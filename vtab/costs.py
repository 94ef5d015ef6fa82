"""What plans are taken to cost, and how many rows they give: what SQLite chooses by.

The unit is about the time to read one row of a range. A row that an index leads to is looked up by
itself, which takes several times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsmsql.engine.schema import TableSchema
from vtab.constraint import Op
from vtab.indexplan import IndexPlan
from vtab.planner import ScanPlan, Zone, is_point
from vtab.statistics import RowsPer

_SEEK_COST = 10.0
_ROW_COST = 1.0
_COLUMN_COST = 0.1
_FETCH_COST = 6.0
_EQUAL_SHARE = 0.25
_OTHER_SHARE = 0.93
_RANGE_SHARE = 0.25
_IN_VALUES = 10.0
"""How many values an IN is taken to have, where there are at least twice as many."""


LIMITED_COST = 100.0
"""What a plan in the order asked for costs if the query has a LIMIT, at most."""


@dataclass(frozen=True)
class Estimate:
    """What a plan is taken to cost, and the rows it gives."""

    cost: float
    rows: int
    unique: bool


def estimate(
    plan: ScanPlan, schema: TableSchema, rows: int, per: RowsPer, matched: int | None = None
) -> Estimate:
    """The cost of a plan for a table of ``rows``, of which ``per`` have the same leading columns.

    ``matched`` is how many of them it reads, if that is known. Otherwise a bound on the column
    after those that are fixed is taken to leave a quarter. Comparisons with other columns are taken
    to leave as many rows as SQLite expects without statistics.
    """
    lookups = _lookups(plan, rows, per)
    point = is_point(plan, schema)
    if point:
        matched = min(rows, round(lookups))
    elif matched is None:
        matched = min(rows, round(guess_rows(plan, rows, per) * lookups))
    matched = max(matched, 1)
    row_cost = _ROW_COST + _COLUMN_COST * len(plan.columns)
    unique = point and not (Op.IN in plan.prefix or plan.doubtful)
    given = max(round(matched * _share(plan.zones)), 1)
    return Estimate(_SEEK_COST * lookups + matched * row_cost, given, unique)


def estimate_index(
    plan: IndexPlan, index: TableSchema, rows: int, per: RowsPer, matched: int | None = None
) -> Estimate:
    """The same for an index with ``rows`` entries."""
    definition, scan = index.index, plan.plan
    assert definition is not None
    lookups = _lookups(scan, rows, per)
    terms = scan.prefix[: len(definition.terms)]
    single = (
        definition.unique
        and len(terms) == len(definition.terms)
        and all(op in (Op.EQ, Op.IN) for op in terms)
    )
    if single or len(scan.prefix) == len(index.key):
        matched = round(lookups)
    elif matched is None:
        matched = min(rows, round(guess_rows(scan, rows, per) * lookups))
    matched = max(matched, 1)
    row_cost = _ROW_COST + _COLUMN_COST * len(plan.columns)
    if not plan.covering:
        row_cost += _FETCH_COST
    cost = _SEEK_COST * lookups + matched * row_cost
    return Estimate(cost, matched, single and not (Op.IN in scan.prefix or scan.doubtful))


def _lookups(plan: ScanPlan, rows: int, per: RowsPer) -> float:
    """How often a plan is run: once for each value of an IN, or of each pair of values of two."""
    found, alike = 1.0, float(max(rows, 1))
    for op, left in zip(plan.prefix, per or [1.0] * len(plan.prefix), strict=False):
        if op is Op.IN:
            found *= max(min(_IN_VALUES, alike / max(left, 1.0) / 2), 1.0)
        alike = left
    return found


def guess_rows(plan: ScanPlan, rows: int, per: RowsPer) -> float:
    """How many rows there are for one value of each column that is fixed, within the bounds."""
    fixed = len(plan.prefix)
    left = min(per[fixed - 1], rows) if fixed else float(max(rows, 1))
    bounds = (plan.low not in (None, Op.NOT_NULL)) + (plan.high is not None)
    return float(left * _RANGE_SHARE**bounds)


def _share(zones: Sequence[Zone]) -> float:
    """The share of rows that SQLite expects to meet comparisons that no index answers."""
    equals = any(zone.op in (Op.EQ, Op.IS) for zone in zones)
    return float(_OTHER_SHARE ** len(zones) * (_EQUAL_SHARE if equals else 1))


def sorting_cost(rows: int) -> float:
    """What it costs SQLite to sort so many rows."""
    return 0.2 * rows * max(rows, 2).bit_length()
