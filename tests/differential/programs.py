"""A program: statements, and what happens to the store between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tests.differential.values import Value


class Does(StrEnum):
    """What a step does. All but ``RUN`` concern the store alone."""

    RUN = "run"
    FLUSH = "flush"
    COMPACT = "compact"
    REOPEN = "reopen"


@dataclass(frozen=True)
class Step:
    """A statement with its variables, and how its rows are to be compared.

    ``order``: the columns of the result that ORDER BY is about, by position; None if there is
    none, and the rows come in any order. ``loose``: of values that are equal it may be either.
    ``keeps_rowid``: it inserts into a table of whose rowids both know.
    """

    sql: str = ""
    variables: Mapping[str, Value] = field(default_factory=dict)
    order: tuple[int, ...] | None = None
    loose: bool = False
    keeps_rowid: bool = False
    does: Does = Does.RUN

    def __str__(self) -> str:
        if self.does is not Does.RUN:
            return f"-- {self.does}"
        return f"{self.sql};" + (f"  -- {dict(self.variables)!r}" if self.variables else "")


Program = list[Step]
