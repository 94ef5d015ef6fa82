"""INSERT of many rows at once: what executemany does with a statement of nothing but parameters.

    INSERT INTO t(b, a) VALUES (?, ?)      the other columns have constants for defaults

Rows that are certain to be stored as they are go to the transaction together: values of the types
of their columns, keys that nobody has, nothing to compute or to look up beside. As soon as there is
any other row, nothing is done, and it must go SQLite's way with those around it, one by one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lsmsql.engine.affinity import APPLY_AFFINITY, UNCHANGED
from lsmsql.engine.column import Column
from lsmsql.engine.errors import Error
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import MAX_INTEGER, MIN_INTEGER, Value
from vtab.bounds import PYTHON_TYPES
from vtab.session import Session
from vtab.sql.changes import read_change
from vtab.sql.tokens import Kind, capitals, first_word, tokenize
from vtab.statements import ChangeStatement
from vtab.writer import Writer

Row = Sequence[Any]


class Bulk:
    """Inserts rows of parameters into one table.

    ``places``: for each column, which parameter it takes, or None. ``longest``: the limit of a
    value, in bytes.
    """

    def __init__(
        self, session: Session, table: TableSchema, places: Sequence[int | None], longest: int
    ) -> None:
        self._session = session
        self._table = table
        self._writer = Writer(session, table, session.indexes_of(table))
        self._places = places
        self._longest = longest
        # Keys are given out when all else is known to fit.
        self._order = sorted(range(len(places)), key=self._is_given_out)

    def _is_given_out(self, position: int) -> bool:
        return self._places[position] is None and self._table.columns[position].slot is None

    def insert(self, rows: Sequence[Row]) -> bool:
        """Insert the rows, which have a value for each parameter; False if nothing is done."""
        given, columns = list(zip(*rows, strict=True)), self._table.columns
        found: dict[int, Sequence[Value]] = {}
        for position in self._order:
            column, place = columns[position], self._places[position]
            values = self._omitted(column, len(rows)) if place is None else given[place]
            if values is None or not self._fits(column, values):
                return False
            found[position] = values
        ordered = [found[position] for position in range(len(columns))]
        try:
            return self._writer.insert_new(list(zip(*ordered, strict=True)))
        except Error:  # which of them is too long, SQLite's way will tell
            return False

    def _omitted(self, column: Column, count: int) -> Sequence[Value] | None:
        """The values of a column that is not named; None if they are not known beforehand."""
        if column.slot is None:
            return self._writer.next_rowids(count)
        if column.default is None:
            return [None] * count
        evaluation = self._session.evaluation
        if not evaluation.is_literal(column.default):
            return None
        return [APPLY_AFFINITY[column.affinity](evaluation.constant(column.default))] * count

    def _fits(self, column: Column, values: Sequence[Value]) -> bool:
        """Whether these values are stored in the column as they are."""
        kinds = set(map(type, values))
        if type(None) in kinds:
            if column.not_null or column.slot is None:
                return False
            values = [value for value in values if value is not None]
            kinds.discard(type(None))
        wanted = PYTHON_TYPES.get(column.type)
        if not kinds <= (UNCHANGED[column.affinity] if wanted is None else {wanted}):
            return False
        return all(_can_be_bound(kind, values, self._longest) for kind in kinds)


def _can_be_bound(kind: type, values: Sequence[Any], longest: int) -> bool:
    """Whether SQLite gets all of these values that are of a kind as they are."""
    mine: list[Any] = [value for value in values if type(value) is kind]
    if kind is int:
        return bool(min(mine) >= MIN_INTEGER and max(mine) <= MAX_INTEGER)
    if kind is float:
        return not math.isnan(sum(mine))  # which is NULL to SQLite
    if kind is bytes:
        return bool(max(map(len, mine)) <= longest)
    try:
        return len("".join(mine).encode()) <= longest
    except UnicodeEncodeError:
        return False


def parameter_places(statement: ChangeStatement) -> tuple[int | None, ...] | None:
    """For each column of the table, which parameter its value is, None if it is not named; and None
    if the statement is another one than an INSERT of parameters."""
    main, table = statement.main, statement.table
    if statement.clauses or statement.returning is not None or len(main.text) > _LONGEST:
        return None
    change = read_change(main.text)
    if change is None or first_word(main.text) not in ("INSERT", "REPLACE"):
        return None
    columns = [c.name.lower() for c in table.columns if not c.hidden and c.generated is None]
    names = [name.lower() for name in change.columns or columns]
    if not _parameters(main.text[change.target_end :]) == len(names) == len(main.numbers):
        return None
    numbers = {name: number - 1 for name, number in zip(names, main.numbers, strict=True)}
    if len(numbers) != len(names) or not numbers.keys() <= set(columns):
        return None
    return tuple(numbers.get(column.name.lower()) for column in table.columns)


_LONGEST = 50_000
"""Characters of a statement that is looked at."""


def _parameters(sql: str) -> int:
    """How many parameters ``VALUES (?, ?, ...)`` has, if that is how the text ends; or 0."""
    tokens = [token for token in tokenize(sql) if token.kind is not Kind.BLANK]
    words = [capitals(token.text) for token in tokens]
    while words[-1:] == [";"]:
        words.pop()
    if "VALUES" not in words:
        return 0
    first = words.index("VALUES") + 1
    given, signs = tokens[first + 1 : len(words) - 1 : 2], words[first + 2 : len(words) - 1 : 2]
    if words[first : first + 1] != ["("] or words[-1] != ")" or set(signs) - {","}:
        return 0
    only = all(token.kind is Kind.VARIABLE for token in given)
    return len(given) if only and len(signs) == len(given) - 1 else 0
