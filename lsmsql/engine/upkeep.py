"""Keeping the indexes of a table as its rows are, for rows that are written without SQL.

    row of a key replaced     its old entries go, the new ones come
    row of a key deleted      its old entries go

So the old row must be read first: such a write is a transaction, even if it is a single ``put``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lsmsql.engine.errors import ConstraintError, UsageError
from lsmsql.engine.indexes import IndexEntries
from lsmsql.engine.projection import Projection
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range
from lsmsql.engine.values import Row, Value
from lsmsql.engine.view import Found, found_columns

_MOST_TABLES = 256


class Records(Protocol):
    """What a transaction reads and changes."""

    def find(self, table_id: int, key: bytes) -> Found | None:
        """The record of a key, as it is now."""

    def has_any(self, table_id: int, span: Range, projection: Projection) -> bool:
        """Whether there is a record in a range now; ``projection`` is one of its table."""

    def set_record(self, table_id: int, key: bytes, row: Row | None) -> None:
        """Set the payload of a key, or with None delete it."""


class Upkeep:
    """Changes the rows of one table and the entries of its indexes with them.

    Raises UsageError for a table whose rows only SQL can check or index.
    """

    def __init__(self, table: TableSchema, indexes: Sequence[TableSchema]) -> None:
        check_without_sql(table, indexes)
        self._table = table
        self._rows = RowCodec(table)
        self._entries = [IndexEntries(index, table) for index in indexes]

    def change(self, records: Records, key: bytes, row: Row | None) -> None:
        """Set the row of a key, or with None delete it.

        Raises ConstraintError if a UNIQUE index has another row with the same terms, LimitError;
        then nothing has been changed.
        """
        changes: list[tuple[int, bytes, Row | None]] = []
        old = self._old(records, key)
        new = None if row is None else self._rows.everything.from_row(key, row)
        for entries in self._entries:
            before = after = None
            if old is not None:
                before, _ = entries.entry(entries.terms(old), key, old)
                changes.append((entries.schema.id, before, None))
            if new is not None:
                terms = entries.terms(new)
                after, payload = entries.entry(terms, key, new)
                changes.append((entries.schema.id, after, payload))
                span = None if after == before else entries.equals(terms)
                if span is not None and records.has_any(entries.schema.id, span, entries.keys_only):
                    raise ConstraintError(describe_duplicate(self._table, entries))
        for change in (*changes, (self._table.id, key, row)):
            records.set_record(*change)

    def _old(self, records: Records, key: bytes) -> list[Value] | None:
        found = records.find(self._table.id, key)
        return None if found is None else found_columns(found, key, self._rows.everything)


class Upkeeps:
    """The upkeep of each table, made once for a definition of it and of its indexes."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[TableSchema, Sequence[TableSchema], Upkeep]] = {}

    def of(self, table: TableSchema, indexes: Sequence[TableSchema]) -> Upkeep:
        """That of a table with these indexes. Raises UsageError as ``Upkeep``."""
        known = self._known.get(table.id)
        if known is None or known[0] is not table or known[1] is not indexes:
            if len(self._known) >= _MOST_TABLES:
                self._known.clear()
            known = self._known[table.id] = (table, indexes, Upkeep(table, indexes))
        return known[2]


def describe_duplicate(table: TableSchema, entries: IndexEntries) -> str:
    """What SQLite says of a second row with the same terms."""
    if entries.expressions:
        return f"UNIQUE constraint failed: index '{entries.schema.name}'"
    terms = entries.definition.terms
    names = [
        f"{table.name}.{table.columns[t.position].name}" for t in terms if t.position is not None
    ]
    return f"UNIQUE constraint failed: {', '.join(names)}"


def check_without_sql(table: TableSchema, indexes: Sequence[TableSchema]) -> None:
    """Raise UsageError if a row of the table cannot be written without SQL."""
    if any(IndexEntries(index, table).needs_sql for index in indexes):
        raise UsageError(
            f"table {table.name} has indexes on expressions, or partial ones;"
            " write its rows with SQL: store.connect()"
        )
