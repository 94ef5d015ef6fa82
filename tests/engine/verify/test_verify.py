"""Verify finds all damage, names its place, and never minds what is in order."""

from __future__ import annotations

import os
import random
import shutil
import threading
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

import lsmsql
from lsmsql.engine.background import executor
from lsmsql.engine.columns import KEY
from lsmsql.engine.sstable import writer
from lsmsql.engine.sstable.bloom import build_bloom
from lsmsql.engine.sstable.index import Zone
from lsmsql.engine.sstable.writer import TableWriter
from lsmsql.engine.verify.report import MOST_FINDINGS
from lsmsql.engine.verify.verify import verify
from lsmsql.engine.wal.format import HEADER_SIZE
from lsmsql.engine.wal.salvage import salvage
from tests.engine.verify.stores import fill, fingerprint, flip, names, open_small

LEVELS = ("quick", "checksums", "full")


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A closed store that holds something of everything."""
    path = str(tmp_path / "store")
    with open_small(path) as store:
        fill(store)
    return path


@pytest.mark.parametrize("level", LEVELS)
def test_a_sound_store_is_ok_open_or_closed(path, level):
    before = fingerprint(path)
    closed = verify(path, level)
    assert (closed.ok, closed.findings) == (True, ())
    assert fingerprint(path) == before
    with open_small(path) as store:
        assert store.verify(level).findings == ()
    with lsmsql.open(path, "r") as reader:
        assert reader.verify(level).findings == ()


def test_higher_levels_look_at_more(path):
    quick, checksums, full = (verify(path, level).counts for level in LEVELS)
    assert quick.files == checksums.files == full.files == len(names(path, "")) - 1  # not LOCK
    assert quick.blocks == 0 < checksums.blocks == full.blocks
    assert checksums.rows < full.rows  # those of the log
    assert quick.size < checksums.size <= full.size


def test_one_table_alone_leaves_out_the_files_of_others(path):
    with open_small(path) as store:
        whole, alone = store.verify(), store.verify(table="TRIPS")
        assert 0 < alone.counts.blocks < whole.counts.blocks
        with pytest.raises(lsmsql.NoSuchTableError):
            store.verify(table="trip")
        with pytest.raises(lsmsql.UsageError, match="quick, checksums, full"):
            store.verify("thorough")


def test_what_is_no_store_is_refused(tmp_path):
    for nothing in (tmp_path, tmp_path / "absent"):
        with pytest.raises(lsmsql.StorageError, match="there is no store"):
            verify(nothing)


@pytest.mark.parametrize("ending", [".sst", "MANIFEST", "CURRENT"])
def test_every_byte_that_is_changed_is_found_in_its_file(path, ending):
    chosen = random.Random(7)
    files = [n for n in names(path, "") if n.endswith(ending) or n.startswith(ending)]
    for _ in range(25):
        name = chosen.choice(files)
        size = os.path.getsize(f"{path}/{name}")
        offset = chosen.randrange(size)
        flip(path, name, offset)
        for level in ("checksums", "full"):
            report = verify(path, level)
            assert not report.ok, (name, offset)
            told = {f.file for f in report.errors} - {"CURRENT"}
            # A manifest whose last edit is lost may name a log that has been removed since.
            assert told <= {name} or ending == "MANIFEST", (name, offset)
            assert all(f.offset is None or f.offset <= size for f in report.errors)
        flip(path, name, offset)
    assert verify(path).ok


def test_the_damage_of_a_block_is_told_with_its_offset_and_its_table(path):
    name = names(path, ".sst")[-1]
    flip(path, name, 10)
    report = verify(path)
    (finding,) = report.errors
    assert (finding.file, finding.offset, finding.table) == (name, 0, "kv")
    assert str(finding).startswith(f"error: {name}, offset 0 (table kv): ")
    assert str(report).startswith(f"{path}: 1 error (full: ")


def test_a_file_that_is_cut_or_grown_is_found(path):
    file = Path(path) / names(path, ".sst")[0]
    whole = file.read_bytes()
    for changed in (whole[:-1], whole[:79], b"", whole + b"\0", whole[:100] + whole):
        file.write_bytes(changed)
        assert [f.file for f in verify(path, "quick").errors] == [file.name]


def test_a_file_in_the_place_of_another_is_found(path):
    first, second, *_ = names(path, ".sst")
    shutil.copy(f"{path}/{second}", f"{path}/{first}")
    assert {f.file for f in verify(path, "quick").errors} == {first}


@pytest.mark.parametrize("ending", [".sst", ".log"])
def test_a_file_that_is_missing_is_found(path, ending):
    name = names(path, ending)[-1]
    os.remove(f"{path}/{name}")
    report = verify(path, "quick")
    assert {(f.file, f.problem) for f in report.errors} == {
        (name, "it is missing, though the manifest names it")
    }


def test_files_that_nobody_needs_are_noticed(path):
    strays = ["999999.sst", "000001.log", "MANIFEST-000099", "CURRENT.new", "part-1-000003.sst"]
    for name in strays:
        (Path(path) / name).write_bytes(b"rest")
    report = verify(path)
    assert report.ok
    assert sorted(f.file for f in report.notices) == sorted(strays)
    with open_small(path) as store:
        assert store.verify().findings == ()


def test_without_a_manifest_files_and_logs_are_looked_at_all_the_same(path):
    (Path(path) / "CURRENT").unlink()
    flip(path, names(path, ".sst")[0], 10)
    errors = verify(path).errors
    assert [f.file for f in errors] == ["CURRENT", names(path, ".sst")[0]]


def test_what_else_keeps_a_store_from_opening_is_an_error(path, monkeypatch):
    def refuse(reader):
        raise lsmsql.CorruptionError(f"{path}/CURRENT", 3, "something that no check looks for")

    monkeypatch.setattr("lsmsql.engine.verify.verify.Follower.begin", refuse)
    assert [(f.file, f.offset) for f in verify(path).errors] == [("CURRENT", 3)]


# ------------------------------------------------------------------------------------------ logs


@pytest.fixture
def logged(tmp_path: Path) -> tuple[str, int]:
    """A store that was killed, and the bytes that its log has. Each commit was synced."""
    path, left = str(tmp_path / "live"), str(tmp_path / "left")
    with lsmsql.open(path, background=False) as store:
        for i in range(30):
            store[i] = "x" * i
        shutil.copytree(path, left)
        assert store.core.log is not None
        size = store.core.log.size
    (name,) = names(left, ".log")
    os.truncate(f"{left}/{name}", size + 500)  # some of the space that was set aside
    return left, size


def test_damage_in_a_log_is_told_from_a_commit_that_was_not_finished(logged):
    path, size = logged
    (name,) = names(path, ".log")
    flip(path, name, size - 1)
    report = verify(path)
    assert report.ok and [f.file for f in report.notices] == [name]
    flip(path, name, size - 1)
    for offset in range(0, size - 200, 41):
        flip(path, name, offset)
        (finding,) = (f for f in verify(path).errors if f.file == name)
        assert finding.offset is not None and finding.offset <= offset
        flip(path, name, offset)


def test_a_manifest_that_was_cut_is_told_from_a_change_that_was_not_finished(path, tmp_path):
    manifest = Path(path) / "MANIFEST-000001"
    ends = salvage(manifest.read_bytes(), "", 1).ends
    for end in ends[:-1]:
        copy = tmp_path / "copy"
        shutil.copytree(path, copy)
        os.truncate(copy / manifest.name, end)
        assert not verify(copy).ok, end
        shutil.rmtree(copy)


def test_commits_that_are_in_no_log_and_no_file_are_missed(logged):
    path, size = logged
    (name,) = names(path, ".log")
    found = salvage((Path(path) / name).read_bytes(), "", 2)
    data = (Path(path) / name).read_bytes()
    without = data[: found.offsets[5]] + data[found.ends[7] : size]
    (Path(path) / name).write_bytes(without)
    assert "commits 6 to 8 are missing" in {f.problem for f in verify(path).errors}


def test_frames_behind_damage_are_looked_at_too(logged):
    path, _ = logged
    (name,) = names(path, ".log")
    flip(path, name, HEADER_SIZE + 5)
    flip(path, name, 700)
    first, second = verify(path).errors
    assert first.offset == HEADER_SIZE
    assert second.offset is not None and 600 < second.offset <= 700


# ------------------------------------------------------------------------------------------ rows


def flushed(path: str) -> str:
    """Make a store with one SSTable of ``t``; the name of the file."""
    with open_small(path) as store:
        table = store.create_table("t", {"id": "INTEGER", "name": "TEXT", "x": "REAL"}, "id")
        table.update([i, f"n{i}", i / 3] for i in range(20))
        store.flush()
        return sorted(names(path, ".sst"))[-1]


def wrong_zones(column, edges):
    return [Zone(None, None, 1) for _ in edges[1:]]


def lying_zones(column, edges):
    return [Zone("a", "a", 0) for _ in edges[1:]]


LIES = {
    "NULLs; the index says 1": ("column_zones", wrong_zones),
    "the index says that the minimum is 'a'": ("column_zones", lying_zones),
    "bloom filter denies": ("build_bloom", lambda hashes, bits: build_bloom(hashes[:1], bits)),
}


@pytest.mark.parametrize("problem", LIES)
def test_a_tail_that_lies_about_the_rows_is_found(tmp_path, monkeypatch, problem):
    path = str(tmp_path / "store")
    monkeypatch.setattr(writer, *LIES[problem])
    name = flushed(path)
    assert verify(path, "checksums").ok
    errors = verify(path).errors
    assert any(problem in f.problem and f.file == name for f in errors)


@pytest.mark.parametrize("fact", ["keys", "tombstones", "min_sequence", "max_sequence", "rows"])
def test_a_count_that_is_not_that_of_the_rows_is_found(tmp_path, monkeypatch, fact):
    path = str(tmp_path / "store")
    honest = TableWriter._properties

    def lie(self, data_bytes):
        properties = honest(self, data_bytes)
        return msgspec.structs.replace(properties, **{fact: getattr(properties, fact) + 1})

    monkeypatch.setattr(TableWriter, "_properties", lie)
    name = flushed(path)
    assert any(f.file == name and fact in f.problem for f in verify(path).errors)


def test_rows_that_are_out_of_order_or_do_not_fit_their_table_are_found(tmp_path, monkeypatch):
    path = str(tmp_path / "store")
    honest = TableWriter._write_blocks

    def swap(self, run, edges):
        honest(self, run.take([1, 0, *range(2, run.num_rows)]), edges)

    monkeypatch.setattr(TableWriter, "_write_blocks", swap)
    flushed(path)
    assert any(f.problem == "the keys are out of order" for f in verify(path).errors)

    def shorten(self, run, edges):
        keys = [key[:-1] for key in run.column(KEY).to_pylist()]
        honest(self, run.set_column(KEY, "key", pa.array(keys, pa.binary())), edges)

    other = str(tmp_path / "other")
    monkeypatch.setattr(TableWriter, "_write_blocks", shorten)
    flushed(other)
    assert any("malformed key" in f.problem for f in verify(other).errors)


def test_no_more_findings_are_kept_than_anyone_would_read(tmp_path):
    path = str(tmp_path / "store")
    with lsmsql.open(path, sync="off", background=False, block_rows=1) as store:
        store.update((i, i) for i in range(MOST_FINDINGS + 200))
        store.flush()
    name = names(path, ".sst")[-1]
    file = Path(path) / name
    data = file.read_bytes()
    file.write_bytes(data.replace(b"\x01\x01", b"\x01\x02"))
    report = verify(path, "checksums")
    assert len(report.findings) <= MOST_FINDINGS and not report.ok


# ------------------------------------------------------------------------------------------ beside


def test_a_writer_beside_is_no_damage(tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "MIN_BYTES", 1 << 60)
    path = str(tmp_path / "store")
    with lsmsql.open(path, sync="off", memtable_bytes=20_000, level0_files=2) as store:
        done = threading.Event()

        def write() -> None:
            i = 0
            while not done.is_set():
                store.update((f"{i % 1000} {j}", "x" * 50) for j in range(50))
                i += 1

        writing = threading.Thread(target=write)
        writing.start()
        try:
            reports = [store.verify() for _ in range(4)] + [verify(path) for _ in range(4)]
        finally:
            done.set()
            writing.join()
    assert [f for report in reports for f in report.errors] == []
    assert store.core.counters.flushes > 0
