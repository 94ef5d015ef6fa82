"""Ranges of keys that are made one."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.slices import Range
from vtab.conversions import united

ends = st.one_of(st.none(), st.binary(max_size=2))
ranges = st.builds(Range, ends, ends).filter(lambda span: not span.empty)


def has(span: Range, key: bytes) -> bool:
    return (span.start or b"") <= key and (span.stop is None or key < span.stop)


@given(st.lists(ranges, max_size=5), st.lists(st.binary(max_size=3), max_size=20))
def test_united_ranges_have_the_same_keys_in_order_and_do_not_meet(
    spans: list[Range], keys: list[bytes]
) -> None:
    found = united(spans)
    for key in keys:
        assert any(has(span, key) for span in found) == any(has(span, key) for span in spans)
    for one, two in itertools.pairwise(found):
        assert one.stop is not None
        assert two.start is not None
        assert one.stop < two.start
