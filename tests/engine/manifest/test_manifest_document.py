"""The worked example in docs/formats/manifest.md is what the code writes."""

from __future__ import annotations

import re
from pathlib import Path

from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.manifest.manifest import Manifest, ManifestState
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.wal.format import EDIT
from lsmsql.engine.wal.reader import LogReader

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "formats" / "manifest.md"
HEX_LINE = re.compile(r"^([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)", re.MULTILINE)

fs = OsFileSystem()


def documented_edits() -> list[list[tuple[int, bytes]]]:
    blocks = re.findall(r"```hex\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return [
        [(int(at, 16), bytes.fromhex(data)) for at, data in HEX_LINE.findall(block)]
        for block in blocks
    ]


def test_the_offsets_are_right():
    for lines in documented_edits():
        place = 0
        for offset, data in lines:
            assert offset == place
            place += len(data)


def test_the_example_is_what_the_manifest_writes(tmp_path):
    manifest = Manifest.begin(fs, str(tmp_path), 1, ManifestState())
    meta = FileMeta(2, 1, 700, 3, 2, 1, b"0a", b"0z", 5, 9)
    manifest.record(Edit(added=(AddedFile(0, meta),), next_file=3))
    manifest.close()
    assert fs.read_all(str(tmp_path / "CURRENT")) == b"lsmsql 1\nMANIFEST-000001\n"
    frames = list(LogReader(fs.read_all(manifest.path), "m", newest=True).frames())
    assert [frame.sequence for frame in frames] == [1, 2]
    records = [frame.records() for frame in frames]
    assert [record.type for (record,) in records] == [EDIT, EDIT]
    written = [record.value.hex(" ") for (record,) in records]
    documented = [b"".join(data for _, data in lines).hex(" ") for lines in documented_edits()]
    assert written == documented
