"""Conversion of values is that of SQLite's STRICT tables; definitions are checked."""

from __future__ import annotations

import functools
import math
import struct

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lsmsql.engine.affinity import real_to_text
from lsmsql.engine.column import Column
from lsmsql.engine.errors import (
    ConstraintError,
    LimitError,
    SchemaError,
    TypeMismatchError,
)
from lsmsql.engine.schema import KV_SCHEMA, make_schema
from lsmsql.engine.values import MAX_INTEGER, MIN_INTEGER, ColumnType, Value, check_value

REALS = st.one_of(
    st.floats(allow_nan=False),
    st.floats(-1000, 1000),
    st.decimals(-(10**18), 10**18, places=3).map(float),
    st.integers(MIN_INTEGER, MAX_INTEGER).map(float),
    st.integers(-400, 400).map(lambda e: float(f"1e{e}")),
)
NUMERALS = st.one_of(
    st.from_regex(r"[ \t\n\v\f\r]?[+-]?[0-9]{0,19}\.?[0-9]{0,2}([eE][+-]?[0-9]{1,3})?[ \n]?",
                  fullmatch=True)
    .filter(lambda text: sum(map(str.isdigit, text.lower().partition("e")[0])) < 20),
    st.integers(-(1 << 64), 1 << 64).map(str),
    st.floats(allow_nan=False).map(repr),
    st.text("0123456789.eE+- x_", max_size=6),
)  # fmt: skip
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.integers(MIN_INTEGER, MAX_INTEGER),
    REALS,
    NUMERALS,
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6),
    st.binary(max_size=6),
)


@functools.cache
def strict_tables() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for kind in ColumnType:
        connection.execute(f"CREATE TABLE {kind}_table(x {kind}) STRICT")
    return connection


def stored_by_sqlite(kind: ColumnType, value: Value) -> Value:
    """What SQLite stores for ``value``; raises apsw.ConstraintError where it refuses."""
    connection = strict_tables()
    connection.execute(f"DELETE FROM {kind}_table")
    connection.execute(f"INSERT INTO {kind}_table VALUES(?)", (value,))
    stored: Value = connection.execute(f"SELECT x FROM {kind}_table").get
    return stored


@given(st.sampled_from(ColumnType), VALUES)
@example(ColumnType.INTEGER, -(2.0**63))
@example(ColumnType.INTEGER, 2.0**63)
@example(ColumnType.INTEGER, math.nextafter(2.0**63, 0))
@example(ColumnType.INTEGER, "-9223372036854775809")
@example(ColumnType.INTEGER, "9223372036854775807")
@example(ColumnType.INTEGER, "9223372036854775808")
@example(ColumnType.INTEGER, " 1e3\n")
@example(ColumnType.INTEGER, "1_000")
@example(ColumnType.INTEGER, "１")  # noqa: RUF001 a digit, but none of SQLite's
@example(ColumnType.REAL, "9007199254740993")
@example(ColumnType.REAL, "1" * 400)
@example(ColumnType.REAL, "1" * 5000)
@example(ColumnType.REAL, "1e400")
@example(ColumnType.REAL, "inf")
@example(ColumnType.REAL, ".")
@example(ColumnType.TEXT, -0.0)
def test_values_are_converted_as_by_strict_tables(kind: ColumnType, value: Value) -> None:
    column = Column("x", kind)
    try:
        stored = stored_by_sqlite(kind, value)
    except apsw.ConstraintError:
        with pytest.raises(TypeMismatchError, match=f"{kind} column x"):
            column.convert(value)
        return
    converted = column.convert(value)
    assert (type(converted), converted) == (type(stored), stored)


@given(REALS)
@example(5e-324)
@example(1e16)
@example(1e17)
@example(9007199254740993.0)
@example(1 / 3)
@example(49.47)
@example(9.999999999999999e22)
@example(1.7976931348623157e308)
@example(math.inf)
@example(-math.inf)
def test_reals_become_the_text_that_sqlite_gives(value: float) -> None:
    assert real_to_text(value) == stored_by_sqlite(ColumnType.TEXT, value)


@given(st.binary(min_size=8, max_size=8))
def test_the_text_of_any_double_reads_back_as_it(bits: bytes) -> None:
    (value,) = struct.unpack("<d", bits)
    if math.isfinite(value):
        text = real_to_text(value)
        assert float(text) == value
        assert text == stored_by_sqlite(ColumnType.TEXT, value)


def test_relatives_of_the_stored_types_become_them() -> None:
    class Name(str):
        pass

    for given_value, stored in [
        (True, 1), (bytearray(b"a"), b"a"), (memoryview(b"a"), b"a"), (Name("a"), "a"),
    ]:  # fmt: skip
        checked = check_value(given_value)
        assert (type(checked), checked) == (type(stored), stored)


def test_values_that_sqlite_cannot_hold_are_refused() -> None:
    with pytest.raises(TypeMismatchError, match="cannot store list"):
        check_value([])
    with pytest.raises(TypeMismatchError, match="NaN"):
        check_value(math.nan)
    with pytest.raises(TypeMismatchError, match="UTF-8"):
        check_value("\ud800")
    with pytest.raises(LimitError, match="64 bits"):
        check_value(1 << 63)
    with pytest.raises(ConstraintError, match="NOT NULL constraint failed: x"):
        Column("x", not_null=True).convert(None)


def test_a_schema_lays_out_slots_behind_the_real_mask() -> None:
    plain = make_schema("t", {"a": "TEXT", "k": "integer", "b": "REAL"}, "K")
    assert [column.slot for column in plain.columns] == [0, None, 1]
    assert (plain.key, plain.slots, plain.has_real_mask) == ((1,), 2, False)
    assert plain.slot_types == (ColumnType.TEXT, ColumnType.REAL)
    assert KV_SCHEMA.has_real_mask
    assert KV_SCHEMA.slot_types == (ColumnType.INTEGER, ColumnType.ANY)


def test_rows_are_converted_by_name_or_by_position() -> None:
    schema = make_schema("t", {"k": "INTEGER", "v": "TEXT"}, "k")
    assert schema.convert_row({"K": "1"}) == (1, None)
    assert schema.convert_row([1.0, 2]) == (1, "2")
    with pytest.raises(SchemaError, match="no column 'x'; it has k, v"):
        schema.convert_row({"x": 1})
    with pytest.raises(SchemaError, match="2 columns, the row has 1"):
        schema.convert_row([1])
    with pytest.raises(TypeMismatchError, match="mapping by column name or a sequence"):
        schema.convert_row("ab")
    with pytest.raises(ConstraintError, match="NOT NULL constraint failed: k"):
        schema.convert_row({"v": "a"})


@pytest.mark.parametrize(
    ("columns", "key", "message"),
    [
        ({}, "k", "at least one column"),
        ({"k": "INTEGR"}, "k", "type 'INTEGR' is not one of INTEGER"),
        ({"k": "ANY", "K": "ANY"}, "k", "two columns named K"),
        ({"k": "ANY"}, "x", "no column 'x' for its primary key"),
        ({"k": "ANY"}, [], "needs a primary key"),
        ({"k": "ANY"}, ["k", "k"], "twice"),
    ],
)
def test_wrong_definitions_are_refused(
    columns: dict[str, str], key: str | list[str], message: str
) -> None:
    with pytest.raises(SchemaError, match=message):
        make_schema("t", columns, key)
