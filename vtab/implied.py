"""Which conditions of a query imply that of a partial index (https://sqlite.org/partialindex.html).

    CREATE INDEX pending ON orders(placed) WHERE status = 'new' AND paid IS NOT NULL
    SELECT * FROM orders WHERE status = 'new' AND paid > 10 ORDER BY placed

The index has the rows for which its condition is true. It may be read in place of the table if each
comparison of its condition follows from one of the query's, since the query wants no other rows.

Not every condition that SQLite tells of limits the rows of the table. With ``t LEFT JOIN u ON
t.x = 1`` it tells t of ``x = 1``; and it takes no plan with that as an argument, for this it knows
to be out of place. So the conditions that are relied on must be arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lsmsql.engine.collation import fold_of
from lsmsql.engine.column import BINARY, Column
from lsmsql.engine.errors import SchemaError
from lsmsql.engine.schema import IndexDefinition, TableSchema
from lsmsql.engine.values import ColumnType, Value
from vtab.bounds import as_compared
from vtab.comparison import Comparison, follows, is_met
from vtab.constraint import ROWID, Constraint, Op
from vtab.planner import has_rowid
from vtab.sql.conditions import ColumnComparison, column_comparisons

_OPS = {
    "=": Op.EQ,
    "<": Op.LT,
    "<=": Op.LE,
    ">": Op.GT,
    ">=": Op.GE,
    "<>": Op.NE,
    "IS": Op.EQ,
    "IS NOT": Op.IS_NOT,
    "IS NULL": Op.NULL,
    "IS NOT NULL": Op.NOT_NULL,
}
_KNOWN = frozenset({*_OPS.values(), Op.IN, Op.IS})
_EXACT_INTEGERS = 2**53
"""Of such, no REAL is kept that is equal to one in a column that converts to INTEGER."""


class Proof(NamedTuple):
    """That a partial index has all rows that a query wants.

    ``relied`` are the numbers of the query's conditions from which that of the index follows,
    ``met`` of those that each row of the index meets.
    """

    relied: tuple[int, ...]
    met: frozenset[int]


Condition = tuple[Comparison, ...]
"""Comparisons that must all be met."""


def condition_of(table: TableSchema, definition: IndexDefinition) -> Condition | None:
    """The condition of an index on ``table``, without comparisons if the index is not partial.

    None if it is not made of comparisons alone.
    """
    if definition.where is None:
        return ()
    written = column_comparisons(definition.where)
    if written is None or {"true", "false"} & table.positions.keys():
        return None
    found = [_comparison_of(table, each) for each in written]
    return None if None in found else tuple(each for each in found if each is not None)


def _comparison_of(table: TableSchema, written: ColumnComparison) -> Comparison | None:
    position = table.positions.get(written.column.lower())
    if position is None:
        return None
    return _comparison(table, position, _OPS[written.operator], written.value, None)


def _comparison(
    table: TableSchema, position: int, op: Op, value: Value, collation: str | None
) -> Comparison | None:
    """The comparison of a column, by its own collation if no other is given.

    None if texts are compared by a collation that is not SQLite's own.
    """
    column = table.columns[position]
    if value is not None:
        value = as_compared(column.affinity, value)
    name = (column.collation if collation is None else collation).upper()
    if not isinstance(value, str):
        return Comparison(position, op, value)
    return Comparison(position, op, value, name) if _is_known(name) else None


def _is_known(collation: str) -> bool:
    try:
        fold_of(collation)
    except SchemaError:
        return False
    return True


# ------------------------------------------------------------------------------- the query


def proof(
    table: TableSchema,
    definition: IndexDefinition,
    constraints: Sequence[Constraint],
    literals: Sequence[Value],
) -> Proof | None:
    """Why an index has all rows that a query wants; None if it is not known to have them.

    ``literals`` are the right-hand sides of constraints that stand in the statement, None for
    others.
    """
    condition = condition_of(table, definition)
    if condition is None:
        return None
    said = {
        number: comparison
        for number, (constraint, literal) in enumerate(zip(constraints, literals, strict=True))
        if (comparison := _said(table, constraint, literal)) is not None
    }
    met = frozenset(number for number, given in said.items() if _are_met(given, condition))
    relied: list[int] = []
    for wanted in condition:
        proving = [
            number
            for number, given in said.items()
            if given.column == wanted.column and follows(wanted, given)
        ]
        if not proving:
            return None
        relied.append(min(proving, key=lambda number: (number not in met, _reach(said[number]))))
    return Proof(tuple(dict.fromkeys(relied)), met)


def _said(table: TableSchema, constraint: Constraint, literal: Value) -> Comparison | None:
    """What a constraint says of a column; None if nothing that is of use."""
    position = constraint.column
    if position == ROWID and has_rowid(table):
        position = table.key[0]
    if not (constraint.usable and constraint.op in _KNOWN and 0 <= position < len(table.columns)):
        return None
    value = None if constraint.patterned else literal
    op = constraint.op
    if op is Op.IS:
        op = Op.EQ
        if value is None:
            return None
    said = _comparison(table, position, op, value, constraint.collation_name)
    return Comparison(position, op) if said is None else said


def _are_met(given: Comparison, condition: Condition) -> bool:
    return any(term.column == given.column and follows(given, term) for term in condition)


def _reach(given: Comparison) -> int:
    """How much a plan is bound to that relies on it: to nothing, another table, one value of IN."""
    if given.value is not None or given.op in (Op.NULL, Op.NOT_NULL):
        return 0
    return 2 if given.op is Op.IN else 1


# ------------------------------------------------------------------------------- the rows


def fixed_columns(table: TableSchema, definition: IndexDefinition) -> Mapping[int, Value]:
    """The columns that have one value, to its type, in all rows that an index has."""
    condition = condition_of(table, definition) or ()
    return {
        each.column: each.value for each in condition if _is_fixed(each, table.columns[each.column])
    }


def has_row(condition: Condition, row: Sequence[Value]) -> bool:
    """Whether an index with that condition has an entry of a row of its table."""
    return all(is_met(each, row[each.column]) for each in condition)


def _is_fixed(comparison: Comparison, column: Column) -> bool:
    value = comparison.value
    if comparison.op is not Op.EQ:
        return comparison.op is Op.NULL
    if isinstance(value, str):
        return comparison.collation == BINARY
    if isinstance(value, int):
        return column.affinity is ColumnType.INTEGER and abs(value) < _EXACT_INTEGERS
    return isinstance(value, bytes)
