"""The catalogue: the definitions of all tables, indexes and views, rows of a table of the store.

So DDL is written to the log in the same atomic frames as data. Table 0 is the catalogue itself,
table 1 is ``kv``; neither is listed in it. Its rows:

    id INTEGER (key) | name TEXT | definition BLOB, see ``definitions``
    0                | ""        | msgpack of the next id to give out

Ids are never given out twice: records in logs and files carry them in place of names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import msgspec

from lsmsql.engine.columns import DELETE, FIRST_VALUE, KEY, KIND, SEQUENCE, column_values
from lsmsql.engine.definitions import View, decode_definition, encode_definition
from lsmsql.engine.errors import CorruptionError, NoSuchTableError, SchemaError
from lsmsql.engine.indexes import fits
from lsmsql.engine.merge import Retention, merge
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.scan import memtable_runs, scan
from lsmsql.engine.schema import KV_SCHEMA, KV_TABLE_ID, TableSchema, make_schema
from lsmsql.engine.slices import Range
from lsmsql.engine.values import Row
from lsmsql.engine.view import State

CATALOG_TABLE_ID = 0
CATALOG_SCHEMA = make_schema(
    "lsm_catalog",
    {"id": "INTEGER", "name": "TEXT", "definition": "BLOB"},
    "id",
    table_id=CATALOG_TABLE_ID,
)
CATALOG_CODEC = key_codec(CATALOG_SCHEMA)
SEQUENCES_SCHEMA = make_schema(
    "lsm_sequences", {"table_id": "INTEGER", "last": "INTEGER"}, "table_id"
)
"""The greatest key that each table with AUTOINCREMENT has ever had; such a table has none itself.

A table that no user sees; it is there as soon as one needs it.
"""
FIRST_USER_ID = KV_TABLE_ID + 1
RESERVED_PREFIXES = ("lsm_", "sqlite_")


CatalogRecords = dict[bytes, Row | None]


@dataclass(frozen=True)
class Catalog:
    """All tables, indexes and views. Never changed; a definition makes a new one.

    ``by_id`` has what has rows of its own: tables, and their indexes. ``sequence`` is the commit
    since which it has been so, or a later one.
    """

    by_id: Mapping[int, TableSchema]
    next_id: int = FIRST_USER_ID
    sequence: int = 0
    views: Mapping[int, View] = field(default_factory=dict)

    @cached_property
    def tables(self) -> tuple[TableSchema, ...]:
        """The tables, in the order in which they were created."""
        schemas = [schema for _, schema in sorted(self.by_id.items())]
        return tuple(s for s in schemas if s.index is None and s.name != SEQUENCES_SCHEMA.name)

    @cached_property
    def indexes(self) -> Mapping[int, tuple[TableSchema, ...]]:
        """The indexes of each table that has any, by its id, in the order of their creation.

        Without those that are being built.
        """
        found: dict[int, tuple[TableSchema, ...]] = {}
        for _, schema in sorted(self.by_id.items()):
            if schema.index is not None and schema.index.ready:
                table_id = schema.index.table_id
                found[table_id] = (*found.get(table_id, ()), schema)
        return found

    @cached_property
    def _names(self) -> Mapping[str, TableSchema | View]:
        things: list[TableSchema | View] = [*self.by_id.values(), *self.views.values()]
        return {thing.name.lower(): thing for thing in things}

    def named(self, name: str) -> TableSchema | View | None:
        """The table, index or view of that name, without regard to case; None if there is none."""
        return self._names.get(name.lower())

    @property
    def sequences(self) -> TableSchema | None:
        """The table of the greatest keys, if there is one."""
        found = self._names.get(SEQUENCES_SCHEMA.name)
        return found if isinstance(found, TableSchema) else None

    def find(self, name: str) -> TableSchema | None:
        """The table of that name, without regard to case; None if there is none."""
        found = self.named(name)
        return found if isinstance(found, TableSchema) and found.index is None else None

    def get(self, name: str) -> TableSchema:
        """The table of that name. Raises NoSuchTableError, which lists those there are."""
        schema = self.find(name) if isinstance(name, str) else None
        if schema is None:
            names = ", ".join(s.name for s in self.tables)
            raise NoSuchTableError(f"no such table: {name}; the store has {names}")
        return schema

    def create(self, schema: TableSchema, least: int = 0) -> tuple[Catalog, CatalogRecords]:
        """The catalogue with one more table or index, and the records that make it so.

        Its id is ``least`` or greater. Raises SchemaError if the name is taken or reserved.
        """
        if schema is not SEQUENCES_SCHEMA:
            self._check_name(schema)
        numbered = replace(schema, id=max(self.next_id, least))
        catalog, records = self._with(numbered, numbered.id + 1)
        return catalog, records | self._touched(numbered)

    def create_view(self, name: str, sql: str, least: int = 0) -> tuple[Catalog, CatalogRecords]:
        """The catalogue with one more view, as ``create``."""
        view = View(max(self.next_id, least), name, sql)
        self._check_name(view)
        return self._with(view, view.id + 1)

    def alter(self, thing: TableSchema | View) -> tuple[Catalog, CatalogRecords]:
        """The catalogue with another definition of something that it has, by its id."""
        catalog, records = self._with(thing, self.next_id)
        return catalog, records | (self._touched(thing) if isinstance(thing, TableSchema) else {})

    def drop(self, table_id: int) -> tuple[Catalog, CatalogRecords]:
        """The catalogue without a table and its indexes, an index or a view, and the records.

        Raises SchemaError for ``kv``.
        """
        if table_id == KV_TABLE_ID:
            raise SchemaError("table kv belongs to every store and cannot be dropped")
        gone = {table_id, *(i for i, s in self.by_id.items() if s.index_of == table_id)}
        records: CatalogRecords = {catalog_key(number): None for number in sorted(gone)}
        dropped = self.by_id.get(table_id)
        return self._without(gone), records | ({} if dropped is None else self._touched(dropped))

    def _touched(self, index: TableSchema) -> CatalogRecords:
        """The row of the table of an index, as it is: whoever writes to it has to see the index.

        Transactions on a table are in conflict with whoever has written its row in the catalogue.
        """
        if index.index is None:
            return {}
        table_id = index.index.table_id
        return {catalog_key(table_id): catalog_row(self.by_id[table_id])}

    def changed(self, records: Mapping[bytes, Row | None], path: str) -> Catalog:
        """The catalogue after changes to its rows. Raises CorruptionError for malformed ones."""
        gone = {CATALOG_CODEC.decode(key)[0] for key, row in records.items() if row is None}
        added = read_catalog(((k, row) for k, row in records.items() if row is not None), path)
        kept = self._without(gone)
        return replace(
            self,
            by_id={**kept.by_id, **added.by_id},
            views={**kept.views, **added.views},
            next_id=max(self.next_id, added.next_id),
        )

    def _check_name(self, thing: TableSchema | View) -> None:
        name, taken = thing.name, self.named(thing.name)
        if taken is not None:
            raise SchemaError(f"{kind_of(taken)} {taken.name} already exists")
        implied = isinstance(thing, TableSchema) and thing.index and thing.index.origin != "c"
        if name.lower().startswith(RESERVED_PREFIXES) and not implied:
            reserved = " and ".join(RESERVED_PREFIXES)
            raise SchemaError(
                f"{kind_of(thing)} {name}: names with {reserved} in front are reserved"
            )

    def _with(self, thing: TableSchema | View, next_id: int) -> tuple[Catalog, CatalogRecords]:
        records: CatalogRecords = {catalog_key(thing.id): catalog_row(thing)}
        if next_id != self.next_id:
            records[catalog_key(0)] = next_id_row(next_id)
        if isinstance(thing, View):
            views = {**self.views, thing.id: thing}
            return replace(self, views=views, next_id=next_id), records
        return replace(self, by_id={**self.by_id, thing.id: thing}, next_id=next_id), records

    def _without(self, gone: Collection[object]) -> Catalog:
        return replace(
            self,
            by_id={i: schema for i, schema in self.by_id.items() if i not in gone},
            views={i: view for i, view in self.views.items() if i not in gone},
        )


def kind_of(thing: TableSchema | View) -> str:
    """What something in the catalogue is called."""
    if isinstance(thing, View):
        return "view"
    return "table" if thing.index is None else "index"


@dataclass(frozen=True)
class Dropped:
    """A table that was dropped by commit ``sequence``: readers of older ones may ask for it."""

    schema: TableSchema
    sequence: int


EMPTY_CATALOG = Catalog({KV_TABLE_ID: KV_SCHEMA})


def catalog_key(table_id: int) -> bytes:
    """The key of a table's row in the catalogue."""
    return CATALOG_CODEC.encode([table_id])


