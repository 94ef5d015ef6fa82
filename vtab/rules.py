"""What SQL says of a row beside its types: defaults, generated columns, CHECK, terms of indexes.

    defaults      for the columns that an INSERT does not name
    generated     computed from the others, in rounds: one may use another
    checks        a row must make none of them false
    computed      terms of indexes that are expressions, and conditions of partial indexes

SQLite computes them over the one row (see ``rowsource``), in the user's connection, so that his
functions are there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lsmsql.engine.column import Column
from lsmsql.engine.errors import LimitError
from lsmsql.engine.indexes import IndexEntries, Terms
from lsmsql.engine.schema import Check, TableSchema
from lsmsql.engine.values import Row, Value
from vtab.failures import RowLimitError
from vtab.planner import has_rowid
from vtab.session import Session

Converter = Callable[[Column, Value], Value]
AllTerms = list[Terms | None]
"""Of a row, the terms in each index, or None where it has no entry."""


class Entry(NamedTuple):
    """An entry of an index."""

    terms: Terms
    key: bytes
    row: Row


AllEntries = list[Entry | None]
"""Of a row, the entry in each index, or None."""


class Rules:
    """The rules of one table in one connection, and the entries of its indexes."""

    def __init__(
        self, session: Session, schema: TableSchema, indexes: Sequence[TableSchema]
    ) -> None:
        self._session = session
        self._schema = schema
        self.entries = [IndexEntries(index, schema) for index in indexes]
        self.order = _order(schema, self.entries)
        """What must be unique, in the order in which SQLite looks: places in ``entries``, and None
        for the key."""
        columns = list(enumerate(schema.columns))
        rowid = schema.key[0] if has_rowid(schema) else None  # which gives out its own
        self.defaults = frozenset(i for i, c in columns if c.default is not None and i != rowid)
        self.generated = frozenset(i for i, c in columns if c.generated is not None)
        self._formulas = [(i, c, c.generated.sql) for i, c in columns if c.generated is not None]
        self._indexed = {*schema.key} | {
            term.position
            for entries in self.entries
            for term in entries.definition.terms
            if term.position is not None
        }
        self._computed: list[str] = []
        self._places: list[tuple[int, int]] = []
        """Where among these the terms of each index begin and end; its condition comes last."""
        for entries in self.entries:
            first = len(self._computed)
            where = entries.definition.where
            if where is None:
                self._computed += entries.expressions
            else:  # whose terms may fail for rows that the index does not have
                self._computed += [_if(where, term) for term in entries.expressions]
                self._computed.append(_truth(where))
            self._places.append((first, len(self._computed)))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do for a row but to write it."""
        return not (self.entries or self.defaults or self.generated or self._schema.checks)

    @property
    def only_defaults(self) -> bool:
        """Whether there is nothing to do for a row that has a value for every column."""
        return not (self.entries or self.generated or self._schema.checks)

    @property
    def leave_rows(self) -> bool:
        """Whether a row of the right types is stored as it is."""
        return not (self.defaults or self.generated or self._schema.checks)

    def touch_indexes(self, old: Sequence[Value], new: Sequence[Value]) -> bool:
        """Whether entries of a row may become others when it is changed."""
        if self._computed:
            return True
        return any(old[at] is not new[at] for at in self._indexed)

    def default(self, position: int) -> Value:
        """What an INSERT that does not name a column puts into it."""
        sql = self._schema.columns[position].default
        return None if sql is None else self._session.evaluation.constant(sql)

    def generate(self, values: list[Value], convert: Converter) -> None:
        """Compute the generated columns of a row, which has its other values.

        In as many rounds as it takes until nothing changes: there are no circles.
        """
        for position in self.generated:
            values[position] = None
        expressions = [sql for _, _, sql in self._formulas]
        for _ in expressions:
            found = self._session.evaluation.of_row(self._schema, expressions, values)
            changed = False
            for (position, column, _), value in zip(self._formulas, found, strict=True):
                converted = convert(column, value)
                changed |= converted != values[position]
                values[position] = converted
            if not changed:
                break

    def broken_check(self, values: Sequence[Value]) -> Check | None:
        """The first condition that a row makes false; None if there is none."""
        checks = self._schema.checks
        if not checks:
            return None
        found = self._session.evaluation.of_row(
            self._schema, [_truth(c.sql) for c in checks], values
        )
        return next((c for c, value in zip(checks, found, strict=True) if value == 0), None)

    def terms(self, values: Sequence[Value]) -> AllTerms:
        """The terms of a row in each index; None for a partial index that does not have it."""
        if not self._computed:
            return [entries.terms(values) for entries in self.entries]
        (found,) = self.terms_of([values])
        return found

    def terms_of(self, rows: Sequence[Sequence[Value]]) -> list[AllTerms]:
        """The terms of several rows."""
        if not self._computed:
            return [[entries.terms(values) for entries in self.entries] for values in rows]
        computed = self._session.evaluation.of_rows(self._schema, self._computed, rows)
        return [self._with(values, more) for values, more in zip(rows, computed, strict=True)]

    def entries_of(self, key: bytes, terms: AllTerms, values: Sequence[Value]) -> AllEntries:
        """The entries of a row. Raises RowLimitError for one that is too long."""
        try:
            return [
                None if there is None else Entry(there, *entries.entry(there, key, values))
                for entries, there in zip(self.entries, terms, strict=True)
            ]
        except LimitError as error:
            raise RowLimitError(str(error)) from None

    def _with(self, values: Sequence[Value], computed: Sequence[Value]) -> AllTerms:
        """The terms of a row with what was computed for it."""
        found: AllTerms = []
        for entries, (first, last) in zip(self.entries, self._places, strict=True):
            if entries.definition.where is not None:
                last -= 1
                if not computed[last]:
                    found.append(None)
                    continue
            found.append(entries.terms(values, computed[first:last]))
        return found


def _order(schema: TableSchema, entries: Sequence[IndexEntries]) -> tuple[int | None, ...]:
    """The rowid; then indexes, the last created first, and among them that of the primary key."""
    places: list[int | None] = [i for i, e in enumerate(entries) if e.definition.unique]
    key_at = 0 if has_rowid(schema) else len(places) - _before_key(entries)
    places.reverse()
    return (*places[:key_at], None, *places[key_at:])


def _before_key(entries: Sequence[IndexEntries]) -> int:
    """How many UNIQUE constraints stand before the PRIMARY KEY: their names have numbers, in which
    the key's is left out."""
    implied = (e.schema.name for e in entries if e.definition.origin != "c")
    numbers = sorted(int(name.rpartition("_")[2]) for name in implied)
    return sum(number == place for place, number in enumerate(numbers, 1))


def _if(condition: str, expression: str) -> str:
    """SQL that is the expression where the condition is true."""
    return f"CASE WHEN ({condition}) THEN ({expression}) END"


def _truth(condition: str) -> str:
    """SQL that is 1, 0 or NULL, as the condition is true, false or neither."""
    return f"NOT NOT ({condition})"
