"""The bulk hash is the published XXH64."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.checksum import checksum, hash_key, hash_keys

KEYS = st.integers(0, 300).flatmap(lambda size: st.binary(min_size=size, max_size=size))


@given(st.lists(KEYS, max_size=12), st.integers(0, 3))
def test_hashes_in_bulk_are_xxh64(keys: list[bytes], skipped: int) -> None:
    hashes = hash_keys(pa.array(keys, pa.binary()).slice(skipped))
    assert hashes.dtype == np.uint64
    assert hashes.tolist() == [xxhash.xxh64_intdigest(key, 0) for key in keys[skipped:]]


def test_every_length_and_more_keys_than_a_chunk() -> None:
    source = bytes(i * 7 & 0xFF for i in range(400))
    keys = [source[i % 50 : i % 50 + i % 290] for i in range(20_000)]
    assert hash_keys(pa.array(keys)).tolist() == [hash_key(key) for key in keys]
    for size in range(260):
        uniform = [source[i : i + size] for i in range(5)]
        assert hash_keys(pa.array(uniform)).tolist() == [hash_key(key) for key in uniform]


def test_known_values() -> None:
    assert hash_key(b"") == 0xEF46DB3751D8E999
    assert hash_key(b"abc") == 0x44BC2CF5AD770999
    assert checksum(b"") == 0x2D06800538D394C2


@given(st.binary(), st.integers(0, (1 << 64) - 1))
def test_checksum_takes_views_and_a_seed(data: bytes, seed: int) -> None:
    assert checksum(memoryview(data), seed) == checksum(data, seed=seed)
    assert checksum(data) == checksum(data, 0) == xxhash.xxh3_64_intdigest(data)
