"""The worked example in docs/formats/sstable.md is what the code writes."""

from __future__ import annotations

import re
from pathlib import Path

from lsmsql.dump.sstable_contents import read_table
from lsmsql.engine.columns import run_from_records
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.options import Options
from lsmsql.engine.projection import key_codec
from lsmsql.engine.schema import make_schema
from lsmsql.engine.sstable import writer
from lsmsql.engine.sstable.column import MAX_EXPANSION, MIN_ZSTD
from lsmsql.engine.sstable.format import FOOTER_SIZE, MAGIC, MAX_ZONE_BYTES, VERSION

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "formats" / "sstable.md"
HEX_LINE = re.compile(r"^([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)", re.MULTILINE)
SCHEMA = make_schema("pet", {"id": "INTEGER", "name": "TEXT"}, "id", table_id=2)

fs = OsFileSystem()


def documented_lines() -> list[tuple[int, bytes]]:
    """Offset and bytes of each line of the example."""
    (block,) = re.findall(r"```hex\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return [(int(at, 16), bytes.fromhex(data)) for at, data in HEX_LINE.findall(block)]


def documented_bytes() -> bytes:
    return b"".join(data for _, data in documented_lines())


def test_the_offsets_are_right():
    place = 0
    for offset, data in documented_lines():
        assert offset == place
        place += len(data)


def test_the_example_is_what_the_writer_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_now", lambda: "2026-01-02T03:04:05+00:00")
    monkeypatch.setattr(writer, "CREATOR", "lsmsql 0.1")
    path = str(tmp_path / "4.sst")
    encode = key_codec(SCHEMA).encode
    table = writer.TableWriter(fs, path, 4, SCHEMA, Options(codec="none"), bottom=False)
    rows = [("Rex",), None]
    table.add(run_from_records([encode([1]), encode([2])], [8, 9], rows, SCHEMA.slot_types))
    table.finish()
    assert fs.read_all(path).hex(" ") == documented_bytes().hex(" ")


def test_the_example_reads_as_the_text_says(tmp_path):
    path = tmp_path / "4.sst"
    path.write_bytes(documented_bytes())
    contents = read_table(str(path))
    assert contents.damage is None
    found = [(e.key_values, e.sequence, e.type, e.values) for e in contents.entries(9)]
    assert found == [((1,), 8, "PUT", ["Rex"]), ((2,), 9, "DELETE", [None])]


def test_the_numbers_in_the_text_are_those_of_the_code():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"last {FOOTER_SIZE} bytes" in text
    assert f"version {VERSION}\n" in text
    assert f"`{MAGIC.decode()}`" in text
    assert f"buffers of {MIN_ZSTD:,} bytes" in text
    assert f"more than {MAX_EXPANSION:,} times" in text.replace("\n", " ")
    assert f"more than {MAX_ZONE_BYTES} characters" in text
