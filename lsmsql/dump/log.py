"""``lsm-wal-dump FILE``: prints a write-ahead log or a manifest."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsmsql.dump.tables import (
    bytes_text,
    load_console,
    print_facts,
    print_table,
    run,
    unpack_value,
    value_text,
)
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.wal.format import DELETE, EDIT, MAGIC, PUT, ROWS, Frame, Header, Record
from lsmsql.engine.wal.payloads import encode_payload
from lsmsql.engine.wal.reader import LogReader
from lsmsql.engine.wal.rows import read_rows, unpack_objects

PROGRAM = "lsm-wal-dump"
TYPE_NAMES = {PUT: "PUT", DELETE: "DELETE", EDIT: "EDIT"}
FRAME_COLUMNS = ("offset", "length", "sequence", "records", "durable", "checksum")
RECORD_COLUMNS = ("frame", "type", "table", "key", "value")


@dataclass
class Contents:
    """A log as far as it can be read. ``damage`` is what stopped the reading, if anything did."""

    path: str
    size: int
    header: Header | None
    frames: list[tuple[Frame, list[Record]]] = field(default_factory=list)
    end: int = 0
    torn: bool = False
    damage: CorruptionError | None = None

    def records(self) -> Iterator[Record]:
        for _, records in self.frames:
            yield from records

    def first(self, limit: int) -> list[tuple[Frame, list[Record]]]:
        """The frames that hold the first ``limit`` records, with no more than these; 0 for all."""
        if limit == 0:
            return self.frames
        shown = []
        for frame, records in self.frames:
            if limit <= 0:
                break
            shown.append((frame, records[:limit]))
            limit -= max(len(records), 1)  # frames without records must come to an end, too
        return shown


def read_log(path: str) -> Contents:
    """Read a log. Raises StorageError, also for a header that cannot be read."""
    data = OsFileSystem().read_all(path)
    start = data[: len(MAGIC)]
    if start.strip(b"\0") and not MAGIC.startswith(start):
        raise CorruptionError(path, 0, f"not a log: it begins with {start!r}, not {MAGIC!r}")
    reader = LogReader(data, path, newest=True)
    contents = Contents(path, len(data), reader.header)
    try:
        for frame in reader.frames():
            contents.frames.append((frame, list(_records(frame))))
    except CorruptionError as error:
        contents.damage = error
    contents.end = reader.end
    contents.torn = reader.torn
    return contents


def _records(frame: Frame) -> Iterator[Record]:
    """The records of a frame; in the place of one of many rows, a record for each of them."""
    for record in frame.records():
        if record.type != ROWS:
            yield record
            continue
        try:
            keys, rows = unpack_objects(read_rows(record.value))
        except ValueError as error:
            problem = f"malformed rows: {error}"
            raise CorruptionError(frame.path, frame.offset, problem) from None
        for key, row in zip(keys, rows, strict=True):
            kind, value = (DELETE, b"") if row is None else (PUT, encode_payload(row))
            yield Record(kind, record.table_id, key, value)


def main(arguments: Sequence[str] | None = None) -> int:
    """The program. Returns its exit status."""
    options = _parse(arguments)
    return run(PROGRAM, lambda: _dump(options))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(PROGRAM, description="Print a write-ahead log or a manifest.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--summary", action="store_true", help="totals only")
    parser.add_argument(
        "--limit",
        metavar="N",
        type=_count,
        default=100,
        help="records to show, 0 for all (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of records")
    return int(text)


def _dump(options: argparse.Namespace) -> int:
    contents = read_log(options.file)
    frames = [] if options.summary else contents.first(options.limit)
    left_out = 0 if options.summary else _record_count(contents.frames) - _record_count(frames)
    if options.json:
        print(json.dumps(_document(contents, frames, left_out), indent=2))
    else:
        _print(contents, frames, left_out)
    if contents.damage:
        raise contents.damage
    return 0


def _record_count(frames: list[tuple[Frame, list[Record]]]) -> int:
    return sum(len(records) for _, records in frames)


def _summary(contents: Contents) -> dict[str, Any]:
    """Totals, the same for people and for JSON."""
    header = contents.header
    types = Counter(TYPE_NAMES[record.type] for record in contents.records())
    tables = Counter(record.table_id for record in contents.records())
    sequences = [frame.sequence for frame, _ in contents.frames]
    return {
        "file": contents.path,
        "bytes": contents.size,
        "kind": header.kind.name.lower() if header else None,
        "version": header.version if header else None,
        "number": header.number if header else None,
        "frames": len(contents.frames),
        "records": types.total(),
        "records_by_type": dict(sorted(types.items())),
        "records_by_table": {str(table): count for table, count in sorted(tables.items())},
        "first_sequence": sequences[0] if sequences else None,
        "last_sequence": sequences[-1] if sequences else None,
        "end": contents.end,
        "tail": _tail(contents),
    }


def _tail(contents: Contents) -> str:
    """What lies after the last sound frame."""
    rest = contents.size - contents.end
    if contents.damage:
        return "damaged"
    if contents.torn:
        return f"torn: {rest:,} bytes from offset {contents.end:,} are no sound frame"
    return f"{rest:,} zero bytes, not used yet" if rest else "clean"


def _document(
    contents: Contents, frames: list[tuple[Frame, list[Record]]], left_out: int
) -> dict[str, Any]:
    shown = [
        {
            "offset": frame.offset,
            "length": frame.end - frame.offset,
            "sequence": frame.sequence,
            "durable": frame.durable,
            "records": [
                {
                    "type": TYPE_NAMES[record.type],
                    "table": record.table_id,
                    "key": bytes_text(record.key),
                    "key_hex": record.key.hex(),
                    "value": unpack_value(record.value) if record.value else None,
                }
                for record in records
            ],
        }
        for frame, records in frames
    ]
    damage = str(contents.damage) if contents.damage else None
    summary = _summary(contents)
    return {"summary": summary, "frames": shown, "records_left_out": left_out, "damage": damage}


def _print(contents: Contents, frames: list[tuple[Frame, list[Record]]], left_out: int) -> None:
    console = load_console()
    facts = {name.replace("_", " "): _fact(value) for name, value in _summary(contents).items()}
    print_facts(console, facts)
    if not frames:
        return
    print_table(
        console,
        "Frames",
        FRAME_COLUMNS,
        [
            (f.offset, f.end - f.offset, f.sequence, f.record_count, f.durable, "ok")
            for f, _ in frames
        ],
    )
    print_table(
        console,
        "Records",
        RECORD_COLUMNS,
        [
            (f.offset, TYPE_NAMES[r.type], r.table_id, bytes_text(r.key), value_text(r.value))
            for f, records in frames
            for r in records
        ],
    )
    if left_out:
        console.print(f"{left_out:,} more records; --limit 0 shows all")


def _fact(value: object) -> object:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {count:,}" for name, count in value.items()) or "-"
    return value
