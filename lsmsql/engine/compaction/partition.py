"""Where to part a large merge: for several workers to share it, or to do it piece by piece."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from lsmsql.engine.sstable.index import BlockIndex
from lsmsql.engine.sstable.meta import FileMeta

KeyRange = tuple[bytes | None, bytes | None]
"""Keys from the first one on and below the second; None: no bound."""

ALL_KEYS: KeyRange = (None, None)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def key_ranges(indexes: Sequence[BlockIndex], parts: int) -> list[KeyRange]:
    """All keys in up to ``parts`` ranges, with about equal bytes of blocks in each.

    A range begins where a block does; no more is known of the keys than the indexes tell.
    """
    return _cut(
        (
            (first, length)
            for index in indexes
            for first, length in zip(index.first, index.lengths, strict=True)
        ),
        parts,
    )


def file_ranges(files: Iterable[FileMeta], nbytes: int) -> list[KeyRange]:
    """All keys in ranges of about ``nbytes`` each, which begin where a file does.

    Nothing is read for that. Files are far smaller than a range is meant to be.
    """
    pieces = [(meta.smallest, meta.size) for meta in files]
    parts = sum(size for _, size in pieces) // max(1, nbytes)
    return _cut(pieces, min(max(1, parts), len(pieces)))


def _cut(pieces: Iterable[tuple[bytes, int]], parts: int) -> list[KeyRange]:
    """Ranges that hold equal shares of ``pieces``: the first key, and the bytes, of each."""
    ordered = sorted(pieces)
    filled = list(accumulate(length for _, length in ordered))
    wanted = [filled[-1] * part // parts for part in range(1, parts)] if ordered else []
    cuts = sorted({ordered[bisect_left(filled, size)][0] for size in wanted})
    bounds = [None, *(cut for cut in cuts if cut > ordered[0][0]), None]
    return [(bounds[i], bounds[i + 1]) for i in range(len(bounds) - 1)]
