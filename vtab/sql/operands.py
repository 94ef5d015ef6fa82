"""Whether a statement compares columns of a table only with what has no affinity."""

from __future__ import annotations

from collections.abc import Collection

from vtab.sql.tokens import NAMES, Kind, Token, capitals, tokenize, unquoted

_OF_ONE_TABLE = ("SELECT", "UPDATE", "DELETE")
"""A statement that has two of these has a subquery."""
_WITH_AFFINITY = ("JOIN", "CAST", "WITH")


def compares_plain_values(sql: str, tables: Collection[str]) -> bool:
    """Whether each comparison of a column that can be looked up is with a value of no affinity.

    That is sure if the statement reads one table and nothing else, and has no CAST. ``tables`` are
    the names, in small letters, of those that are no views.
    """
    tokens = [token for token in tokenize(sql) if token.kind is not Kind.BLANK]
    words = [capitals(token.text) if token.kind is Kind.WORD else "" for token in tokens]
    if sum(words.count(word) for word in _OF_ONE_TABLE) != 1:
        return False
    if any(word in words for word in _WITH_AFFINITY) or _looks_into_a_table(words, tokens):
        return False
    if "UPDATE" in words:
        return "FROM" not in words
    if words.count("FROM") != 1:
        return False
    return _is_one_table(tokens, words, words.index("FROM") + 1, tables)


def _looks_into_a_table(words: list[str], tokens: list[Token]) -> bool:
    """Whether there is an ``IN t``."""
    following = [token.text for token in tokens[1:]] + [""]
    return any(word == "IN" and text != "(" for word, text in zip(words, following, strict=True))


def _is_one_table(
    tokens: list[Token], words: list[str], place: int, tables: Collection[str]
) -> bool:
    """Whether a name of a table stands at a place, with an alias or without, and no other."""
    if tokens[place + 1 : place + 2] and tokens[place + 1].text == ".":
        place += 2
    if place >= len(tokens) or tokens[place].kind not in NAMES:
        return False
    if unquoted(tokens[place].text).lower() not in tables:
        return False
    depth = tokens[place].depth
    for token, word in zip(tokens[place + 1 :], words[place + 1 :], strict=True):
        if word in ("WHERE", "GROUP", "ORDER", "LIMIT", "RETURNING"):
            return True
        if token.depth <= depth and token.text in (",", "("):
            return False
    return True
