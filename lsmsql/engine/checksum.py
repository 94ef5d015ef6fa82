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
        if not everything:
            rows = first + np.flatnonzero(short[chunk])
            hashes[rows] = _hash_ranges(data, starts[rows], lengths[rows])
        elif (lengths[chunk] == lengths[first]).all():
            hashes[chunk] = _hash_uniform(data, starts[chunk], int(lengths[first]))
        else:
            hashes[chunk] = _hash_ranges(data, starts[chunk], lengths[chunk])
    return hashes


def _hash_uniform(data: Bytes, starts: Integers, width: int) -> Hashes:
    """XXH64 of keys of ``width`` bytes each, end to end: no step needs an index."""
    count, first = len(starts), int(starts[0])

    def column(kind: str, at: int) -> Hashes:
        """Number ``kind`` at byte ``at`` of every key."""
        return np.ndarray((count,), kind, data, first + at, (width,)).astype(np.uint64)

    striped = width & ~31
    state = np.full(count, _P5)
    if striped:
        lanes = np.repeat(_ACCUMULATORS[:, None], count, axis=1)
        for at in range(0, striped, 8):
            lane = at // 8 % 4
            lanes[lane] = _round(lanes[lane], column("<u8", at))
        state = _merge(lanes)
    state += np.uint64(width)
    for at in range(striped, width - 7, 8):
        state = _mix_word(state, column("<u8", at))
    at = width & ~7
    if width & 4:
        state = _mix_half(state, column("<u4", at))
        at += 4
    while at < width:
        state = _mix_byte(state, column("u1", at))
        at += 1
    return _avalanche(state)


def _hash_ranges(data: Bytes, starts: Integers, lengths: Integers) -> Hashes:
    """XXH64 of ``data[starts[i] : starts[i] + lengths[i]]`` for every i."""
    words, halves = unaligned(data, "<u8"), unaligned(data, "<u4")
    stripes = lengths >> 5
    state = _begin(words, starts, stripes)
    state += lengths.view(np.uint64)
    at = starts + (stripes << 5)
    left = lengths & 31

    for rows in _rounds(left >> 3):
        state[rows] = _mix_word(state[rows], words[at[rows]])
        at[rows] += 8
    for rows in _rounds((left >> 2) & 1):
        state[rows] = _mix_half(state[rows], halves[at[rows]].astype(np.uint64))
        at[rows] += 4
    for rows in _rounds(left & 3):
        state[rows] = _mix_byte(state[rows], data[at[rows]].astype(np.uint64))
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
    state[striped] = _merge(lanes)
    return state


def _merge(lanes: Hashes) -> Hashes:
    """One state of four accumulators."""
    merged = sum((_rotate(lanes[i], r) for i, r in enumerate((1, 7, 12, 18))), _ZERO)
    for lane in range(4):
        merged = (merged ^ _round(_ZERO, lanes[lane])) * _P1 + _P4
    return merged


def _mix_word(state: Hashes, words: Hashes) -> Hashes:
    return _rotate(state ^ _round(_ZERO, words), 27) * _P1 + _P4


def _mix_half(state: Hashes, halves: Hashes) -> Hashes:
    return _rotate(state ^ halves * _P1, 23) * _P2 + _P3


def _mix_byte(state: Hashes, single: Hashes) -> Hashes:
    return _rotate(state ^ single * _P5, 11) * _P1


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
