"""The bytes of a log. Integers are little-endian; the numbers below are offsets.

    file    = header frame*

    header    0         8       10      12       16        24         32
              | magic   |version|kind   | zero   | number  | checksum |
              | b"lsmsqlog" u16 | u16   | u32    | u64     | u64      |

    frame     0         8        12      16         24        32
              | checksum| length | count | sequence | durable | payload: length bytes |
              | u64     | u32    | u32   | u64      | u64     |

    payload = record*             exactly ``count`` of them

    record    0      1            5              9
              | type | key length | value length | key | value |
              | u8   | u32        | u32          |

``number`` is the file's own. The checksum of a header is xxh3_64 of the 24 bytes before it. That of
a frame is xxh3_64 of all that follows it in the frame, **seeded with the file's number**: a frame
left over from another file, where the disk gave the space out again, is never taken for one of this
file.

``durable`` is how many bytes of the file were known to be on the disk when the frame was written;
it tells damage from a torn tail (see ``damage``). Zero bytes from where a frame should begin to the
end of the file are space that was set aside and not used.

    type       key            value
    1 PUT      encoded key    row
    2 DELETE   encoded key    nothing
    3 TABLE    table id, u32  nothing      the records after it, in this frame, are of that table
    4 EDIT     nothing        edit         only in a manifest
    5 ROWS     nothing        rows         many PUT and DELETE of distinct keys (see ``rows``)

A frame begins in table 1, ``kv``. All records of a frame have its sequence number. These numbers
are frozen: stores on disks depend on them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from itertools import repeat
from typing import NamedTuple

from lsmsql.engine.checksum import checksum
from lsmsql.engine.errors import CorruptionError, FormatError, LimitError
from lsmsql.engine.schema import KV_TABLE_ID

MAGIC = b"lsmsqlog"
VERSION = 1
HEADER_SIZE = 32
FRAME_HEADER_SIZE = 32
RECORD_HEADER_SIZE = 9
LENGTH_AT, COUNT_AT, SEQUENCE_AT, DURABLE_AT = 8, 12, 16, 24
"""Where the fields of a frame are."""

MAX_PAYLOAD = (1 << 32) - 1

PUT = 1
DELETE = 2
TABLE = 3
EDIT = 4
ROWS = 5

_HEADER = struct.Struct("<8sHHIQ")
_CHECKSUM = struct.Struct("<Q")
_FRAME = struct.Struct("<QIIQQ")
_FRAME_AFTER_CHECKSUM = struct.Struct("<IIQQ")
_FRAME_OF_ONE = struct.Struct("<IIQQBII")
_LENGTH = struct.Struct("<I")
_RECORD = struct.Struct("<BII")
_TABLE_RECORD = struct.Struct("<BIII")
_TABLE_ID = struct.Struct("<I")
_FIRST_KEY = FRAME_HEADER_SIZE + RECORD_HEADER_SIZE

_pack_record = _RECORD.pack
_unpack_record = _RECORD.unpack_from
_unpack_checksum = _CHECKSUM.unpack_from
_unpack_length = _LENGTH.unpack_from

pack_checksum = _CHECKSUM.pack
"""(checksum): the first bytes of a frame."""

pack_frame_of_one = _FRAME_OF_ONE.pack
"""(length, count, sequence, durable, type, key length, value length): from there to the key."""


class Kind(IntEnum):
    """What a file of frames is used for."""

    LOG = 1
    MANIFEST = 2


LOG, MANIFEST = Kind


@dataclass(frozen=True)
class Header:
    """The first 32 bytes of a file."""

    version: int
    kind: Kind
    number: int


class Record(NamedTuple):
    """A record and the table it belongs to."""

    type: int
    table_id: int
    key: bytes
    value: bytes


class Frame(NamedTuple):
    """A frame whose checksum was right: bytes ``offset`` to ``end`` of ``data``."""

    data: bytes
    path: str
    offset: int
    end: int
    sequence: int
    durable: int
    record_count: int

    @property
    def payload(self) -> bytes:
        """The records as they are in the file."""
        return self.data[self.offset + FRAME_HEADER_SIZE : self.end]

    def records(self) -> list[Record]:
        """The records but for TABLE, which has done its work: each record names its table.

        Raises CorruptionError when the records do not fill the payload.
        """
        data = self.data
        return [
            Record(kind, table_id, data[key_at:value_at], data[value_at:end])
            for kind, table_id, key_at, value_at, end in place_records(self)
        ]


_new_frame: Callable[[tuple[bytes, str, int, int, int, int, int]], Frame]
_new_frame = partial(tuple.__new__, Frame)
"""``Frame`` of its fields, past the constructor in Python that NamedTuple makes."""


def put_record(key: bytes, value: bytes) -> bytes:
    """A PUT of an encoded key and an encoded row."""
    return _pack_record(PUT, len(key), len(value)) + key + value


def put_records(keys: Sequence[bytes], values: Sequence[bytes]) -> bytes:
    """``put_record`` of each key and its value, end to end."""
    key_lengths, value_lengths = list(map(len, keys)), list(map(len, values))
    if len(set(key_lengths)) == len(set(value_lengths)) == 1:
        heads = [_pack_record(PUT, key_lengths[0], value_lengths[0])] * len(keys)
    else:
        heads = list(map(_pack_record, repeat(PUT), key_lengths, value_lengths))
    parts = heads * 3
    parts[0::3], parts[1::3], parts[2::3] = heads, keys, values
    return b"".join(parts)


def delete_record(key: bytes) -> bytes:
    """A DELETE of an encoded key."""
    return _pack_record(DELETE, len(key), 0) + key


def table_record(table_id: int) -> bytes:
    """What makes the records after it belong to another table."""
    return _TABLE_RECORD.pack(TABLE, _TABLE_ID.size, 0, table_id)


def rows_record(value: bytes) -> bytes:
    """Many rows, as ``pack_rows`` gives them."""
    return _pack_record(ROWS, 0, len(value)) + value


def edit_record(value: bytes) -> bytes:
    """An edit of the manifest."""
    return _pack_record(EDIT, 0, len(value)) + value


def log_name(number: int) -> str:
    """The name of the log with that number."""
    return f"{number:06d}.log"


def encode_header(kind: Kind, number: int) -> bytes:
    """The first 32 bytes of file ``number``."""
    header = _HEADER.pack(MAGIC, VERSION, kind, 0, number)
    return header + _CHECKSUM.pack(checksum(header))


def decode_header(data: bytes, path: str) -> Header:
    """The header of the file that begins with ``data``.

    Raises CorruptionError, and FormatError for a version that this release does not read.
    """
    if len(data) < HEADER_SIZE:
        raise CorruptionError(path, 0, f"{len(data)} bytes; a log has a header of {HEADER_SIZE}")
    magic, version, kind, _, number = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise CorruptionError(path, 0, f"not a log: it begins with {magic!r}, not {MAGIC!r}")
    if _CHECKSUM.unpack_from(data, _HEADER.size)[0] != checksum(data[: _HEADER.size]):
        raise CorruptionError(path, 0, "the header's checksum is wrong")
    if version != VERSION:
        raise FormatError(f"{path}: log format {version}; this release reads {VERSION}")
    if kind not in (Kind.LOG, Kind.MANIFEST):
        raise CorruptionError(
            path, 0, f"the header names kind {kind}; 1 (log) and 2 (manifest) are known"
        )
    return Header(version, Kind(kind), number)


def encode_frame(number: int, sequence: int, count: int, payload: bytes, durable: int) -> bytes:
    """A frame of file ``number`` around ``count`` records. Raises LimitError beyond 4 GiB."""
    if len(payload) > MAX_PAYLOAD:
        raise LimitError(f"a commit of {len(payload):,} bytes; the limit is {MAX_PAYLOAD:,}")
    body = _FRAME_AFTER_CHECKSUM.pack(len(payload), count, sequence, durable) + payload
    return pack_checksum(checksum(body, number)) + body


def sound_frames(data: bytes, offset: int, number: int, most: int) -> tuple[list[int], int]:
    """Where the next frames of file ``number`` begin, up to ``most`` of them, and where they end.

    Only sound ones: they fit in the file and their checksums are right. Lengths are followed first
    and checksums computed after, for many frames by few calls.
    """
    offsets: list[int] = []
    last = len(data) - FRAME_HEADER_SIZE
    at = offset
    while at <= last and len(offsets) < most:
        length = _unpack_length(data, at + LENGTH_AT)[0]
        if not length and not any(data[at : at + FRAME_HEADER_SIZE]):  # space that was set aside
            break
        offsets.append(at)
        at += FRAME_HEADER_SIZE + length
    ends = [*offsets[1:], at]
    guarded = map(slice, map(LENGTH_AT.__add__, offsets), ends)
    computed = list(map(checksum, map(data.__getitem__, guarded), repeat(number)))
    for index, stored in enumerate(map(_unpack_checksum, repeat(data), offsets)):
        if stored[0] != computed[index] or ends[index] > len(data):
            return offsets[:index], offsets[index]
    return offsets, at


def frame_size(data: bytes, offset: int) -> int:
    """The size that the frame whose header is at ``offset`` says it has."""
    return FRAME_HEADER_SIZE + int(_unpack_length(data, offset + LENGTH_AT)[0])


def decode_frame(data: bytes, path: str, offset: int) -> Frame:
    """The frame at ``offset``, which is known to be sound."""
    _, length, count, sequence, durable = _FRAME.unpack_from(data, offset)
    end = offset + FRAME_HEADER_SIZE + length
    return _new_frame((data, path, offset, end, sequence, durable, count))


def place_single(frame: Frame) -> tuple[int, int, int] | None:
    """Type, place of the key and place of the value, up to the frame's end, of the only record.

    None unless it is a PUT or DELETE of table 1: the most frequent frame.
    """
    data, _, offset, end, _, _, record_count = frame
    key_at = offset + _FIRST_KEY
    if record_count != 1 or key_at > end:
        return None
    kind, key_length, value_length = _unpack_record(data, key_at - RECORD_HEADER_SIZE)
    value_at = key_at + key_length
    if value_at + value_length != end or (kind != PUT and (kind != DELETE or value_length)):
        return None
    return kind, key_at, value_at


def place_records(frame: Frame) -> list[tuple[int, int, int, int, int]]:
    """Type, table id, place of the key, of the value, and end of each record but for TABLE.

    Raises CorruptionError when the records do not fill the payload.
    """
    data, end = frame.data, frame.end
    at = frame.offset + FRAME_HEADER_SIZE
    table_id = KV_TABLE_ID
    places: list[tuple[int, int, int, int, int]] = []
    tables = 0
    while at + RECORD_HEADER_SIZE <= end:
        kind, key_length, value_length = _unpack_record(data, at)
        key_at = at + RECORD_HEADER_SIZE
        value_at = key_at + key_length
        next_at = value_at + value_length
        if next_at > end:
            break
        if kind != PUT:
            _check_record(frame, at, kind, key_length, value_length)
        if kind == TABLE:
            (table_id,) = _TABLE_ID.unpack_from(data, key_at)
            tables += 1
        else:
            places.append((kind, table_id, key_at, value_at, next_at))
        at = next_at
    if at != end or len(places) + tables != frame.record_count:
        problem = f"the records of a frame end at {at}, {len(places) + tables} of them;"
        raise CorruptionError(
            frame.path, frame.offset, f"{problem} not at {end}, {frame.record_count}"
        )
    return places


def _check_record(frame: Frame, at: int, kind: int, key_length: int, value_length: int) -> None:
    """Raise CorruptionError for a record, other than PUT, that no writer makes."""
    sound = (
        (kind == DELETE and value_length == 0)
        or (kind == TABLE and key_length == _TABLE_ID.size and value_length == 0)
        or (kind in (EDIT, ROWS) and key_length == 0)
    )
    if not sound:
        problem = (
            f"a record of type {kind} with a key of {key_length} and a value of {value_length}"
        )
        raise CorruptionError(frame.path, at, f"{problem} bytes")
