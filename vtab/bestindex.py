"""Between SQLite's xBestIndex and the planner."""

from __future__ import annotations

import time

import apsw

from lsmsql.engine.core import Core
from lsmsql.engine.scan import estimate_rows
from lsmsql.engine.schema import TableSchema
from vtab.access import Access, Accesses
from vtab.constraint import Constraint, Op
from vtab.explain import describe
from vtab.planner import Planned, estimate, make_plan

_OPS = {
    apsw.SQLITE_INDEX_CONSTRAINT_EQ: Op.EQ,
    apsw.SQLITE_INDEX_CONSTRAINT_IS: Op.EQ,  # a key is never NULL
    apsw.SQLITE_INDEX_CONSTRAINT_LT: Op.LT,
    apsw.SQLITE_INDEX_CONSTRAINT_LE: Op.LE,
    apsw.SQLITE_INDEX_CONSTRAINT_GT: Op.GT,
    apsw.SQLITE_INDEX_CONSTRAINT_GE: Op.GE,
    apsw.SQLITE_INDEX_CONSTRAINT_LIMIT: Op.LIMIT,
    apsw.SQLITE_INDEX_CONSTRAINT_OFFSET: Op.OFFSET,
    apsw.SQLITE_INDEX_CONSTRAINT_LIKE: Op.PATTERN,
    apsw.SQLITE_INDEX_CONSTRAINT_GLOB: Op.PATTERN,
    apsw.SQLITE_INDEX_CONSTRAINT_REGEXP: Op.PATTERN,
    apsw.SQLITE_INDEX_CONSTRAINT_MATCH: Op.PATTERN,
}

_ROW_COUNT_SECONDS = 1.0


class RowCounts:
    """How many rows tables have, about: counted anew after a second, since joins ask often."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._counts: dict[int, tuple[float, int]] = {}

    def __getitem__(self, table_id: int) -> int:
        now = time.monotonic()
        at, count = self._counts.get(table_id, (-_ROW_COUNT_SECONDS, 0))
        if now - at >= _ROW_COUNT_SECONDS:
            table = self._core.state.table(table_id)
            count = sum(map(len, table.memtables))
            count += sum(f.meta.keys - 2 * f.meta.tombstones for _, f in table.version.files())
            count = max(count, 0)
            self._counts[table_id] = (now, count)
        return count

    def matching(
        self, access: Access, planned: Planned, constraints: list[Constraint]
    ) -> int | None:
        """How many rows a plan reads, from the index; None if not all of its values are known."""
        plan = planned.plan
        count = len(plan.prefix) + (plan.low is not None) + (plan.high is not None)
        values = [constraints[number].literal for number in planned.arguments[:count]]
        if not values or None in values or Op.IN in plan.prefix or access.is_point:
            return None
        span = access.selection.range(values)
        table = self._core.state.table(access.schema.id)
        return 0 if span is None else estimate_rows(table, span)


def choose(
    info: apsw.IndexInfo, schema: TableSchema, accesses: Accesses, counts: RowCounts
) -> None:
    """Plan the query of ``info``, and write the plan into it."""
    constraints = [_constraint(info, number) for number in range(info.nConstraint)]
    order_by = [
        (info.get_aOrderBy_iColumn(i), info.get_aOrderBy_desc(i)) for i in range(info.nOrderBy)
    ]
    planned = make_plan(schema, constraints, order_by, info.colUsed, info.distinct)
    plan = planned.plan
    for place, number in enumerate(planned.arguments):
        info.set_aConstraintUsage_argvIndex(number, place + 1)
        info.set_aConstraintUsage_omit(number, True)
    number = accesses.number(schema, plan)
    matched = counts.matching(accesses.by_number[number], planned, constraints)
    expected = estimate(plan, schema, counts[schema.id], matched)
    info.idxNum = number
    info.idxStr = describe(plan, schema)
    info.orderByConsumed = plan.ordered
    info.estimatedCost = expected.cost
    info.estimatedRows = expected.rows
    if expected.unique:
        info.idxFlags = apsw.SQLITE_INDEX_SCAN_UNIQUE


def _constraint(info: apsw.IndexInfo, number: int) -> Constraint:
    op = _OPS.get(info.get_aConstraint_op(number), Op.OTHER)
    if op is Op.EQ and info.get_aConstraintUsage_in(number):
        op = Op.IN
    usable = info.get_aConstraint_usable(number)
    return Constraint(
        column=info.get_aConstraint_iColumn(number),
        op=op,
        usable=usable,
        binary=info.get_aConstraint_collation(number).upper() == "BINARY",
        literal=info.get_aConstraint_rhs(number) if usable else None,
    )
