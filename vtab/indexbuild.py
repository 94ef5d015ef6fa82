"""The entries of an index that is new: all rows of its table are read."""

from __future__ import annotations

from lsmsql.engine.indexes import IndexEntries, Terms
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.upkeep import describe_duplicate
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
        for key, values in zip(piece.keys, zip(*piece.columns, strict=True), strict=True):
            (terms,) = rules.terms(values)
            if terms is None:
                continue
            _check_unique(table, entries, terms, seen)
            put(index.id, *entries.entry(terms, key, values))


def _check_unique(
    table: TableSchema, entries: IndexEntries, terms: Terms, seen: set[bytes]
) -> None:
    span = entries.equals(terms)
    if span is None or span.start is None:
        return
    if span.start in seen:
        raise duplicate_terms(describe_duplicate(table, entries))
    seen.add(span.start)
