"""What a transaction has read, within a bound of memory: more may be remembered, never less."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine import readset
from lsmsql.engine.readset import ReadSet
from lsmsql.engine.slices import Range

KEYS = st.binary(max_size=3)
RANGES = st.builds(Range, st.none() | KEYS, st.none() | KEYS)


def holds(reads: ReadSet, key: bytes) -> bool:
    return key in reads.keys(1) or any(_within(key, span) for span in reads.ranges(1))


def _within(key: bytes, span: Range) -> bool:
    return (span.start is None or span.start <= key) and (span.stop is None or key < span.stop)


@given(st.lists(KEYS | RANGES, max_size=30), st.lists(KEYS, max_size=10))
def test_below_the_bound_just_what_was_read_is_remembered(
    read: list[bytes | Range], asked: list[bytes]
) -> None:
    reads = ReadSet()
    for item in read:
        reads.add_range(1, item) if isinstance(item, Range) else reads.add_key(1, item)
    for key in asked:
        expected = any(_within(key, i) if isinstance(i, Range) else i == key for i in read)
        assert holds(reads, key) == expected
    ranges = reads.ranges(1)
    for before, after in itertools.pairwise(ranges):
        assert before.stop is not None and after.start is not None and before.stop < after.start


@given(st.lists(st.binary(max_size=6) | RANGES, max_size=200))
def test_above_the_bound_nothing_that_was_read_is_forgotten(read: list[bytes | Range]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readset, "MOST_BYTES", 500)
        patch.setattr(readset, "MOST_RANGES", 6)
        patch.setattr(readset, "_LONGEST_EDGE", 2)
        reads = ReadSet()
        for item in read:
            reads.add_range(1, item) if isinstance(item, Range) else reads.add_key(1, item)
    for item in read:
        if isinstance(item, bytes):
            assert holds(reads, item)
        elif not item.empty:
            inside = [span for span in reads.ranges(1) if _covers(span, item)]
            assert inside, item
    assert len(reads.keys(1)) <= 6 and len(reads.ranges(1)) <= 6


def _covers(outer: Range, inner: Range) -> bool:
    low = outer.start is None or (inner.start or b"") >= outer.start
    return low and (outer.stop is None or (inner.stop is not None and inner.stop <= outer.stop))


def test_memory_is_bounded_however_much_is_read() -> None:
    reads = ReadSet()
    for number in range(100_000):
        reads.add_key(1, b"%020d" % (number * 7919 % 100_000) + bytes(300))
    ranges = reads.ranges(1)
    assert len(reads.keys(1)) * 420 <= readset.MOST_BYTES and len(ranges) <= readset.MOST_RANGES
    assert max(len(span.start or b"") for span in ranges) <= 256


def test_keys_that_were_looked_up_together_are_bounded_too() -> None:
    reads = ReadSet()
    keys = [b"%020d" % (number * 7919 % 100_000) + bytes(300) for number in range(30_000)]
    for start in range(0, len(keys), 1000):
        reads.add_keys(1, keys[start : start + 1000])
    assert len(reads.keys(1)) * 420 <= readset.MOST_BYTES
    assert all(holds(reads, key) for key in keys[::500])
    reads.add_keys(2, {b"a": 1, b"b": 2})
    assert reads.keys(2) == {b"a", b"b"}


def test_a_scan_that_goes_on_is_one_range() -> None:
    reads = ReadSet()
    for number in range(5000):
        reads.add_range(1, Range(b"%05d" % number, b"%05d" % (number + 1)))
    for number in reversed(range(5000)):
        reads.add_range(2, Range(b"%05d" % number, b"%05d" % (number + 1)))
    assert reads.ranges(1) == reads.ranges(2) == [Range(b"00000", b"05000")]
    assert set(reads) == {1, 2} and reads.ranges(3) == [] and reads.keys(3) == set()
