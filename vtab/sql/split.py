"""Where one statement ends and the next begins."""

from __future__ import annotations

from itertools import islice

from vtab.sql.tokens import Kind, capitals, first_word, past_semicolon, tokenize


def is_blank(text: str) -> bool:
    """Whether there is nothing but spaces, comments and semicolons."""
    return first_word(text) == ""


def split_first(text: str) -> tuple[str, str]:
    """The first statement of a text, with its semicolon, and what follows.

    A CREATE TRIGGER goes on up to its END.
    """
    if first_word(text) != "CREATE":
        end = 0
        while end < len(text):
            start, end = end, past_semicolon(text, end)
            if not is_blank(text[start:end]):
                return text[:end], text[end:]
        return text, ""
    words: list[str] = []
    for token in tokenize(text):
        if token.kind is Kind.BLANK:
            continue
        if token.text != ";":
            words.append(capitals(token.text))
        elif words and not (_is_trigger(words) and words[-1] != "END"):
            return text[: token.end], text[token.end :]
    return text, ""


def split_explain(sql: str) -> tuple[str, str]:
    """EXPLAIN or EXPLAIN QUERY PLAN before a statement, and the statement; "" if there is none."""
    tokens = (token for token in tokenize(sql) if token.kind is not Kind.BLANK)
    first = list(islice((token for token in tokens if token.text != ";"), 3))
    words = [capitals(token.text) for token in first]
    if words[:1] != ["EXPLAIN"]:
        return "", sql
    end = first[2 if words[1:] == ["QUERY", "PLAN"] else 0].end
    return sql[:end], sql[end:]


def _is_trigger(words: list[str]) -> bool:
    return words[0] == "CREATE" and "TRIGGER" in words[1:3]
