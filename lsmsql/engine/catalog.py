"""The catalogue: the definitions of all tables, kept as rows of a table of the store.

So DDL is written to the log in the same atomic frames as data. Table 0 is the catalogue itself,
table 1 is ``kv``; neither is listed in it. Its rows:

    id INTEGER (key) | name TEXT | definition BLOB, msgpack of ``_Definition``
    0                | ""        | msgpack of the next id to give out

Ids are never given out twice: records in logs and files carry them in place of names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import msgspec

from lsmsql.engine.columns import DELETE, FIRST_VALUE, KEY, KIND, SEQUENCE, column_values
from lsmsql.engine.errors import CorruptionError, NoSuchTableError, SchemaError
from lsmsql.engine.merge import Retention, merge
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.scan import memtable_runs, scan
from lsmsql.engine.schema import KV_SCHEMA, KV_TABLE_ID, Column, TableSchema, make_schema
from lsmsql.engine.slices import Range
from lsmsql.engine.values import ColumnType, Row
from lsmsql.engine.view import State

CATALOG_TABLE_ID = 0
CATALOG_SCHEMA = make_schema(
    "lsm_catalog",
    {"id": "INTEGER", "name": "TEXT", "definition": "BLOB"},
    "id",
    table_id=CATALOG_TABLE_ID,
)
CATALOG_CODEC = key_codec(CATALOG_SCHEMA)
FIRST_USER_ID = KV_TABLE_ID + 1
RESERVED_PREFIXES = ("lsm_", "sqlite_")


CatalogRecords = dict[bytes, Row | None]


class _Column(msgspec.Struct, frozen=True, array_like=True):
    name: str
    type: str
    not_null: bool
    slot: int | None


class _Definition(msgspec.Struct, frozen=True):
    columns: tuple[_Column, ...]
    key: tuple[int, ...]
    descending: tuple[bool, ...]
    sql: str | None
    slots: int


@dataclass(frozen=True)
class Catalog:
    """All tables. Never changed; a definition makes a new one.

    ``sequence`` is the commit since which it has been so, or a later one.
    """

    by_id: Mapping[int, TableSchema]
    next_id: int = FIRST_USER_ID
    sequence: int = 0

    def find(self, name: str) -> TableSchema | None:
        """The table of that name, without regard to case; None if there is none."""
        wanted = name.lower()
        return next((s for s in self.by_id.values() if s.name.lower() == wanted), None)

    def get(self, name: str) -> TableSchema:
        """The table of that name. Raises NoSuchTableError, which lists those there are."""
        schema = self.find(name) if isinstance(name, str) else None
        if schema is None:
            names = ", ".join(s.name for s in self.by_id.values())
            raise NoSuchTableError(f"no such table: {name}; the store has {names}")
        return schema

    def create(self, schema: TableSchema, least: int = 0) -> tuple[Catalog, CatalogRecords]:
        """The catalogue with one more table, and the records that make it so.

        Its id is ``least`` or greater. Raises SchemaError if the name is taken or reserved.
        """
        if self.find(schema.name) is not None:
            raise SchemaError(f"table {schema.name} already exists")
        if schema.name.lower().startswith(RESERVED_PREFIXES):
            reserved = " and ".join(RESERVED_PREFIXES)
            raise SchemaError(f"table {schema.name}: names with {reserved} in front are reserved")
        numbered = replace(schema, id=max(self.next_id, least))
        catalog = replace(
            self, by_id={**self.by_id, numbered.id: numbered}, next_id=numbered.id + 1
        )
        return catalog, {
            catalog_key(numbered.id): catalog_row(numbered),
            catalog_key(0): next_id_row(catalog.next_id),
        }

    def drop(self, table_id: int) -> tuple[Catalog, CatalogRecords]:
        """The catalogue without a table, and the records that make it so.

        Raises SchemaError for ``kv``.
        """
        if table_id == KV_TABLE_ID:
            raise SchemaError("table kv belongs to every store and cannot be dropped")
        kept = {i: schema for i, schema in self.by_id.items() if i != table_id}
        return replace(self, by_id=kept), {catalog_key(table_id): None}

    def changed(self, records: Mapping[bytes, Row | None], path: str) -> Catalog:
        """The catalogue after changes to its rows. Raises CorruptionError for malformed ones."""
        gone = {CATALOG_CODEC.decode(key)[0] for key, row in records.items() if row is None}
        added = read_catalog(((k, row) for k, row in records.items() if row is not None), path)
        kept = {i: schema for i, schema in self.by_id.items() if i not in gone}
        return replace(
            self, by_id={**kept, **added.by_id}, next_id=max(self.next_id, added.next_id)
        )


@dataclass(frozen=True)
class Dropped:
    """A table that was dropped by commit ``sequence``: readers of older ones may ask for it."""

    schema: TableSchema
    sequence: int


EMPTY_CATALOG = Catalog({KV_TABLE_ID: KV_SCHEMA})


def catalog_key(table_id: int) -> bytes:
    """The key of a table's row in the catalogue."""
    return CATALOG_CODEC.encode([table_id])


