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
from functools import cache, cached_property

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


def storage_class(value: Value) -> str:
    """Name of the SQLite storage class of ``value``, as in SQLite's own messages."""
    match value:
        case None:
            return "NULL"
        case int():
            return "INTEGER"
        case float():
            return "REAL"
        case str():
            return "TEXT"
    return "BLOB"


def check_value(value: object, where: str = "value") -> Value:
    """Return ``value`` in the one form that is stored, or raise.

    bool becomes int, bytearray and memoryview become bytes, as the sqlite3 module does. ``where``
    names the place in messages.

    Raises TypeMismatchError for a type that SQLite cannot hold, for NaN (SQLite has no NaN) and for
    text that is not UTF-8; LimitError for an integer beyond 64 bits or a value over 1,000,000,000
    bytes.
    """
    kind = type(value)
    if kind is bytes:
        size = len(value)  # type: ignore[arg-type]
    elif kind is str:
        size = _utf8_size(value, where)  # type: ignore[arg-type]
    elif value is None:
        return None
    elif kind is int:
        if not MIN_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]
            raise LimitError(f"{where}: integer {value} does not fit in 64 bits")
        return value  # type: ignore[return-value]
    elif kind is float:
        if math.isnan(value):  # type: ignore[arg-type]
            raise TypeMismatchError(f"{where}: NaN cannot be stored; use None for a missing number")
        return value  # type: ignore[return-value]
    else:
        return _check_relative(value, where)
    if size > MAX_VALUE_BYTES:
        raise LimitError(f"{where}: {size:,} bytes; the limit is {MAX_VALUE_BYTES:,}")
    return value  # type: ignore[return-value]


def _utf8_size(text: str, where: str) -> int:
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise TypeMismatchError(f"{where}: text is not valid UTF-8: {error}") from None


def _check_relative(value: object, where: str) -> Value:
    """The types that stand in for one of the four: subclasses and buffers."""
    if isinstance(value, int):
        return check_value(int(value), where)
    if isinstance(value, float):
        return check_value(float(value), where)
    if isinstance(value, str):
        return check_value(str.__str__(value), where)
    if isinstance(value, bytes | bytearray | memoryview):
        return check_value(bytes(value), where)
    raise TypeMismatchError(
        f"{where}: cannot store {type(value).__name__};"
        " int, float, str, bytes and None can be stored"
    )


def real_to_text(value: float) -> str:
    """Text of a REAL as SQLite 3.53 and later render it in a TEXT column.

    At most 17 significant digits, always with a point: '1.0', '1.0e+100', '0.33333333333333332'.
    Earlier versions of SQLite give fewer digits.
    """
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0.0"
    sign = "-" if value < 0 else ""
    digits, exponent = _significant_digits(abs(value))
    if not -5 < exponent < 17:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}e{exponent:+03d}"
    if exponent < 0:
        return f"{sign}0.{digits.rjust(len(digits) - exponent - 1, '0')}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    return f"{sign}{whole}.{digits[exponent + 1 :] or '0'}"


def _significant_digits(value: float) -> tuple[str, int]:
    """SQLite's digits of a positive number, without trailing zeros, and the exponent of the first.

    SQLite computes 18 or 19 digits and rounds these half up to 17: the last digit can differ from
    that of one rounding. A run of nines or zeros up to the sixteenth digit it cuts off if the
    shorter number is the same double.
    """
    digits, scale = _leading_digits(value)
    whole = scale >= 0
    if digits[14:16] == "99":
        kept = len(digits[:14].rstrip("9"))
        shorter = str(int(digits[:kept] or "0") + 1)
    elif digits[13:16] == "000" or whole:
        shorter = digits[:13].rstrip("0")
        kept = len(shorter)
    else:
        kept, shorter = 0, "0"
    if float(f"{shorter}e{scale + len(digits) - kept}") != value:
        kept, shorter = 17, str(int(digits[:17]) + (digits[17] >= "5"))
    exponent = len(shorter) - 1 + scale + len(digits) - kept
    return shorter.rstrip("0"), exponent


def _leading_digits(value: float) -> tuple[str, int]:
    """18 or 19 digits of a positive number, and the power of ten to scale them by.

    Binary to decimal by one multiplication with a power of ten of 64 bits, as SQLite does it: the
    last digit is right but for what these bits leave out.
    """
    fraction, exponent = math.frexp(value)
    mantissa, exponent = int(math.ldexp(fraction, 64)), exponent - 64
    power = 17 - math.floor((exponent + 63) * math.log10(2))
    ten, ten_exponent = _power_of_ten(power)
    doubled = (mantissa * ten >> 64) >> -(exponent + ten_exponent + 65)
    return str((doubled + 1) >> 1), -power


