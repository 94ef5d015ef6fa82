"""Files whose order hides a newer version behind an older one are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsmsql.engine.columns import run_from_records
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.options import Options
from lsmsql.engine.schema import make_schema
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.writer import TableWriter
from lsmsql.engine.verify.reading_order import hidden_version

SCHEMA = make_schema("t", {"k": "BLOB", "v": "INTEGER"}, "k", table_id=2)
fs = OsFileSystem()


def write(directory: Path, number: int, records: dict[bytes, list[int]]) -> FileMeta:
    """A file with the versions of each key, by their sequence numbers."""
    writer = TableWriter(
        fs, str(directory / file_name(number)), number, SCHEMA, Options(block_rows=2), bottom=False
    )
    entries = [(key, s) for key in sorted(records) for s in sorted(records[key], reverse=True)]
    keys, sequences = [key for key, _ in entries], [s for _, s in entries]
    writer.add(run_from_records(keys, sequences, [(s,) for s in sequences], SCHEMA.slot_types))
    return writer.finish()


@pytest.fixture
def files(tmp_path):
    """Three files, with versions of one key, and others of its own each."""
    shared = {1: [5, 6], 2: [3], 3: [0]}
    return {
        number: write(
            tmp_path,
            number,
            {b"m": versions, **{b"%d%d" % (i, number): [number] for i in range(9)}},
        )
        for number, versions in shared.items()
    }


@pytest.mark.parametrize(
    ("levels", "hidden"),
    [
        ({1: 0, 2: 1, 3: 2}, None),
        ({1: 0, 2: 0, 3: 2}, None),  # in level 0 the newest commit decides
        ({1: 4, 2: 1, 3: 2}, (b"m", 3, 6)),
        ({1: 4, 2: 5, 3: 2}, (b"m", 0, 6)),
        ({2: 1, 3: 0}, (b"m", 0, 3)),
    ],
)
def test_the_first_file_that_knows_a_key_must_have_its_newest_version(
    tmp_path, files, levels, hidden
):
    placed = [(level, files[number]) for number, level in levels.items()]
    assert hidden_version(fs, str(tmp_path), placed) == hidden
