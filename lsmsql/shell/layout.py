"""Names side by side, and CREATE TABLE with a line for each column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsmsql.shell.formats import text_width
from vtab.sql.tokens import tokenize

_LINE = 80


def side_by_side(names: Sequence[str]) -> Iterator[str]:
    """Names in columns that fill a line, downwards first, as ls and sqlite3 do."""
    if not names:
        return
    width = max(map(text_width, names)) + 2
    height = -(-len(names) // max(1, _LINE // width))
    for top in range(height):
        row = names[top::height]
        yield "".join(name + " " * (width - text_width(name)) for name in row).rstrip() + "\n"


def indented(sql: str) -> str:
    """A CREATE TABLE with each column and constraint on a line of its own.

    Text that has lines already, or is no list in parentheses, stays as it is.
    """
    if "\n" in sql:
        return sql
    pieces: list[str] = []
    opened = False
    for token in tokenize(sql):
        text = token.text
        if text == "(" and token.depth == 0 and not opened:
            text, opened = "(\n  ", True
        elif text == "," and token.depth == 1:
            text = ",\n  "
        elif text == ")" and token.depth == 0:
            text = "\n)"
        elif pieces and pieces[-1].endswith("\n  "):
            text = text.lstrip()
        if text:
            pieces.append(text)
    return "".join(pieces)
