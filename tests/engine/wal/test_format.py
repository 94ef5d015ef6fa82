"""Headers, frames and records: what is written is read, and nothing else is."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.checksum import checksum
from lsmsql.engine.errors import CorruptionError, FormatError, LimitError
from lsmsql.engine.wal import format
from lsmsql.engine.wal.format import (
    DELETE,
    EDIT,
    HEADER_SIZE,
    MAGIC,
    PUT,
    Kind,
    Record,
    decode_frame,
    decode_header,
    delete_record,
    edit_record,
    encode_frame,
    encode_header,
    put_record,
    sound_frames,
    table_record,
)

U64 = st.integers(0, 2**64 - 1)
RECORDS = st.lists(
    st.one_of(
        st.builds(Record, st.just(PUT), st.integers(0, 3), st.binary(), st.binary()),
        st.builds(Record, st.just(DELETE), st.integers(0, 3), st.binary(), st.just(b"")),
        st.builds(Record, st.just(EDIT), st.integers(0, 3), st.just(b""), st.binary()),
    )
)


def encode_records(records: list[Record]) -> tuple[int, bytes]:
    """Count and payload of a frame of these records."""
    parts = []
    table_id = 1
    for record in records:
        if record.table_id != table_id:
            parts.append(table_record(record.table_id))
            table_id = record.table_id
        match record.type:
            case format.PUT:
                parts.append(put_record(record.key, record.value))
            case format.DELETE:
                parts.append(delete_record(record.key))
            case format.EDIT:
                parts.append(edit_record(record.value))
    return len(parts), b"".join(parts)


def header_with(version=1, kind=1, number=5, magic=MAGIC) -> bytes:
    start = struct.pack("<8sHHIQ", magic, version, kind, 0, number)
    return start + struct.pack("<Q", checksum(start))


@given(st.sampled_from(Kind), U64)
def test_header_round_trip(kind, number):
    data = encode_header(kind, number)
    assert len(data) == HEADER_SIZE
    header = decode_header(data, "f")
    assert (header.version, header.kind, header.number) == (1, kind, number)


@given(st.integers(0, HEADER_SIZE - 1), st.integers(1, 255))
def test_every_byte_of_a_header_is_guarded(place, flip):
    data = bytearray(encode_header(Kind.LOG, 5))
    data[place] ^= flip
    with pytest.raises(CorruptionError):
        decode_header(bytes(data), "f")


def test_a_newer_version_is_refused_by_name():
    with pytest.raises(FormatError, match="f: log format 2; this release reads 1"):
        decode_header(header_with(version=2), "f")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "0 bytes; a log has a header of 32"),
        (header_with()[:-1], "31 bytes"),
        (header_with(magic=b"SQLite f"), "not a log: it begins with b'SQLite f'"),
        (header_with(kind=3), "kind 3"),
    ],
)
def test_what_is_no_header_is_said(data, problem):
    with pytest.raises(CorruptionError, match=problem) as caught:
        decode_header(data, "f")
    assert (caught.value.file, caught.value.offset) == ("f", 0)


@given(RECORDS, U64, U64, U64, st.binary(max_size=20))
def test_frame_round_trip(records, number, sequence, durable, before):
    count, payload = encode_records(records)
    data = before + encode_frame(number, sequence, count, payload, durable)
    found = sound_frames(data + b"after", len(before), number, 9)
    assert found == ([len(before)], len(data))
    frame = decode_frame(data + b"after", "f", len(before))
    assert frame.end == len(data)
    assert (frame.sequence, frame.durable, frame.record_count) == (sequence, durable, count)
    assert frame.payload == payload
    assert frame.records() == records


@given(RECORDS, st.data())
def test_every_byte_of_a_frame_is_guarded(records, data):
    count, payload = encode_records(records)
    frame = bytearray(encode_frame(5, 1, count, payload, 0))
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] ^= data.draw(st.integers(1, 255))
    assert sound_frames(bytes(frame), 0, 5, 9) == ([], 0)


@given(st.lists(RECORDS, max_size=6), st.integers(1, 7), st.data())
def test_frames_are_found_up_to_the_first_bad_one(commits, most, data):
    frames = [encode_frame(5, 1, *encode_records(records), 0) for records in commits]
    starts = [sum(map(len, frames[:i])) for i in range(len(frames) + 1)]
    content = bytearray(b"".join(frames))
    sound = len(frames)
    if frames and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        sound = max(i for i, start in enumerate(starts) if start <= place)
    count = min(sound, most)
    assert sound_frames(bytes(content), 0, 5, most) == (starts[:count], starts[count])


def test_a_frame_of_another_file_is_not_one_of_this():
    frame = encode_frame(5, 1, 1, put_record(b"k", b"v"), 0)
    assert sound_frames(frame, 0, 5, 9) == ([0], len(frame))
    assert sound_frames(frame, 0, 6, 9) == ([], 0)


@pytest.mark.parametrize(
    ("count", "payload"),
    [
        (0, b"\0"),
        (0, put_record(b"k", b"v")),
        (2, put_record(b"k", b"v")),
        (1, put_record(b"k", b"v")[:-1]),
        (1, put_record(b"k", b"v") + b"\0"),
        (1, struct.pack("<BII", PUT, 0xFFFFFFFF, 0xFFFFFFFF)),
        (1, struct.pack("<BII", DELETE, 0, 1) + b"v"),
        (1, struct.pack("<BII", format.TABLE, 3, 0) + b"abc"),
        (1, struct.pack("<BII", EDIT, 1, 0) + b"k"),
        (1, struct.pack("<BII", 0, 0, 0)),
        (1, struct.pack("<BII", 9, 0, 0)),
    ],
)
def test_records_that_no_writer_makes_are_corruption(count, payload):
    frame = decode_frame(encode_frame(5, 1, count, payload, 0), "f", 0)
    with pytest.raises(CorruptionError, match="record"):
        frame.records()


@given(st.binary(max_size=60), st.integers(0, 4))
def test_no_payload_crashes_the_decoder(payload, count):
    frame = decode_frame(encode_frame(5, 1, count, payload, 0), "f", 0)
    try:
        records = frame.records()
    except CorruptionError:
        return
    assert len(records) <= count


def test_a_commit_too_large_for_a_frame_is_refused(monkeypatch):
    monkeypatch.setattr(format, "MAX_PAYLOAD", 10)
    with pytest.raises(LimitError, match="a commit of 11 bytes; the limit is 10"):
        encode_frame(5, 1, 1, b"x" * 11, 0)
