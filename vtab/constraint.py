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
    NE = "<>"
    IN = " IN "
    IS = " IS "
    IS_NOT = " IS NOT "
    NULL = " IS NULL"
    NOT_NULL = " IS NOT NULL"
    LIMIT = "LIMIT"
    OFFSET = "OFFSET"
    OTHER = "other"


class Collation(enum.Enum):
    """How texts are compared, as far as we can tell: byte by byte, or without regard to case."""

    BINARY = "BINARY"
    NOCASE = "NOCASE"
    OTHER = "other"


@dataclass(frozen=True)
class Constraint:
    """A condition ``column op value``.

    ``usable``: its value is known when the table is read. ``literal``: the value stands in the
    statement, and is not NULL. ``patterned``: it may stem from LIKE or GLOB, and these find blobs.
    ``collation_name`` is SQLite's. ``told``: it is known that the value has no affinity.
    """

    column: int
    op: Op
    usable: bool = True
    collation: Collation = Collation.BINARY
    literal: bool = False
    patterned: bool = False
    collation_name: str = "BINARY"
    told: bool = True
