"""What a table looks like: columns, their types, and which of them make the key.

A row is a tuple of values in column order. On its way to disk it is split in two: the primary-key
columns become the *key* (bytes that sort, see ``keys``) and the others the *payload*, a tuple
indexed by **slot**. Slots are never reused, so that a column can be added or dropped without
touching a file that was written before.

A key holds only what decides the order, and 1 and 1.0 are one key. Which of the two was written is
kept in the payload: a table with an ANY column in its key has slot 0 reserved for the *real mask*,
an integer with bit i set when key column i is a REAL with an integral value, NULL when none is.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from lsmsql.engine.errors import (
    ConstraintError,
    LimitError,
    SchemaError,
    TypeMismatchError,
)

Value = int | float | str | bytes | None
Row = tuple[Value, ...]
"""A payload: values indexed by slot."""

MIN_INTEGER = -(1 << 63)
MAX_INTEGER = (1 << 63) - 1
MAX_VALUE_BYTES = 1_000_000_000
MAX_KEY_BYTES = 64 * 1024
MAX_COLUMNS = 2_000


class ColumnType(enum.StrEnum):
    """The types of SQLite's STRICT tables."""

    INTEGER = "INTEGER"
    REAL = "REAL"
    TEXT = "TEXT"
    BLOB = "BLOB"
    ANY = "ANY"
