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
_IN_VALUES = 10
"""How many values an IN is taken to have."""


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
    lookups = _IN_VALUES ** plan.prefix.count(Op.IN)
    point = is_point(plan, schema)
    if point:
        matched = min(rows, lookups)
    elif matched is None:
        matched = round(guess_rows(plan, rows, per) * lookups)
    matched = max(matched, 1)
    row_cost = _ROW_COST + _COLUMN_COST * len(plan.columns)
    single = point and lookups == 1 and not plan.doubtful
    given = max(round(matched * _share(plan.zones)), 1)
    return Estimate(_SEEK_COST * lookups + matched * row_cost, given, single)


def estimate_index(
    plan: IndexPlan, index: TableSchema, rows: int, per: RowsPer, matched: int | None = None
) -> Estimate:
    """The same for an index with ``rows`` entries."""
    definition, scan = index.index, plan.plan
    assert definition is not None
    lookups = _IN_VALUES ** scan.prefix.count(Op.IN)
    terms = scan.prefix[: len(definition.terms)]
    single = (
        definition.unique
        and len(terms) == len(definition.terms)
        and all(op in (Op.EQ, Op.IN) for op in terms)
    )
    if single or len(scan.prefix) == len(index.key):
        matched = lookups
    elif matched is None:
        matched = round(guess_rows(scan, rows, per) * lookups)
    matched = max(matched, 1)
    row_cost = _ROW_COST + _COLUMN_COST * len(plan.columns)
    if not plan.covering:
        row_cost += _FETCH_COST
    cost = _SEEK_COST * lookups + matched * row_cost
    return Estimate(cost, matched, single and lookups == 1 and not scan.doubtful)


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
