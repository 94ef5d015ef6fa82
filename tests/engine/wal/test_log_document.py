"""The worked example in docs/formats/log.md is what the code writes."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.wal.format import Kind, delete_record, put_record, table_record
from lsmsql.engine.wal.reader import LogReader
from lsmsql.engine.wal.writer import LogWriter

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "formats" / "log.md"
HEX_LINE = re.compile(r"^[0-9a-f]{4}  ((?:[0-9a-f]{2} ?)+)", re.MULTILINE)

fs = OsFileSystem()


def documented_bytes() -> bytes:
    (block,) = re.findall(r"```hex\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return bytes.fromhex("".join(HEX_LINE.findall(block)))


def test_the_example_is_what_the_writer_writes(tmp_path):
    path = str(tmp_path / "7.log")
    writer = LogWriter.create(fs, path, Kind.LOG, 7)
    writer.append(1, 1, put_record(b"ann", msgspec.msgpack.encode([42])))
    writer.sync()
    writer.append(2, 2, table_record(3) + delete_record(b"bob"))
    writer.close()
    assert fs.read_all(path).hex(" ") == documented_bytes().hex(" ")


def test_the_example_reads_as_the_text_says():
    frames = list(LogReader(documented_bytes(), "7.log", newest=True).frames())
    assert [(f.sequence, f.record_count, f.durable) for f in frames] == [(1, 1, 0), (2, 2, 78)]
