"""An SSTable as far as it can be read.

The engine's own reader refuses a file at its first flaw. This one goes on: what is sound is told,
and the first flaw is kept beside it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lsmsql.dump.literals import sql_literal
from lsmsql.engine.columns import DELETE, FIRST_VALUE, PUT
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError, Error
from lsmsql.engine.filesystem import OsFileSystem, ReadFile
from lsmsql.engine.keys import KeyCodec, parse_part
from lsmsql.engine.sstable.block import Block, is_data_block
from lsmsql.engine.sstable.bloom import BloomFilter
from lsmsql.engine.sstable.column import DICTIONARY, KIND_NAMES, Codec, Header, chunk_size
from lsmsql.engine.sstable.format import (
    FOOTER_SIZE,
    Footer,
    Properties,
    Section,
    decode_footer,
    decode_properties,
    unseal,
)
from lsmsql.engine.sstable.index import BlockIndex, Zone
from lsmsql.engine.values import ColumnType, Value

TYPE_NAMES = {PUT: "PUT", DELETE: "DELETE"}
FIXED_COLUMNS = (("key", "BLOB"), ("sequence", "INTEGER"), ("kind", "INTEGER"))


@dataclass(frozen=True)
class StoredColumn:
    """How one column lies in one block; ``size`` is in bytes, without the header."""

    name: str
    type: str
    encoding: str
    size: int


@dataclass(frozen=True)
class ColumnStorage:
    """What one column takes in all blocks together; ``share`` of all columns, 0 to 1."""

    name: str
    type: str
    encodings: str
    size: int
    share: float


@dataclass(frozen=True)
class DataBlock:
    """A data block as the index describes it, and what was found there."""

    number: int
    offset: int
    length: int
    rows: int
    first: bytes
    last: bytes
    first_text: str
    last_text: str
    zones: list[Zone]
    columns: list[StoredColumn]
    damage: str | None


@dataclass(frozen=True)
class Entry:
    """A record. ``key_values`` is None for a key that is not of the declared types."""

    block: int
    key: bytes
    key_values: tuple[Value, ...] | None
    sequence: int
    type: str
    values: list[Value]


@dataclass
class Contents:
    """What there is in a file. ``damage`` is the first thing that could not be read."""

    path: str
    size: int
    footer: Footer
    properties: Properties | None = None
    blocks: list[DataBlock] = field(default_factory=list)
    damage: CorruptionError | None = None
    index: BlockIndex | None = None
    key_codec: KeyCodec | None = None
    file: ReadFile | None = None

    @property
    def row_count(self) -> int:
        """Records, as the index tells."""
        return sum(block.rows for block in self.blocks)

    @property
    def slot_names(self) -> list[str]:
        """A heading for each payload slot: its number and declared type."""
        slots = self.properties.slots if self.properties else []
        return [f"{slot} {kind}" for slot, kind in enumerate(slots)]

    def note(self, error: CorruptionError) -> None:
        """Keep the first damage that is found."""
        self.damage = self.damage or error

    def key_values(self, key: bytes, mask: Value = None) -> tuple[Value, ...] | None:
        """The values of a key, or None if it does not have the declared types."""
        if self.key_codec is None:
            return None
        try:
            values = self.key_codec.decode(key)
        except ValueError:
            return None
        return self.key_codec.apply_real_mask(values, mask if isinstance(mask, int) else None)

    def key_text(self, key: bytes) -> str:
        """A key as SQL literals, or in hex if it is not of the declared types."""
        values = self.key_values(key)
        return key.hex() if values is None else ", ".join(map(sql_literal, values))

    def storage(self) -> list[ColumnStorage]:
        """What each column takes, over all blocks that can be read."""
        names = {column.name: column.type for b in self.blocks for column in b.columns}
        sizes: Counter[str] = Counter()
        encodings: dict[str, Counter[str]] = {name: Counter() for name in names}
        for block in self.blocks:
            for column in block.columns:
                sizes[column.name] += column.size
                encodings[column.name][column.encoding] += 1
        total = max(1, sizes.total())
        return [
            ColumnStorage(
                name,
                kind,
                ", ".join(f"{form} ({n:,})" for form, n in encodings[name].most_common()),
                sizes[name],
                sizes[name] / total,
            )
            for name, kind in names.items()
        ]

    def entries(self, limit: int) -> list[Entry]:
        """The first ``limit`` records of the blocks that can be read."""
        found: list[Entry] = []
        for block in self.blocks:
            if len(found) >= limit:
                break
            if block.damage is None:
                try:
                    found += self._block_entries(block, limit - len(found))
                except CorruptionError as error:
                    self.note(error)
        return found

    def _block_entries(self, described: DataBlock, limit: int) -> list[Entry]:
        block = self.read_block(described.number)
        columns = [block.values(position) for position in range(block.width)]
        masked = self.key_codec is not None and self._has_real_mask()
        entries = []
        for key, sequence, kind, *values in list(zip(*columns, strict=True))[:limit]:
            assert isinstance(key, bytes) and isinstance(sequence, int)
            parts = self.key_values(key, values[0] if masked and values else None)
            name = TYPE_NAMES.get(kind, f"? {kind}")
            entries.append(Entry(described.number, key, parts, sequence, name, values))
        return entries

    def _has_real_mask(self) -> bool:
        return self.key_codec is not None and any(
            part.type is ColumnType.ANY for part in self.key_codec.parts
        )

    def read_block(self, number: int) -> Block:
        """Data block ``number``. Raises CorruptionError."""
        assert self.index is not None and self.file is not None and self.properties is not None
        offset = self.index.offsets[number]
        data = self.file.read_at(offset, self.index.lengths[number])
        block = Block(data, self.path, offset, Codec(self.properties.codec), Counters())
        if block.rows != self.index.rows[number] or not is_data_block(block.describe()):
            raise CorruptionError(self.path, offset, "the block is not the one the index describes")
        return block


def read_table(path: str) -> Contents:
    """Read a file. Raises StorageError for one that cannot be opened or has no sound footer."""
    file = OsFileSystem().open(path)
    size = file.size()
    tail = file.read_at(max(0, size - FOOTER_SIZE), FOOTER_SIZE)
    contents = Contents(path, size, decode_footer(tail, size, path), file=file)
    try:
        _read_bloom(contents, file)
        _read_properties(contents, file)
    except CorruptionError as error:
        contents.note(error)
    if contents.properties is not None:
        try:
            _read_index(contents, file, contents.properties)
        except CorruptionError as error:
            contents.note(error)
    return contents


def _payload(contents: Contents, file: ReadFile, section: Section, what: str) -> bytes:
    data = file.read_at(section.offset, section.length)
    return unseal(data, section.offset, contents.path, what)


def _read_bloom(contents: Contents, file: ReadFile) -> None:
    section = contents.footer.bloom
    try:
        BloomFilter(_payload(contents, file, section, "bloom filter"))
    except CorruptionError as error:
        contents.note(error)
    except ValueError as error:
        contents.note(CorruptionError(contents.path, section.offset, str(error)))


def _read_properties(contents: Contents, file: ReadFile) -> None:
    section = contents.footer.properties
    payload = _payload(contents, file, section, "properties")
    properties = decode_properties(payload, contents.path, section.offset)
    try:
        Codec(properties.codec)
    except ValueError as error:
        raise CorruptionError(contents.path, section.offset, str(error)) from None
    contents.properties = properties
    try:
        contents.key_codec = KeyCodec([parse_part(part)[1] for part in properties.key])
    except (ValueError, Error) as error:
        problem = f"the types of the key: {error}"
        raise CorruptionError(contents.path, section.offset, problem) from None


def _read_index(contents: Contents, file: ReadFile, properties: Properties) -> None:
    path, section = contents.path, contents.footer.index
    data = file.read_at(section.offset, section.length)
    block = Block(data, path, section.offset, Codec(properties.codec), Counters())
    index = BlockIndex(block, path, section.offset, contents.footer.bloom.offset)
    contents.index = index
    for number in range(len(index)):
        contents.blocks.append(_describe(contents, index, properties, number))


def _describe(
    contents: Contents, index: BlockIndex, properties: Properties, number: int
) -> DataBlock:
    columns: list[StoredColumn] = []
    damage = None
    try:
        columns = _columns(contents.read_block(number).describe(), properties)
    except CorruptionError as error:
        contents.note(error)
        damage = str(error).removeprefix(f"{contents.path}, ")
    zones: list[Zone] = []
    try:
        zones = [index.zone(number, slot) for slot in range(len(properties.slots))]
    except CorruptionError as error:
        contents.note(error)
    first, last = index.first[number], index.last[number]
    return DataBlock(
        number,
        index.offsets[number],
        index.lengths[number],
        index.rows[number],
        first,
        last,
        contents.key_text(first),
        contents.key_text(last),
        zones,
        columns,
        damage,
    )


def _columns(headers: list[Header], properties: Properties) -> list[StoredColumn]:
    slots = [(f"slot {slot}", kind) for slot, kind in enumerate(properties.slots)]
    names = [*FIXED_COLUMNS, *slots]
    names += [(f"slot {extra}", "?") for extra in range(len(slots), len(headers) - FIRST_VALUE)]
    return [
        StoredColumn(name, kind, encoding_name(header), chunk_size(header))
        for (name, kind), header in zip(names, headers, strict=False)
    ]


def encoding_name(header: Header) -> str:
    """The form of a stored column: "integer", "dictionary of text" and so on."""
    name = KIND_NAMES[int(header[0])]
    if header[0] == DICTIONARY:
        return f"{name} of {encoding_name(header[5])}"
    return name
