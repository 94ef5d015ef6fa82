"""Whatever SQLite takes can be read."""

from __future__ import annotations

from dataclasses import replace

import apsw
import pytest
from hypothesis import given, settings

from tests.vtab.sql.soup import EDITED, SCHEMA
from vtab.sql.changes import read_change
from vtab.sql.definitions import read_statement
from vtab.sql.indexes import index_pieces
from vtab.sql.tables import table_pieces


@pytest.fixture(scope="module")
def connection() -> apsw.Connection:
    made = apsw.Connection(":memory:")
    made.execute(SCHEMA)
    return made


@settings(max_examples=400)
@given(sql=EDITED)
def test_what_sqlite_takes_is_read(connection: apsw.Connection, sql: str) -> None:
    try:
        connection.execute(f"EXPLAIN {sql}")
    except apsw.Error:
        return
    change, definition = read_change(sql), read_statement(sql)
    if change is not None:
        connection.execute(f"EXPLAIN {change.main.text}")
        longer = read_change(f"{sql}\n-- RETURNING")  # for which all of it is gone through
        assert longer is not None and replace(longer, main=change.main) == change
    elif definition is not None and definition.verb == "CREATE":
        assert definition.kind != "TABLE" or table_pieces(sql)
        assert definition.kind != "INDEX" or index_pieces(sql)
    else:
        assert definition is not None or "SELECT" in sql
