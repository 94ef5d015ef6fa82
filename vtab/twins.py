"""Empty tables of SQLite's own, defined as those of the store, in the schema ``main``.

    main.flights    an empty table, by the user's own CREATE TABLE
    temp.flights    the virtual table: this is what ``flights`` means in a query

So whoever asks what there is gets SQLite's answers: ``sqlite_master``, ``PRAGMA main.table_info``,
``index_list``, ``foreign_key_list``. Only in a connection that has nothing of its own in ``main``.
"""

from __future__ import annotations

from functools import lru_cache

import apsw

from lsmsql.engine.catalog import Catalog
from vtab.declare import create_statement, quoted
from vtab.sql.definitions import read_statement
from vtab.sql.qualifiers import requalified
from vtab.sql.tokens import Kind, tokenize

_KINDS = ("view", "index", "table")
"""In this order things are dropped; they are created in the opposite one."""

_MARK = "/* lsm */"
_VIEWS = f"SELECT name, sql FROM temp.sqlite_schema WHERE type = 'view' AND sql LIKE '%{_MARK}%'"
_PRESENT = """
    SELECT type, name, sql FROM main.sqlite_schema
    WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
"""


def sync_twins(connection: apsw.Connection, catalog: Catalog) -> None:
    """Have just the twins of what is in the catalogue."""
    wanted = _wanted(catalog)
    present = {(str(kind), str(name)): str(sql) for kind, name, sql in connection.execute(_PRESENT)}
    changed = {
        thing for thing, sql in wanted.items() if _normal(present.get(thing)) != _normal(sql)
    }
    stale = (present.keys() - wanted.keys()) | (present.keys() & changed)
    gone = {name for kind, name in stale if kind == "table"}
    changed |= {thing for thing, sql in wanted.items() if _is_on(catalog, thing, gone)}
    for kind in _KINDS:
        for name in sorted(name for k, name in stale if k == kind):
            connection.execute(f"DROP {kind} IF EXISTS main.{quoted(name)}")
    for kind in reversed(_KINDS):
        for thing in wanted:
            if thing[0] == kind and thing in changed:
                sql = wanted[thing]
                head = read_statement(sql)
                connection.execute(sql if head is None else head.in_schema(sql, "main"))


def _wanted(catalog: Catalog) -> dict[tuple[str, str], str]:
    """By kind and name the statement of each thing, in the order of their creation."""
    found = {("table", table.name): create_statement(table) for table in catalog.tables}
    for indexes in catalog.indexes.values():
        found |= {("index", index.name): index.sql for index in indexes if index.sql is not None}
    return found | {("view", view.name): view.sql for _, view in sorted(catalog.views.items())}


def _is_on(catalog: Catalog, thing: tuple[str, str], tables: set[str]) -> bool:
    """Whether it is an index of one of these tables, and goes with it."""
    found = catalog.named(thing[1]) if thing[0] == "index" else None
    index = getattr(found, "index", None)
    return index is not None and catalog.by_id[index.table_id].name in tables


@lru_cache(maxsize=4096)
def _normal(sql: str | None) -> str | None:
    """What a statement says of its thing: SQLite keeps it from the name on as it was written."""
    if sql is None:
        return None
    head = read_statement(sql)
    if head is None or head.place is None:
        return " ".join(sql.split())
    unique = any(token.text.upper() == "UNIQUE" for token in tokenize(sql[: head.place.start]))
    said = [token.text for token in tokenize(sql[head.place.end :]) if token.kind != Kind.BLANK]
    return " ".join([f"UNIQUE {unique}", *said]).rstrip("; ")


def show_views(connection: apsw.Connection, catalog: Catalog) -> None:
    """Have the views of the store in the schema ``temp``, where they read the virtual tables.

    They have a mark, by which they are told from the user's own.
    """
    names = {table.name.lower() for table in catalog.tables}
    names |= {view.name.lower() for view in catalog.views.values()}
    wanted = {
        view.name: _marked(requalified(view.sql, names))
        for _, view in sorted(catalog.views.items())
    }
    present = {str(name): str(sql) for name, sql in connection.execute(_VIEWS)}
    for name, sql in list(present.items()):
        if _mark_of(sql) != _mark_of(wanted.get(name, "")):
            connection.execute(f"DROP VIEW temp.{quoted(name)}")
            del present[name]
    for name in wanted.keys() - present.keys():
        connection.execute(wanted[name])


def _marked(sql: str) -> str:
    head = read_statement(sql)
    assert head is not None and head.place is not None and head.written is not None
    name, rest = head.written.text, sql[head.place.end :]
    return f"CREATE VIEW temp.{name} {_MARK}{rest}"


def _mark_of(sql: str) -> str:
    """What follows the mark."""
    return sql.partition(_MARK)[2]
