"""The tail of an SSTable: what is read before anything else, and what the file says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.filesystem import ReadFile
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.column import Codec
from lsmsql.engine.sstable.format import (
    FOOTER_SIZE,
    Footer,
    Properties,
    Section,
    decode_footer,
    decode_properties,
    unseal,
)
from lsmsql.engine.sstable.index import BlockIndex
from lsmsql.engine.sstable.meta import FileMeta

DESCRIBED = ("table_id", "rows", "keys", "tombstones", "smallest", "largest")
"""What the manifest and the properties of a file both say of it."""


@dataclass(frozen=True)
class Opened:
    """What is known of a file once it is open."""

    file: ReadFile
    footer: Footer
    properties: Properties
    index: BlockIndex
    codec: Codec


def open_parts(file: ReadFile, path: str, meta: FileMeta) -> Opened:
    """Footer, properties and index of an open file.

    Raises CorruptionError, also if it is not the file that ``meta`` describes, FormatError,
    StorageError.
    """
    size, footer = _read_footer(file, path, meta.number)
    properties = _read_properties(file, path, footer)
    _check_described(path, size, footer, properties, meta)
    try:
        codec = Codec(properties.codec)
    except ValueError as error:
        raise CorruptionError(path, footer.properties.offset, str(error)) from None
    section = footer.index
    data = file.read_at(section.offset, section.length)
    block = Block(data, path, section.offset, codec, Counters())
    index = BlockIndex(block, path, section.offset, footer.bloom.offset)
    return Opened(file, footer, properties, index, codec)


def described_file(file: ReadFile, path: str, number: int) -> FileMeta:
    """What a file says of itself, as if the manifest said so.

    Raises CorruptionError, also if it is not file ``number``, and FormatError.
    """
    size, footer = _read_footer(file, path, number)
    properties = _read_properties(file, path, footer)
    return FileMeta(
        number=number,
        table_id=properties.table_id,
        size=size,
        rows=properties.rows,
        keys=properties.keys,
        tombstones=properties.tombstones,
        smallest=properties.smallest,
        largest=properties.largest,
        min_sequence=properties.min_sequence,
        max_sequence=properties.max_sequence,
    )


def read_section(file: ReadFile, section: Section, path: str, what: str) -> bytes:
    """The payload of a section. Raises CorruptionError if its checksum is wrong, StorageError."""
    data = file.read_at(section.offset, section.length)
    return unseal(data, section.offset, path, what)


def _read_footer(file: ReadFile, path: str, number: int) -> tuple[int, Footer]:
    """The size of the file, and its footer."""
    size = file.size()
    footer = decode_footer(file.read_at(max(0, size - FOOTER_SIZE), FOOTER_SIZE), size, path)
    if footer.number != number:
        problem = f"this is file {footer.number}, not {number}"
        raise CorruptionError(path, size - FOOTER_SIZE, problem)
    return size, footer


def _read_properties(file: ReadFile, path: str, footer: Footer) -> Properties:
    section = footer.properties
    return decode_properties(read_section(file, section, path, "properties"), path, section.offset)


def _check_described(
    path: str, size: int, footer: Footer, properties: Properties, meta: FileMeta
) -> None:
    """Raise CorruptionError unless the file is the one that ``meta`` describes.

    Numbers are given out once, but by every store: it may be a file of another one.
    """
    same = size == meta.size and all(
        getattr(properties, name) == getattr(meta, name) for name in DESCRIBED
    )
    if same and not meta.assigned:  # else the file knows nothing of sequence numbers
        same = properties.max_sequence == meta.max_sequence
    if not same:
        problem = "this is not the file that the manifest describes"
        raise CorruptionError(path, footer.properties.offset, problem)
