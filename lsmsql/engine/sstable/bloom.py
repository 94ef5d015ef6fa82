"""The bloom filter of a file: which keys it surely does not hold.

A register-blocked filter: every key sets PROBES bits of one 64-bit word, so a lookup touches one
word. The upper half of the key's hash (see ``checksum.hash_key``) chooses the word, its lowest 12
bits one of 4096 masks.

    +----------+----------+----------------+----------------------------------+
    | version  | probes   | words: n       | n words                          |
    | u16 = 1  | u16 = 5  | u32, n >= 1    | u64 each                         |
    +----------+----------+----------------+----------------------------------+
    0          2          4                8                         8 + 8 * n     little-endian

    word = (hash >> 32) * n >> 32          mask = MASKS[hash & 0xFFF]

MASKS belongs to the format. It comes from the numbers of SplitMix64 (Steele, Lea and Flood, "Fast
splittable pseudorandom number generators", OOPSLA 2014) with state 0 at the start: each number is
cut into ten groups of 6 bits from the lowest up, each group names a bit, and a mask takes bits,
over as many numbers as it needs, until it has PROBES different ones. A new mask begins a new
number.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

VERSION = 1
PROBES = 5
DEFAULT_BITS_PER_KEY = 10

_HEADER = struct.Struct("<HHI")
_MASK_COUNT = 4096
_MAX_WORDS = (1 << 32) - 1


def _split_mix() -> Iterator[int]:
    """The numbers of SplitMix64 from state 0."""
    whole = (1 << 64) - 1
    state = 0
    while True:
        state = (state + 0x9E3779B97F4A7C15) & whole
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & whole
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & whole
        yield mixed ^ (mixed >> 31)


def _make_masks() -> list[int]:
    numbers = _split_mix()
    return [_make_mask(numbers) for _ in range(_MASK_COUNT)]


def _make_mask(numbers: Iterator[int]) -> int:
    mask = 0
    for number in numbers:
        for group in range(10):
            mask |= 1 << (number >> 6 * group & 63)
            if mask.bit_count() == PROBES:
                return mask
    raise AssertionError("the numbers never end")


MASKS: list[int] = _make_masks()
_MASK_ARRAY = np.array(MASKS, np.uint64)


def bloom_size(data: bytes, offset: int) -> int:
    """Bytes of the filter that begins at ``offset``. Raises ValueError if none does."""
    if offset + _HEADER.size > len(data):
        raise ValueError("no bloom filter: the bytes end")
    version, probes, count = _HEADER.unpack_from(data, offset)
    if (version, probes) != (VERSION, PROBES):
        raise ValueError(f"a bloom filter of version {version} with {probes} probes")
    return _HEADER.size + 8 * int(count)


def build_bloom(hashes: npt.NDArray[np.uint64], bits_per_key: int = DEFAULT_BITS_PER_KEY) -> bytes:
    """The encoded filter of the keys with these hashes.

    About 2 % of the other keys pass at 10 bits per key. Raises ValueError for ``bits_per_key``
    below 1 and for more than 2**32 - 1 words.
    """
    if bits_per_key < 1:
        raise ValueError(f"bits_per_key must be at least 1, not {bits_per_key}")
    count = max(1, -(-len(hashes) * bits_per_key // 64))
    if count > _MAX_WORDS:
        raise ValueError(f"a filter of {count:,} words; the format holds {_MAX_WORDS:,}")
    words = np.zeros(count, np.uint64)
    places = ((hashes >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32)
    masks = _MASK_ARRAY[(hashes & np.uint64(_MASK_COUNT - 1)).astype(np.intp)]
    np.bitwise_or.at(words, places.astype(np.intp), masks)
    return _HEADER.pack(VERSION, PROBES, count) + words.astype("<u8").tobytes()


class BloomFilter:
    """Reads an encoded filter. Raises ValueError if it is malformed."""

    __slots__ = ("_count", "_words")

    def __init__(self, data: bytes) -> None:
        if len(data) < _HEADER.size:
            raise ValueError(f"a bloom filter of {len(data)} bytes; its header has {_HEADER.size}")
        size, count = bloom_size(data, 0), (len(data) - _HEADER.size) // 8
        if not count or len(data) != size:
            raise ValueError(f"a bloom filter of {count} words in {len(data)} bytes")
        words = np.frombuffer(data, "<u8", count, _HEADER.size)
        self._words = words.astype(np.uint64, copy=False).data
        self._count: int = count

    def may_contain(self, key_hash: int) -> bool:
        """False if no key with this hash was put in; True if one may have been."""
        mask = MASKS[key_hash & 0xFFF]
        found: int = self._words[(key_hash >> 32) * self._count >> 32]
        return found & mask == mask
