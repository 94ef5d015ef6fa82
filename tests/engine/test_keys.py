"""Keys: their order is SQLite's, and they come back as they went in, singly and in columns."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Sequence
from itertools import pairwise

import apsw
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.columns import TAGGED, build_column, column_values
from lsmsql.engine.errors import (
    ConstraintError,
    LimitError,
    SchemaError,
    TypeMismatchError,
    UsageError,
)
from lsmsql.engine.keys import KeyCodec, KeyPart, successor
from lsmsql.engine.values import MAX_INTEGER, MAX_KEY_BYTES, MIN_INTEGER, ColumnType, Value

EDGES = [sign * (base + step)
         for base in (0, 1, 255, 1 << 52, 1 << 53, 1 << 54, 1 << 62, (1 << 63) - 1025)
         for step in (-2, -1, 0, 1, 2, 3, 1023, 1024) for sign in (1, -1)]  # fmt: skip
INTEGERS = st.one_of(
    st.sampled_from([*EDGES, MIN_INTEGER, MIN_INTEGER + 1, MAX_INTEGER]),
    st.integers(MIN_INTEGER, MAX_INTEGER),
    st.integers(-300, 300),
)
REALS = st.one_of(
    st.floats(allow_nan=False),
    st.sampled_from([float(edge) for edge in EDGES]),
    st.sampled_from([2.0**63, -(2.0**63), math.nextafter(-(2.0**63), -math.inf), math.inf, 0.5]),
)
TEXTS = st.one_of(st.text("ab\0\x01é\U0001f600", max_size=4), st.text(max_size=12))
BLOBS = st.one_of(
    st.lists(st.sampled_from([0, 1, 2, 0xFE, 0xFF]), max_size=4).map(bytes), st.binary(max_size=12)
)
VALUES: dict[ColumnType, st.SearchStrategy[Value]] = {
    ColumnType.INTEGER: INTEGERS,
    ColumnType.REAL: REALS,
    ColumnType.TEXT: TEXTS,
    ColumnType.BLOB: BLOBS,
    ColumnType.ANY: st.one_of(INTEGERS, REALS, TEXTS, BLOBS),
}
PARTS = st.builds(KeyPart, st.sampled_from(ColumnType), st.booleans(), st.booleans())
ALL_PARTS = [KeyPart(t, d, n) for t in ColumnType for d in (False, True) for n in (False, True)]


def values_of(part: KeyPart) -> st.SearchStrategy[Value]:
    values = VALUES[part.type]
    return st.one_of(st.none(), values) if part.nullable else values


@st.composite
def keyed_rows(draw: st.DrawFn, most: int = 12) -> tuple[KeyCodec, list[tuple[Value, ...]]]:
    """A codec and rows for it; columns often of one class, as real ones are."""
    parts = draw(st.lists(PARTS, min_size=1, max_size=4))
    columns = []
    count = draw(st.integers(1, most))
    for part in parts:
        values = values_of(part)
        if part.type is ColumnType.ANY and draw(st.booleans()):
            values = VALUES[draw(st.sampled_from(list(ColumnType)[:4]))]
        columns.append(draw(st.lists(values, min_size=count, max_size=count)))
    return KeyCodec(parts), list(zip(*columns, strict=True))


def typed(values: Sequence[Value]) -> list[tuple[type, Value]]:
    """Values with their types: 1 and 1.0 differ here, as in a table."""
    return [(type(value), value) for value in values]


def columns_of(codec: KeyCodec, rows: Sequence[tuple[Value, ...]]) -> list[pa.Array]:
    columns = zip(*rows, strict=True)
    return [build_column(c, p.type) for c, p in zip(columns, codec.parts, strict=True)]


def restored(codec: KeyCodec, row: tuple[Value, ...]) -> tuple[Value, ...]:
    return codec.apply_real_mask(codec.decode(codec.encode(row)), codec.real_mask(row))


@given(keyed_rows(most=30))
def test_keys_sort_as_sqlite_sorts_rows(case: tuple[KeyCodec, list[tuple[Value, ...]]]) -> None:
    codec, rows = case
    names = [f"c{i}" for i in range(len(codec.parts))]
    order = [f"{n} DESC" if p.descending else n for n, p in zip(names, codec.parts, strict=True)]
    with apsw.Connection(":memory:") as connection:
        connection.execute(f"CREATE TABLE t(id, {', '.join(names)})")
        insert = f"INSERT INTO t VALUES(?{', ?' * len(names)})"
        connection.executemany(insert, [(i, *row) for i, row in enumerate(rows)])
        query = f"SELECT id FROM t ORDER BY {', '.join(order)}, id"
        expected = [i for (i,) in connection.execute(query)]
    assert sorted(range(len(rows)), key=lambda i: (codec.encode(rows[i]), i)) == expected


@given(st.lists(st.one_of(INTEGERS, REALS), min_size=2, max_size=40), st.booleans())
def test_numbers_sort_exactly(numbers: list[int | float], descending: bool) -> None:
    codec = KeyCodec([KeyPart(ColumnType.ANY, descending)])
    by_key = sorted(numbers, key=lambda n: codec.encode((n,)), reverse=descending)
    assert by_key == sorted(numbers)
    for a, b in pairwise(numbers):
        assert (codec.encode((a,)) == codec.encode((b,))) == (a == b)


@given(keyed_rows(most=1))
def test_values_come_back_with_their_types(
    case: tuple[KeyCodec, list[tuple[Value, ...]]],
) -> None:
    codec, (row,) = case
    assert typed(restored(codec, row)) == typed(row)


@pytest.mark.parametrize("edge", [1 << 53, 1 << 62, MAX_INTEGER, MIN_INTEGER, -(1 << 53) - 1])
def test_large_integers_and_the_reals_beside_them_stay_apart(edge: int) -> None:
    codec = KeyCodec([KeyPart(ColumnType.ANY)])
    near = {n for n in range(edge - 3, edge + 4) if MIN_INTEGER <= n <= MAX_INTEGER}
    reals = {float(n) for n in near} | {math.nextafter(edge, math.inf), math.nextafter(edge, 0)}
    numbers = sorted([*near, *reals])
    assert sorted(numbers, key=lambda n: codec.encode((n,))) == numbers
    assert all(typed(restored(codec, (n,))) == typed([n]) for n in numbers)
    assert len({codec.encode((n,)) for n in numbers}) == len(set(numbers))


def test_one_and_one_point_zero_are_one_key() -> None:
    codec = KeyCodec([KeyPart(ColumnType.ANY), KeyPart(ColumnType.ANY)])
    assert codec.encode((1, "a")) == codec.encode((1.0, "a"))
    assert codec.encode((0.0, "a")) == codec.encode((-0.0, "a"))
    assert codec.real_mask((1, 2)) is None
    assert codec.real_mask((1.5, math.inf)) is None
    assert codec.real_mask((1.0, 2.0**63)) == 0b01
    assert codec.real_mask((1, -(2.0**63))) == 0b10


def test_a_mask_changes_nothing_but_integers_of_any_parts() -> None:
    codec = KeyCodec([KeyPart(ColumnType.INTEGER), KeyPart(ColumnType.ANY)])
    assert typed(codec.apply_real_mask((1, "x"), 0b111)) == typed((1, "x"))
    assert typed(codec.apply_real_mask((1, 2), 0b111)) == typed((1, 2.0))


@given(keyed_rows(), st.data())
def test_a_prefix_is_that_of_its_keys_alone(
    case: tuple[KeyCodec, list[tuple[Value, ...]]], data: st.DataObject
) -> None:
    codec, rows = case
    length = data.draw(st.integers(0, len(codec.parts) - 1))
    prefix = codec.encode_prefix(rows[0][:length])
    for row in rows:
        assert codec.encode(row).startswith(prefix) == (row[:length] == rows[0][:length])
    assert codec.encode_prefix(rows[0]) == codec.encode(rows[0])


@given(BLOBS, BLOBS)
def test_the_successor_is_the_least_bound_of_a_prefix(prefix: bytes, other: bytes) -> None:
    bound = successor(prefix)
    if bound is None:
        assert prefix == b"\xff" * len(prefix)
        return
    assert prefix + b"\xff" * 20 < bound
    assert (prefix <= other < bound) == other.startswith(prefix)


def test_forms_are_those_of_the_documentation() -> None:
    def key(kind: ColumnType, value: Value, **flags: bool) -> bytes:
        return KeyCodec([KeyPart(kind, **flags)]).encode((value,))

    assert key(ColumnType.INTEGER, 1).hex() == "8000000000000001"
    assert key(ColumnType.INTEGER, -1, descending=True).hex() == "8000000000000000"
    assert key(ColumnType.REAL, 1.0).hex() == "bff0000000000000"
    assert key(ColumnType.REAL, -1.0).hex() == "400fffffffffffff"
    assert key(ColumnType.TEXT, "a\0") == b"a\0"
    assert key(ColumnType.TEXT, "a\0", descending=True).hex() == "9eff00fffe"
    assert key(ColumnType.TEXT, None, nullable=True) == b"\x01"
    assert key(ColumnType.BLOB, b"", nullable=True) == b"\x02"
    assert key(ColumnType.ANY, None, nullable=True) == b"\x10"
    assert key(ColumnType.ANY, 1).hex() == "20bff0000000000000"
    assert key(ColumnType.ANY, (1 << 53) + 1).hex() == "20c3400000000000000001"
    assert key(ColumnType.ANY, "a") == b"\x30a"
    assert key(ColumnType.ANY, b"a") == b"\x40a"
    pair = KeyCodec([KeyPart(ColumnType.TEXT), KeyPart(ColumnType.TEXT)])
    assert pair.encode(("a\0", "b")) == b"a\x00\xff\x00\x01b"


def test_values_that_a_key_cannot_hold_are_refused() -> None:
    integer, text, any_ = (
        KeyCodec([KeyPart(t), KeyPart(ColumnType.REAL)])
        for t in (ColumnType.INTEGER, ColumnType.TEXT, ColumnType.ANY)
    )
    with pytest.raises(ConstraintError, match="NOT NULL.*part 1"):
        any_.encode((None, 1.0))
    with pytest.raises(ConstraintError, match="part 2"):
        text.encode(("a", None))
    with pytest.raises(TypeMismatchError, match="part 1 of the key is INTEGER.*TEXT"):
        integer.encode(("1", 1.0))
    with pytest.raises(TypeMismatchError, match="part 2 of the key is REAL.*INTEGER"):
        integer.encode((1, 1))
    with pytest.raises(TypeMismatchError, match="UTF-8"):
        text.encode_prefix(("\ud800",))
    with pytest.raises(TypeMismatchError, match="list"):
        any_.encode(([], 1.0))  # type: ignore[arg-type]
    with pytest.raises(LimitError, match="64 bits"):
        integer.encode((1 << 63, 1.0))
    with pytest.raises(LimitError, match="64 bits"):
        any_.encode((-(1 << 70), 1.0))
    with pytest.raises(UsageError, match="2 parts, not 1"):
        integer.encode((1,))
    with pytest.raises(UsageError, match="1 parts, not 2"):
        KeyCodec([KeyPart(ColumnType.TEXT)]).encode(("a", "b"))
    with pytest.raises(SchemaError):
        KeyCodec([])
    with pytest.raises(LimitError, match="63"):
        KeyCodec([KeyPart(ColumnType.INTEGER)] * 63 + [KeyPart(ColumnType.ANY)])


@pytest.mark.parametrize("parts", [1, 2])
def test_a_key_is_at_most_64_kib(parts: int) -> None:
    codec = KeyCodec([KeyPart(ColumnType.INTEGER)] * (parts - 1) + [KeyPart(ColumnType.BLOB)])
    most = MAX_KEY_BYTES - 8 * (parts - 1)
    for size in (most, most + 1):
        row: tuple[Value, ...] = (*([1] * (parts - 1)), bytes(size))
        if size == most:
            assert codec.encode(row) == codec.encode_columns(columns_of(codec, [row]))[0][0].as_py()
            continue
        with pytest.raises(LimitError, match="65,537 bytes; the limit is 65,536"):
            codec.encode(row)
        with pytest.raises(LimitError, match="65,537 bytes; the limit is 65,536"):
            codec.encode_columns(columns_of(codec, [row]))


@given(keyed_rows(most=8), st.integers(0, 3))
def test_columns_are_encoded_as_rows_are(
    case: tuple[KeyCodec, list[tuple[Value, ...]]], skipped: int
) -> None:
    codec, rows = case
    skipped = min(skipped, len(rows) - 1)
    arrays = [array.slice(skipped) for array in columns_of(codec, rows)]
    keys, masks = codec.encode_columns(arrays)
    assert keys.type == pa.binary()
    assert keys.to_pylist() == [codec.encode(row) for row in rows[skipped:]]
    expected = [codec.real_mask(row) for row in rows[skipped:]]
    assert (masks.to_pylist() if masks is not None else [None] * len(keys)) == expected


@given(keyed_rows(most=8), st.integers(0, 3), st.data())
def test_columns_are_decoded_as_rows_are(
    case: tuple[KeyCodec, list[tuple[Value, ...]]], skipped: int, data: st.DataObject
) -> None:
    codec, rows = case
    skipped = min(skipped, len(rows) - 1)
    keys, masks = codec.encode_columns(columns_of(codec, rows))
    keys, rows = keys.slice(skipped), rows[skipped:]
    masks = None if masks is None else masks.slice(skipped)
    every = range(len(codec.parts))
    wanted = data.draw(st.lists(st.sampled_from(every), unique=True))
    plain = [codec.decode(key) for key in keys.to_pylist()]
    for part, array in zip(wanted, codec.decode_columns(keys, wanted), strict=True):
        assert typed(column_values(array)) == typed([row[part] for row in plain])
    for part, array in zip(every, codec.decode_columns(keys, None, masks), strict=True):
        array.validate(full=True)
        assert typed(column_values(array)) == typed([row[part] for row in rows])
        assert array.type == build_column([row[part] for row in rows], codec.parts[part].type).type


@pytest.mark.parametrize("part", ALL_PARTS, ids=str)
def test_empty_columns(part: KeyPart) -> None:
    codec = KeyCodec([part, part])
    keys, masks = codec.encode_columns([build_column([], part.type)] * 2)
    assert (len(keys), masks) == (0, None)
    decoded = codec.decode_columns(keys)
    assert [array.type for array in decoded] == [build_column([], part.type).type] * 2
    if part.nullable:
        assert codec.encode_columns([pa.nulls(1)] * 2)[0][0].as_py() == codec.encode((None, None))


def test_any_columns_take_the_one_type_of_their_values() -> None:
    codec = KeyCodec([KeyPart(ColumnType.ANY, nullable=True)])

    def decoded(*values: Value) -> pa.DataType:
        keys, masks = codec.encode_columns([build_column(values)])
        return codec.decode_columns(keys, None, masks)[0].type

    assert decoded(1, 2, None) == pa.int64()
    assert decoded(1.0, 2.5, None) == pa.float64()
    assert decoded("a", None) == pa.string()
    assert decoded(b"a") == pa.binary()
    assert decoded(None) == pa.null()
    assert decoded(1, 2.0) == TAGGED
    assert decoded(1, "a") == TAGGED


def test_infinities_and_the_greatest_reals_in_columns() -> None:
    codec = KeyCodec([KeyPart(ColumnType.ANY), KeyPart(ColumnType.REAL)])
    ends = [math.inf, -math.inf, sys.float_info.max, -sys.float_info.max, 5e-324]
    keys, masks = codec.encode_columns([pa.array(ends)] * 2)
    assert [array.to_pylist() for array in codec.decode_columns(keys, None, masks)] == [ends] * 2


def test_wrong_columns_are_refused() -> None:
    codec = KeyCodec([KeyPart(ColumnType.INTEGER), KeyPart(ColumnType.ANY)])
    one = pa.array([1])
    with pytest.raises(UsageError, match="2 parts, not 1"):
        codec.encode_columns([one])
    with pytest.raises(UsageError, match="length"):
        codec.encode_columns([one, pa.array([1, 2])])
    with pytest.raises(TypeMismatchError, match="part 1 of the key is INTEGER.*string"):
        codec.encode_columns([pa.array(["1"]), one])
    with pytest.raises(TypeMismatchError, match="part 2.*int32"):
        codec.encode_columns([one, pa.array([1], pa.int32())])
    for nulls in (pa.nulls(1), pa.array([None], pa.int64())):
        with pytest.raises(ConstraintError, match="part 2"):
            codec.encode_columns([one, nulls])
        with pytest.raises(ConstraintError, match="part 1"):
            codec.encode_columns([nulls, one])


NAN = struct.pack(">Q", 0xFFF8 << 48)
MALFORMED = [
    ([KeyPart(ColumnType.INTEGER)], b"1234567"),
    ([KeyPart(ColumnType.INTEGER)], b"123456789"),
    ([KeyPart(ColumnType.INTEGER)], b""),
    ([KeyPart(ColumnType.REAL)], NAN),
    ([KeyPart(ColumnType.REAL)], bytes(8)),
    ([KeyPart(ColumnType.REAL)], b"\x7f" + b"\xff" * 7),  # -0.0
    ([KeyPart(ColumnType.TEXT)], b"\xff"),
    ([KeyPart(ColumnType.TEXT, descending=True)], b"abc"),
    ([KeyPart(ColumnType.TEXT, nullable=True)], b""),
    ([KeyPart(ColumnType.TEXT, nullable=True)], b"\x03a"),
    ([KeyPart(ColumnType.TEXT, nullable=True)], b"\x01a"),
    ([KeyPart(ColumnType.INTEGER, nullable=True)], b"\x00" + bytes(8)),
    ([KeyPart(ColumnType.INTEGER, nullable=True)], b"\x02" + bytes(7)),
    ([KeyPart(ColumnType.BLOB), KeyPart(ColumnType.BLOB)], b"abc"),
    ([KeyPart(ColumnType.BLOB), KeyPart(ColumnType.BLOB)], b"abc\x00"),
    ([KeyPart(ColumnType.BLOB), KeyPart(ColumnType.BLOB)], b"abc\x00\x02\x00\x01"),
    ([KeyPart(ColumnType.TEXT), KeyPart(ColumnType.TEXT)], b"\xff\x00\x01a"),
    ([KeyPart(ColumnType.ANY)], b""),
    ([KeyPart(ColumnType.ANY)], b"\x10"),
    ([KeyPart(ColumnType.ANY, nullable=True)], b"\x10\x10"),
    ([KeyPart(ColumnType.ANY)], b"\x50a"),
    ([KeyPart(ColumnType.ANY)], b"\x20abc"),
    ([KeyPart(ColumnType.ANY)], b"\x20" + NAN + b"\x00\x00"),
    ([KeyPart(ColumnType.ANY)], b"\x20\xc3\x40" + bytes(6)),  # 2**53 without residual
    ([KeyPart(ColumnType.ANY)], b"\x20\xc3\x40" + bytes(6) + b"\x00\x02"),  # the next double
    ([KeyPart(ColumnType.ANY)], b"\x20\xc3\xe0" + bytes(6) + b"\x00\x01"),  # beyond 64 bits
    ([KeyPart(ColumnType.ANY)], b"\x20\xbf\xf0" + bytes(6) + b"\x00\x00"),  # 1 with residual
]


@pytest.mark.parametrize(("parts", "key"), MALFORMED)
def test_malformed_keys_are_refused(parts: list[KeyPart], key: bytes) -> None:
    codec = KeyCodec(parts)
    with pytest.raises(ValueError, match=r"key|UTF|utf|residual"):
        codec.decode(key)
    with pytest.raises(ValueError, match=r"key|UTF|utf|residual"):
        codec.decode_columns(pa.array([key], pa.binary()))


@given(st.lists(PARTS, min_size=1, max_size=3), st.lists(BLOBS, min_size=1, max_size=4))
def test_hostile_bytes_give_values_or_value_error(parts: list[KeyPart], keys: list[bytes]) -> None:
    check_hostile_keys(KeyCodec(parts), keys)


def check_hostile_keys(codec: KeyCodec, keys: list[bytes]) -> None:
    """Assert that the keys are refused, or are the only form of the values they decode to."""
    try:
        rows = [codec.decode(key) for key in keys]
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 any message will do
            codec.decode_columns(pa.array(keys, pa.binary()))
        return
    assert [codec.encode(row) for row in rows] == keys  # one form only for each value
    decoded = codec.decode_columns(pa.array(keys, pa.binary()))
    columns = zip(*rows, strict=True)
    assert [typed(column_values(array)) for array in decoded] == [typed(c) for c in columns]


@given(keyed_rows(most=3), st.data())
def test_damaged_keys_give_values_or_value_error(
    case: tuple[KeyCodec, list[tuple[Value, ...]]], data: st.DataObject
) -> None:
    codec, rows = case
    keys = [codec.encode(row) for row in rows]
    victim = data.draw(st.integers(0, len(keys) - 1))
    at = data.draw(st.integers(0, len(keys[victim])))
    middle = data.draw(st.sampled_from([b"", b"\x00", b"\x01", b"\xff"]))
    keys[victim] = keys[victim][:at] + middle + keys[victim][at + 1 :]
    check_hostile_keys(codec, keys)


def test_null_or_wrongly_typed_keys_are_refused() -> None:
    codec = KeyCodec([KeyPart(ColumnType.TEXT)])
    for keys in (pa.array([None], pa.binary()), pa.array(["a"])):
        with pytest.raises(ValueError, match="binary and never null"):
            codec.decode_columns(keys)
