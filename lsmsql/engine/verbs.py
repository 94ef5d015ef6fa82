"""The verbs that a store, a snapshot and a transaction share: those of ``kv``, and the tables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

from lsmsql.engine.column import Column
from lsmsql.engine.schema import KV_TABLE_ID, TableSchema, make_schema
from lsmsql.engine.table import KeyValue, Table
from lsmsql.engine.tables import Tables
from lsmsql.engine.values import ColumnType, Value

T = TypeVar("T")


class ReadVerbs(Tables):
    """A sorted mapping of ``kv``, and other tables by name."""

    def __init__(self) -> None:
        self.kv = KeyValue(self)
        self._tables: dict[int, Table] = {}

    @overload
    def get(self, key: object) -> Value: ...
    @overload
    def get(self, key: object, default: T) -> Value | T: ...
    def get(self, key: object, default: object = None) -> object:
        """The value of a key, or ``default`` if the key is not there."""
        return self.kv.get_value(key, default)

    def range(
        self,
        start: object = None,
        stop: object = None,
        *,
        reverse: bool = False,
        limit: int | None = None,
    ) -> Iterator[tuple[Value, Value]]:
        """Keys and values from ``start`` up to but not including ``stop``, in key order.

        What is there at the call is what is given, whatever is written meanwhile.
        """
        return self.kv.pairs(self.kv.span(start, stop), reverse, limit)

    def prefix(
        self, prefix: str | bytes, *, reverse: bool = False, limit: int | None = None
    ) -> Iterator[tuple[Value, Value]]:
        """Keys and values whose key is a text (or bytes) that begins with ``prefix``."""
        return self.kv.pairs(self.kv.prefix_span(prefix), reverse, limit)

    def __getitem__(self, key: object) -> Value:
        value = self.kv.get_value(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value  # type: ignore[return-value]

    def __contains__(self, key: object) -> bool:
        return self.kv.has(key)

    def __iter__(self) -> Iterator[object]:
        return iter(self.kv)

    def __reversed__(self) -> Iterator[object]:
        return reversed(self.kv)

    keys = __iter__

    def items(self) -> Iterator[tuple[Value, Value]]:
        """All keys and values, in key order."""
        return self.range()

    def values(self) -> Iterator[Value]:
        """All values, in the order of their keys."""
        return (value for _, value in self.range())

    def __len__(self) -> int:
        """The number of keys in ``kv``, by counting."""
        return len(self.kv)

    def __bool__(self) -> bool:
        return True

    def table(self, name: str) -> Table:
        """The table of that name. Raises NoSuchTableError, which lists those there are."""
        self.core.check_open()
        schema = self.catalog.get(name)
        table = self._tables.get(schema.id)
        if table is None:
            table = self._tables[schema.id] = Table(self, schema)
        return table

    def tables(self) -> list[TableSchema]:
        """The definitions of all tables, by name."""
        self.core.check_open()
        return sorted(self.catalog.tables, key=lambda schema: schema.name.lower())


class WriteVerbs(ReadVerbs):
    """The same, and what changes it."""

    def put(self, key: object, value: object) -> None:
        """Set the value of a key. Both are int (64-bit), float, str or bytes, or value None."""
        encoded, payload = self.kv.encode(key, value)
        self.write_one(KV_TABLE_ID, encoded, payload)

    def update(self, entries: Mapping[Any, object] | Iterable[tuple[object, object]]) -> None:
        """Set many keys as one commit: all of them or, if an entry is refused, none.

        ``entries``: a mapping, or pairs of key and value. Of several with one key the last counts.
        """
        self.kv.put_values(entries)

    def delete(self, key: object) -> None:
        """Delete a key, if it is there."""
        self.kv.delete_key(key)

    __setitem__ = put

    def __delitem__(self, key: object) -> None:
        if key not in self:
            raise KeyError(key)
        self.delete(key)

    def create_table(
        self,
        name: str,
        columns: Mapping[str, ColumnType | str] | Sequence[Column],
        primary_key: str | Sequence[str],
        *,
        descending: Sequence[str] = (),
        sql: str | None = None,
    ) -> Table:
        """Create a table.

        ``columns`` maps names to types ('INTEGER', 'REAL', 'TEXT', 'BLOB', 'ANY'), in order;
        ``primary_key`` names one or several of them, ``descending`` those that sort downwards.
        ``sql`` is kept as what the user wrote. Raises SchemaError.
        """
        schema = make_schema(name, columns, primary_key, descending=descending, sql=sql)
        self.define(schema)
        return self.table(name)

    def drop_table(self, name: str) -> None:
        """Drop a table and all of its rows. Raises NoSuchTableError, and SchemaError for ``kv``."""
        self.undefine(name)

    @abstractmethod
    def define(self, schema: TableSchema) -> None:
        """Create a table, which gets a number of its own. Raises SchemaError."""

    @abstractmethod
    def undefine(self, name: str) -> None:
        """Drop a table."""


_MISSING = object()
