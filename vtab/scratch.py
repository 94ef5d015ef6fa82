"""The catalogue as an SQLite database in memory, without rows: what ALTER TABLE is tried out on.

SQLite checks such a statement, rewrites the definitions of all that is concerned, and is then asked
for their text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from lsmsql.engine.catalog import Catalog
from lsmsql.engine.errors import SchemaError
from vtab.ddl import run_alone
from vtab.declare import create_statement


@contextmanager
def scratch_of(catalog: Catalog, *, views: bool = True) -> Iterator[apsw.Connection]:
    """A database with all tables, indexes and views of a catalogue, closed at the end."""
    scratch = apsw.Connection(":memory:")
    try:
        for table in catalog.tables:
            scratch.execute(create_statement(table))
        for indexes in catalog.indexes.values():
            for index in indexes:
                if index.sql is not None:
                    scratch.execute(index.sql)
        for view in catalog.views.values() if views else ():
            scratch.execute(view.sql)
        yield scratch
    finally:
        scratch.close()


def try_out(scratch: apsw.Connection, sql: str) -> None:
    """Run a statement. Raises SchemaError with SQLite's message."""
    run_alone(scratch, sql)


def text_of(scratch: apsw.Connection, kind: str, name: str) -> str:
    """The CREATE statement of something. Raises SchemaError if there is no such thing."""
    found = scratch.execute(
        "SELECT sql FROM sqlite_schema WHERE type = ? AND lower(name) = lower(?)", (kind, name)
    ).fetchall()
    if not found:
        raise SchemaError(f"no such {kind}: {name}")
    return str(found[0][0])


def name_of(scratch: apsw.Connection, kind: str, name: str) -> str:
    """The name of something as it was written at its creation."""
    found = scratch.execute(
        "SELECT name FROM sqlite_schema WHERE type = ? AND lower(name) = lower(?)", (kind, name)
    ).fetchall()
    return str(found[0][0]) if found else name
