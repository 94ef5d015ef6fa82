"""What a fuzzer feeds: a function for each format.

Each takes any bytes, gives them right checksums, and reads them as the engine does. It lets only
CorruptionError and FormatError pass, which it catches; anything else that comes out is a fault, as
is an array that Arrow finds invalid, or values that depend on the way that they are read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from lsmsql.engine.background.job import Flush
from lsmsql.engine.cache import BlockCache
from lsmsql.engine.catalog import CATALOG_SCHEMA
from lsmsql.engine.checksum import hash_key
from lsmsql.engine.columns import column_values
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import CorruptionError, FormatError
from lsmsql.engine.manifest.manifest import RawManifest, parse_manifest
from lsmsql.engine.manifest.version import Version
from lsmsql.engine.merge import Retention
from lsmsql.engine.options import Options
from lsmsql.engine.replay import Replay
from lsmsql.engine.schema import KV_SCHEMA, make_schema
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.bloom import BloomFilter
from lsmsql.engine.sstable.column import Codec, decode_columns
from lsmsql.engine.sstable.format import (
    FIRST_ZONE,
    FOOTER_SIZE,
    LENGTH,
    OFFSET,
    decode_footer,
    decode_properties,
    unseal,
)
from lsmsql.engine.sstable.index import BlockIndex
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.sstable.reader import SSTable
from lsmsql.engine.wal.format import LOG, MANIFEST, log_name
from lsmsql.engine.wal.reader import LogReader
from tests.damage.memory import DIRECTORY, MemoryFileSystem
from tests.fuzz.sealing import NUMBER, PATH, sealed_log, sealed_section, sealed_table

Target = Callable[[bytes], None]

_COLUMNS = {"id": "INTEGER", "i": "INTEGER", "r": "REAL", "t": "TEXT", "b": "BLOB", "v": "ANY"}
SCHEMAS = (CATALOG_SCHEMA, KV_SCHEMA, make_schema("t", _COLUMNS, "id", table_id=2))
"""The tables that logs are read for."""

_CODECS = ("lz4", "zstd", "none")
_READ_ROWS = 4
_DECODED = 1 << 20
"""A column of more bytes is not compared value by value."""


def _reported() -> Any:
    """Around the reading of what may be damaged."""
    return contextlib.suppress(CorruptionError, FormatError)


def log(data: bytes) -> None:
    """A log: replayed as the newest and as a complete one, and flushed."""
    content = sealed_log(data, LOG)
    for newest in (True, False):
        with _reported():
            replay = Replay(flushed=1 << 64)
            replay.add(LogReader(content, PATH, newest=newest))
            replay.memtables()
    flush = Flush(
        path=DIRECTORY.encode(),
        options=Options(),
        keep=Retention(),
        numbers=tuple(range(10, 10 + len(SCHEMAS))),
        nbytes=len(content),
        logs=(NUMBER,),
        schemas=SCHEMAS,
    )
    disk = MemoryFileSystem({f"{DIRECTORY}/{log_name(NUMBER)}": content})
    with _reported():
        for meta in flush.execute(disk).files:
            file = SSTable(disk, flush.part_path(meta.number), meta, BlockCache(0), Counters())
            slots = next(schema.slots for schema in SCHEMAS if schema.id == meta.table_id)
            for run in file.runs(None, None, range(slots)):
                run.validate(full=True)


def manifest(data: bytes) -> None:
    """A manifest, and the version that comes of it."""
    content = sealed_log(data, MANIFEST)
    with _reported():
        loaded = parse_manifest(RawManifest(NUMBER, PATH, content))
        version = Version().apply(loaded.state.as_edit(), _unread)
        for table in version.tables.values():
            for level in table.levels:
                level.file_for(b"key")


def _unread(meta: FileMeta) -> SSTable:
    return SSTable(MemoryFileSystem(), PATH, meta, BlockCache(0), Counters())


def block(data: bytes) -> None:
    """A data block; its first byte chooses the codec."""
    codec = Codec(_CODECS[data[0] % len(_CODECS)] if data else "none")
    with _reported():
        _decode(sealed_section(data[1:], 0), codec)


def _decode(content: bytes, codec: Codec) -> Block:
    """Every column, in each of the ways that there are to read it."""
    found = Block(content, PATH, 0, codec, Counters())
    for position in range(found.width):
        with _reported():
            array = found.column(position)
            assert len(array) == found.rows
            array.validate(full=True)
            if array.nbytes < _DECODED:
                values = column_values(array)
                rows = range(found.rows)
                assert repr([found.value(position, row) for row in rows]) == repr(values)
                few = min(_READ_ROWS, found.rows)
                assert repr(found.values(position, 0, few)) == repr(values[:few])
                _decode_together(content, codec, position)
    return found


def _decode_together(content: bytes, codec: Codec, position: int) -> None:
    """As those do who read many blocks at once: twice the same block."""
    fresh = Block(content, PATH, 0, codec, Counters())
    header, chunk = fresh.describe()[position], fresh._chunks[position]
    assert chunk is not None
    stored = header, memoryview(chunk), fresh.rows
    with contextlib.suppress(ValueError, TypeError):  # which BulkReader catches
        array: pa.Array = decode_columns([stored, stored], codec)
        array.validate(full=True)


def index(data: bytes) -> None:
    """An index; its first byte chooses the codec."""
    codec = Codec(_CODECS[data[0] % len(_CODECS)] if data else "none")
    with _reported():
        found = _decode(sealed_section(data[1:], 0), codec)
        if found.width < FIRST_ZONE:
            return
        end = found.value(OFFSET, found.rows - 1), found.value(LENGTH, found.rows - 1)
        data_end = sum(value for value in end if isinstance(value, int))
        entries = BlockIndex(found, PATH, 0, data_end)
        for number in range(min(_READ_ROWS, len(entries))):
            assert entries.locate(entries.first[number]) == number
            for slot in range(found.width // 3):
                with _reported():
                    entries.zone(number, slot)
        entries.rows_between(b"a", b"z")
        entries.rows_between(None, None)


def footer(data: bytes) -> None:
    """A whole SSTable, from its footer on."""
    content = sealed_table(data)
    with _reported():
        tail = content[-FOOTER_SIZE:]
        sections = decode_footer(tail, len(content), PATH)
        section = sections.bloom
        with contextlib.suppress(ValueError):  # which SSTable catches
            payload = unseal(content[section.offset : section.end], section.offset, PATH, "bloom")
            BloomFilter(payload).may_contain(hash_key(b"key"))
        section = sections.properties
        payload = unseal(content[section.offset : section.end], section.offset, PATH, "properties")
        facts = decode_properties(payload, PATH, section.offset)
        meta = FileMeta(
            number=NUMBER,
            table_id=facts.table_id,
            size=len(content),
            rows=facts.rows,
            keys=facts.keys,
            tombstones=facts.tombstones,
            smallest=facts.smallest,
            largest=facts.largest,
            min_sequence=facts.min_sequence,
            max_sequence=facts.max_sequence,
        )
        _read_table(content, meta, len(facts.slots))


def _read_table(content: bytes, meta: FileMeta, slots: int) -> None:
    disk = MemoryFileSystem({PATH: content})
    file = SSTable(disk, PATH, meta, BlockCache(1 << 20), Counters())
    for sequence in (1 << 62, 1):
        with _reported():
            file.find(meta.smallest, sequence)
            file.find(meta.largest, sequence)
    for reverse in (False, True):
        with _reported():
            for run in file.runs(None, None, range(slots), reverse=reverse, blocks_per_run=2):
                run.validate(full=True)


TARGETS: dict[str, Target] = {
    "log": log,
    "block": block,
    "index": index,
    "footer": footer,
    "manifest": manifest,
}
