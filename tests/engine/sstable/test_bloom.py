"""The bloom filter: never a false no, few false yeses."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.sstable.bloom import MASKS, PROBES, BloomFilter, build_bloom

HASHES = st.lists(st.integers(0, (1 << 64) - 1), max_size=200)


@given(HASHES, st.integers(1, 30))
def test_a_key_that_is_there_is_never_denied(hashes: list[int], bits_per_key: int) -> None:
    bloom = BloomFilter(build_bloom(np.array(hashes, np.uint64), bits_per_key))
    assert all(map(bloom.may_contain, hashes))


@given(st.integers(0, (1 << 64) - 1))
def test_a_filter_without_keys_denies_every_key(key_hash: int) -> None:
    assert not BloomFilter(build_bloom(np.empty(0, np.uint64))).may_contain(key_hash)


def test_few_other_keys_pass_at_ten_bits_per_key() -> None:
    hashes = np.random.default_rng(1).integers(0, 1 << 64, 60_000, np.uint64, endpoint=False)
    bloom = BloomFilter(build_bloom(hashes[:30_000], 10))
    passed = sum(map(bloom.may_contain, hashes[30_000:].tolist()))
    assert passed / 30_000 < 0.03


def test_the_layout_is_that_of_the_documentation() -> None:
    data = build_bloom(np.array([7, (1 << 63) + 9], np.uint64), 64)
    assert data == struct.pack("<HHIQQ", 1, 5, 2, MASKS[7], MASKS[9])


def test_the_masks_never_change() -> None:
    assert len(MASKS) == 4096
    assert all(mask.bit_count() == PROBES for mask in MASKS)
    assert [hex(mask) for mask in (MASKS[0], MASKS[1], MASKS[4095])] == [
        "0x840800010000080",
        "0x10400200c00000",
        "0x40004010030",
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        struct.pack("<HHI", 1, 5, 0),
        struct.pack("<HHI", 1, 5, 1),
        struct.pack("<HHIQQ", 1, 5, 1, 0, 0),
        struct.pack("<HHI", 1, 5, 0xFFFFFFFF) + bytes(8),
        struct.pack("<HHIQ", 2, 5, 1, 0),
        struct.pack("<HHIQ", 1, 6, 1, 0),
    ],
)
def test_malformed_filters_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="bloom filter"):
        BloomFilter(data)


def test_bits_per_key_must_be_positive() -> None:
    with pytest.raises(ValueError, match="bits_per_key must be at least 1, not 0"):
        build_bloom(np.empty(0, np.uint64), 0)
