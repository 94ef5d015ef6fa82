"""Reading a table by one of its indexes: pure decisions, as in ``planner``.

An index is a table, whose key is its terms and then the key of its table. So the conditions are
translated to its columns, and it is planned as any other table:

    flights(day, delay), index on (delay)         delay > 60 ORDER BY delay
    its own columns: delay, day                   column 0 > 60 ORDER BY column 0

What it knows nothing of is not translated; SQLite checks that. If it has all columns that are used,
the rows themselves are not read: it covers the query.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from lsmsql.engine.indexes import covered_columns
from lsmsql.engine.schema import IndexDefinition, TableSchema
from vtab.constraint import ROWID, Collation, Constraint, Op
from vtab.implied import Proof, fixed_columns
from vtab.planner import LAST_BIT, OrderBy, ScanPlan, has_rowid, make_plan, used_columns

_ELSEWHERE = 1 << 20
"""The column of a condition about something that the index does not have."""


@dataclass(frozen=True)
class IndexPlan:
    """``plan`` is that of the index, as of any table; ``columns`` are those of the table."""

    index_id: int
    name: str
    plan: ScanPlan
    columns: tuple[int, ...]
    covering: bool

    @property
    def ordered(self) -> bool:
        """Whether rows come in the order asked for."""
        return self.plan.ordered


@dataclass(frozen=True)
class IndexPlanned:
    """As ``Planned``, of an index."""

    plan: IndexPlan
    arguments: tuple[int, ...]
    checked: Collection[int] = ()


def plan_index(
    table: TableSchema,
    index: TableSchema,
    constraints: Sequence[Constraint],
    order_by: OrderBy,
    columns_used: Collection[int],
    distinct: int = 0,
    proof: Proof | None = None,
) -> IndexPlanned | None:
    """The best way to read the table by an index; None if it is of no use for the query.

    ``proof`` tells why a partial index has all rows that the query wants.
    """
    definition = index.index
    assert definition is not None
    if definition.where is not None and proof is None:
        return None
    relied, met = ((), frozenset()) if proof is None else proof
    places = _places(table, definition)
    translated = [_translated(c, definition, places, table) for c in constraints]
    for number in met:
        if constraints[number].op is Op.NOT_NULL:
            translated[number] = replace(translated[number], column=_ELSEWHERE)
    order = [
        (_ordering_place(column, table, definition, places), down) for column, down in order_by
    ]
    used = used_columns(table, columns_used)
    covered = covered_columns(index, table)
    fixed = fixed_columns(table, definition)
    covering = LAST_BIT not in columns_used and {*used} <= {*covered, *fixed}
    wanted = sorted({covered[column] for column in used if column in covered}) if covering else ()
    planned = make_plan(
        index, translated, order, wanted, distinct, zones=False, relied=relied, met=met
    )
    plan = planned.plan
    if not {*relied} <= {*planned.arguments}:
        return None
    if not (plan.searches or plan.ordered or covering or definition.where is not None):
        return None
    return IndexPlanned(
        IndexPlan(index.id, index.name, replace(plan, table=table.name), used, covering),
        planned.arguments,
        planned.checked,
    )


def _places(table: TableSchema, definition: IndexDefinition) -> dict[int, int]:
    """Where in the index each column of the table is first found that it has."""
    found: dict[int, int] = {}
    for place, term in enumerate(definition.terms):
        if term.position is not None:
            found.setdefault(term.position, place)
    for part, position in enumerate(table.key):
        found.setdefault(position, len(definition.terms) + part)
    return found


def _translated(
    constraint: Constraint,
    definition: IndexDefinition,
    places: dict[int, int],
    table: TableSchema,
) -> Constraint:
    """The condition as one on a column of the index."""
    column = constraint.column
    if column == ROWID and has_rowid(table):
        column = table.key[0]
    place = places.get(column, _ELSEWHERE)
    if place >= len(definition.terms):
        return replace(constraint, column=place)
    collation = definition.terms[place].collation
    if collation == "BINARY" or constraint.op in (Op.NULL, Op.NOT_NULL):
        return replace(constraint, column=place)
    if constraint.collation_name.upper() != collation:
        return replace(constraint, column=_ELSEWHERE)
    return replace(constraint, column=place, collation=Collation.BINARY)


def _ordering_place(
    column: int, table: TableSchema, definition: IndexDefinition, places: dict[int, int]
) -> int:
    """Where in the index the column is, if the index is in its order."""
    if column == ROWID and has_rowid(table):
        column = table.key[0]
    place = places.get(column, _ELSEWHERE)
    if place < len(definition.terms):
        collation = table.columns[column].collation.upper()
        return place if definition.terms[place].collation == collation else _ELSEWHERE
    return place
