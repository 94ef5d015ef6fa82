"""A column of a table: what it holds, and what becomes of a value that is written to it.

    STRICT table      a value of the declared type, or one that becomes it without loss
    any other table   any value, after SQLite's affinity of the declared type has been applied

The second kind is stored as ANY: a block keeps such a column as the one type that its values have.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lsmsql.engine.affinity import APPLY_AFFINITY
from lsmsql.engine.errors import ConstraintError, TypeMismatchError
from lsmsql.engine.values import ColumnType, Value, check_value, storage_class

BINARY = "BINARY"
"""The collation that compares text byte by byte."""

_PYTHON_TYPE: dict[ColumnType, type] = {
    ColumnType.INTEGER: int,
    ColumnType.REAL: float,
    ColumnType.TEXT: str,
    ColumnType.BLOB: bytes,
}

_AFFINITIES = (
    (("INT",), ColumnType.INTEGER),
    (("CHAR", "CLOB", "TEXT"), ColumnType.TEXT),
    (("BLOB",), ColumnType.ANY),
    (("REAL", "FLOA", "DOUB"), ColumnType.REAL),
)
"""SQLite's rules, in its order: the first that occurs in the name of a type decides."""


def affinity_of(declared: str) -> ColumnType:
    """The affinity that SQLite gives to a type by its name, as the type of the same conversions.

    ANY stands for none (SQLite's BLOB), INTEGER for NUMERIC as well: what they store is the same.
    """
    name = declared.upper()
    for parts, kind in _AFFINITIES:
        if any(part in name for part in parts):
            return kind
    return ColumnType.INTEGER if name else ColumnType.ANY


@dataclass(frozen=True)
class Generated:
    """What a generated column is computed by: an SQL expression, and whether it says STORED."""

    sql: str
    stored: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table.

    ``type`` is the only type it stores, or ANY. ``declared`` is the name of the type as it was
    written, in a table that is not STRICT. ``slot`` is its place in the payload, or None for a
    column of the key. ``default`` is an SQL expression. ``hidden``: it is the rowid of a table that
    has no other key.

    ``absent`` is for a column that was added to a table with rows: they have ``absent`` in it,
    though nothing was written to them. A later row with NULL says so in the slot ``null_slot``. A
    NOT NULL column that was added always has one: rows that were deleted before had nothing in it.
    """

    name: str
    type: ColumnType = ColumnType.ANY
    not_null: bool = False
    slot: int | None = None
    declared: str | None = None
    collation: str = BINARY
    default: str | None = None
    generated: Generated | None = None
    absent: Any = None
    null_slot: int | None = None
    hidden: bool = False

    @cached_property
    def affinity(self) -> ColumnType:
        """The type whose conversions are applied to what is written to it or compared with it."""
        if self.type is not ColumnType.ANY or self.declared is None:
            return self.type
        return affinity_of(self.declared)

    @property
    def type_name(self) -> str:
        """The type as the user knows it."""
        return str(self.type) if self.declared is None else self.declared

    def convert(self, value: object) -> Value:
        """``value`` as this column stores it.

        Raises TypeMismatchError where SQLite's STRICT tables would refuse, LimitError, and
        ConstraintError for a NULL in a NOT NULL column.
        """
        checked = check_value(value, self.name)
        if checked is None:
            if self.not_null:
                raise ConstraintError(f"NOT NULL constraint failed: {self.name}")
            return None
        wanted = _PYTHON_TYPE.get(self.type)
        if type(checked) is wanted:
            return checked
        converted = APPLY_AFFINITY[self.affinity](checked)
        if wanted is not None and type(converted) is not wanted:
            raise TypeMismatchError(
                f"cannot store {storage_class(checked)} value in {self.type} column {self.name}"
            )
        return converted
