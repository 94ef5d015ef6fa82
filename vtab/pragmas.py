"""PRAGMAs about tables of the store, which SQLite would answer for the virtual tables.

PRAGMA table_info(t)        what the user has declared: the twin in ``main`` tells (``twins``)
PRAGMA foreign_keys = ON    refused: nobody would enforce them
"""

from __future__ import annotations

from lsmsql.engine.errors import UsageError
from vtab.sql.reader import Reader, UnreadableError

_OF_TABLES = {"TABLE_INFO", "TABLE_XINFO", "INDEX_LIST", "INDEX_INFO", "INDEX_XINFO"}
_OF_TABLES |= {"FOREIGN_KEY_LIST"}
_KEPT = ("USER_VERSION", "APPLICATION_ID")
"""What SQLite keeps in the header of its file."""
_ON = ("ON", "YES", "TRUE", "1")


def adapted(sql: str) -> str:
    """The PRAGMA statement to run in place of ``sql``. Raises UsageError."""
    try:
        reader = Reader(sql)
        reader.expect("PRAGMA")
        schema, name, place = reader.qualified()
        value = reader.rest().text.upper().strip("=() ") if not reader.ended else ""
    except UnreadableError:
        return sql
    if name.upper() == "FOREIGN_KEYS" and value.strip("'\"") in _ON:
        raise UsageError("foreign keys are not enforced; leave PRAGMA foreign_keys off")
    if name.upper() in _KEPT and value:
        raise UsageError(f"{name} is not kept in a store; keep it in a table")
    if schema is None and name.upper() in _OF_TABLES and value:
        return f"{sql[: place.start]}main.{sql[place.start :]}"
    return sql
