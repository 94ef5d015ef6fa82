"""Footer, properties and sealed sections, sound and damaged."""

from __future__ import annotations

import dataclasses
import struct

import msgspec
import pytest

from lsmsql.engine.errors import CorruptionError, FormatError
from lsmsql.engine.sstable.format import (
    FOOTER_SIZE,
    MAX_ZONE_BYTES,
    VERSION,
    Footer,
    Properties,
    Section,
    decode_footer,
    decode_properties,
    encode_footer,
    seal,
    unseal,
    zone_bound,
)

FOOTER = Footer(7, Section(100, 20), Section(120, 30), Section(150, 50))
SIZE = 200 + FOOTER_SIZE
PROPERTIES = Properties(
    table_id=1,
    table="kv",
    slots=["INTEGER", "ANY"],
    key=["key ANY"],
    rows=3,
    keys=2,
    tombstones=1,
    blocks=1,
    smallest=b"a",
    largest=b"b",
    min_sequence=1,
    max_sequence=3,
    codec="lz4",
    data_bytes=100,
    created="2026-01-01T00:00:00+00:00",
    creator="test",
)


def test_the_footer_comes_back_and_ends_with_the_place_of_the_index():
    data = encode_footer(FOOTER)
    assert len(data) == FOOTER_SIZE == 80
    assert decode_footer(data, SIZE, "x.sst") == FOOTER
    assert struct.unpack("<Q", data[-8:]) == (150,)


@pytest.mark.parametrize("size", range(FOOTER_SIZE))
def test_a_file_shorter_than_a_footer_is_corruption(size):
    with pytest.raises(CorruptionError, match=f"{size} bytes are too few"):
        decode_footer(encode_footer(FOOTER)[:size], size, "x.sst")


def test_every_flipped_bit_is_found():
    data = encode_footer(FOOTER)
    for bit in range(8 * FOOTER_SIZE):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptionError, match="x.sst"):
            decode_footer(bytes(damaged), SIZE, "x.sst")


def test_a_newer_version_is_no_corruption():
    data = encode_footer(dataclasses.replace(FOOTER, version=VERSION + 1))
    with pytest.raises(FormatError, match="SSTable format 2; this release reads up to 1"):
        decode_footer(data, SIZE, "x.sst")


@pytest.mark.parametrize(
    "change",
    [
        {"bloom": Section(99, 20)},
        {"bloom": Section(100, 21)},
        {"properties": Section(120, 1 << 60)},
        {"index": Section(150, 49)},
        {"index": Section(150, 51)},
        {"index": Section(1 << 63, 50)},
        {"bloom": Section((1 << 64) - 20, 20)},
    ],
)
def test_sections_fill_the_file_in_their_order(change):
    data = encode_footer(dataclasses.replace(FOOTER, **change))
    with pytest.raises(CorruptionError, match="offset 200: "):
        decode_footer(data, SIZE, "x.sst")


def test_properties_come_back():
    data = msgspec.msgpack.encode(PROPERTIES)
    assert decode_properties(data, "x.sst", 120) == PROPERTIES


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x80",
        b"\x81\xa5table\xa1\xff",
        msgspec.msgpack.encode([1]),
        msgspec.msgpack.encode(msgspec.to_builtins(PROPERTIES) | {"rows": "three"}),
        b"\x81\xa1x" + b"\x91" * 100_000,
    ],
)
def test_malformed_properties_are_corruption(data):
    with pytest.raises(CorruptionError, match="x.sst, offset 120: properties"):
        decode_properties(data, "x.sst", 120)


def test_a_sealed_section_is_sound_in_its_place_only():
    data = seal(b"payload", 64)
    assert unseal(data, 64, "x.sst", "filter") == b"payload"
    for damaged, offset in [(data, 65), (data[:-1], 64), (b"P" + data[1:], 64), (b"", 64)]:
        with pytest.raises(CorruptionError, match=f"offset {offset}: .* of the filter"):
            unseal(damaged, offset, "x.sst", "filter")


def test_long_bounds_are_left_out():
    assert zone_bound("x" * MAX_ZONE_BYTES) is not None
    assert zone_bound("x" * (MAX_ZONE_BYTES + 1)) is None
    assert zone_bound(b"x" * (MAX_ZONE_BYTES + 1)) is None
    assert zone_bound(10**100) == 10**100
