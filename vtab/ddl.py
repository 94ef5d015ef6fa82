"""CREATE TABLE, as SQLite reads it, to a table of ours."""

from __future__ import annotations

from lsmsql.engine.schema import TableSchema
from lsmsql.engine.store import Store
from lsmsql.engine.table import Table


def parse_create(sql: str, name: str | None = None) -> TableSchema:
    """The table that a CREATE TABLE statement, or a list of columns in parentheses, defines."""
    raise NotImplementedError


def create_from_sql(store: Store, sql: str) -> Table:
    """Create the table of a CREATE TABLE statement; with IF NOT EXISTS, or find it."""
    raise NotImplementedError
