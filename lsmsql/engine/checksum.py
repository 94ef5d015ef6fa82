"""Checksums of what is stored, and the hash of a key.

Both are part of the file format: xxh3_64 guards every frame and block, XXH64 with seed 0 feeds the
bloom filters. The bulk form of XXH64 follows the published algorithm (Yann Collet, "xxHash fast
digest algorithm", https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), every step done
for all the keys that have it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from lsmsql.engine.ragged import Bytes, Integers, offsets_and_bytes, unaligned

Hashes = npt.NDArray[np.uint64]


checksum: Callable[..., int] = xxhash.xxh3_64_intdigest
"""``checksum(data: bytes | memoryview, seed: int = 0) -> int``: xxh3_64, without a wrapper."""

hash_key: Callable[[bytes], int] = xxhash.xxh64_intdigest
"""``hash_key(key) -> int``: XXH64 with seed 0, without a wrapper."""

LONG_KEY = 256
"""Beyond this many bytes the rounds of one key outweigh the call: hashed one by one."""

_CHUNK = 8192
"""Keys at a time, so that the intermediate arrays stay in the processor's cache."""

_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(prime)
    for prime in (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5,
    )
)
_ZERO = np.zeros(1, np.uint64)
_ACCUMULATORS = np.concatenate([_P1 + _ZERO + _P2, _P2 + _ZERO, _ZERO, _ZERO - _P1])
"""State of the four accumulators before the first stripe, seed 0."""


def hash_keys(keys: pa.Array) -> Hashes:
    """``hash_key`` of every key of a binary array."""
    offsets, data = offsets_and_bytes(keys)
    starts = offsets[:-1].astype(np.int64)
    lengths = np.diff(offsets).astype(np.int64)
    hashes = np.empty(len(keys), np.uint64)
    short = lengths <= LONG_KEY
    for i in np.flatnonzero(~short).tolist():
        hashes[i] = hash_key(data[starts[i] : starts[i] + lengths[i]].tobytes())
    everything = bool(short.all())
    for first in range(0, len(keys), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        if everything:
            hashes[chunk] = _hash_ranges(data, starts[chunk], lengths[chunk])
        else:
            rows = first + np.flatnonzero(short[chunk])
            hashes[rows] = _hash_ranges(data, starts[rows], lengths[rows])
    return hashes


def _hash_ranges(data: Bytes, starts: Integers, lengths: Integers) -> Hashes:
    """XXH64 of ``data[starts[i] : starts[i] + lengths[i]]`` for every i."""
    words, halves = unaligned(data, "<u8"), unaligned(data, "<u4")
    stripes = lengths >> 5
    state = _begin(words, starts, stripes)
    state += lengths.view(np.uint64)
    at = starts + (stripes << 5)
    left = lengths & 31

    for rows in _rounds(left >> 3):
        lane = _round(_ZERO, words[at[rows]])
        state[rows] = _rotate(state[rows] ^ lane, 27) * _P1 + _P4
        at[rows] += 8
    for rows in _rounds((left >> 2) & 1):
        lane = halves[at[rows]].astype(np.uint64) * _P1
        state[rows] = _rotate(state[rows] ^ lane, 23) * _P2 + _P3
        at[rows] += 4
    for rows in _rounds(left & 3):
        lane = data[at[rows]].astype(np.uint64) * _P5
        state[rows] = _rotate(state[rows] ^ lane, 11) * _P1
        at[rows] += 1
    return _avalanche(state)


def _begin(words: Hashes, starts: Integers, stripes: Integers) -> Hashes:
    """The state before the length is added: four accumulators merged where a key has stripes."""
    state = np.full(len(starts), _P5)
    striped = np.flatnonzero(stripes)
    if not len(striped):
        return state
    lanes = np.repeat(_ACCUMULATORS[:, None], len(striped), axis=1)
    at = starts[striped]
    for rows in _rounds(stripes[striped]):
        for lane in range(4):
            lanes[lane, rows] = _round(lanes[lane, rows], words[at[rows] + 8 * lane])
        at[rows] += 32
    merged = sum((_rotate(lanes[i], r) for i, r in enumerate((1, 7, 12, 18))), _ZERO)
    for lane in range(4):
        merged = (merged ^ _round(_ZERO, lanes[lane])) * _P1 + _P4
    state[striped] = merged
    return state


def _rounds(counts: Integers) -> list[Integers | slice]:
    """For each round the rows that still take part; all of them as a slice, which is cheaper."""
    rounds: list[Integers | slice] = []
    fewest = int(counts.min(initial=LONG_KEY))
    for done in range(int(counts.max(initial=0))):
        rounds.append(slice(None) if done < fewest else np.flatnonzero(counts > done))
    return rounds


def _round(state: Hashes, words: Hashes) -> Hashes:
    mixed: Hashes = _rotate(state + words * _P2, 31) * _P1
    return mixed


def _rotate(words: Hashes, bits: int) -> Hashes:
    rotated: Hashes = (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))
    return rotated


def _avalanche(state: Hashes) -> Hashes:
    state = (state ^ (state >> np.uint64(33))) * _P2
    state = (state ^ (state >> np.uint64(29))) * _P3
    mixed: Hashes = state ^ (state >> np.uint64(32))
    return mixed
