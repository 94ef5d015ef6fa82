"""Right checksums for wrong bytes: so that a fuzzer gets past them to the parsers behind."""

from __future__ import annotations

import struct

from lsmsql.engine.checksum import checksum
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.column import Codec
from lsmsql.engine.sstable.format import (
    FOOTER_SIZE,
    LENGTH,
    OFFSET,
    Footer,
    Section,
    decode_properties,
    encode_footer,
    seal,
)
from lsmsql.engine.wal.format import (
    FRAME_HEADER_SIZE,
    HEADER_SIZE,
    LENGTH_AT,
    Kind,
    encode_header,
    pack_checksum,
)

NUMBER = 3
PATH = "/store/000003.sst"

_CHECKSUM = 8
_FOOTER = struct.Struct("<QQQQQQQII8sQ")
_MOST_BLOCKS = 64


def sealed_log(data: bytes, kind: Kind) -> bytes:
    """``data`` as file NUMBER: a right header, and as many frames with right checksums as fit."""
    sealed = bytearray(encode_header(kind, NUMBER) + data[HEADER_SIZE:])
    at = HEADER_SIZE
    while at + FRAME_HEADER_SIZE <= len(sealed):
        length = int.from_bytes(sealed[at + LENGTH_AT : at + LENGTH_AT + 4], "little")
        end = at + FRAME_HEADER_SIZE + length
        if end > len(sealed):
            break
        sealed[at : at + LENGTH_AT] = pack_checksum(checksum(sealed[at + LENGTH_AT : end], NUMBER))
        at = end
    return bytes(sealed)


def sealed_section(data: bytes, offset: int) -> bytes:
    """``data`` with its last bytes as the right checksum of a section, or block, at ``offset``."""
    return seal(data[:-_CHECKSUM], offset)


def sealed_table(data: bytes) -> bytes:
    """``data`` as SSTable NUMBER: whatever its footer names has the right checksum."""
    if len(data) < FOOTER_SIZE:
        return data
    sealed = bytearray(data)
    bloom, bloom_size, props, props_size, index_size, _, _, _, _, _, index = _FOOTER.unpack(
        data[-FOOTER_SIZE:]
    )
    sections = Section(bloom, bloom_size), Section(props, props_size), Section(index, index_size)
    for section in sections:
        _seal_at(sealed, section)
    for section in _blocks(bytes(sealed), *sections[1:]):
        _seal_at(sealed, section)
    if max(bloom, bloom_size, props, props_size, index, index_size) < 1 << 63:
        sealed[-FOOTER_SIZE:] = encode_footer(Footer(NUMBER, *sections))
    return bytes(sealed)


def _seal_at(sealed: bytearray, section: Section) -> None:
    if section.length >= _CHECKSUM and section.end <= len(sealed) - FOOTER_SIZE:
        sealed[section.offset : section.end] = sealed_section(
            bytes(sealed[section.offset : section.end]), section.offset
        )


def _blocks(data: bytes, properties: Section, index: Section) -> list[Section]:
    """The data blocks that the index names, if it can be read."""
    payload = data[properties.offset : properties.end - _CHECKSUM]
    try:
        codec = Codec(decode_properties(payload, PATH, 0).codec)
        section = data[index.offset : index.end]
        block = Block(section, PATH, index.offset, codec, Counters())
        places = zip(block.values(OFFSET), block.values(LENGTH), strict=True)
        found = [Section(a, b) for a, b in places if isinstance(a, int) and isinstance(b, int)]
    except (CorruptionError, ValueError, IndexError):
        return []
    return [s for s in found[:_MOST_BLOCKS] if s.offset >= 0 and s.length >= 0]
