"""What is sound in a log that may be damaged anywhere.

Whoever replays a log stops at the first bad byte. Who wants to know all that is wrong with it, or
to save what is left, goes on behind the damage: at the next place where a frame of this file
begins, which only the checksum tells, for the lengths that lead there are in doubt.
"""

from __future__ import annotations

from dataclasses import dataclass

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.wal.damage import next_frame
from lsmsql.engine.wal.format import HEADER_SIZE, Kind, decode_header, encode_header, sound_frames

_AT_ONCE = 1024


@dataclass(frozen=True)
class Salvage:
    """The sound frames of a file, and the bytes [start, end) in which there is none.

    ``header`` is what is wrong with the header, if anything is. Zeros at the end are no damage.
    """

    offsets: tuple[int, ...]
    ends: tuple[int, ...]
    gaps: tuple[tuple[int, int], ...]
    header: CorruptionError | None = None

    def clean(self, data: bytes, kind: Kind, number: int) -> bytes:
        """The file without its damage: a header, and the sound frames end to end."""
        frames = map(data.__getitem__, map(slice, self.offsets, self.ends))
        return b"".join((encode_header(kind, number), *frames))


def salvage(data: bytes, path: str, number: int) -> Salvage:
    """Find the sound frames of file ``number`` in ``data``. Raises FormatError for a newer one."""
    header: CorruptionError | None = None
    try:
        decode_header(data, path)
    except CorruptionError as error:
        header = error
    offsets: list[int] = []
    ends: list[int] = []
    gaps: list[tuple[int, int]] = []
    used = len(data.rstrip(b"\0"))
    at = HEADER_SIZE
    while at < used:
        found, end = sound_frames(data, at, number, _AT_ONCE)
        if found:
            offsets += found
            ends += [*found[1:], end]
            at = end
        else:
            resumed = next_frame(data, at, number)
            gaps.append((at, used if resumed is None else resumed))
            at = gaps[-1][1]
    return Salvage(tuple(offsets), tuple(ends), tuple(gaps), header)
