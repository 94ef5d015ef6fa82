"""Single values from Arrow's buffers are those that Arrow itself gives."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.columns import TAGGED, build_column, column_values
from lsmsql.engine.sstable.getter import constant_getter, value_getter

INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
VALUES = st.one_of(
    st.lists(st.none() | INTEGERS),
    st.lists(st.none() | st.floats(allow_nan=False)),
    st.lists(st.none() | st.text(max_size=9)),
    st.lists(st.none() | st.binary(max_size=9)),
    st.lists(st.none() | INTEGERS | st.text(max_size=9) | st.binary(max_size=9)),
    st.lists(st.none()),
)


@given(VALUES, st.integers(0, 5), st.integers(0, 5))
def test_every_value_of_every_kind_of_column(values, first, size):
    array = build_column(values).slice(first, size)
    get = value_getter(array)
    assert [get(row) for row in range(len(array))] == column_values(array)


@given(st.lists(st.binary(min_size=4, max_size=4), min_size=1), st.integers(0, 3))
def test_values_of_one_size(values, first):
    array = pa.array(values, pa.binary()).slice(first)
    get = value_getter(array, 4)
    assert [get(row) for row in range(len(array))] == array.to_pylist()


def test_texts_of_one_size_and_of_none():
    assert value_getter(pa.array(["ab", "cd"]), 2)(1) == "cd"
    assert value_getter(pa.array(["", ""]), 0)(1) == ""


def test_a_constant():
    assert [constant_getter("x")(row) for row in (0, 1, 99)] == ["x"] * 3


@pytest.mark.parametrize("malformed", [b"i123", b"?"])
def test_a_malformed_tagged_value_is_refused(malformed):
    with pytest.raises(ValueError, match="tagged"):
        value_getter(pa.array([malformed], TAGGED))(0)
