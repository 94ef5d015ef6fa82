"""Where to part a large merge, so that several workers share it."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from lsmsql.engine.sstable.index import BlockIndex

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
    blocks = sorted(
        (first, length)
        for index in indexes
        for first, length in zip(index.first, index.lengths, strict=True)
    )
    filled = list(accumulate(length for _, length in blocks))
    wanted = [filled[-1] * part // parts for part in range(1, parts)] if blocks else []
    cuts = sorted({blocks[bisect_left(filled, size)][0] for size in wanted})
    bounds = [None, *(cut for cut in cuts if cut > blocks[0][0]), None]
    return [(bounds[i], bounds[i + 1]) for i in range(len(bounds) - 1)]
