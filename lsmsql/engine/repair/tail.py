"""What the end of an SSTable tells, though parts of it may be damaged.

footer sound             it says where properties and index are; either may be damaged
footer damaged           the blocks are found one after another, and the index is the last one;
                         it says where the data end, and bloom filter and properties follow
footer, index damaged    only the blocks that are found
"""

from __future__ import annotations

from dataclasses import dataclass

from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.bloom import bloom_size
from lsmsql.engine.sstable.column import Codec
from lsmsql.engine.sstable.format import (
    CHECKSUM_SIZE,
    FIRST_ZONE,
    FOOTER_SIZE,
    LENGTH,
    OFFSET,
    Properties,
    Section,
    decode_footer,
    decode_properties,
    unseal,
)
from lsmsql.engine.sstable.index import BlockIndex
from lsmsql.engine.sstable.salvage import find_blocks

_CODECS = ("zstd", "lz4", "none")
"""Tried one after the other where the properties are lost."""


@dataclass(frozen=True)
class Piece:
    """A block, or bytes in which there is none: where it is, and what is known of its records.

    ``first`` and ``last`` bound its keys, both inclusive; None: not known. ``problem`` says why it
    cannot be saved, if so.
    """

    offset: int
    length: int
    rows: int | None = None
    first: bytes | None = None
    last: bytes | None = None
    problem: str = ""


@dataclass(frozen=True)
class Tail:
    """What is known of a file. ``pieces`` are all of its blocks, and gaps where some should be.

    ``number`` is None if the footer is lost.
    """

    number: int | None
    properties: Properties | None
    codecs: tuple[Codec, ...]
    pieces: tuple[Piece, ...]
    indexed: bool
    """Whether the pieces are those that the index has."""


def read_tail(data: bytes, path: str) -> Tail:
    """What can be known of the file ``data``. Raises FormatError for a newer format."""
    try:
        footer = decode_footer(data[-FOOTER_SIZE:], len(data), path)
    except CorruptionError:
        return _without_footer(data, path)
    properties = _properties(data, path, footer.properties)
    codecs = _codecs(properties)
    index = _index(data, path, codecs, footer.index, footer.bloom.offset)
    if index is not None:
        return Tail(footer.number, properties, codecs, _listed(index), True)
    pieces, _ = _walk(data, footer.bloom.offset)
    return Tail(footer.number, properties, codecs, pieces, False)


def _without_footer(data: bytes, path: str) -> Tail:
    pieces, section = _walk(data, len(data))
    codecs = _codecs(None)
    if section is None:
        return Tail(None, None, codecs, pieces, False)
    index = _index(data, path, codecs, section, None)
    if index is None:
        return Tail(None, None, codecs, pieces, False)
    bloom_at = index.offsets[-1] + index.lengths[-1]
    properties = _properties_behind(data, path, bloom_at, section.offset)
    return Tail(None, properties, _codecs(properties), _listed(index), True)


def _properties(data: bytes, path: str, section: Section) -> Properties | None:
    try:
        payload = unseal(data[section.offset : section.end], section.offset, path, "properties")
        return decode_properties(payload, path, section.offset)
    except CorruptionError:
        return None


def _properties_behind(data: bytes, path: str, bloom_at: int, end: int) -> Properties | None:
    """The properties between a bloom filter and an index."""
    try:
        start = bloom_at + bloom_size(data, bloom_at) + CHECKSUM_SIZE
    except ValueError:
        return None
    return _properties(data, path, Section(start, end - start))


def _codecs(properties: Properties | None) -> tuple[Codec, ...]:
    names = _CODECS if properties is None else (properties.codec,)
    return tuple(Codec(name) for name in names if name in _CODECS)


def _index(
    data: bytes, path: str, codecs: tuple[Codec, ...], section: Section, data_end: int | None
) -> BlockIndex | None:
    """The index, whose blocks end at ``data_end``; None: wherever it says itself."""
    content = data[section.offset : section.end]
    for codec in codecs:
        try:
            block = Block(content, path, section.offset, codec, Counters())
            if block.width < FIRST_ZONE:
                return None
            last, length = (block.values(column)[-1] for column in (OFFSET, LENGTH))
            if isinstance(last, int) and isinstance(length, int):
                end = last + length if data_end is None else data_end
                return BlockIndex(block, path, section.offset, end)
        except CorruptionError:
            continue
    return None


def _listed(index: BlockIndex) -> tuple[Piece, ...]:
    columns = (index.offsets, index.lengths, index.rows, index.first, index.last)
    return tuple(Piece(*entry) for entry in zip(*columns, strict=True))


def _walk(data: bytes, end: int) -> tuple[tuple[Piece, ...], Section | None]:
    """The blocks up to ``end`` as they are found, and the index, if it is found."""
    pieces: list[Piece] = []
    at = 0
    for place in find_blocks(data[:end]):
        if place.offset > at:
            pieces.append(Piece(at, place.offset - at, problem="no sound block"))
        at = place.end
        if not place.data:
            return tuple(pieces), Section(place.offset, place.length)
        pieces.append(Piece(place.offset, place.length))
    if at < end:
        problem = "no sound block from here to the end of the data"
        pieces.append(Piece(at, end - at, problem=problem))
    return tuple(pieces), None
