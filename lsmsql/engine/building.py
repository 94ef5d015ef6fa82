"""Building an index while others write to its table.

    define     the index gets its number, but nobody reads it or keeps it up yet
    fill       the rows of a snapshot become entries, written as files by the bulk ingest
    catch up   in the writer's place: entries of rows that were changed since the snapshot
    ready      in the same commit; whoever wrote to the table meanwhile, unseen, is in conflict

Writers wait for the third step only, which is as long as what has been written meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lsmsql.engine.columns import build_column
from lsmsql.engine.database import Database
from lsmsql.engine.errors import ConflictError, ConstraintError
from lsmsql.engine.indexes import IndexEntries, Terms
from lsmsql.engine.ingest import Batch, ingest
from lsmsql.engine.readview import LongView, ReadView
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.slices import Range
from lsmsql.engine.transaction import Transaction
from lsmsql.engine.upkeep import describe_duplicate
from lsmsql.engine.validation import changed_keys
from lsmsql.engine.values import Value
from lsmsql.engine.view import found_columns

Rows = Sequence[Sequence[Value]]
TermsOf = Callable[[Rows], Sequence[Terms | None]]
"""The terms of rows; None for one that a partial index does not have."""


def build_index(
    database: Database, table: TableSchema, index: TableSchema, terms_of: TermsOf | None = None
) -> None:
    """Create an index of a table, with an entry for every row.

    ``terms_of`` is needed where SQL must compute the terms. Raises ConstraintError if the index is
    UNIQUE and two rows have the same terms, SchemaError, LimitError, and ConflictError if the table
    is altered or dropped meanwhile; then there is no index.
    """
    entries = IndexEntries(index, table)
    with Transaction(database, immediate=True) as transaction:
        created = transaction.define_index(_ready(index, False))
    try:
        entries = IndexEntries(created, table)
        builder = _Builder(database, table, entries, terms_of or entries.terms_of)
        with LongView(database.core) as since:
            builder.fill(since, direct=terms_of is None and entries.keeps_values)
            with Transaction(database, immediate=True) as transaction:
                _check_unchanged(transaction, table, created)
                builder.catch_up(since, transaction)
                builder.check_unique(transaction)
                transaction.redefine(_ready(created, True))
    except BaseException:
        if not database.core.closed and database.core.failure is None:
            _drop(database, created)
        raise


def drop_unfinished(database: Database) -> None:
    """Drop the indexes whose building was interrupted by the end of the process."""
    for schema in list(database.catalog.by_id.values()):
        if schema.index is not None and not schema.index.ready:
            _drop(database, schema)


def _drop(database: Database, index: TableSchema) -> None:
    """Drop an index, unless that has been done."""
    with Transaction(database, immediate=True) as transaction:
        if index.id in transaction.catalog.by_id:
            transaction.undefine_index(index)


def _check_unchanged(transaction: Transaction, *schemas: TableSchema) -> None:
    """Raise ConflictError if a table or index is not as it was."""
    for schema in schemas:
        if transaction.catalog.by_id.get(schema.id) != schema:
            raise ConflictError(f"{schema.name} was changed while the index was being built")


def _ready(index: TableSchema, ready: bool) -> TableSchema:
    assert index.index is not None
    return replace(index, index=replace(index.index, ready=ready))


class _Builder:
    def __init__(
        self, database: Database, table: TableSchema, entries: IndexEntries, terms_of: TermsOf
    ) -> None:
        self._database = database
        self._table = table
        self._entries = entries
        self._terms_of = terms_of
        self._rows = RowCodec(table)

    def fill(self, view: ReadView, *, direct: bool) -> None:
        """Make entries of all rows of a view; ``direct`` if the terms are columns as they are."""
        batches = self._columns(view) if direct else self._computed(view)
        database = self._database
        ingest(database.core, database.scheduler, RowCodec(self._entries.schema), batches)

    def _columns(self, view: ReadView) -> Iterator[Batch]:
        schema, key = self._entries.schema, self._table.key
        terms = [term.position for term in self._entries.definition.terms]
        wanted = [position for position in (*terms, *key) if position is not None]
        for columns in self._slices(view):
            values = [columns[position] for position in wanted]
            yield [build_column(v, c.type) for v, c in zip(values, schema.columns, strict=True)]

    def _computed(self, view: ReadView) -> Iterator[Batch]:
        schema, key = self._entries.schema, self._table.key
        for columns in self._slices(view):
            found: list[list[Value]] = []
            rows = list(zip(*columns, strict=True))
            for terms, values in zip(self._terms_of(rows), rows, strict=True):
                if terms is not None:
                    found.append([*terms.values, *(values[position] for position in key)])
            if found:
                parts = zip(*found, strict=True)
                yield [build_column(v, c.type) for v, c in zip(parts, schema.columns, strict=True)]

    def _slices(self, view: ReadView) -> Iterator[list[list[Value]]]:
        with view.branch(None) as reading:
            for piece in reading.scan(self._table.id, Range(), self._rows.everything):
                yield piece.columns

    def catch_up(self, since: ReadView, transaction: Transaction) -> None:
        """Change the entries of rows that were changed after a view was taken."""
        table_id, core = self._table.id, self._database.core
        changed = changed_keys(core.state.table(table_id), since.sequence)
        with since.branch(None) as before:
            for key in changed:
                self._change(before, transaction, key)

    def _change(self, before: ReadView, transaction: Transaction, key: bytes) -> None:
        table_id, everything = self._table.id, self._rows.everything
        for source in (before, transaction):
            found = source.find(table_id, key)
            if found is None:
                continue
            values = found_columns(found, key, everything)
            (terms,) = self._terms_of([values])
            if terms is not None:
                entry, row = self._entries.entry(terms, key, values)
                new = row if source is transaction else None
                transaction.set_record(self._entries.schema.id, entry, new)

    def check_unique(self, transaction: Transaction) -> None:
        """Raise ConstraintError if two entries of a UNIQUE index have the same terms."""
        entries = self._entries
        if not entries.definition.unique:
            return
        before = b""
        with transaction.view() as view:
            for piece in view.scan(entries.schema.id, Range(), entries.keys_only):
                for entry in piece.keys:
                    prefix = entries.prefix_of(entry)
                    if prefix == before and not entries.has_null(entry):
                        raise ConstraintError(describe_duplicate(self._table, entries))
                    before = prefix
