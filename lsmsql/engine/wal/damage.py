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
    budget = _READS * len(data)
    for offset in _candidates(data, bad):
        if sound_frames(data, offset, number, 1)[0]:
            return True
        budget -= int.from_bytes(data[offset + LENGTH_AT : offset + COUNT_AT], "little")
        if budget < 0:
            return True
    return False


def _candidates(data: bytes, bad: int) -> Iterator[int]:
    """Offsets after ``bad`` where the fields of a frame make sense and its durable covers ``bad``.

    The fields are compared for a window of offsets at once: a loop over the bytes of a log of
    64 MB would take a minute.
    """
    last = len(data) - FRAME_HEADER_SIZE
    for window in range(bad + 1, last + 1, _WINDOW):
        size = min(_WINDOW, last + 1 - window)
        offsets = np.arange(window, window + size, dtype=np.uint64)
        durable = _at_every_byte(data, "<u8", window + DURABLE_AT, size)
        places = np.flatnonzero((durable > bad) & (durable <= offsets))
        length = _at_every_byte(data, "<u4", window + LENGTH_AT, size)[places].astype(np.uint64)
        count = _at_every_byte(data, "<u4", window + COUNT_AT, size)[places].astype(np.uint64)
        fits = (length <= last - offsets[places]) & (count * RECORD_HEADER_SIZE <= length)
        yield from offsets[places[fits]].tolist()


def _at_every_byte(data: bytes, kind: str, start: int, count: int) -> npt.NDArray[Any]:
    """Integers of ``kind`` that begin at ``count`` successive bytes from ``start``, overlapping."""
    return np.ndarray(count, kind, data, start, strides=(1,))
