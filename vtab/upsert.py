"""INSERT ... ON CONFLICT: what becomes of a row that is there already.

The clauses are taken out of the statement, and SQLite runs a plain INSERT. Where the table finds a
row in the way of a new one, the first clause that is about this conflict is looked up:

    SELECT (SELECT (price + excluded.price) FROM lsm_row_7 AS items)      an assignment
    FROM lsm_excluded_7 AS excluded                                       the row proposed
    WHERE (SELECT (excluded.price > 0) FROM lsm_row_7 AS items)           its WHERE

Within, the row that is there comes first: a name alone is one of its columns, as SQLite has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsmsql.engine.errors import SchemaError
from lsmsql.engine.indexes import IndexEntries
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from vtab.declare import quoted
from vtab.evaluation import Evaluation
from vtab.sql.changes import Assignment, Change, UpsertClause
from vtab.sql.parameters import Bindings, Part, Variables, bindings_for, compose
from vtab.sql.reader import Slice
from vtab.sql.tokens import Kind, tokenize

Target = int | None
"""The number of the index that a clause is about; of the table itself for its key."""


@dataclass(frozen=True)
class Clause:
    """``targets``: what it is about, None for any conflict. ``query`` gives the new values of the
    columns at ``positions``; None for DO NOTHING."""

    targets: frozenset[int] | None
    positions: tuple[int, ...] = ()
    query: Part | None = None


def read_clauses(
    change: Change,
    table: TableSchema,
    indexes: Sequence[TableSchema],
    variables: Variables,
    sources: tuple[str, str],
) -> tuple[Clause, ...]:
    """The clauses of an INSERT. ``sources`` are the tables of the row there, and of the new one.

    Raises SchemaError for columns that are none, and for a target that is no UNIQUE constraint.
    """
    name = change.alias or change.table
    return tuple(
        _read_clause(clause, table, indexes, variables, (name, *sources))
        for clause in change.upsert
    )


def _read_clause(
    clause: UpsertClause,
    table: TableSchema,
    indexes: Sequence[TableSchema],
    variables: Variables,
    names: tuple[str, str, str],
) -> Clause:
    targets = None if clause.terms is None else _targets(clause, table, indexes)
    if clause.assignments is None:
        return Clause(targets)
    name, row, excluded = names
    around = "(SELECT (", f") FROM {row} AS {quoted(name)})"
    pieces: list[Slice | str] = ["SELECT "]
    positions: list[int] = []
    for assignment in clause.assignments:
        for place, column in enumerate(assignment.columns):
            positions.append(_position(table, column))
            pieces += [", "] if len(positions) > 1 else []
            pieces += [around[0], *_value(assignment, place), around[1]]
    pieces.append(f" FROM {excluded} AS excluded")
    if clause.where is not None:
        pieces += [f" WHERE {around[0]}", clause.where, around[1]]
    return Clause(targets, tuple(positions), compose(variables, *pieces))


def _position(table: TableSchema, column: str) -> int:
    position = table.positions.get(column.lower())
    if position is None:
        raise SchemaError(f"no such column: {column}")
    if table.columns[position].generated is not None:
        raise SchemaError(f'cannot UPDATE generated column "{column}"')
    return position


def _value(assignment: Assignment, place: int) -> list[Slice | str]:
    """The expression for one of the columns of an assignment."""
    expression, count = assignment.expression, len(assignment.columns)
    if count == 1:
        return [expression]
    items = _items(expression)
    if len(items) == count:
        return [items[place]]
    names = ", ".join(f"lsm_{i}" for i in range(count))
    return [f"WITH lsm_values({names}) AS ", expression, f" SELECT lsm_{place} FROM lsm_values"]


def _items(expression: Slice) -> list[Slice]:
    """The expressions in parentheses, one by one; none of a SELECT."""
    tokens = [t for t in tokenize(expression.text) if t.kind is not Kind.BLANK]
    if tokens[1].text.upper() in ("SELECT", "WITH", "VALUES"):
        return []
    cuts = [tokens[0].end, *(t.end for t in tokens if t.text == "," and t.depth == 1)]
    ends = [*(t.start for t in tokens if t.text == "," and t.depth == 1), tokens[-1].start]
    return [
        Slice(expression.text[start:end], expression.start + start)
        for start, end in zip(cuts, ends, strict=True)
    ]


# ------------------------------------------------------------------------------- targets


def _targets(
    clause: UpsertClause, table: TableSchema, indexes: Sequence[TableSchema]
) -> frozenset[int]:
    """The numbers of the table, if its key is meant, and of the UNIQUE indexes that are."""
    assert clause.terms is not None
    wanted = set()
    for term in clause.terms:
        position = table.positions.get((term.column or "").lower())
        if term.column is not None and position is None:
            position = table.key[0] if term.column.lower() in _ROWID and _rowid(table) else None
            if position is None:
                raise SchemaError(f"no such column: {term.column}")
        wanted.add(position if position is not None else _normal(term.expression.text))
    found = {table.id} if wanted == set(table.key) else set()
    for index in indexes:
        definition = index.index
        assert definition is not None
        terms = {
            term.position if term.position is not None else _normal(term.expression or "")
            for term in definition.terms
        }
        if definition.unique and terms == wanted and _where_fits(clause, definition.where):
            found.add(index.id)
    if not found:
        raise SchemaError("ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint")
    return frozenset(found)


_ROWID = ("rowid", "_rowid_", "oid")


def _rowid(table: TableSchema) -> bool:
    return len(table.key) == 1 and table.columns[table.key[0]].type == "INTEGER"


def _where_fits(clause: UpsertClause, where: str | None) -> bool:
    """Whether the clause is about a partial index with this condition."""
    if where is None:
        return True
    return clause.target_where is not None and _normal(clause.target_where.text) == _normal(where)


def _normal(text: str) -> str:
    """An expression so that two that differ only in spaces and case are equal."""
    tokens = [t for t in tokenize(text) if t.kind is not Kind.BLANK]
    return " ".join(t.text if t.kind is Kind.STRING else t.text.lower() for t in tokens)


# ------------------------------------------------------------------------------- at work


class RowUpsert:
    """The clauses of a statement that runs, with its values."""

    def __init__(
        self,
        evaluation: Evaluation,
        table: TableSchema,
        clauses: tuple[Clause, ...],
        bindings: Bindings | None,
    ) -> None:
        self._evaluation = evaluation
        self._table = table
        self._clauses = clauses
        self._bindings = bindings

    def clause(self, entries: IndexEntries | None) -> Clause | None:
        """The clause for a row that is in the way in an index, or with None by its key."""
        place = self.place(entries)
        return self._clauses[place] if place < len(self._clauses) else None

    def place(self, entries: IndexEntries | None) -> int:
        """The number of that clause: conflicts are looked at in the order of the clauses, and then
        those that none is about."""
        number = self._table.id if entries is None else entries.schema.id
        for place, clause in enumerate(self._clauses):
            if clause.targets is None or number in clause.targets:
                return place
        return len(self._clauses)

    def changed(
        self, clause: Clause, old: Sequence[Value], new: Sequence[Value]
    ) -> dict[int, Value] | None:
        """New values for the row that is there, by position; None to leave it as it is."""
        if clause.query is None:
            return None
        evaluation, table = self._evaluation, self._table
        row, excluded = evaluation.source(table, "row"), evaluation.source(table, "excluded")
        with row.holding([old]), excluded.holding([new]):
            bindings = bindings_for(clause.query, self._bindings)
            rows = evaluation.query(clause.query.text, bindings)
        return dict(zip(clause.positions, rows[0], strict=True)) if rows else None
