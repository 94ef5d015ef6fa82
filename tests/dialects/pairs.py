"""Reads the pairs of statements, before and after, that lie beside this file.

    -- title
    a statement of the dialect;
    the statement for SQLite;          or: -- same, or: -- refused: the error
    -- [(7,)]                          the rows, or: -- fails: the error while it runs

The rows of a statement that changes rows are those that the table ``u`` has then.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """A statement, and what it must become."""

    title: str
    before: str
    after: str | None
    refused: str | None = None
    fails: str | None = None
    rows: list[tuple[object, ...]] | None = None

    @property
    def is_query(self) -> bool:
        """Whether it has rows of its own to show."""
        return self.before.split()[0].upper() in ("SELECT", "WITH", "VALUES", "FROM")

    @property
    def is_change(self) -> bool:
        """Whether it changes rows of tables."""
        verbs = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REPLACE")
        return self.before.split()[0].upper() in verbs


def read_pairs(dialect: str) -> list[Pair]:
    """All pairs of a dialect."""
    text = (Path(__file__).parent / f"{dialect}.sql").read_text(encoding="utf-8")
    return [_read(block.splitlines()) for block in text.strip().split("\n\n")]


def _read(lines: list[str]) -> Pair:
    title, before, after, *rest = lines
    before = before.removesuffix(";")
    name = title.removeprefix("-- ")
    if after.startswith("-- refused: "):
        return Pair(name, before, None, refused=after.removeprefix("-- refused: "))
    after = before if after == "-- same" else after.removesuffix(";")
    if not rest:
        return Pair(name, before, after)
    if rest[0].startswith("-- fails: "):
        return Pair(name, before, after, fails=rest[0].removeprefix("-- fails: "))
    return Pair(name, before, after, rows=ast.literal_eval(rest[0].removeprefix("-- ")))
