"""The indexes of a new store: made anew of the rows that were saved, so they agree with them.

Those that only SQL can compute, on expressions or partial, are taken as they are if nothing at all
was lost. Otherwise they are dropped, as are UNIQUE ones whose rows have the same terms now: where
the newer version of a row was lost, the older may be in the way of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lsmsql.engine.catalog import Catalog
from lsmsql.engine.errors import ConstraintError
from lsmsql.engine.indexes import IndexEntries, fits
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.store import Store


def without_indexes(catalog: Catalog, *, lossless: bool) -> Catalog:
    """What is written as it is found: all but the indexes that are made anew, or dropped."""
    kept = {
        number: schema
        for number, schema in catalog.by_id.items()
        if schema.index is None or (lossless and _is_computed(catalog, schema))
    }
    return replace(catalog, by_id=kept)


def make_indexes(store: Store, catalog: Catalog) -> Iterator[str]:
    """Make the indexes of a catalogue that the store does not have; notes of those it cannot."""
    for index in list(catalog.by_id.values()):
        if index.index is None or not index.index.ready or index.id in store.catalog.by_id:
            continue
        table = catalog.by_id.get(index.index.table_id)
        if table is None or not fits(index, table):
            yield f"index {index.name} was dropped: its table is lost, or has other columns"
        elif _is_computed(catalog, index):
            yield (
                f"index {index.name} of table {table.name} was dropped, as its entries may not be"
                f" those of the rows: {index.sql}"
            )
        else:
            try:
                store.build_index(table, replace(index, id=0))
            except ConstraintError as error:
                yield (
                    f"index {index.name} of table {table.name} was dropped, as rows that were saved"
                    f" do not agree with it: {error}"
                )


def _is_computed(catalog: Catalog, index: TableSchema) -> bool:
    """Whether only SQL can tell what is in an index, that is ready."""
    assert index.index is not None
    table = catalog.by_id.get(index.index.table_id)
    if not index.index.ready or table is None or not fits(index, table):
        return False
    return IndexEntries(index, table).needs_sql
