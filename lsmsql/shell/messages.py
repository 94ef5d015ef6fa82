"""Errors as the shell prints them."""

from __future__ import annotations

import re

import apsw
import apsw.shell

from lsmsql.engine.errors import Error, ReadOnlyError
from lsmsql.engine.store import Store

_HINTS = (
    ("virtual tables may not be indexed", "the primary key is the only index of an LSM table"),
    ("cannot create triggers on virtual tables", "LSM tables cannot have triggers"),
    ("virtual tables may not be altered", "create a new table and INSERT INTO it SELECT ..."),
    (
        "cannot drop column from virtual table",
        "create a new table and INSERT INTO it SELECT ...",
    ),
    (
        "cannot rename columns of virtual table",
        "create a new table and INSERT INTO it SELECT ...",
    ),
    (
        "UPSERT not implemented for virtual table",
        "use INSERT OR IGNORE, or INSERT OR REPLACE",
    ),
)
"""Part of a message of SQLite, and what to tell a user who reads it."""

_CONTEXT = 35
"""Characters of the statement to show on either side of an error."""


def describe(error: BaseException, store: Store | None = None, writer: str = "") -> str:
    """What went wrong, in one line as a rule. ``writer`` is as in ``Session``."""
    text = str(error).strip()
    if isinstance(error, KeyboardInterrupt | apsw.InterruptError):
        return "interrupted"
    if isinstance(error, ReadOnlyError | apsw.ReadOnlyError):
        reason = f", since process {writer} writes to it; -wait SECONDS waits for it"
        return "the store is open for reading only" + (reason if writer else "")
    if isinstance(error, apsw.Error):
        return text + (_hint(text, store) if store else "")
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, UnicodeDecodeError):
        return f"input is not valid UTF-8: {error.reason}"
    if isinstance(error, Error | apsw.shell.Shell.Error | ValueError) and text:
        return text
    return f"internal error: {type(error).__name__}: {text}"


def _hint(text: str, store: Store) -> str:
    for part, hint in _HINTS:
        if part in text:
            return f" ({hint})"
    missing = re.search(r"no such table: main\.(.*)", text)
    if missing and not store.core.closed and _has_table(store, missing[1]):
        return f" (the tables of the store are in the schema temp: write {missing[1]})"
    return ""


def _has_table(store: Store, name: str) -> bool:
    return any(schema.name.lower() == name.lower() for schema in store.tables())


def show_place(sql: str, offset: int) -> str:
    """Two lines that point at byte ``offset`` of a statement, or nothing if it is negative."""
    if offset < 0:
        return ""
    encoded = sql.encode()
    before = _one_line(encoded[:offset].decode(errors="replace")[-_CONTEXT:]).lstrip()
    after = _one_line(encoded[offset:].decode(errors="replace")[:_CONTEXT]).rstrip()
    return f"  {before}{after}\n  {' ' * len(before)}^--- error here\n"


def _one_line(text: str) -> str:
    return re.sub(r"\s", " ", text)
