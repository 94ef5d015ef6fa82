"""What a table looks like: columns, their types, and which of them make the key.

A row is a tuple of values in column order. On its way to disk it is split in two: the primary-key
columns become the *key* (bytes that sort, see ``keys``) and the others the *payload*, a tuple
indexed by **slot**. Slots are never reused, so that a column can be added or dropped without
touching a file that was written before.

A key holds only what decides the order, and 1 and 1.0 are one key. Which of the two was written is
kept in the payload: a table with an ANY column in its key has slot 0 reserved for the *real mask*,
an integer with bit i set when key column i is a REAL with an integral value, NULL when none is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from lsmsql.engine.column import BINARY, Column
from lsmsql.engine.errors import LimitError, SchemaError, TypeMismatchError
from lsmsql.engine.values import ColumnType, Row

MAX_COLUMNS = 2_000


@dataclass(frozen=True)
class Check:
    """A condition that no row may make false, as SQL; with its name, if it has one."""

    sql: str
    name: str | None = None


@dataclass(frozen=True)
class IndexTerm:
    """What an index sorts by: a column, by its position, or an SQL expression."""

    position: int | None
    expression: str | None = None
    collation: str = BINARY
    descending: bool = False


@dataclass(frozen=True)
class IndexDefinition:
    """Of which table something is an index, and how.

    ``where`` is the condition of a partial index. ``origin`` is as in PRAGMA index_list: "c" for
    CREATE INDEX, "u" for a UNIQUE constraint, "pk" for a primary key that is not the key.
    ``ready``: it has all entries, and whoever writes to the table keeps it up.
    """

    table_id: int
    terms: tuple[IndexTerm, ...]
    unique: bool = False
    where: str | None = None
    origin: str = "c"
    ready: bool = True


@dataclass(frozen=True)
class TableSchema:
    """A table: its name, columns in order, and primary key.

    ``id`` is the number records carry in place of the name; it is never given out twice. ``key``
    holds the positions of the primary-key columns in key order, ``descending`` a flag for each.
    ``sql`` is the CREATE TABLE statement as the user wrote it, if there was one. ``slots`` is the
    length of a payload. ``strict``: its declared types are enforced.

    With ``index`` it is no table but an index: its columns are the terms and the key of the table.
    ``autoincrement``: a key is given out once, even if its row has been deleted.
    """

    id: int
    name: str
    columns: tuple[Column, ...]
    key: tuple[int, ...]
    descending: tuple[bool, ...]
    sql: str | None = None
    slots: int = field(default=0)
    strict: bool = True
    checks: tuple[Check, ...] = ()
    index: IndexDefinition | None = None
    autoincrement: bool = False

    @property
    def index_of(self) -> int | None:
        """The number of the table that this is an index of."""
        return None if self.index is None else self.index.table_id

    @cached_property
    def has_real_mask(self) -> bool:
        """Whether slot 0 of the payload holds the real mask of the key."""
        return any(self.columns[i].type is ColumnType.ANY for i in self.key)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Column positions by lower-case name: names match without regard to case, as in SQL."""
        return {column.name.lower(): i for i, column in enumerate(self.columns)}

    @cached_property
    def key_types(self) -> tuple[ColumnType, ...]:
        return tuple(self.columns[i].type for i in self.key)

    @cached_property
    def key_affinities(self) -> tuple[ColumnType, ...]:
        """The types whose conversions are applied to what is compared with the key."""
        return tuple(self.columns[i].affinity for i in self.key)

    @cached_property
    def slot_types(self) -> tuple[ColumnType, ...]:
        """The declared type of each slot; a slot that no column uses any more is ANY."""
        types = [ColumnType.ANY] * self.slots
        if self.has_real_mask:
            types[0] = ColumnType.INTEGER
        for column in self.columns:
            if column.slot is not None:
                types[column.slot] = column.type
            if column.null_slot is not None:
                types[column.null_slot] = ColumnType.INTEGER
        return tuple(types)

    def convert_row(self, row: Mapping[str, object] | Sequence[object]) -> Row:
        """A row in column order, every value converted to its column's type.

        Takes a mapping by column name (missing columns are NULL) or a sequence of all columns.
        Raises TypeMismatchError, ConstraintError, LimitError; UsageError names an unknown column.
        """
        if isinstance(row, Mapping):
            values: list[object] = [None] * len(self.columns)
            for name, value in row.items():
                position = self.positions.get(name.lower()) if isinstance(name, str) else None
                if position is None:
                    raise SchemaError(
                        f"table {self.name} has no column {name!r}; it has {self._names()}"
                    )
                values[position] = value
        elif isinstance(row, Sequence) and not isinstance(row, str | bytes | bytearray):
            if len(row) != len(self.columns):
                raise SchemaError(
                    f"table {self.name} has {len(self.columns)} columns,"
                    f" the row has {len(row)} values"
                )
            values = list(row)
        else:
            raise TypeMismatchError(
                f"a row of {self.name} is a mapping by column name or a sequence of values,"
                f" not {type(row).__name__}"
            )
        return tuple([c.convert(v) for c, v in zip(self.columns, values, strict=True)])

    def _names(self) -> str:
        return ", ".join(column.name for column in self.columns)


