"""The hash index finds every key, and hardly anything else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.checksum import hash_key
from lsmsql.engine.sstable.hashindex import HashIndex, location_bits, row_locations


def make(hashes: list[int]) -> HashIndex:
    locations = np.arange(len(hashes), dtype=np.uint64)
    return HashIndex(np.array(hashes, np.uint64), locations, 4)


@given(st.sets(st.binary(max_size=20), min_size=1, max_size=500))
def test_every_key_leads_to_its_place(keys):
    ordered = sorted(keys)
    index = make([hash_key(key) for key in ordered])
    assert [index.find(hash_key(key)) for key in ordered] == list(range(len(ordered)))


def test_absent_keys_lead_nowhere():
    index = make([hash_key(b"%d" % i) for i in range(5000)])
    found = [index.find(hash_key(b"%d" % i)) for i in range(5000, 9000)]
    assert found == [-1] * 4000


@given(st.sets(st.integers(0, (1 << 64) - 1), min_size=1, max_size=50))
def test_hashes_at_the_ends_of_the_range(hashes):
    extremes = sorted(hashes | {0, (1 << 64) - 1, 1 << 63, (1 << 63) - 1})
    index = make(extremes)
    firsts: dict[int, int] = {}
    for at, value in enumerate(extremes):
        firsts.setdefault(value, at)
    for value in extremes:
        found = extremes[index.find(value)]
        assert found & 0xFFFFFFFF == value & 0xFFFFFFFF


def test_a_location_counts_rows_and_blocks():
    assert location_bits(1, 1) == 0
    assert location_bits(1024, 1) == 10
    assert location_bits(1025, 3) == 13


def test_the_locations_of_the_rows_of_all_blocks():
    assert row_locations([2, 1, 3], 4).tolist() == [0, 1, 16, 32, 33, 34]
