"""Characters that the dialects read otherwise than the parser does: refused before it sees them."""

from __future__ import annotations

import re

from sqlglot.tokenizer_core import Token

from lsmsql.dialects.errors import DialectError

_TRAPS = {
    "mysql": (
        (re.compile(r"--(?!\s|$)"), "write a blank: in MySQL this is no comment"),
        (re.compile(r"/\*[!+]"), "comments that are run are not supported"),
        (re.compile(r"(?<![\w@])_\w+\s*['\"]"), "a text with a character set"),
    ),
    "postgres": (
        (
            re.compile(r"\b[eE]'|\b[uU]&['\"]"),
            "texts with escapes: write the characters themselves",
        ),
        (re.compile(r"\b[bBxX]'"), "bit strings"),
    ),
    "duckdb": (
        (re.compile(r"\b[eE]'"), "texts with escapes: write the characters themselves"),
        (re.compile(r"\b[bBxX]'"), "bit strings"),
    ),
}


def check_characters(sql: str, tokens: list[Token], dialect: str) -> None:
    """Raise DialectError for a trap that lies outside of quoted texts and names."""
    outside = list(sql)
    for token in tokens:
        opening = sql[token.start]
        if opening in "'\"`" or sql[token.end] in "'\"`":
            inside = range(max(token.start, sql.find(sql[token.end], token.start)) + 1, token.end)
            for at in inside:
                outside[at] = " "
    blanked = "".join(outside)
    for pattern, why in _TRAPS[dialect]:
        match = pattern.search(blanked)
        if match:
            raise DialectError(dialect, sql[match.start() : match.end() + 10], why)
