"""Every release reads the stores of every release before it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import lsmsql
from lsmsql.engine.counters import Counters
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.manifest.manifest import LoadedManifest, parse_manifest, read_manifest
from lsmsql.engine.repair.repair import repair
from lsmsql.engine.repair.tail import read_tail
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.verify.verify import verify
from lsmsql.engine.wal.format import DELETE, PUT, ROWS, TABLE, Kind
from lsmsql.engine.wal.reader import LogReader
from tests.engine.verify.stores import fingerprint
from tests.golden.contents import contents
from tests.golden.make import FOLDER, NAMES, STORES, make

GOLDEN = sorted(folder.name for folder in STORES.iterdir())

DEFINED_BY_SQL = {"sql"}
"""Those with indexes on expressions and partial ones: their rows are written by SQL alone."""


def expected(name: str) -> dict[str, Any]:
    """What a golden store holds."""
    held: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return held


@pytest.fixture(params=GOLDEN)
def name(request) -> str:
    return str(request.param)


@pytest.fixture
def path(name, tmp_path: Path) -> str:
    """A copy of a golden store."""
    shutil.copytree(STORES / name, tmp_path / name)
    return str(tmp_path / name)


def same(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether they are equal, types of numbers included."""
    return json.dumps(found, ensure_ascii=False) == json.dumps(wanted, ensure_ascii=False)


def test_it_is_read_as_it_was_written(name, path):
    before = fingerprint(path)
    with lsmsql.open(path, "r") as store:
        assert same(contents(store), expected(name))
    assert verify(path).errors == ()
    assert fingerprint(path) == before


def test_it_can_be_written_to(name, path):
    wanted = expected(name)
    with lsmsql.open(path, background=False) as store:
        assert same(contents(store), wanted)
        assert store.verify().errors == ()
        for table in wanted:
            _change(store, table, by_sql=name in DEFINED_BY_SQL)
        changed = contents(store)
        for table, held in wanted.items():
            assert len(changed[table]["rows"]) == len(held["rows"]) - (len(held["rows"]) > 1)
        store.compact()
        assert same(contents(store), changed)
    with lsmsql.open(path, background=False) as store:
        assert same(contents(store), changed)
        assert store.verify().errors == ()


def _change(store: lsmsql.Store, name: str, *, by_sql: bool) -> None:
    """Delete the first row of a table, if it has several, and write the last one anew."""
    table = store.table(name)
    key = [table.schema.columns[position].name for position in table.schema.key]
    rows = list(table.range())
    keys = [tuple(row[part] for part in key) for row in rows]
    if by_sql:
        _change_by_sql(store, name, key, keys)
        return
    if len(rows) > 1:
        table.delete(keys[0])
    if rows:
        table.put(rows[-1])


def _change_by_sql(store: lsmsql.Store, name: str, key: list[str], keys: list[Any]) -> None:
    one = " AND ".join(f"{part} = ?" for part in key)
    with closing(store.connect(isolation_level=None)) as connection:
        if len(keys) > 1:
            connection.execute(f"DELETE FROM {name} WHERE {one}", keys[0])
        if keys:
            connection.execute(f"UPDATE {name} SET {key[0]} = {key[0]} WHERE {one}", keys[-1])


def test_its_tables_can_be_altered_and_indexed(name, path):
    """What is younger than the store works on it: old rows have the value of a new column."""
    wanted = {table: held["rows"] for table, held in expected(name).items() if table != "kv"}
    with lsmsql.open(path, background=False) as store:
        connection = store.connect(isolation_level=None)
        for number, (table, held) in enumerate(wanted.items()):
            quoted = '"' + table.replace('"', '""') + '"'
            connection.execute(f"ALTER TABLE {quoted} ADD COLUMN added INT DEFAULT 7")
            connection.execute(f"CREATE INDEX i{number} ON {quoted}(added)")
            found = connection.execute(f"SELECT count(*) FROM {quoted} WHERE added = 7").fetchone()
            assert found == (len(held),)
            _change(store, table, by_sql=name in DEFINED_BY_SQL)
        connection.execute("CREATE VIEW v AS SELECT count(*) FROM kv")
        connection.close()
        store.compact()
        assert store.verify().errors == ()
        for table, held in wanted.items():
            rows = list(store.table(table).range())
            assert len(rows) == len(held) - (len(held) > 1)
            assert all(row["added"] == 7 for row in rows)


def test_it_can_be_repaired(name, path, tmp_path):
    report = repair(path, tmp_path / "repaired")
    assert report.ok
    with lsmsql.open(tmp_path / "repaired", "r") as store:
        assert same(contents(store), expected(name))


@pytest.mark.parametrize("name", NAMES)
def test_this_release_still_makes_stores_that_hold_the_same(name, tmp_path):
    if name not in GOLDEN:
        pytest.fail(f"there is no golden store {name}; python -m tests.golden.make {name}")
    assert same(make(name, tmp_path / name), expected(name))
    with lsmsql.open(tmp_path / name, "r") as store:
        assert same(contents(store), expected(name))


def test_they_are_small():
    sizes = {name: sum(f.stat().st_size for f in (STORES / name).iterdir()) for name in GOLDEN}
    assert max(sizes.values()) < 100_000 and sum(sizes.values()) < 400_000


# ------------------------------------------------------------------------------------------ extent


def manifests() -> Iterator[LoadedManifest]:
    for name in GOLDEN:
        yield parse_manifest(read_manifest(OsFileSystem(), str(STORES / name)))


def test_they_have_files_in_several_levels_of_every_kind():
    files = [file for loaded in manifests() for file in loaded.state.files.values()]
    assert len({level for level, _ in files}) > 2
    assert any(meta.assigned for _, meta in files)
    assert any(meta.tombstones for _, meta in files)
    assert any(meta.rows > meta.keys for _, meta in files)
    assert any(loaded.number > 1 and loaded.edits > 1 for loaded in manifests())


def test_they_have_blocks_of_every_form_and_codec():
    forms: set[int] = set()
    codecs: set[str] = set()
    for file in STORES.glob("*/*.sst"):
        data = file.read_bytes()
        tail = read_tail(data, str(file))
        codecs.update(codec.name for codec in tail.codecs)
        for piece in tail.pieces:
            content = data[piece.offset : piece.offset + piece.length]
            block = Block(content, str(file), piece.offset, tail.codecs[0], Counters())
            forms.update(header[0] for header in block.describe())
    assert forms == set(range(8))
    assert codecs == {"none", "lz4", "zstd"}


def test_they_have_logs_with_every_type_of_record():
    kinds: Counter[int] = Counter()
    tables = 0
    for file in STORES.glob("*/*.log"):
        reader = LogReader(file.read_bytes(), str(file), newest=True)
        assert reader.header is not None and reader.header.kind is Kind.LOG
        for frame in reader.frames():
            records = frame.records()
            kinds.update(record.type for record in records)
            tables += frame.record_count - len(records)
    assert kinds.keys() == {PUT, DELETE, ROWS} and tables and TABLE == 3
