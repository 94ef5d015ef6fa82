"""INSERT of many rows at once: what executemany does with a statement of nothing but parameters.

    INSERT INTO t(b, a) VALUES (?, ?)      a value for every column, from the parameters alone

Rows that are certain to be stored as they are go to the transaction together: values of the types
of their columns, keys that nobody has, nothing to compute or to look up beside. As soon as there is
any other row, nothing is done, and it must go SQLite's way with those around it, one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from lsmsql.engine.affinity import UNCHANGED
from lsmsql.engine.column import Column
from lsmsql.engine.errors import Error
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import MAX_INTEGER, MIN_INTEGER, Value
from vtab.bounds import PYTHON_TYPES
from vtab.session import Session
from vtab.sql.changes import read_change
from vtab.sql.reader import Slice
from vtab.sql.tokens import Kind, capitals, tokenize
from vtab.statements import ChangeStatement
from vtab.writer import Writer

Row = Sequence[Any]


class Bulk:
    """Inserts rows of parameters into one table. ``longest`` is the limit of a value, in bytes."""

    def __init__(
        self, session: Session, table: TableSchema, places: Sequence[int], longest: int
    ) -> None:
        self._table = table
        self._writer = Writer(session, table, session.indexes_of(table))
        self._places = places
        self._in_order = list(places) == list(range(len(places)))
        self._take = itemgetter(*places, *places[:1])  # one more, lest it gives no tuple
        self._longest = longest

    def insert(self, rows: Sequence[Row]) -> bool:
        """Insert the rows, which have a value for each parameter; False if nothing is done."""
        values = [tuple(row) for row in rows] if self._in_order else self._arranged(rows)
        columns = zip(self._table.columns, zip(*values, strict=True), strict=True)
        if not all(self._fits(column, found) for column, found in columns):
            return False
        try:
            return self._writer.insert_new(values)
        except Error:  # which of them is too long, SQLite's way will tell
            return False

    def _arranged(self, rows: Iterable[Row]) -> list[tuple[Value, ...]]:
        return [self._take(row)[:-1] for row in rows]

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
        return min(mine) >= MIN_INTEGER and max(mine) <= MAX_INTEGER
    if kind is float:
        total = sum(mine)
        return bool(total == total)  # not a number is NULL to SQLite
    if kind is bytes:
        return max(map(len, mine)) <= longest
    try:
        return len("".join(mine).encode()) <= longest
    except UnicodeEncodeError:
        return False


def parameter_places(statement: ChangeStatement) -> tuple[int, ...] | None:
    """For each column of the table, which parameter its value is; None if that is not all."""
    main, table = statement.main, statement.table
    if statement.clauses or statement.returning is not None or len(main.text) > _LONGEST:
        return None
    change = read_change(main.text)
    if change is None or change.verb not in ("INSERT", "REPLACE"):
        return None
    columns = [c for c in table.columns if not c.hidden and c.generated is None]
    names = [name.lower() for name in change.columns or [c.name for c in columns]]
    found = _parameters(main.text, change.target_end)
    if found != len(names) or len(main.numbers) != found:
        return None
    numbers = dict(zip(names, main.numbers, strict=True))
    if sorted(numbers) != sorted(c.name.lower() for c in table.columns):
        return None
    return tuple(numbers[c.name.lower()] - 1 for c in table.columns)


_LONGEST = 50_000
"""Characters of a statement that is looked at."""


def _parameters(sql: str, start: int) -> int:
    """How many parameters ``VALUES (?, ?, ...)`` has, if that is how the statement ends; or 0."""
    rest = Slice(sql[start:], start)
    tokens = [token for token in tokenize(rest.text) if token.kind is not Kind.BLANK]
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
