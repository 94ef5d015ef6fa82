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
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range
from lsmsql.engine.values import Row
from lsmsql.engine.view import Found, found_columns


class Records(Protocol):
    """What a transaction reads and changes."""

    def find(self, table_id: int, key: bytes) -> Found | None:
        """The record of a key, as it is now."""

    def has_any(self, table_id: int, span: Range) -> bool:
        """Whether there is a record in a range now."""

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

        Raises ConstraintError if a UNIQUE index has another row with the same terms, LimitError.
        """
        table_id, everything = self._table.id, self._rows.everything
        found = records.find(table_id, key)
        if found is not None:
            old = found_columns(found, key, everything)
            for entries in self._entries:
                entry, _ = entries.entry(entries.terms(old), key, old)
                records.set_record(entries.schema.id, entry, None)
        if row is not None:
            new = everything.from_row(key, row)
            for entries in self._entries:
                terms = entries.terms(new)
                span = entries.equals(terms)
                if span is not None and records.has_any(entries.schema.id, span):
                    raise ConstraintError(describe_duplicate(self._table, entries))
                records.set_record(entries.schema.id, *entries.entry(terms, key, new))
        records.set_record(table_id, key, row)


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