@cache
def _power_of_ten(power: int) -> tuple[int, int]:
    """``(m, e)`` with m of 64 bits, the rest cut off, so that 10**power is about m * 2**e."""
    if power < 0:
        divisor = 10**-power
        exponent = -63 - divisor.bit_length()
        return (1 << -exponent) // divisor, exponent
    exact = 10**power
    exponent = exact.bit_length() - 64
    return exact >> exponent if exponent > 0 else exact << -exponent, exponent


def text_to_number(text: str) -> int | float | None:
    """The number that SQLite's NUMERIC affinity reads in ``text``, or None if it is not one.

    Two differences: a real of 20 and more digits is rounded correctly, where SQLite can be off in
    the last bit, and text with a zero byte is no number, where SQLite reads up to that byte.
    """
    stripped = text.strip(" \t\n\v\f\r")
    if not stripped or not set(stripped) <= set("0123456789+-.eE"):
        return None
    try:
        number = int(stripped)
    except ValueError:  # a real, no number at all, or more digits than int() reads
        number = MAX_INTEGER + 1
    if MIN_INTEGER <= number <= MAX_INTEGER:
        return number
    try:
        return float(stripped)
    except ValueError:
        return None


def _to_integer(value: Value) -> Value:
    if isinstance(value, str):
        number = text_to_number(value)
        value = value if number is None else number
    if isinstance(value, float) and value.is_integer() and MIN_INTEGER < value < MAX_INTEGER:
        return int(value)
    return value


def _to_real(value: Value) -> Value:
    if isinstance(value, str):
        number = text_to_number(value)
        value = value if number is None else number
    return float(value) if isinstance(value, int) else value


def _to_text(value: Value) -> Value:
    if isinstance(value, int):
        return str(value)
    return real_to_text(value) if isinstance(value, float) else value


def _unchanged(value: Value) -> Value:
    return value


APPLY_AFFINITY: dict[ColumnType, Callable[[Value], Value]] = {
    ColumnType.INTEGER: _to_integer,
    ColumnType.REAL: _to_real,
    ColumnType.TEXT: _to_text,
    ColumnType.BLOB: _unchanged,
    ColumnType.ANY: _unchanged,
}
"""Per type, the conversion SQLite's STRICT tables try before they check."""

