"""Tokens, with SQLite's rules for them (https://sqlite.org/src/file/src/tokenize.c)."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import NamedTuple


class Kind(enum.Enum):
    """What a token is."""

    BLANK = "blank"
    """Spaces or a comment."""
    WORD = "word"
    """A keyword, or an identifier without quotes."""
    QUOTED = "quoted"
    """An identifier in quotes: ``"a"``, `` `a` `` or ``[a]``."""
    STRING = "string"
    BLOB = "blob"
    NUMBER = "number"
    VARIABLE = "variable"
    """``?``, ``?12``, ``:a``, ``@a``, ``$a``; also ``$a::b(c)``."""
    OPERATOR = "operator"
    """One or more signs; also what means nothing to SQLite, such as quotes that are not closed and
    all that follows them.
    """


NAMES = (Kind.WORD, Kind.QUOTED, Kind.STRING)
"""What SQLite takes for a name where one must be; a string, too."""

_LETTER = r"A-Za-z_\x80-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<blank> [ \t\n\f\r][ \t\n\v\f\r]* | \ufeff | --[^\n]* | /\*(?=.).*?(?:\*/|\Z) )
    | (?P<blob> [xX]'[^']*' )
    | (?P<word> [{_LETTER}][{_LETTER}0-9$]* )
    | (?P<string> '[^']*+(?:''[^']*+)*+' )
    | (?P<quoted> "[^"]*+(?:""[^"]*+)*+" | `[^`]*+(?:``[^`]*+)*+` | \[[^\]]*+\] )
    | (?P<number> 0[xX][0-9a-fA-F_]+ | (?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)
                  (?:[eE][+-]?[0-9][0-9_]*)? )
    | (?P<variable> \?[0-9]*
                  | [$@:#](?:[{_LETTER}0-9$]|::)*+(?:\([^\s)]*+\)?)? )
    | (?P<operator> ['"`\[].* | ->>? | \|\| | << | >> | [<>=!]= | <> | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {kind.value: kind for kind in Kind}


class Token(NamedTuple):
    """A token and its place: ``sql[start:end]`` is ``text``.

    ``depth`` tells how many parentheses it is in; a parenthesis itself is where its pair stands.
    """

    text: str
    start: int
    end: int
    kind: Kind
    depth: int


def tokenize(sql: str) -> Iterator[Token]:
    """All tokens of the text, blanks too: their texts laid end to end are ``sql``."""
    depth = 0
    for match in _TOKEN.finditer(sql):
        text = match[0]
        depth -= text == ")"
        # Every alternative of the pattern is a named group.
        yield Token(text, match.start(), match.end(), _KINDS[match.lastgroup or ""], depth)
        depth += text == "("


def past_semicolon(sql: str, start: int) -> int:
    """The end of the first semicolon from ``start`` on, where a token begins; or of the text."""
    ends = (match.end() for match in _TOKEN.finditer(sql, start) if match[0] == ";")
    return next(ends, len(sql))


def first_word(sql: str) -> str:
    """The first token in capitals, after blanks and semicolons; "" if there is none."""
    for match in _TOKEN.finditer(sql):
        if match.lastgroup != "blank" and match[0] != ";":
            return capitals(match[0])
    return ""


def capitals(text: str) -> str:
    """The text as keywords are compared: SQLite knows small letters of ASCII only."""
    return text.upper() if text.isascii() else text


def unquoted(text: str) -> str:
    """The name that an identifier stands for, or the text of a string."""
    if text[:1] in ('"', "'", "`"):
        return text[1:-1].replace(text[0] * 2, text[0])
    return text[1:-1] if text.startswith("[") else text
