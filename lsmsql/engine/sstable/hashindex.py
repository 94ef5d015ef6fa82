"""Where each key of a file is, by its hash: for a file that is often asked for single keys.

The block index and a search in the block take some twenty comparisons with objects all over the
memory; this takes two reads of two arrays. It is made from the file when it pays, lives in the
block cache like a block, and goes the same way.

    starts    u32, one per bucket and one more: where the entries of a bucket begin
    entries   u64, in the order of the hashes: lower half of the hash << 32 | location
    location  number of the block << row bits | row of the newest version of the key

The bucket of a hash is its upper bits. There are as many buckets as keys, or up to twice as many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from lsmsql.engine.checksum import Hashes

MAX_LOCATION_BITS = 32

_LOW = 0xFFFFFFFF


class HashIndex:
    """Locations by hash. ``nbytes``, ``in_use`` and ``grown`` are for the cache."""

    __slots__ = ("find", "grown", "in_use", "nbytes", "row_bits", "row_mask")

    find: Callable[[int], int]
    """``find(key_hash)``: the location of the first key with that hash, or rather with up to 32 of
    its bits; -1 for none."""

    def __init__(self, hashes: Hashes, locations: npt.NDArray[np.uint64], row_bits: int) -> None:
        """``hashes`` of all keys, each once, and where they are; at most 32 bits a location."""
        bits = len(hashes).bit_length()
        shift = 64 - bits
        self.row_bits = row_bits
        self.row_mask = (1 << row_bits) - 1
        order = np.argsort(hashes)
        ordered = hashes[order]
        buckets = np.arange((1 << bits) + 1, dtype=np.uint64)
        buckets[-1] = 0
        starts = np.searchsorted(ordered, buckets << np.uint64(shift))
        starts[-1] = len(hashes)
        entries = (ordered << np.uint64(32)) | locations[order]
        views = starts.astype(np.uint32).data, entries.data
        self.find = _finder(*views, shift)
        self.nbytes = sum(view.nbytes for view in views)
        self.in_use = True
        self.grown: Callable[[], None] | None = None


def _finder(starts: memoryview, entries: memoryview, shift: int) -> Callable[[int], int]:
    """A closure, since every attribute that it need not look up is a tenth of its time."""

    def find(key_hash: int) -> int:
        bucket = key_hash >> shift
        at: int = starts[bucket]
        end = starts[bucket + 1]
        low = key_hash & _LOW
        while at < end:
            entry: int = entries[at]
            if entry >> 32 == low:
                return entry & _LOW
            at += 1
        return -1

    return find


def row_locations(rows: Sequence[int], row_bits: int) -> npt.NDArray[np.uint64]:
    """The location of every row of a file whose blocks have ``rows`` rows."""
    counts = np.array(rows, np.int64)
    blocks = np.repeat(np.arange(len(counts)) << row_bits, counts)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    locations: npt.NDArray[np.int64] = blocks | (np.arange(len(blocks)) - starts)
    return locations.astype(np.uint64)


def location_bits(rows: int, blocks: int) -> int:
    """Bits of a location in a file with ``blocks`` blocks of at most ``rows`` rows."""
    return (rows - 1).bit_length() + (blocks - 1).bit_length()
