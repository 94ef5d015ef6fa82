"""Where one statement ends and the next begins."""

from __future__ import annotations

from vtab.sql.tokens import Kind, capitals, first_word, tokenize


def is_blank(text: str) -> bool:
    """Whether there is nothing but spaces, comments and semicolons."""
    return first_word(text) == ""


def split_first(text: str) -> tuple[str, str]:
    """The first statement of a text, with its semicolon, and what follows.

    A CREATE TRIGGER goes on up to its END.
    """
    words: list[str] = []
    for token in tokenize(text):
        if token.kind is Kind.BLANK:
            continue
        if token.text != ";":
            words.append(capitals(token.text))
        elif words and not (_is_trigger(words) and words[-1] != "END"):
            return text[: token.end], text[token.end :]
    return text, ""


def _is_trigger(words: list[str]) -> bool:
    return words[0] == "CREATE" and "TRIGGER" in words[1:3]