def catalog_row(thing: TableSchema | View) -> Row:
    """The payload of a row in the catalogue."""
    return (thing.name, encode_definition(thing))


def next_id_row(next_id: int) -> Row:
    """The payload of row 0."""
    return ("", msgspec.msgpack.encode(next_id))


def read_catalog(rows: Iterable[tuple[bytes, Row]], path: str) -> Catalog:
    """The catalogue from its rows. Raises CorruptionError if one of them is malformed."""
    tables: dict[int, TableSchema] = {KV_TABLE_ID: KV_SCHEMA}
    views: dict[int, View] = {}
    next_id = FIRST_USER_ID
    for key, row in rows:
        try:
            number = int(CATALOG_CODEC.decode(key)[0])  # type: ignore[arg-type]
            name, definition = row
            if number == 0:
                next_id = msgspec.msgpack.decode(definition, type=int)  # type: ignore[arg-type]
                continue
            thing = decode_definition(number, str(name), definition)  # type: ignore[arg-type]
        except (ValueError, TypeError, LookupError, msgspec.MsgspecError) as error:
            raise CorruptionError(path, None, f"the catalogue is malformed: {error}") from None
        if isinstance(thing, View):
            views[number] = thing
        else:
            tables[number] = thing
    return Catalog(tables, max(next_id, *(i + 1 for i in (*tables, *views))), views=views)


def catalog_of(state: State, sequence: int, path: str) -> Catalog:
    """The catalogue as of commit ``sequence``. Raises CorruptionError, StorageError."""
    projection = Projection(CATALOG_SCHEMA, CATALOG_CODEC, [1, 2])
    rows: list[tuple[bytes, Row]] = []
    for piece in scan(state.table(CATALOG_TABLE_ID), sequence, Range(), projection):
        rows += zip(piece.keys, zip(*piece.columns, strict=True), strict=True)
    catalog = replace(read_catalog(rows, path), sequence=sequence)
    for schema in catalog.by_id.values():
        if schema.index is not None and not fits(schema, catalog.by_id.get(schema.index.table_id)):
            problem = f"the catalogue is malformed: index {schema.name} is of no such table"
            raise CorruptionError(path, None, problem)
    return catalog


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
