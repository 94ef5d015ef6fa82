"""The layout of an SSTable file, shared by its writer and its reader.

    file       = data block* | bloom filter | properties | index | footer
    data block = see ``block``; columns: key, sequence, kind, then the payload slots
    bloom      = the filter of ``bloom`` | checksum u64
    properties = msgpack map of ``Properties`` | checksum u64
    index      = a block, one row per data block; its columns:
                 first key | last key | offset | length | rows
                 and for each slot: minimum | maximum | number of NULLs
    footer, 80 bytes, read first:
                 0   bloom offset        u64
                 8   bloom length        u64
                 16  properties offset   u64
                 24  properties length   u64
                 32  index length        u64
                 40  file number         u64
                 48  checksum            u64   xxh3_64 of the other 72 bytes, seeded with the number
                 56  format version      u32
                 60  zero                u32
                 64  magic               8     "lsmtable"
                 72  index offset        u64   the last 8 bytes of the file

Numbers are little-endian. Lengths include the checksum of the section, which is seeded with the
offset of the section, so that sections cannot trade places unnoticed. The versions of one key never
straddle two blocks, nor two files of a level.

A zone map (minimum, maximum) is NULL where it would say nothing: no values, values of several
types, or a bound longer than ``MAX_ZONE_BYTES``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import msgspec

from lsmsql.engine.checksum import checksum
from lsmsql.engine.errors import CorruptionError, FormatError

MAGIC = b"lsmtable"
VERSION = 1
MAX_ZONE_BYTES = 64

FIRST, LAST, OFFSET, LENGTH, ROWS, FIRST_ZONE = range(6)
"""Columns of the index; slot s has its zone at FIRST_ZONE + 3 * s: minimum, maximum, NULLs."""

_FOOTER = struct.Struct("<QQQQQQQII8sQ")
_CHECKSUM = struct.Struct("<Q")
_CHECKSUM_AT = 48
FOOTER_SIZE = _FOOTER.size
CHECKSUM_SIZE = _CHECKSUM.size


@dataclass(frozen=True)
class Section:
    """A part of a file."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True)
class Footer:
    """What the last 80 bytes of a file say."""

    number: int
    bloom: Section
    properties: Section
    index: Section
    version: int = VERSION


class Properties(msgspec.Struct, frozen=True):
    """Facts about a file, kept in it. Keys are encoded keys; sizes are in bytes."""

    table_id: int
    table: str
    slots: list[str]
    key: list[str]
    rows: int
    keys: int
    tombstones: int
    blocks: int
    smallest: bytes
    largest: bytes
    min_sequence: int
    max_sequence: int
    codec: str
    data_bytes: int
    created: str
    creator: str


def encode_footer(footer: Footer) -> bytes:
    """The footer's 80 bytes."""

    def pack(check: int) -> bytes:
        return _FOOTER.pack(
            footer.bloom.offset,
            footer.bloom.length,
            footer.properties.offset,
            footer.properties.length,
            footer.index.length,
            footer.number,
            check,
            footer.version,
            0,
            MAGIC,
            footer.index.offset,
        )

    return pack(_footer_checksum(pack(0), footer.number))


def _footer_checksum(footer: bytes, number: int) -> int:
    return checksum(footer[:_CHECKSUM_AT] + footer[_CHECKSUM_AT + 8 :], number)


def decode_footer(data: bytes, file_size: int, path: str) -> Footer:
    """The footer in the last 80 bytes of a file.

    Raises FormatError for a newer version, CorruptionError for anything that is not a footer or
    names a section outside the file.
    """
    at = file_size - FOOTER_SIZE
    if len(data) != FOOTER_SIZE:
        raise CorruptionError(path, None, f"{file_size} bytes are too few for an SSTable")
    bloom, bloom_size, props, props_size, index_size, number, check, version, _, magic, index = (
        _FOOTER.unpack(data)
    )
    if magic != MAGIC:
        raise CorruptionError(path, at, "no SSTable footer (wrong magic)")
    if check != _footer_checksum(data, number):
        raise CorruptionError(path, at, "the checksum of the footer does not match")
    if version > VERSION:
        raise FormatError(f"{path}: SSTable format {version}; this release reads up to {VERSION}")
    sections = (
        Section(bloom, bloom_size),
        Section(props, props_size),
        Section(index, index_size),
    )
    place = bloom
    for section in sections:
        if section.offset != place or section.end > at:
            raise CorruptionError(path, at, "the footer names a section outside its place")
        place = section.end
    if place != at:
        raise CorruptionError(path, at, "the sections do not fill the file")
    return Footer(number, *sections, version)


def seal(payload: bytes, offset: int) -> bytes:
    """A section that will stand at ``offset``: the payload with its checksum behind it."""
    return payload + _CHECKSUM.pack(checksum(payload, offset))


def unseal(data: bytes, offset: int, path: str, what: str) -> bytes:
    """The payload of a section. Raises CorruptionError if its checksum does not match."""
    payload = data[: -_CHECKSUM.size]
    if len(data) < _CHECKSUM.size or _CHECKSUM.unpack(data[-_CHECKSUM.size :])[0] != checksum(
        payload, offset
    ):
        raise CorruptionError(path, offset, f"the checksum of the {what} does not match")
    return payload


def decode_properties(data: bytes, path: str, offset: int) -> Properties:
    """The properties in a section's payload. Raises CorruptionError if malformed."""
    try:
        return msgspec.msgpack.decode(data, type=Properties)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CorruptionError(path, offset, f"properties: {error}") from None


def zone_bound(value: Any) -> Any:
    """A minimum or maximum as the index keeps it: None if it is too long to be worth it."""
    return None if isinstance(value, str | bytes) and len(value) > MAX_ZONE_BYTES else value