_PYTHON_TYPE: dict[ColumnType, type] = {
    ColumnType.INTEGER: int,
    ColumnType.REAL: float,
    ColumnType.TEXT: str,
    ColumnType.BLOB: bytes,
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    ``slot`` is its place in the payload, or None for a column of the primary key.
    """

    name: str
    type: ColumnType = ColumnType.ANY
    not_null: bool = False
    slot: int | None = None

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
        if wanted is None or type(checked) is wanted:
            return checked
        converted = APPLY_AFFINITY[self.type](checked)
        if type(converted) is not wanted:
            raise TypeMismatchError(
                f"cannot store {storage_class(checked)} value in {self.type} column {self.name}"
            )
        return converted


@dataclass(frozen=True)
class TableSchema:
    """A table: its name, columns in order, and primary key.

    ``id`` is the number records carry in place of the name; it is never given out twice. ``key``
    holds the positions of the primary-key columns in key order, ``descending`` a flag for each.
    ``sql`` is the CREATE TABLE statement as the user wrote it, if there was one. ``slots`` is the
    length of a payload.
    """

    id: int
    name: str
    columns: tuple[Column, ...]
    key: tuple[int, ...]
    descending: tuple[bool, ...]
    sql: str | None = None
    slots: int = field(default=0)

    @cached_property
    def has_real_mask(self) -> bool:
        """Whether slot 0 of the payload holds the real mask of the key."""
        return any(self.columns[i].type is ColumnType.ANY for i in self.key)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Column positions by lower-case name: names match without regard to case, as in SQL."""
        return {column.name.lower(): i for i, column in enumerate(self.columns)}

    @cached_property
    def key_types(self) -> tuple[ColumnType, ...]:
        return tuple(self.columns[i].type for i in self.key)

    @cached_property
    def slot_types(self) -> tuple[ColumnType, ...]:
        """The declared type of each slot; a slot that no column uses any more is ANY."""
        types = [ColumnType.ANY] * self.slots
        if self.has_real_mask:
            types[0] = ColumnType.INTEGER
        for column in self.columns:
            if column.slot is not None:
                types[column.slot] = column.type
        return tuple(types)

    def convert_row(self, row: Mapping[str, object] | Sequence[object]) -> Row:
        """A row in column order, every value converted to its column's type.

        Takes a mapping by column name (missing columns are NULL) or a sequence of all columns.
        Raises TypeMismatchError, ConstraintError, LimitError; UsageError names an unknown column.
        """
        if isinstance(row, Mapping):
            values: list[object] = [None] * len(self.columns)
            for name, value in row.items():
                position = self.positions.get(name.lower()) if isinstance(name, str) else None
                if position is None:
                    raise SchemaError(
                        f"table {self.name} has no column {name!r}; it has {self._names()}"
                    )
                values[position] = value
        elif isinstance(row, Sequence) and not isinstance(row, str | bytes | bytearray):
            if len(row) != len(self.columns):
                raise SchemaError(
                    f"table {self.name} has {len(self.columns)} columns,"
                    f" the row has {len(row)} values"
                )
            values = list(row)
        else:
            raise TypeMismatchError(
                f"a row of {self.name} is a mapping by column name or a sequence of values,"
                f" not {type(row).__name__}"
            )
        return tuple([c.convert(v) for c, v in zip(self.columns, values, strict=True)])

    def _names(self) -> str:
        return ", ".join(column.name for column in self.columns)


def make_schema(
    name: str,
    columns: Mapping[str, ColumnType | str] | Sequence[Column],
    primary_key: str | Sequence[str],
    *,
    descending: Sequence[str] = (),
    sql: str | None = None,
    table_id: int = 0,
) -> TableSchema:
    """Check a table definition and lay out its slots.

    ``columns`` maps names to types ('INTEGER', 'REAL', 'TEXT', 'BLOB', 'ANY'), in order.
    Raises SchemaError naming what is wrong, LimitError beyond 2,000 columns.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise SchemaError(f"a table name is a non-empty string, not {name!r}")
    if isinstance(columns, Mapping):
        columns = [Column(column, _column_type(column, kind)) for column, kind in columns.items()]
    _check_names(name, columns)
    key_names = [primary_key] if isinstance(primary_key, str) else list(primary_key)
    positions = {column.name.lower(): i for i, column in enumerate(columns)}
    key = tuple(_key_position(name, positions, k) for k in key_names)
    if not key:
        raise SchemaError(f"table {name} needs a primary key")
    if len(set(key)) != len(key):
        raise SchemaError(f"table {name} names a column twice in its primary key")
    down = {_key_position(name, positions, d) for d in descending}
    if not down <= set(key):
        raise SchemaError(f"table {name}: only primary-key columns can be descending")
    return _with_slots(
        TableSchema(table_id, name, tuple(columns), key, tuple(i in down for i in key), sql)
    )


def _column_type(column: str, kind: ColumnType | str) -> ColumnType:
    try:
        return ColumnType(kind.upper())
    except (ValueError, AttributeError):
        names = ", ".join(ColumnType)
        raise SchemaError(f"column {column}: type {kind!r} is not one of {names}") from None


def _check_names(table: str, columns: Sequence[Column]) -> None:
    if not columns:
        raise SchemaError(f"table {table} needs at least one column")
    if len(columns) > MAX_COLUMNS:
        raise LimitError(f"table {table} has {len(columns)} columns; the limit is {MAX_COLUMNS}")
    seen: set[str] = set()
    for column in columns:
        if not isinstance(column.name, str) or not column.name or "\0" in column.name:
            raise SchemaError(f"a column name is a non-empty string, not {column.name!r}")
        if column.name.lower() in seen:
            raise SchemaError(f"table {table} has two columns named {column.name}")
        seen.add(column.name.lower())


def _key_position(table: str, positions: Mapping[str, int], column: str) -> int:
    if not isinstance(column, str) or column.lower() not in positions:
        raise SchemaError(f"table {table} has no column {column!r} for its primary key")
    return positions[column.lower()]


def _with_slots(schema: TableSchema) -> TableSchema:
    """Give every column outside the key its slot, after the real mask where there is one."""
    slot = 1 if schema.has_real_mask else 0
    columns = []
    for i, column in enumerate(schema.columns):
        if i in schema.key:
            columns.append(Column(column.name, column.type, True, None))
        else:
            columns.append(Column(column.name, column.type, column.not_null, slot))
            slot += 1
    return TableSchema(
        schema.id, schema.name, tuple(columns), schema.key, schema.descending, schema.sql, slot
    )


KV_TABLE_ID = 1
KV_SCHEMA = make_schema(
    "kv",
    {"key": "ANY", "value": "ANY"},
    "key",
    sql="CREATE TABLE kv(key ANY PRIMARY KEY, value ANY)",
    table_id=KV_TABLE_ID,
)
"""The table that every store has."""
