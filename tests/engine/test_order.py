"""Keys are put in the order that Python's own sort gives them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.order import sort_order, sort_order_and_ties

pieces = st.sampled_from([b"", b"\0", b"\xff", b"a", b"ab", b"shared prefix ", bytes(9)])
keys = st.binary(max_size=12) | st.lists(pieces, max_size=4).map(b"".join)
same_length = st.integers(0, 20).flatmap(
    lambda size: st.lists(st.binary(min_size=size, max_size=size), max_size=30)
)
composite = st.lists(st.tuples(*[st.sampled_from([0, 1, 255, 256, 1 << 40])] * 3), max_size=30).map(
    lambda rows: [b"".join(part.to_bytes(8) for part in row) for row in rows]
)
few_values = st.lists(st.binary(max_size=3), min_size=1, max_size=4).flatmap(
    lambda some: st.lists(st.sampled_from(some), max_size=40)
)


def reference(items: list[bytes]) -> list[int]:
    return sorted(range(len(items)), key=lambda row: items[row])


def order_of(array: pa.Array) -> list[int]:
    order = sort_order(array)
    return list(range(len(array))) if order is None else order.tolist()


@given(
    st.lists(keys, max_size=40) | same_length | few_values | composite,
    st.binary(max_size=20),
    st.data(),
)
def test_the_order_is_that_of_a_stable_sort(items, prefix, data):
    items = [prefix + item for item in items]
    skipped = data.draw(st.integers(0, len(items)))
    array = pa.array(items, pa.binary()).slice(skipped)
    assert order_of(array) == reference(items[skipped:])
    may_be_equal = sort_order_and_ties(array)[1]
    assert may_be_equal or len(set(items[skipped:])) == len(items) - skipped


@given(st.lists(st.lists(keys, max_size=12).map(sorted), max_size=4))
def test_sorted_runs_end_to_end_are_merged_the_earlier_one_first(runs):
    items = [key for run in runs for key in run]
    assert order_of(pa.array(items, pa.binary())) == reference(items)


@given(st.lists(keys, max_size=40).map(sorted))
def test_keys_in_order_need_no_sorting(items):
    assert sort_order(pa.array(items, pa.binary())) is None


@pytest.mark.parametrize("distinct", [1, 3, 1000, 1 << 60])
@pytest.mark.parametrize("runs", [1, 4, 5000])
@pytest.mark.parametrize("width", [3, 8, 17])
def test_many_keys_with_many_equal_ones(distinct, runs, width):
    numbers = np.random.default_rng(1).integers(0, distinct, 5000)
    items = [b"%0*d" % (width, n) for n in numbers.tolist()]
    step = len(items) // runs
    items = [key for at in range(0, 5000, step) for key in sorted(items[at : at + step])]
    assert order_of(pa.array(items, pa.binary())) == reference(items)
