"""Which statements the shell does not just hand to SQLite.

SQLite has checked the whole statement before it comes here; only its first words are looked at, up
to the name after CREATE. A plain CREATE TABLE makes a table of the store. Whatever else would be
created in the connection's main database, which is empty and in memory, would be gone when the
shell ends: it is refused, with a hint at TEMP.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import islice

from lsmsql.engine.errors import SchemaError, UsageError
from vtab.declare import quoted
from vtab.sql.definitions import read_statement
from vtab.sql.tokens import Kind, capitals, first_word, tokenize

MODULE = "lsm"


class Action(enum.Enum):
    """What to do with a statement."""

    RUN = "hand it to SQLite as it is"
    CREATE_TABLE = "create a table of the store"
    ATTACH = "create the virtual table where those of the store are"


@dataclass(frozen=True)
class Head:
    """The first words of a statement.

    ``verb`` is the first one in capitals. The others are set for CREATE alone: ``kind`` is what is
    created ("TABLE", "VIRTUAL TABLE", ...), ``span`` the place of ``schema.name`` in the text,
    ``after`` the words that follow.
    """

    verb: str = ""
    kind: str = ""
    temporary: bool = False
    schema: str | None = None
    name: str = ""
    span: tuple[int, int] = (0, 0)
    after: tuple[str, ...] = ()


def is_blank(text: str) -> bool:
    """Whether there is nothing but spaces, comments and semicolons."""
    return first_word(text) == ""


def read_head(sql: str) -> Head:
    """The first words of one statement."""
    verb = first_word(sql)
    found = read_statement(sql) if verb == "CREATE" else None
    if found is None or found.name is None or found.place is None:
        return Head(verb)
    kind = f"UNIQUE {found.kind}" if found.unique else found.kind
    schema = found.schema and found.schema.lower()
    after = _first_words(found.rest.text, 2) if found.rest else ()
    return Head(verb, kind, found.temporary, schema, found.name, found.place.span, after)


def _first_words(text: str, count: int) -> tuple[str, ...]:
    words = (capitals(token.text) for token in tokenize(text) if token.kind is not Kind.BLANK)
    return tuple(islice(words, count))


def choose(head: Head) -> Action:
    """What to do with a statement that begins so. Raises UsageError for what would be lost."""
    if head.verb == "VACUUM":
        raise UsageError("VACUUM is for SQLite files; .compact does it for the store")
    if head.verb != "CREATE" or head.temporary or head.schema not in (None, "main"):
        return Action.RUN
    if head.kind == "TABLE":
        if head.after[:1] == ("AS",):
            raise SchemaError(
                "CREATE TABLE ... AS SELECT: a table of the store needs a PRIMARY KEY;"
                f" CREATE TABLE {head.name}(..., PRIMARY KEY (...)) and then"
                f" INSERT INTO {head.name} SELECT ...;"
                " or CREATE TEMP TABLE ... AS, which lasts until the shell ends"
            )
        return Action.CREATE_TABLE
    if head.kind == "VIRTUAL TABLE" and head.after[:2] == ("USING", MODULE.upper()):
        return Action.ATTACH
    if head.kind == "VIRTUAL TABLE":
        raise UsageError(
            "only virtual tables USING lsm are kept in the store;"
            f" CREATE VIRTUAL TABLE temp.{head.name} USING ... lasts until the shell ends"
        )
    if head.kind == "VIEW":
        raise UsageError(
            "a view cannot be kept in the store; CREATE TEMP VIEW lasts until the shell ends"
        )
    return Action.RUN


def in_temp(sql: str, head: Head) -> str:
    """A CREATE VIRTUAL TABLE with its table in the schema ``temp``."""
    start, end = head.span
    return f"{sql[:start]}temp.{quoted(head.name)}{sql[end:]}"