def make_schema(
    name: str,
    columns: Mapping[str, ColumnType | str] | Sequence[Column],
    primary_key: str | Sequence[str],
    *,
    descending: Sequence[str] = (),
    sql: str | None = None,
    table_id: int = 0,
    strict: bool = True,
    checks: Sequence[Check] = (),
    autoincrement: bool = False,
) -> TableSchema:
    """Check a table definition and lay out its slots.

    ``columns`` maps names to types ('INTEGER', 'REAL', 'TEXT', 'BLOB', 'ANY'), in order.
    Raises SchemaError naming what is wrong, LimitError beyond 2,000 columns.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise SchemaError(f"a table name is a non-empty string, not {name!r}")
    if isinstance(columns, Mapping):
        columns = [Column(column, _column_type(column, kind)) for column, kind in columns.items()]
    _check_names(name, columns)
    key_names = [primary_key] if isinstance(primary_key, str) else list(primary_key)
    positions = {column.name.lower(): i for i, column in enumerate(columns)}
    key = tuple(_key_position(name, positions, k) for k in key_names)
    if not key:
        raise SchemaError(f"table {name} needs a primary key")
    if len(set(key)) != len(key):
        raise SchemaError(f"table {name} names a column twice in its primary key")
    down = {_key_position(name, positions, d) for d in descending}
    if not down <= set(key):
        raise SchemaError(f"table {name}: only primary-key columns can be descending")
    schema = TableSchema(table_id, name, tuple(columns), key, tuple(i in down for i in key), sql)
    schema = replace(schema, strict=strict, checks=tuple(checks), autoincrement=autoincrement)
    return _with_slots(schema)


def _column_type(column: str, kind: ColumnType | str) -> ColumnType:
    try:
        return ColumnType(kind.upper())
    except (ValueError, AttributeError):
        names = ", ".join(ColumnType)
        raise SchemaError(f"column {column}: type {kind!r} is not one of {names}") from None


def _check_names(table: str, columns: Sequence[Column]) -> None:
    if not columns:
        raise SchemaError(f"table {table} needs at least one column")
    if len(columns) > MAX_COLUMNS:
        raise LimitError(f"table {table} has {len(columns)} columns; the limit is {MAX_COLUMNS}")
    seen: set[str] = set()
    for column in columns:
        if not isinstance(column.name, str) or not column.name or "\0" in column.name:
            raise SchemaError(f"a column name is a non-empty string, not {column.name!r}")
        if column.name.lower() in seen:
            raise SchemaError(f"table {table} has two columns named {column.name}")
        seen.add(column.name.lower())


def _key_position(table: str, positions: Mapping[str, int], column: str) -> int:
    if not isinstance(column, str) or column.lower() not in positions:
        raise SchemaError(f"table {table} has no column {column!r} for its primary key")
    return positions[column.lower()]


def _with_slots(schema: TableSchema) -> TableSchema:
    """Give every column outside the key its slot, after the real mask where there is one."""
    slot = 1 if schema.has_real_mask else 0
    columns = []
    for i, column in enumerate(schema.columns):
        if i in schema.key:
            columns.append(replace(column, not_null=True, slot=None))
        else:
            columns.append(replace(column, slot=slot))
            slot += 1
    return replace(schema, columns=tuple(columns), slots=slot)


def with_nullable_key(schema: TableSchema, names: Collection[str]) -> TableSchema:
    """The definition with these columns of the key nullable, as only an index may have them."""
    columns = [replace(c, not_null=c.not_null and c.name not in names) for c in schema.columns]
    return replace(schema, columns=tuple(columns))


KV_TABLE_ID = 1
KV_VALUE_SLOT = 1
"""Where the payload of ``kv`` has the value; slot 0 is the mask of a key of any type."""
KV_SCHEMA = make_schema(
    "kv",
    {"key": "ANY", "value": "ANY"},
    "key",
    sql="CREATE TABLE kv(key ANY PRIMARY KEY, value ANY)",
    table_id=KV_TABLE_ID,
)
"""The table that every store has."""
