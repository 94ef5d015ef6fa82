"""Tells damage from a torn tail.

A crash may leave any part of what was not synced: a torn frame, holes, even sound frames after the
bad place, for a disk writes in any order. All that may be cut off. But what had been synced was
there, and if it is bad now it was damaged; cutting it off would lose commits that were reported as
safe.

The proof is ``durable`` in a later frame of the same file: the frame was written when the bytes
before ``durable`` were on the disk. If that covers the bad place, it is damage. Damage in what was
synced last, with no frame after it, cannot be told from a torn tail.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lsmsql.engine.wal.format import (
    COUNT_AT,
    DURABLE_AT,
    FRAME_HEADER_SIZE,
    LENGTH_AT,
    RECORD_HEADER_SIZE,
    sound_frames,
)

_WINDOW = 1 << 20
_READS = 16
"""How many times over a file may be checksummed: a hostile one could ask for a quadratic number."""


def was_durable(data: bytes, bad: int, number: int) -> bool:
    """Whether a later frame of file ``number`` proves that the byte at ``bad`` had been synced.

    Such a frame may begin at any byte, since the lengths that lead to it are in doubt. A file that
    takes unreasonably long to search counts as damaged: nothing is cut off on a guess.
    """
    try:
        return _search(data, bad, number, bad + 1) is not None
    except _TooLongError:
        return True


def next_frame(data: bytes, bad: int, number: int) -> int | None:
    """Where after ``bad`` the next sound frame of file ``number`` begins; None if none is found.

    A file that takes unreasonably long to search is given up.
    """
    try:
        return _search(data, bad, number, 0)
    except _TooLongError:
        return None


class _TooLongError(Exception):
    """A search has looked at too many bytes."""


def _search(data: bytes, bad: int, number: int, durable_from: int) -> int | None:
    """The first sound frame after ``bad`` whose ``durable`` is at least so much."""
    budget = _READS * len(data)
    for offset in _candidates(data, bad, durable_from):
        if sound_frames(data, offset, number, 1)[0]:
            return offset
        budget -= int.from_bytes(data[offset + LENGTH_AT : offset + COUNT_AT], "little")
        if budget < 0:
            raise _TooLongError
    return None


def _candidates(data: bytes, bad: int, durable_from: int) -> Iterator[int]:
    """Offsets after ``bad`` where the fields of a frame make sense, its durable at least so much.

    The fields are compared for a window of offsets at once: a loop over the bytes of a log of
    64 MB would take a minute.
    """
    last = len(data) - FRAME_HEADER_SIZE
    stop = min(last + 1, len(data.rstrip(b"\0")))  # no frame begins where all is zero
    for window in range(bad + 1, stop, _WINDOW):
        size = min(_WINDOW, stop - window)
        offsets = np.arange(window, window + size, dtype=np.uint64)
        durable = _at_every_byte(data, "<u8", window + DURABLE_AT, size)
        places = np.flatnonzero((durable >= durable_from) & (durable <= offsets))
        length = _at_every_byte(data, "<u4", window + LENGTH_AT, size)[places].astype(np.uint64)
        count = _at_every_byte(data, "<u4", window + COUNT_AT, size)[places].astype(np.uint64)
        fits = (length <= last - offsets[places]) & (count * RECORD_HEADER_SIZE <= length)
        yield from offsets[places[fits & (count > 0)]].tolist()


def _at_every_byte(data: bytes, kind: str, start: int, count: int) -> npt.NDArray[Any]:
    """Integers of ``kind`` that begin at ``count`` successive bytes from ``start``, overlapping."""
    return np.ndarray(count, kind, data, start, strides=(1,))