def catalog_row(schema: TableSchema) -> Row:
    """The payload of a table's row in the catalogue."""
    columns = tuple(_Column(c.name, str(c.type), c.not_null, c.slot) for c in schema.columns)
    definition = _Definition(columns, schema.key, schema.descending, schema.sql, schema.slots)
    return (schema.name, msgspec.msgpack.encode(definition))


def next_id_row(next_id: int) -> Row:
    """The payload of row 0."""
    return ("", msgspec.msgpack.encode(next_id))


def read_catalog(rows: Iterable[tuple[bytes, Row]], path: str) -> Catalog:
    """The catalogue from its rows. Raises CorruptionError if one of them is malformed."""
    tables: dict[int, TableSchema] = {KV_TABLE_ID: KV_SCHEMA}
    next_id = FIRST_USER_ID
    for key, row in rows:
        try:
            (table_id,) = CATALOG_CODEC.decode(key)
            name, definition = row
            if table_id == 0:
                next_id = msgspec.msgpack.decode(definition, type=int)  # type: ignore[arg-type]
            else:
                tables[int(table_id)] = _read_schema(int(table_id), str(name), definition)  # type: ignore[arg-type]
        except (ValueError, TypeError, LookupError, msgspec.MsgspecError) as error:
            raise CorruptionError(path, None, f"the catalogue is malformed: {error}") from None
    return Catalog(tables, max(next_id, max(tables) + 1))


def _read_schema(table_id: int, name: str, definition: bytes) -> TableSchema:
    stored = msgspec.msgpack.decode(definition, type=_Definition)
    columns = tuple(Column(c.name, ColumnType(c.type), c.not_null, c.slot) for c in stored.columns)
    if not stored.key or any(columns[position].slot is not None for position in stored.key):
        raise ValueError(f"table {name} has no proper key")
    return TableSchema(
        table_id, name, columns, stored.key, stored.descending, stored.sql, stored.slots
    )


def catalog_of(state: State, sequence: int, path: str) -> Catalog:
    """The catalogue as of commit ``sequence``. Raises CorruptionError, StorageError."""
    projection = Projection(CATALOG_SCHEMA, CATALOG_CODEC, [1, 2])
    rows: list[tuple[bytes, Row]] = []
    for piece in scan(state.table(CATALOG_TABLE_ID), sequence, Range(), projection):
        rows += zip(piece.keys, zip(*piece.columns, strict=True), strict=True)
    return replace(read_catalog(rows, path), sequence=sequence)


def dropped_since(state: State, floor: int, path: str) -> dict[int, Dropped]:
    """The tables that commits after ``floor`` have dropped, by id.

    All versions since must be there. Raises CorruptionError, StorageError.
    """
    table = state.table(CATALOG_TABLE_ID)
    sources = [memtable_runs(m, None, CATALOG_SCHEMA.slot_types) for m in table.memtables]
    sources += [
        file.runs(None, None, range(CATALOG_SCHEMA.slots)) for _, file in table.version.files()
    ]
    dropped: dict[int, Dropped] = {}
    for run in merge(sources, Retention(snapshots=(floor,), floor=floor)):
        keys, sequences, kinds = (run.column(at).to_pylist() for at in (KEY, SEQUENCE, KIND))
        rows = list(zip(*map(column_values, run.columns[FIRST_VALUE:]), strict=True))
        for at, (key, older) in enumerate(pairwise(keys)):
            if kinds[at] == DELETE and key == older:
                tables = read_catalog([(key, rows[at + 1])], path).by_id.values()
                dropped |= {s.id: Dropped(s, sequences[at]) for s in tables if s.id != KV_TABLE_ID}
    return dropped
