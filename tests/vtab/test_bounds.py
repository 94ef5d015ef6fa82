"""Bounds on key columns say what SQLite's comparisons say."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.values import ColumnType, Value
from vtab.bounds import Bound, Extent, bound
from vtab.constraint import Op

OPS = [Op.EQ, Op.LT, Op.LE, Op.GT, Op.GE]
integers = (
    st.integers(-(2**63), 2**63 - 1)
    | st.integers(-5, 5)
    | st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**62 + 1])
)
reals = st.floats(allow_nan=False) | st.integers(-10, 10).map(lambda n: n / 2)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
numerals = st.sampled_from(
    ["1", " 2 ", "01", "1.0", "1e2", "-0", "0x1", "9223372036854775808", "."]
)
right_sides = st.one_of(st.none(), integers, reals, texts, numerals, st.binary(max_size=5))
held: dict[ColumnType, st.SearchStrategy[Value]] = {
    ColumnType.INTEGER: integers,
    ColumnType.REAL: reals,
    ColumnType.TEXT: texts | numerals,
    ColumnType.BLOB: st.binary(max_size=5),
    ColumnType.ANY: st.one_of(integers, reals, texts, numerals, st.binary(max_size=5)),
}


@pytest.fixture(scope="module")
def connection() -> apsw.Connection:
    made = apsw.Connection(":memory:")
    for kind in ColumnType:
        made.execute(f"CREATE TABLE t_{kind}(v {kind}) STRICT")
    return made


def rank(value: Value) -> int:
    return 1 if isinstance(value, int | float) else 2 if isinstance(value, str) else 3


def meets(value: Value, limit: Bound) -> bool:
    """Compare as SQLite orders values: by storage class, then within it."""
    left, right = rank(value), rank(limit.value)
    if left == right:
        left, right = _comparable(value), _comparable(limit.value)
    match limit.op:
        case Op.EQ:
            return left == right
        case Op.LT:
            return left < right
        case Op.LE:
            return left <= right
        case Op.GT:
            return left > right
    return left >= right


def _comparable(value: Value):
    return value.encode() if isinstance(value, str) else value


@given(st.data(), st.sampled_from(list(ColumnType)), st.sampled_from(OPS), right_sides)
def test_bounds_say_what_sqlite_says(
    connection: apsw.Connection, data: st.DataObject, kind: ColumnType, op: Op, value: Value
) -> None:
    row = data.draw(held[kind])
    with connection:
        connection.execute(f"INSERT INTO t_{kind} VALUES (?)", [row])
        query = f"SELECT v, v {op.value} ? FROM t_{kind}"
        ((stored, answer),) = connection.execute(query, [value]).fetchall()
        connection.execute(f"DELETE FROM t_{kind}")
    limit = bound(kind, op, value)
    said = meets(stored, limit) if isinstance(limit, Bound) else limit is Extent.EVERYTHING
    assert said == bool(answer), (stored, limit)


@pytest.mark.parametrize(
    ("kind", "op", "value", "expected"),
    [
        ("INTEGER", Op.GT, 2.5, Bound(Op.GE, 3)),
        ("INTEGER", Op.LT, 2.5, Bound(Op.LE, 2)),
        ("INTEGER", Op.EQ, 2.5, Extent.NOTHING),
        ("INTEGER", Op.EQ, "2.0", Bound(Op.EQ, 2)),
        ("INTEGER", Op.LT, "abc", Extent.EVERYTHING),
        ("INTEGER", Op.GT, b"", Extent.NOTHING),
        ("INTEGER", Op.LT, 1e19, Extent.EVERYTHING),
        ("INTEGER", Op.GE, float("-inf"), Extent.EVERYTHING),
        ("REAL", Op.GT, 2**53 + 1, Bound(Op.GT, 2.0**53)),
        ("TEXT", Op.EQ, 5, Bound(Op.EQ, "5")),
        ("TEXT", Op.GT, b"", Extent.NOTHING),
        ("BLOB", Op.GT, "text", Extent.EVERYTHING),
        ("ANY", Op.GT, "1", Bound(Op.GT, "1")),
        ("TEXT", Op.LT, None, Extent.NOTHING),
    ],
)
def test_examples(kind: str, op: Op, value: Value, expected: object) -> None:
    assert repr(bound(ColumnType(kind), op, value)) == repr(expected)
