"""Which statements the shell does not just hand to SQLite.

SQLite has checked the whole statement before it comes here; only its first words are looked at, up
to the name after CREATE. A plain CREATE TABLE makes a table of the store. Whatever else would be
created in the connection's main database, which is empty and in memory, would be gone when the
shell ends: it is refused, with a hint at TEMP.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from lsmsql.engine.errors import SchemaError, UsageError

_TOKEN = re.compile(
    r"""
    (?P<blank> \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<word> \w[\w$]* )
    | (?P<quoted> "(?:[^"]|"")*" | `(?:[^`]|``)*` | '(?:[^']|'')*' | \[[^\]]*\] )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)

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


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """The identifier, without its quotes."""
        if self.text[0] in "\"'`":
            return self.text[1:-1].replace(self.text[0] * 2, self.text[0])
        return self.text[1:-1] if self.text[0] == "[" else self.text


def is_blank(text: str) -> bool:
    """Whether there is nothing but spaces, comments and semicolons."""
    return all(m.lastgroup == "blank" or m[0] == ";" for m in _TOKEN.finditer(text))


def read_head(sql: str) -> Head:
    """The first words of one statement."""
    tokens = _tokens(sql, 1)
    verb = tokens[0].text.upper() if tokens else ""
    if verb != "CREATE":
        return Head(verb)
    tokens = _tokens(sql, 14)
    words = [token.text.upper() for token in tokens]
    temporary = words[1:2] in (["TEMP"], ["TEMPORARY"])
    at = 2 if temporary else 1
    kind = " ".join(words[at : at + 2]) if words[at] in ("VIRTUAL", "UNIQUE") else words[at]
    at += len(kind.split())
    if words[at : at + 3] == ["IF", "NOT", "EXISTS"]:
        at += 3
    first, schema = tokens[at], None
    if words[at + 1 : at + 2] == ["."]:
        schema, at = first.name.lower(), at + 2
    name = tokens[at]
    after = tuple(words[at + 1 : at + 3])
    return Head(verb, kind, temporary, schema, name.name, (first.start, name.end), after)


def _tokens(sql: str, count: int) -> list[_Token]:
    """The first ``count`` tokens that are no blanks."""
    tokens: list[_Token] = []
    for match in _TOKEN.finditer(sql):
        if match.lastgroup != "blank" and (tokens or match[0] != ";"):
            tokens.append(_Token(match[0], match.start(), match.end()))
            if len(tokens) == count:
                break
    return tokens


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
    name = head.name.replace('"', '""')
    return f'{sql[:start]}temp."{name}"{sql[end:]}'
