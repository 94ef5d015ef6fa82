"""Between SQLite's xBestIndex and the planner.

SQLite plans a statement with ``LIMIT ?`` anew each time it is run. So what the planner has said of
a *question* is kept: a question is all that SQLite tells, but for the values in the statement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import apsw

from lsmsql.engine.core import Core
from lsmsql.engine.scan import Estimated, estimate_rows, estimate_scan
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from vtab.constraint import Collation, Constraint, Op
from vtab.conversions import is_certain, is_doubtful
from vtab.costs import LIMITED_COST, Estimate, estimate, estimate_index, guess_rows, sorting_cost
from vtab.explain import describe
from vtab.implied import Proof, proof
from vtab.indexaccess import Accesses, AnyAccess, AnyPlan
from vtab.indexplan import IndexPlan, IndexPlanned, plan_index
from vtab.planner import Planned, ScanPlan, make_plan
from vtab.statistics import RowsPer, Statistics

_OPS = {
    apsw.SQLITE_INDEX_CONSTRAINT_EQ: Op.EQ,
    apsw.SQLITE_INDEX_CONSTRAINT_NE: Op.NE,
    apsw.SQLITE_INDEX_CONSTRAINT_IS: Op.IS,
    apsw.SQLITE_INDEX_CONSTRAINT_ISNOT: Op.IS_NOT,
    apsw.SQLITE_INDEX_CONSTRAINT_ISNULL: Op.NULL,
    apsw.SQLITE_INDEX_CONSTRAINT_ISNOTNULL: Op.NOT_NULL,
    apsw.SQLITE_INDEX_CONSTRAINT_LT: Op.LT,
    apsw.SQLITE_INDEX_CONSTRAINT_LE: Op.LE,
    apsw.SQLITE_INDEX_CONSTRAINT_GT: Op.GT,
    apsw.SQLITE_INDEX_CONSTRAINT_GE: Op.GE,
    apsw.SQLITE_INDEX_CONSTRAINT_LIMIT: Op.LIMIT,
    apsw.SQLITE_INDEX_CONSTRAINT_OFFSET: Op.OFFSET,
}

_COLLATIONS = {"BINARY": Collation.BINARY, "NOCASE": Collation.NOCASE}

_PATTERNS = (apsw.SQLITE_INDEX_CONSTRAINT_LIKE, apsw.SQLITE_INDEX_CONSTRAINT_GLOB)
_FIND_BLOBS = "LIKE_DOESNT_MATCH_BLOBS" not in apsw.compile_options
"""Whether LIKE and GLOB take blobs for texts: that depends on how SQLite was built."""

_ROW_COUNT_SECONDS = 1.0

_EQUALS = (apsw.SQLITE_INDEX_CONSTRAINT_EQ, apsw.SQLITE_INDEX_CONSTRAINT_IS)
_WINDOW = (apsw.SQLITE_INDEX_CONSTRAINT_LIMIT, apsw.SQLITE_INDEX_CONSTRAINT_OFFSET)

Indexes = tuple[TableSchema, ...]
AnyPlanned = Planned | IndexPlanned

Condition = tuple[int, int, bool, str, bool, bool]
"""Of a constraint: operator, column, whether usable, collation, whether an IN, whether literal."""

_UNARY = (apsw.SQLITE_INDEX_CONSTRAINT_ISNULL, apsw.SQLITE_INDEX_CONSTRAINT_ISNOTNULL)

MAX_ANSWERS = 1024
"""How many answers a connection keeps."""


Proofs = tuple[tuple[int, Proof], ...]
"""By number, the partial indexes that have all rows that are wanted."""


class Question(NamedTuple):
    """What SQLite asks; ``proofs`` are all that the values in the statement matter for."""

    table_id: int
    conditions: tuple[Condition, ...]
    order_by: tuple[tuple[int, bool], ...]
    columns_used: frozenset[int]
    distinct: int
    told: bool
    proofs: Proofs = ()


class Answer:
    """A plan, and what it cost when the table had ``rows``.

    ``known`` are the numbers of the conditions that limit what is read, if the values of all of
    them stand in the statement: then the index can tell how much that is.
    """

    __slots__ = ("access", "estimate", "known", "number", "planned", "rows", "text")

    def __init__(
        self,
        planned: AnyPlanned,
        number: int,
        access: AnyAccess,
        conditions: Sequence[Condition],
    ) -> None:
        plan = scan_of(planned.plan)
        self.planned = planned
        self.number = number
        self.access = access
        self.text = describe(planned.plan, access)
        self.rows = -1
        self.estimate = Estimate(0, 0, False)
        bounds = planned.arguments[: plan.bounds + len(plan.zones)]
        known = all(_is_known(conditions[number]) for number in bounds)
        estimable = known and Op.IN not in plan.prefix and not access.is_point
        self.known = bounds if estimable else ()


class Answers(NamedTuple):
    """All plans for a question, of a table with these indexes."""

    schema: TableSchema
    indexes: Indexes
    plans: tuple[Answer, ...]


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

    def matching(self, access: AnyAccess, values: Sequence[Value], guess: float) -> Estimated:
        """From the index, what a plan reads that is limited by ``values``.

        ``guess`` counts where the index cannot tell.
        """
        table = self._core.state.table((access.index or access.schema).id)
        spans = access.selection.ranges(values)
        share = guess / max(len(spans), 1)
        where = access.conditions(values)
        if not where:
            return Estimated(sum(estimate_rows(table, span, share) for span in spans), 0, 0)
        each = [estimate_scan(table, span, where, share) for span in spans]
        return Estimated(*(sum(figures) for figures in zip((0, 0, 0), *each, strict=True)))


class Planning:
    """The plans of one connection. ``indexes_of`` tells which indexes a table has."""

    def __init__(
        self, core: Core, accesses: Accesses, indexes_of: Callable[[TableSchema], Indexes]
    ) -> None:
        self._accesses = accesses
        self._indexes_of = indexes_of
        self.counts = RowCounts(core)
        self.statistics = Statistics(core)
        self.told = True
        """Whether values in statements that are planned now are taken to have no affinity. Who sees
        a statement before SQLite plans it sets this."""
        self._answers: dict[Question, Answers] = {}

    def choose(
        self, info: apsw.IndexInfo, schema: TableSchema, argument: int | None = None
    ) -> None:
        """Plan the query of ``info``, and write the plan into it.

        ``argument`` is the number of a constraint that is none of the table's: its value comes
        first among those that a cursor gets.
        """
        numbers = [number for number in range(info.nConstraint) if number != argument]
        question, literals = _ask(info, schema, numbers, self.told)
        indexes = self._indexes_of(schema)
        partial = [index for index in indexes if index.index and index.index.where is not None]
        if partial:
            proofs = _proofs(schema, partial, question, literals)
            question = question._replace(proofs=proofs)
        answers = self._answers.get(question)
        if answers is None or answers.schema is not schema or answers.indexes is not indexes:
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            plans = tuple(self._plan(question, schema, indexes))
            answers = self._answers[question] = Answers(schema, indexes, plans)
        answer, expected, text = self._cheapest(answers.plans, literals)
        planned = answer.planned
        arguments = [numbers[condition] for condition in planned.arguments]
        checked = {numbers[condition] for condition in planned.checked}
        if argument is not None:
            arguments.insert(0, argument)
        for place, number in enumerate(arguments):
            info.set_aConstraintUsage_argvIndex(number, place + 1)
            info.set_aConstraintUsage_omit(number, number not in checked)
        info.idxNum = answer.number
        info.idxStr = text
        info.orderByConsumed = planned.plan.ordered
        info.estimatedCost = expected.cost
        info.estimatedRows = expected.rows
        if expected.unique:
            info.idxFlags = apsw.SQLITE_INDEX_SCAN_UNIQUE

    def _plan(self, question: Question, schema: TableSchema, indexes: Indexes) -> Iterator[Answer]:
        """The plans by the key, and by each index that is of use."""
        asked = (
            _constraints(question),
            question.order_by,
            question.columns_used,
            question.distinct,
        )
        yield self._answer(question, make_plan(schema, *asked), schema)
        proofs = dict(question.proofs)
        for index in indexes:
            planned = plan_index(schema, index, *asked, proofs.get(index.id))
            if planned is not None:
                yield self._answer(question, planned, schema, index)

    def _answer(
        self,
        question: Question,
        planned: AnyPlanned,
        schema: TableSchema,
        index: TableSchema | None = None,
    ) -> Answer:
        number = self._accesses.number(schema, planned.plan, index)
        return Answer(planned, number, self._accesses.by_number[number], question.conditions)

    def _cheapest(
        self, answers: Sequence[Answer], literals: Sequence[Value]
    ) -> tuple[Answer, Estimate, str]:
        """The best plan now, what it is taken to cost, and the plan in words.

        SQLite sorts the rows itself if the plan does not: that is counted for it.
        """
        if len(answers) == 1:
            return (answers[0], *self._estimate(answers[0], literals))
        sorts = any(answer.planned.plan.ordered for answer in answers)
        best: tuple[Answer, Estimate, str] | None = None
        least = 0.0
        for answer in answers:
            expected, text = self._estimate(answer, literals)
            cost = expected.cost
            if sorts and not answer.planned.plan.ordered:
                cost += sorting_cost(expected.rows)
            elif _is_limited(answer.planned.plan):
                cost = min(cost, LIMITED_COST)
            if best is None or cost < least:
                best, least = (answer, expected, text), cost
        assert best is not None
        return best

    def _estimate(self, answer: Answer, literals: Sequence[Value]) -> tuple[Estimate, str]:
        """What the plan is taken to cost now, and the plan in words."""
        access = answer.access
        schema, plan = access.index or access.schema, answer.planned.plan
        rows = self.counts[schema.id]
        if answer.known:
            values = [literals[number] for number in answer.known]
            scan = scan_of(plan)
            per = self.statistics.rows_per_at_hand(schema, rows) if scan.prefix else ()
            found = self.counts.matching(access, values, guess_rows(scan, rows, per))
            return self._cost(plan, schema, rows, found.rows), describe(plan, access, found)
        if answer.rows != rows:
            answer.estimate = self._cost(plan, schema, rows)
            answer.rows = rows
        return answer.estimate, answer.text

    def _cost(
        self, plan: AnyPlan, schema: TableSchema, rows: int, matched: int | None = None
    ) -> Estimate:
        per: RowsPer = ()
        if matched is None and 0 < len(scan_of(plan).prefix) < len(schema.key):
            per = self.statistics.rows_per(schema, rows)
        if isinstance(plan, IndexPlan):
            return estimate_index(plan, schema, rows, per, matched)
        return estimate(plan, schema, rows, per, matched)


def scan_of(plan: AnyPlan) -> ScanPlan:
    """What is read by a plan: of the table, or of the index."""
    return plan.plan if isinstance(plan, IndexPlan) else plan


def _is_limited(plan: AnyPlan) -> bool:
    return scan_of(plan).limit


def _ask(
    info: apsw.IndexInfo, schema: TableSchema, numbers: Sequence[int], told: bool
) -> tuple[Question, list[Value]]:
    """The question with the constraints of these numbers, and the right-hand sides of them that
    stand in the statement (None for others).
    """
    literals: list[Value] = []
    conditions: list[Condition] = []
    for i in numbers:
        op = info.get_aConstraint_op(i)
        usable = info.get_aConstraint_usable(i)
        literal = info.get_aConstraint_rhs(i) if usable and op not in _WINDOW else None
        literals.append(literal)
        conditions.append(
            (
                op,
                info.get_aConstraint_iColumn(i),
                usable,
                info.get_aConstraint_collation(i),
                op in _EQUALS and info.get_aConstraintUsage_in(i),
                literal is not None,
            )
        )
    column, descending = info.get_aOrderBy_iColumn, info.get_aOrderBy_desc
    order_by = [(column(i), descending(i)) for i in range(info.nOrderBy)]
    columns_used = frozenset(info.colUsed)
    asked = tuple(conditions), tuple(order_by), columns_used, info.distinct
    return Question(schema.id, *asked, told), literals


def _proofs(
    schema: TableSchema,
    partial: Sequence[TableSchema],
    question: Question,
    literals: Sequence[Value],
) -> Proofs:
    """Which of these partial indexes have all rows that the conditions let through."""
    constraints = _constraints(question)
    known = [
        None if _is_doubtful(constraint, literal, schema) else literal
        for constraint, literal in zip(constraints, literals, strict=True)
    ]
    found: list[tuple[int, Proof]] = []
    for index in partial:
        assert index.index is not None
        proven = proof(schema, index.index, constraints, known)
        if proven is not None:
            found.append((index.id, proven))
    return tuple(found)


def _is_doubtful(constraint: Constraint, literal: Value, schema: TableSchema) -> bool:
    if not 0 <= constraint.column < len(schema.columns):
        return False
    column = schema.columns[constraint.column]
    doubtful = is_doubtful(constraint, column.type, column.affinity)
    return doubtful and not is_certain(column.affinity, literal)


def _is_known(condition: Condition) -> bool:
    """Whether a condition has its value in the statement, or needs none."""
    op, *_, literal = condition
    return bool(literal) or op in _UNARY


def _constraints(question: Question) -> list[Constraint]:
    """The conditions in our own words. LIKE with ESCAPE tells only its bounds, which are NOCASE."""
    patterned = {
        column
        for op, column, _, collation, *_ in question.conditions
        if _FIND_BLOBS and (op in _PATTERNS or collation.upper() == "NOCASE")
    }
    return [_constraint(each, each[1] in patterned, question.told) for each in question.conditions]


def _constraint(condition: Condition, patterned: bool, told: bool) -> Constraint:
    number, column, usable, collation, is_in, literal = condition
    op = _OPS.get(number, Op.OTHER)
    return Constraint(
        column=column,
        op=Op.IN if is_in else op,
        usable=usable,
        collation=_COLLATIONS.get(collation.upper(), Collation.OTHER),
        literal=literal,
        patterned=patterned,
        collation_name=collation,
        told=told,
    )
