"""Reads a log, or a manifest, back.

In the newest log, what a crash left unfinished is expected and ends the reading. Anywhere else, and
wherever bytes are bad that had been synced, it is damage and an error: never a silent cut.
"""

from __future__ import annotations

from collections.abc import Iterator

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.wal.damage import was_durable
from lsmsql.engine.wal.format import (
    HEADER_SIZE,
    Frame,
    Header,
    decode_frame,
    decode_header,
    sound_frames,
)

_AT_ONCE = 1024
"""Frames, whose checksums are computed by few calls."""


class LogReader:
    """The frames in ``data``, the whole of the file ``path``.

    ``newest`` says that the file was still being written when the store was last open. ``header``
    is None if such a file was torn before its header was written, and so has no frames. ``end`` is
    where the frames read so far end; once ``frames`` has run out, the place to go on writing at (0
    without a header). ``torn`` says, then, that there is something after it that is to be cut off.
    ``synced`` is how many bytes were on the disk for sure, as the last frame says.

    Raises CorruptionError and FormatError on a header that cannot be read.
    """

    def __init__(self, data: bytes, path: str, *, newest: bool) -> None:
        self.header: Header | None = None
        self.end = 0
        self.torn = False
        self.synced = 0
        self._data = data
        self._path = path
        self._newest = newest
        try:
            self.header = decode_header(data, path)
            self.end = HEADER_SIZE
        except CorruptionError:
            if not newest or not _is_zero(data, HEADER_SIZE):
                raise
            self.torn = True  # the header is on the disk before the first frame is written

    def frames(self) -> Iterator[Frame]:
        """Each sound frame after ``end``, in order.

        Raises CorruptionError at bytes that are neither a frame, nor zero up to the end of the
        file, nor a torn tail.
        """
        data, path = self._data, self._path
        for offsets in self.offsets():
            for offset in offsets:
                yield decode_frame(data, path, offset)

    def offsets(self) -> Iterator[list[int]]:
        """``frames``, but only where they begin, many at a time."""
        if self.header is None:
            return
        data, number = self._data, self.header.number
        while (found := sound_frames(data, self.end, number, _AT_ONCE))[0]:
            offsets, self.end = found
            self.synced = decode_frame(data, self._path, offsets[-1]).durable
            yield offsets
        if not _is_zero(data, self.end):
            self._stop_at_bad_bytes(number)

    def _stop_at_bad_bytes(self, number: int) -> None:
        if not self._newest:
            raise CorruptionError(self._path, self.end, "no sound frame, in a log that is complete")
        if was_durable(self._data, self.end, number):
            raise CorruptionError(
                self._path,
                self.end,
                "no sound frame, where a later frame proves that one had been synced",
            )
        self.torn = True


def _is_zero(data: bytes, start: int) -> bool:
    """Whether nothing but zero bytes, or nothing at all, follows ``start``."""
    rest = data[start:]
    return rest == bytes(len(rest))
