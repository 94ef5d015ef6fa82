"""Byte strings of one size: stretches of them, and the search, zeros at the end and all."""

from __future__ import annotations

from bisect import bisect_left

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.sstable.uniform import UniformBytes, uniform_bytes

LETTERS = b"\x00\x01a\xff"
STRINGS = st.integers(1, 5).flatmap(
    lambda size: st.lists(
        st.lists(st.sampled_from(LETTERS), min_size=size, max_size=size).map(bytes), min_size=1
    )
)
KEYS = st.lists(st.sampled_from(LETTERS), max_size=7).map(bytes)


def uniform(strings: list[bytes]) -> UniformBytes:
    return UniformBytes(b"".join(strings), len(strings[0]), len(strings))


@given(STRINGS, st.integers(0, 9), st.integers(0, 9), st.integers(0, 5))
def test_stretches_with_and_without_their_beginnings(strings, low, count, skip):
    low = min(low, len(strings))
    high = min(low + count, len(strings))
    skip = min(skip, len(strings[0]))
    found = uniform(strings)
    for _ in range(2):
        assert found.values(low, high) == strings[low:high]
        assert found.values(low, high, skip) == [string[skip:] for string in strings[low:high]]
    assert found.first_bytes() == bytes(sorted({string[0] for string in strings}))


@given(STRINGS, KEYS)
def test_the_first_row_that_is_not_below_a_key(strings, key):
    ascending = sorted(strings)
    assert uniform(ascending).lower_bound(key) == bisect_left(ascending, key)


@given(st.lists(st.binary(max_size=3)), st.integers(0, 4))
def test_an_array_of_one_size_is_recognised(values, first):
    array = pa.array(values, pa.binary()).slice(first)
    expected = array.to_pylist()
    sizes = {len(value) for value in expected}
    found = uniform_bytes(array)
    assert (found is not None) == (len(sizes) == 1 and sizes != {0})
    assert found is None or found.values(0, len(array)) == expected
