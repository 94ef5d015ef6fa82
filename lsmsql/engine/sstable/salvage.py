"""Finding the blocks of a file whose footer or index is lost.

A block tells how long it is, so from one of them the next is reached. Where one is damaged, the
next is searched for: it begins with the length of its header, and the header with the msgpack of an
array of two. Only the checksum, which is seeded with the block's place, tells that it is one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from lsmsql.engine.sstable.block import is_data_block, parse_block
from lsmsql.engine.sstable.column import chunk_size

_LENGTH = struct.Struct("<I")
_CHECKSUM_SIZE = 8
_ARRAY_OF_TWO = 0x92
_MAX_HEADER = 1 << 20


@dataclass(frozen=True)
class Place:
    """Where a sound block is, how many rows it has, and whether they are records (or an index)."""

    offset: int
    length: int
    rows: int
    data: bool

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.offset + self.length


def find_blocks(data: bytes) -> Iterator[Place]:
    """The sound blocks of a file, in order; the index is one of them."""
    view = memoryview(data)
    at = 0
    while at < len(data):
        place = _block_at(view, at)
        if place is None:
            place = next(filter(None, (_block_at(view, p) for p in _candidates(data, at))), None)
            if place is None:
                return
        yield place
        at = place.end


def _block_at(data: memoryview, offset: int) -> Place | None:
    """The block that begins at ``offset``; None if no sound one does."""
    try:
        (header,) = _LENGTH.unpack_from(data, offset)
        start = offset + _LENGTH.size
        if header > min(_MAX_HEADER, len(data) - start):
            return None
        match msgspec.msgpack.decode(data[start : start + header]):
            case [int(), list(columns)]:
                size = sum(map(chunk_size, columns))
            case _:
                return None
        length = _LENGTH.size + header + size + _CHECKSUM_SIZE
        if length > len(data) - offset:
            return None
        rows, parsed = parse_block(data[offset : offset + length], offset)
    except (struct.error, msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return None
    return Place(offset, length, rows, is_data_block([header for header, _ in parsed]))


def _candidates(data: bytes, after: int) -> Iterator[int]:
    """Offsets behind ``after`` where the first bytes could be those of a block."""
    content = np.frombuffer(data, np.uint8)
    marks = np.flatnonzero(content[after + 1 + _LENGTH.size :] == _ARRAY_OF_TWO) + after + 1
    high = content[marks + 3]  # no header is of 16 MiB
    yield from marks[high == 0].tolist()
