"""What a commit changes, as the payload of a frame, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.values import Row
from lsmsql.engine.wal.format import (
    DELETE,
    PUT,
    ROWS,
    Frame,
    delete_record,
    place_records,
    put_records,
    rows_record,
    table_record,
)
from lsmsql.engine.wal.payloads import decode_payloads, encode_payload
from lsmsql.engine.wal.rows import AT_ONCE, pack_rows, read_rows, unpack_objects

Records = Mapping[bytes, Row | None]

Changes = Mapping[int, dict[bytes, Row | None]]
"""Per table id, the new payload of each key; None deletes it."""

WORTH_COLUMNS = 128
"""Rows for which columns are made: their reader takes as long for a record as for 100 rows."""

LARGEST = 64 << 20
"""Bytes of a record of many rows. What takes more is written row by row."""


def encode_changes(changes: Changes) -> tuple[bytes, int, dict[int, int]]:
    """The payload of a frame, its number of records, and the bytes of each table's records."""
    parts: list[bytes] = []
    sizes: dict[int, int] = {}
    count = 0
    for table_id, records in changes.items():
        if records:
            parts.append(table_record(table_id))
            count += 1
            sizes[table_id] = 0
        for some in _at_once(records):
            encoded, number = _encode(some)
            parts.append(encoded)
            count += number
            sizes[table_id] += len(encoded)
    return b"".join(parts), count, sizes


def _at_once(records: Records) -> Iterator[Records]:
    if 0 < len(records) <= AT_ONCE:
        yield records
        return
    items = iter(records.items())
    while some := dict(islice(items, AT_ONCE)):
        yield some


def _encode(records: Records) -> tuple[bytes, int]:
    """Records of a table end to end, and how many they are."""
    if len(records) >= WORTH_COLUMNS:
        packed = rows_record(pack_rows(records))
        if len(packed) <= LARGEST:
            return packed, 1
    deleted = [key for key, row in records.items() if row is None]
    kept = {key: row for key, row in records.items() if row is not None} if deleted else records
    puts = put_records(list(kept), list(map(encode_payload, kept.values())))
    return b"".join((puts, *map(delete_record, deleted))), len(records)


def decode_changes(frame: Frame) -> dict[int, dict[bytes, Row | None]]:
    """The changes in a frame. Raises CorruptionError for records and rows that no writer makes."""
    changes: dict[int, dict[bytes, Row | None]] = {}
    data = frame.data
    try:
        for kind, table_id, key_at, value_at, end in place_records(frame):
            records = changes.setdefault(table_id, {})
            if kind == ROWS:
                records.update(zip(*unpack_objects(read_rows(data[value_at:end])), strict=True))
            elif kind == PUT:
                (records[data[key_at:value_at]],) = decode_payloads([data[value_at:end]])
            elif kind == DELETE:
                records[data[key_at:value_at]] = None
            else:
                raise ValueError(f"a record of type {kind} in a log")
    except ValueError as error:
        raise CorruptionError(frame.path, frame.offset, str(error)) from None
    return changes
