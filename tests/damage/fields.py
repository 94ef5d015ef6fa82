"""Where the fields of each kind of file begin and end, by what the formats say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

import msgspec

from lsmsql.engine.counters import Counters
from lsmsql.engine.manifest.manifest import CURRENT
from lsmsql.engine.sstable.block import Block, parse_block
from lsmsql.engine.sstable.column import BLOB, DICTIONARY, TAGGED_KIND, TEXT, Codec, Header
from lsmsql.engine.sstable.format import (
    FOOTER_SIZE,
    Footer,
    Section,
    decode_footer,
    decode_properties,
    unseal,
)
from lsmsql.engine.sstable.index import BlockIndex
from lsmsql.engine.wal.format import FRAME_HEADER_SIZE, RECORD_HEADER_SIZE, decode_frame
from tests.damage.samples import frames

_LOG_HEADER = (8, 2, 2, 4, 8, 8)
_FRAME_HEADER = (8, 4, 4, 8, 8)
_RECORD_HEADER = (1, 4, 4)
_FOOTER = (8, 8, 8, 8, 8, 8, 8, 4, 4, 8, 8)
_BLOOM_HEADER = (2, 2, 4)
_CHECKSUM = 8
_BLOCK_LENGTH = 4


def boundaries(name: str, data: bytes) -> list[int]:
    """Every offset in the undamaged file ``name`` at which a field begins or ends, ascending."""
    if name == CURRENT:
        places: Iterable[int] = (0, len("MANIFEST-"), len(data) - 1)
    elif name.endswith(".sst"):
        places = _of_table(data, name)
    else:
        places = _of_log(data, name)
    return sorted({0, *places, len(data)})


def _ends(start: int, sizes: Iterable[int]) -> Iterator[int]:
    return accumulate(sizes, initial=start)


def _of_log(data: bytes, name: str) -> Iterator[int]:
    yield from _ends(0, _LOG_HEADER)
    for start, end, _ in frames(data, name):
        yield from _ends(start, _FRAME_HEADER)
        yield from _of_records(data, name, start)
        yield end


def _of_records(data: bytes, name: str, start: int) -> Iterator[int]:
    at = start + FRAME_HEADER_SIZE
    for record in decode_frame(data, name, start).records():
        size = RECORD_HEADER_SIZE + len(record.key) + len(record.value)
        found = data.index(record.key + record.value, at + RECORD_HEADER_SIZE)
        at = found - RECORD_HEADER_SIZE  # past a TABLE record
        yield from _ends(at, (*_RECORD_HEADER, len(record.key), len(record.value)))
        at += size


def _of_table(data: bytes, name: str) -> Iterator[int]:
    footer = table_footer(data, name)
    for section in data_blocks(data, name, footer):
        yield from _of_block(data, section)
    yield from _ends(footer.bloom.offset, _BLOOM_HEADER)
    yield footer.bloom.end - _CHECKSUM
    yield from _ends(footer.properties.offset, (1, 8))
    yield footer.properties.end - _CHECKSUM
    yield from _of_block(data, footer.index)
    yield from _ends(len(data) - FOOTER_SIZE, _FOOTER)


def table_footer(data: bytes, name: str) -> Footer:
    """The footer of an undamaged SSTable."""
    return decode_footer(data[-FOOTER_SIZE:], len(data), name)


def data_blocks(data: bytes, name: str, footer: Footer) -> list[Section]:
    """The data blocks of an undamaged SSTable."""
    section = footer.properties
    payload = unseal(data[section.offset : section.end], section.offset, name, "properties")
    codec = Codec(decode_properties(payload, name, section.offset).codec)
    section = footer.index
    block = Block(data[section.offset : section.end], name, section.offset, codec, Counters())
    index = BlockIndex(block, name, section.offset, footer.bloom.offset)
    return [Section(*place) for place in zip(index.offsets, index.lengths, strict=True)]


def _of_block(data: bytes, section: Section) -> Iterator[int]:
    """Length, header, the parts of the header, the buffers of each column, checksum."""
    rows, columns = parse_block(data[section.offset : section.end], section.offset)
    at = section.offset + _BLOCK_LENGTH
    yield section.offset
    yield at
    head = msgspec.msgpack.encode(rows)
    at += 1
    yield at
    at += len(head) + len(msgspec.msgpack.encode([None] * len(columns))) - len(columns)
    yield at
    for header, _ in columns:
        at += len(msgspec.msgpack.encode(header))
        yield at
    for header, _ in columns:
        for size in _buffers(header):
            at += size
            yield at


def _buffers(header: Header) -> list[int]:
    """The stored sizes of a column's buffers."""
    kind = header[0]
    if kind == DICTIONARY:
        return [header[1], header[3], *_buffers(header[5])]
    if kind in (TEXT, BLOB, TAGGED_KIND):
        return [header[1], *header[4:6]]
    return [] if kind < 2 else [header[1], header[-1]]
