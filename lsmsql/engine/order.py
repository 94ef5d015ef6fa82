"""Putting keys in order, thousands at a time.

Comparing byte strings one by one is what makes sorting slow. Here the eight bytes behind the prefix
that all keys share become one number each, and numbers are what numpy sorts fastest. Only keys that
tie in them are compared as a whole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lsmsql.engine.ragged import Bytes, Integers, from_numpy, offsets_and_bytes, to_numpy, unaligned

Words = npt.NDArray[np.uint64]

_WORD = 8

_LEADING = np.array([0, *(~0 << 8 * (8 - kept) for kept in range(1, 9))], np.int64).view(np.uint64)
"""Masks that keep the leading 0 to 8 bytes of a big-endian word."""

_LONG_RUNS = 64
"""With sorted stretches of this many keys on average, a merging sort wins."""


def sort_order(keys: pa.Array) -> Integers | None:
    """The rows of a binary array in the order of their keys; None if they stand in it already.

    Stable: equal keys keep the order they are in.
    """
    return sort_order_and_ties(keys)[0]


def sort_order_and_ties(keys: pa.Array) -> tuple[Integers | None, bool]:
    """``sort_order``, and whether some keys may be equal: if not, all are known to differ."""
    if len(keys) < 2:
        return None, False
    words = _distinguishing_words(keys)
    descents = int(np.count_nonzero(words[1:] < words[:-1]))
    runs = descents * _LONG_RUNS < len(words)
    order = np.argsort(words, kind="stable" if runs else None) if descents else None
    ordered = words if order is None else words[order]
    tied = ordered[1:] == ordered[:-1]
    if not tied.any():
        return order, False
    places = np.flatnonzero(np.append(tied, False) | np.append(False, tied))
    rows = places if order is None else np.sort(order[places])
    by_key = to_numpy(pc.array_sort_indices(keys.take(from_numpy(rows))))
    if order is None:
        if (by_key[1:] > by_key[:-1]).all():
            return None, True
        order = np.arange(len(words))
    order[places] = rows[by_key]
    return order, True


def _distinguishing_words(keys: pa.Array) -> Words:
    """Eight bytes of each key, as a number: those behind what all keys share.

    Of keys of one length bytes that are alike in all of them are left out further on, too: those of
    composite keys are mostly zero. Shorter keys are taken to go on with zeros behind their end. So
    words in ascending order never belong to keys in descending order, though equal words may belong
    to different keys.
    """
    offsets, data = offsets_and_bytes(keys)
    starts = offsets[:-1].astype(np.int64)
    lengths = np.diff(offsets).astype(np.int64)
    width = int(lengths[0])
    if width >= _WORD and (lengths == width).all():
        matrix = data[offsets[0] : offsets[-1]].reshape(len(starts), width)
        return _varying_bytes(matrix)
    longest = int(lengths.max())
    skipped = 0
    while True:
        words = _words_at(data, starts, lengths, skipped)
        shared = _WORD - (_differing_bits(words).bit_length() + 7) // 8
        if shared == 0 or skipped + _WORD >= longest:
            return words
        skipped += shared


def _differing_bits(words: Words) -> int:
    """The bits that are not the same in all words."""
    return int(np.bitwise_or.reduce(words ^ words[0]))


def _varying_bytes(matrix: Bytes) -> Words:
    """Of each row the first eight bytes of those columns that are not the same in all rows."""
    width = matrix.shape[1]
    columns: list[int] = []
    for at in range(0, width, _WORD):
        at = min(at, width - _WORD)
        differing = _differing_bits(_column_words(matrix, at)).to_bytes(_WORD)
        columns += [at + i for i in range(_WORD) if differing[i] and at + i not in columns]
        if len(columns) >= _WORD:
            break
    columns = columns[:_WORD] or [0]
    first = min(columns[0], width - _WORD)
    if columns[-1] < first + _WORD:
        return _column_words(matrix, first)
    packed = np.zeros((len(matrix), _WORD), np.uint8)
    packed[:, : len(columns)] = matrix[:, columns]
    return _column_words(packed, 0)


def _column_words(matrix: Bytes, at: int) -> Words:
    """The eight bytes of each row from column ``at`` on, big-endian."""
    rows, width = matrix.shape
    return np.ndarray((rows,), ">u8", matrix, at, (width,)).astype(np.uint64)


def _words_at(data: Bytes, starts: Integers, lengths: Integers, skipped: int) -> Words:
    """Eight bytes of each key behind its first ``skipped``, big-endian, filled up with zeros."""
    if len(data) < _WORD:
        data = np.append(data, np.zeros(_WORD, np.uint8))
    wanted = starts + skipped
    at = np.minimum(wanted, len(data) - _WORD)
    words: Words = unaligned(data, ">u8")[at].astype(np.uint64)
    words <<= (8 * (wanted - at)).astype(np.uint64)
    words &= _LEADING[np.clip(lengths - skipped, 0, _WORD)]
    return words
