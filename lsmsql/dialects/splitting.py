"""Where one statement of a dialect ends and the next begins."""

from __future__ import annotations

from sqlglot import TokenType

from lsmsql.dialects.parameters import tokens_of


def split_first(sql: str, dialect: str) -> tuple[str, str]:
    """The first statement of a text, and the text behind its semicolon; the text itself, and "", if
    no other follows.

    Raises DialectError for a text that the dialect cannot read.
    """
    tokens = tokens_of(sql, dialect)
    ends = [token.token_type is TokenType.SEMICOLON for token in tokens]
    first = ends.index(False) if False in ends else 0
    if True not in ends[first:]:
        return sql, ""
    end = ends.index(True, first)
    more = False in ends[end:]
    if not more and end == len(ends) - 1:
        return sql, ""
    return sql[: tokens[end].start], sql[tokens[end].end + 1 :] if more else ""
