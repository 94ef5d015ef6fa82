"""What SQLite asks of a table: one condition of a query, in our own words."""

from __future__ import annotations

import enum
from dataclasses import dataclass

ROWID = -1
"""The column number by which SQLite means the rowid."""


class Op(enum.Enum):
    """The operator of a condition; its value is what EXPLAIN QUERY PLAN shows."""

    EQ = "="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = " IN "
    LIMIT = "LIMIT"
    OFFSET = "OFFSET"
    PATTERN = "LIKE"
    """LIKE, GLOB and their kind."""
    OTHER = "other"


@dataclass(frozen=True)
class Constraint:
    """A condition ``column op value``.

    ``usable``: its value is known when the table is read. ``binary``: it compares text byte by byte
    (collation BINARY). ``literal``: the value stands in the statement, and is not NULL.
    """

    column: int
    op: Op
    usable: bool = True
    binary: bool = True
    literal: bool = False
