"""Rows become columns and come back as they were."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.columns import (
    DELETE,
    FIRST_VALUE,
    KIND,
    PUT,
    SEQUENCE,
    TAGGED,
    build_column,
    check_tagged,
    column_values,
    concat_columns,
    key_position,
    narrow_column,
    run_from_records,
    starts_of_keys,
    tag_column,
    tag_value,
    untag_value,
)
from lsmsql.engine.values import ColumnType

integers = st.integers(-(1 << 63), (1 << 63) - 1)
reals = st.floats(allow_nan=False)
values = st.none() | integers | reals | st.text(max_size=5) | st.binary(max_size=5)
columns = st.one_of(
    *(
        st.lists(st.none() | kind, min_size=1, max_size=20)
        for kind in (integers, reals, st.text(max_size=5), st.binary(max_size=5), values)
    )
)


def exactly(items):
    """What tells 1 from 1.0 and 0.0 from -0.0."""
    return [(type(item), repr(item)) for item in items]


@given(values)
def test_a_tagged_value_comes_back_as_it_was(value):
    assert exactly([untag_value(tag_value(value))]) == exactly([value])


@pytest.mark.parametrize("tagged", [b"", b"x123", b"i1234567", b"r123456789", b"t\xff"])
def test_a_malformed_tagged_value_is_refused(tagged):
    with pytest.raises(ValueError, match="tagged|decode"):
        untag_value(tagged)
    for others in (1, 1000):
        with pytest.raises(ValueError, match="tag|UTF8"):
            check_tagged(pa.array([b"i12345678"] * others + [tagged], TAGGED))


@given(columns)
def test_a_column_holds_the_values_it_was_built_of(items):
    column = build_column(items)
    assert exactly(column_values(column)) == exactly(items)
    assert (column.type == TAGGED) == (len({type(i) for i in items if i is not None}) > 1)


@given(columns, st.integers(0, 3))
def test_a_column_can_be_tagged_and_narrowed_again(items, start):
    column = build_column(items).slice(start)
    tagged = tag_column(column)
    tagged.validate(full=True)
    check_tagged(tagged)
    assert tagged.type == TAGGED
    assert exactly(column_values(tagged)) == exactly(items[start:])
    narrow = narrow_column(tagged)
    narrow.validate(full=True)
    assert exactly(column_values(narrow)) == exactly(items[start:])
    assert narrow.type == build_column(items[start:]).type


@given(st.lists(columns, min_size=1, max_size=4), st.integers(0, 2))
def test_columns_of_any_types_are_laid_end_to_end(pieces, start):
    arrays = [build_column(piece).slice(start) for piece in pieces]
    joined = concat_columns(arrays)
    joined.validate(full=True)
    assert exactly(column_values(joined)) == exactly([v for p in pieces for v in p[start:]])


def test_a_declared_type_is_kept_even_if_all_is_null():
    assert build_column([None], ColumnType.TEXT).type == pa.string()
    assert build_column([None]).type == pa.null()


def test_records_become_a_run():
    run = run_from_records(
        [b"a", b"b", b"c"],
        [3, 2, 1],
        [(1, "x"), None, (2,)],
        [ColumnType.INTEGER, ColumnType.ANY, ColumnType.REAL],
    )
    assert run.schema.names == ["key", "sequence", "kind", "0", "1", "2"]
    assert run.column(SEQUENCE).to_pylist() == [3, 2, 1]
    assert run.column(KIND).to_pylist() == [PUT, DELETE, PUT]
    shown = [column_values(column) for column in run.columns[FIRST_VALUE:]]
    assert shown == [[1, None, 2], ["x", None, None], [None] * 3]
    assert run.column(FIRST_VALUE + 2).type == pa.float64()


def test_a_run_may_have_no_payload_and_no_records():
    assert run_from_records([b"a"], [1], [()], []).num_columns == FIRST_VALUE
    assert run_from_records([], [], [], [ColumnType.TEXT]).num_rows == 0


def test_a_column_is_narrowed_where_the_rows_left_share_a_type():
    run = run_from_records([b"a", b"b"], [1, 1], [(1, "x"), ("y", "z")], [ColumnType.ANY] * 2)
    assert narrow_column(run.column(FIRST_VALUE)).equals(run.column(FIRST_VALUE))
    assert narrow_column(run.slice(1).column(FIRST_VALUE)).equals(pa.array(["y"]))


@given(st.lists(st.binary(max_size=2)), st.binary(max_size=2))
def test_the_position_of_a_key_parts_what_is_below_it_from_the_rest(keys, key):
    keys.sort()
    run = run_from_records(keys, [1] * len(keys), [()] * len(keys), [])
    assert key_position(run, key) == sum(k < key for k in keys)
    assert key_position(run, key, after=True) == sum(k <= key for k in keys)


@given(st.lists(st.binary(max_size=2), min_size=1).map(sorted))
def test_a_key_starts_where_it_differs_from_the_one_before(items):
    fresh = starts_of_keys(pa.array(items, pa.binary()))
    expected = [i == 0 or items[i] != items[i - 1] for i in range(len(items))]
    assert all(expected) if fresh is None else fresh.tolist() == expected
