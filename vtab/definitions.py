"""What a transaction defines: its tables, indexes and views are those of its snapshot, changed.

A definition is a row of the catalogue, and is written and taken back like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lsmsql.engine.catalog import CATALOG_TABLE_ID, SEQUENCES_SCHEMA, Catalog, CatalogRecords
from lsmsql.engine.definitions import View
from lsmsql.engine.indexes import index_schema
from lsmsql.engine.schema import IndexDefinition, TableSchema
from vtab.session import Session

Change = Callable[[Catalog, int], tuple[Catalog, CatalogRecords]]
"""From a catalogue and a new number to another one, with the records that make it so."""


def define(
    session: Session, schema: TableSchema, indexes: Sequence[tuple[str, IndexDefinition]] = ()
) -> TableSchema:
    """Create a table with its implied indexes, and return it with its number.

    Raises SchemaError, ReadOnlyError, as all of these.
    """
    session.begin_definition()
    if schema.autoincrement and session.catalog.sequences is None:
        change_catalog(session, lambda catalog, least: catalog.create(SEQUENCES_SCHEMA, least))
    change_catalog(session, lambda catalog, least: catalog.create(schema, least))
    table = session.catalog.get(schema.name)
    for name, definition in indexes:
        define_index(session, index_schema(table, name, definition))
    return table


def define_index(session: Session, index: TableSchema) -> TableSchema:
    """Create an index without entries, and return it with its number."""
    change_catalog(session, lambda catalog, least: catalog.create(index, least))
    created = session.catalog.named(index.name)
    assert isinstance(created, TableSchema)
    return created


def redefine(session: Session, thing: TableSchema | View) -> None:
    """Give something another definition."""
    change_catalog(session, lambda catalog, _: catalog.alter(thing))


def undefine(session: Session, thing: TableSchema | View) -> None:
    """Drop something. Raises SchemaError for ``kv``."""
    change_catalog(session, lambda catalog, _: catalog.drop(thing.id))


def change_catalog(session: Session, change: Change) -> None:
    """Change the tables, indexes and views there are, as part of the transaction."""
    catalog = session.begin_definition()
    _, records = change(catalog, session.core.new_table_id(catalog.next_id))
    for key, row in records.items():
        session.writes.put(CATALOG_TABLE_ID, key, row)
    session.definitions += 1
