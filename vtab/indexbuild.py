"""The entries of an index that is new: all rows of its table are read."""

from __future__ import annotations

from collections.abc import Sequence

from lsmsql.engine.errors import ConstraintError
from lsmsql.engine.indexes import IndexEntries, Terms
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.upkeep import describe_duplicate
from lsmsql.engine.values import Value
from vtab.failures import duplicate_terms
from vtab.rules import Rules
from vtab.session import Session


def fill_index(session: Session, table: TableSchema, index: TableSchema) -> None:
    """Make an entry for every row of the table, as part of the transaction.

    Raises RowConstraintError if the index is UNIQUE and two rows have the same terms.
    """
    rules = Rules(session, table, (index,))
    (entries,) = rules.entries
    seen: set[bytes] = set()
    everything = RowCodec(table).everything
    put = session.writes.put
    for piece in session.rows(table, everything):
        rows = list(zip(*piece.columns, strict=True))
        found = rules.terms_of(rows)
        for key, values, (terms,) in zip(piece.keys, rows, found, strict=True):
            if terms is None:
                continue
            _check_unique(table, entries, terms, seen)
            put(index.id, *entries.entry(terms, key, values))


def build_online(session: Session, table: TableSchema, index: TableSchema) -> None:
    """Create an index with an entry for every row, as a commit of its own.

    Raises RowConstraintError if the index is UNIQUE and two rows have the same terms.
    """
    rules = Rules(session, table, (index,))
    (entries,) = rules.entries

    def terms_of(rows: Sequence[Sequence[Value]]) -> list[Terms | None]:
        return [terms for (terms,) in rules.terms_of(rows)]

    try:
        session.store.build_index(table, index, terms_of if entries.needs_sql else None)
    except ConstraintError as error:
        raise duplicate_terms(str(error)) from None


def _check_unique(
    table: TableSchema, entries: IndexEntries, terms: Terms, seen: set[bytes]
) -> None:
    span = entries.equals(terms)
    if span is None or span.start is None:
        return
    if span.start in seen:
        raise duplicate_terms(describe_duplicate(table, entries))
    seen.add(span.start)
