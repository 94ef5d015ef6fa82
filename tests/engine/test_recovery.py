"""Opening again after a crash: what is replayed, cut off, refused and tidied up."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lsmsql
from lsmsql.engine.filesystem import OsFileSystem, ReadFile
from lsmsql.engine.manifest.edit import encode_edit
from lsmsql.engine.manifest.manifest import ManifestState
from lsmsql.engine.wal.format import HEADER_SIZE, edit_record, encode_frame

FIRST_EDIT = encode_edit(dataclasses.replace(ManifestState(), next_file=2).as_edit())


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store")


def crash(store: lsmsql.Store, to: str) -> str:
    """The directory as a killed process would leave it."""
    shutil.copytree(store.path, to)
    return to


def files(path: str, ending: str) -> list[str]:
    return sorted(str(p) for p in Path(path).iterdir() if p.name.endswith(ending))


def test_what_a_killed_process_had_committed_is_there(path: str, tmp_path: Path) -> None:
    with lsmsql.open(path) as store:
        table = store.create_table("t", {"a": "INTEGER", "b": "ANY"}, "a")
        store["flushed"] = 1
        store.flush()
        store["logged"] = 2.5
        table.put([7, b"x"])
        store.delete("flushed")
        left = crash(store, str(tmp_path / "left"))
    with lsmsql.open(left) as store:
        assert list(store.items()) == [("logged", 2.5)]
        assert store.table("t")[7] == {"a": 7, "b": b"x"}


def test_sequence_numbers_go_on_where_they_were(path: str) -> None:
    with lsmsql.open(path) as store:
        for i in range(5):
            store[i] = i
        store.ingest([(10, 1)])
        before = store.stats().sequence
    with lsmsql.open(path) as store:
        assert store.stats().sequence == before
        store["next"] = 1
        assert store.stats().sequence == before + 1


def test_a_flush_that_comes_after_an_ingest_does_not_hide_it(path: str) -> None:
    with lsmsql.open(path, background=False) as store:
        store["logged"] = 1
        with store.core.write_lock:
            store.core.rotate()
        store.ingest([("zebra", 2)])
        store.flush()
        before = store.stats().sequence
    with lsmsql.open(path, background=False) as store:
        assert list(store.items()) == [("logged", 1), ("zebra", 2)]
        assert store.stats().sequence == before
        store["zebra"] = 3
        store.compact()
        assert store["zebra"] == 3


@pytest.mark.parametrize("zeros", [0, 5000])
def test_a_log_cut_anywhere_gives_a_prefix_of_the_commits(
    path: str, tmp_path: Path, zeros: int
) -> None:
    with lsmsql.open(path, sync="off") as store:
        for i in range(4):
            store.update([(f"a{i}", i), (f"b{i}", i)])
        left = crash(store, str(tmp_path / "left"))
        assert store.core.log is not None
        used = store.core.log.size
    (log,) = files(left, ".log")
    whole = Path(log).read_bytes()[:used]
    lengths = set()
    for size in range(len(whole) + 1):
        Path(log).write_bytes(whole[:size] + bytes(zeros))
        copy = str(tmp_path / f"copy{size}")
        shutil.copytree(left, copy)
        with lsmsql.open(copy, background=False, sync="off") as store:
            keys = list(store)
            commits = len(keys) // 2
            assert keys == [f"{side}{i}" for side in "ab" for i in range(commits)]
            store["after"] = 1
        with lsmsql.open(copy, "r") as store:
            assert len(store) == len(keys) + 1 and store["after"] == 1
        shutil.rmtree(copy)
        lengths.add(commits)
    assert lengths == set(range(5))


@pytest.mark.parametrize("sync", ["full", "off"])
def test_every_commit_of_a_killed_process_is_there_behind_it_the_space_it_set_aside(
    path: str, sync: str
) -> None:
    program = f"""
import lsmsql
store = lsmsql.open({path!r}, sync={sync!r})
for i in range(10**9):
    store.put(i, "x" * 50)
    print(i, flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(200):
        child.stdout.readline()
    child.kill()
    seen = [int(line) for line in child.stdout.read().splitlines(keepends=True) if "\n" in line]
    child.wait()
    child.stdout.close()
    count = max([199, *seen]) + 1
    (log,) = files(path, ".log")
    if sys.platform == "linux":
        assert Path(log).read_bytes().endswith(bytes(1000))
    with lsmsql.open(path, "r") as store:
        assert len(store) in (count, count + 1)
    with lsmsql.open(path) as store:
        keys = list(store)
        assert keys == list(range(len(keys))) and len(keys) in (count, count + 1)
        store["after"] = 1
        reader = lsmsql.open(path, "r")
        assert reader["after"] == 1
        reader.close()
    assert not Path(log).read_bytes().endswith(bytes(1000))


def test_a_reader_leaves_a_torn_log_as_it_is(path: str) -> None:
    with lsmsql.open(path) as store:
        store["a"] = 1
        store["b"] = 2
    (log,) = files(path, ".log")
    torn = Path(log).read_bytes()[:-3]
    Path(log).write_bytes(torn)
    with lsmsql.open(path, "r") as store:
        assert list(store.items()) == [("a", 1)]
    assert Path(log).read_bytes() == torn


def test_damage_in_the_synced_part_of_the_log_is_an_error_and_no_silent_cut(path: str) -> None:
    with lsmsql.open(path, sync="full") as store:
        for i in range(4):
            store[i] = "x" * 50
    (log,) = files(path, ".log")
    data = bytearray(Path(log).read_bytes())
    data[HEADER_SIZE + 40] ^= 1
    Path(log).write_bytes(data)
    for mode in ("rw", "r"):
        with pytest.raises(lsmsql.CorruptionError, match=r"\.log, offset 32"):
            lsmsql.open(path, mode)


def test_damage_in_an_older_log_is_an_error(path: str, tmp_path: Path) -> None:
    with lsmsql.open(path, sync="off") as store:
        store["old"] = 1
        with store.core.write_lock:
            store.core.wake = lambda: None  # the flush does not come in time
            store.core.rotate()
        store["new"] = 2
        left = crash(store, str(tmp_path / "left"))
    old, _ = files(left, ".log")
    with lsmsql.open(left, "r") as store:
        assert list(store) == ["new", "old"]
    Path(old).write_bytes(Path(old).read_bytes()[:-1])
    with pytest.raises(lsmsql.CorruptionError, match="complete"):
        lsmsql.open(left)


def test_a_damaged_block_is_named_and_other_blocks_are_still_read(path: str) -> None:
    with lsmsql.open(path, background=False, block_rows=4) as store:
        store.ingest([(i, "x" * 100) for i in range(20)])
    (file,) = files(path, ".sst")
    data = bytearray(Path(file).read_bytes())
    data[20] ^= 255
    Path(file).write_bytes(data)
    with lsmsql.open(path) as store:
        with pytest.raises(lsmsql.CorruptionError, match=r"\.sst, offset 0") as caught:
            store.get(1)
        assert caught.value.file == file and caught.value.offset == 0
        assert store.get(19) == "x" * 100
        with pytest.raises(lsmsql.CorruptionError):
            list(store.items())


def test_a_missing_or_foreign_file_is_an_error_not_an_empty_table(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lsmsql.open(path, background=False) as store:
        store.ingest([(1, "a")])
        store.create_table("t", {"a": "TEXT"}, "a").ingest([["b"]])
    one, other = files(path, ".sst")
    swapped = Path(one).read_bytes(), Path(other).read_bytes()
    Path(one).write_bytes(swapped[1])
    with lsmsql.open(path) as store, pytest.raises(lsmsql.CorruptionError, match="this is file"):
        store.get(1)
    os.remove(one)
    with pytest.raises(lsmsql.StorageError, match="open"):
        lsmsql.open(path, "r")


def test_a_store_that_lost_its_current_is_not_buried_under_a_new_one(path: str) -> None:
    with lsmsql.open(path) as store:
        store["a"] = 1
    pointer = Path(path, "CURRENT")
    content = pointer.read_bytes()
    pointer.unlink()
    with pytest.raises(lsmsql.CorruptionError, match="CURRENT is missing"):
        lsmsql.open(path)
    pointer.write_bytes(content)
    with lsmsql.open(path) as store:
        assert store["a"] == 1


@pytest.mark.parametrize("flushed", [False, True])
def test_a_log_that_is_missing_is_an_error_and_no_empty_store(
    path: str, flushed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lsmsql.open(path) as store:
        if flushed:
            store["flushed"] = 1
            store.flush()
        store["logged"] = 1
    (log,) = files(path, ".log")
    content = Path(log).read_bytes()
    os.remove(log)
    for mode in ("rw", "r"):
        with pytest.raises(lsmsql.StorageError, match=r"\.log"):
            lsmsql.open(path, mode)
    Path(log).write_bytes(content)
    with lsmsql.open(path) as store:
        assert store["logged"] == 1


def test_a_creation_that_was_cut_short_is_begun_again(path: str) -> None:
    os.mkdir(path)
    Path(path, "LOCK").write_bytes(b"")
    Path(path, "MANIFEST-000001").write_bytes(b"lsm")
    Path(path, "CURRENT.new").write_bytes(b"MANIF")
    with lsmsql.open(path) as store:
        store["a"] = 1
    with lsmsql.open(path) as store:
        assert store["a"] == 1


def test_a_reader_is_not_disturbed_by_the_writer_beside_it(path: str) -> None:
    with lsmsql.open(path, background=False, block_rows=4) as writer:
        writer.ingest([(i, "old") for i in range(50)])
        writer[50] = "old"
        with lsmsql.open(path, "r") as reader:
            before = reader.range()
            for i in range(51):
                writer[i] = "new"
            writer.compact()
            assert list(before) == [(i, "old") for i in range(51)]
            assert list(reader.values()) == ["new"] * 51


class Vanishing(OsFileSystem):
    """A file system where the first files opened have just been removed."""

    def __init__(self, times: int) -> None:
        self.times = times

    def open(self, path: str) -> ReadFile:
        if self.times > 0 and path.endswith(".sst"):
            self.times -= 1
            return super().open(path + ".gone")
        return super().open(path)


def test_a_reader_begins_again_when_a_file_vanishes_but_not_for_ever(
    path: str,
) -> None:
    with lsmsql.open(path) as store:
        store.ingest([(1, "a")])
    with lsmsql.open(path, "r", filesystem=Vanishing(1)) as reader:
        assert reader[1] == "a"
    with pytest.raises(lsmsql.StorageError, match="gone"):
        lsmsql.open(path, "r", filesystem=Vanishing(10**9))


class Overtaken(OsFileSystem):
    """A file system where a writer does something once between two looks of a reader."""

    def __init__(self, write: Callable[[], object]) -> None:
        self._writes = [write]

    def list(self, path: str) -> list[str]:
        if self._writes:
            self._writes.pop()()
        return super().list(path)


def test_a_reader_that_a_flush_overtakes_misses_nothing(path: str) -> None:
    with lsmsql.open(path, background=False) as writer:
        for i in range(3):
            writer[i] = "x"
            if i == 0:
                writer.flush()
        with lsmsql.open(path, "r", filesystem=Overtaken(writer.flush)) as reader:
            assert list(reader) == [0, 1, 2]


def test_a_reader_that_an_ingest_overtakes_sees_no_commit_without_those_before_it(
    path: str,
) -> None:
    with lsmsql.open(path, background=False) as writer:
        writer["first"] = 1

        def write() -> None:
            writer.ingest([("ingested", 2)])
            writer["last"] = 3

        with lsmsql.open(path, "r", filesystem=Overtaken(write)) as reader:
            assert dict(reader.items()) == {"first": 1, "ingested": 2, "last": 3}


@pytest.mark.parametrize("compacted", [False, True])
def test_a_manifest_without_its_last_edit_has_nothing_removed(path: str, compacted: bool) -> None:
    with lsmsql.open(path, background=False) as store:
        store["a"] = 1
        store.flush()
        if compacted:
            store["b"] = 2
            store.compact()
    manifest = Path(path, "MANIFEST-000001")
    manifest.write_bytes(manifest.read_bytes()[:-1])  # as if it were a torn tail
    names = sorted(os.listdir(path))
    with pytest.raises(lsmsql.CorruptionError, match="missing, though the manifest names it"):
        lsmsql.open(path)
    assert sorted(os.listdir(path)) == names


def test_a_log_whose_end_is_lost_is_no_gap_between_commits(path: str) -> None:
    with lsmsql.open(path, background=False) as store:
        store["first"] = 1
        assert store.core.log is not None
        end = store.core.log.size
        store["second"] = 2
        with store.core.write_lock:
            store.core.rotate()
        store["third"] = 3
    first, _ = files(path, ".log")
    Path(first).write_bytes(Path(first).read_bytes()[:end])
    for mode in ("r", "rw"):
        with pytest.raises(lsmsql.CorruptionError, match="what was between them is lost"):
            lsmsql.open(path, mode)


def test_a_log_that_is_gone_is_an_error_and_no_silent_cut(path: str) -> None:
    with lsmsql.open(path) as store:
        store["a"] = 1
        store.flush()
        store["b"] = 2
    (log,) = files(path, ".log")
    os.remove(log)
    for mode in ("r", "rw"):
        with pytest.raises(lsmsql.StorageError, match=os.path.basename(log)):
            lsmsql.open(path, mode)
    assert files(path, ".log") == []


def test_a_manifest_that_was_cut_does_not_take_the_files_with_it(path: str) -> None:
    with lsmsql.open(path, background=False) as store:
        begun = os.path.getsize(files(path, "MANIFEST-000001")[0])
        for step in range(3):
            store.update((i, step) for i in range(10))
            store.flush()
    (manifest,) = files(path, "MANIFEST-000001")
    first = HEADER_SIZE + len(encode_frame(1, 1, 1, edit_record(FIRST_EDIT), 0))
    assert first < begun
    for size in (first, first + 1, begun - 1):
        os.truncate(manifest, size)
        before = files(path, "")
        for mode in ("r", "rw"):
            with pytest.raises(lsmsql.CorruptionError, match="the end of the manifest is damaged"):
                lsmsql.open(path, mode)
        assert files(path, "") == before and os.path.getsize(manifest) == size


def test_strays_of_a_crash_are_removed_but_not_by_readers(path: str) -> None:
    with lsmsql.open(path) as store:
        store["a"] = 1
    strays = ["000900.sst", "MANIFEST-000901", "CURRENT.new"]
    for name in strays:
        Path(path, name).write_bytes(b"half written")
    with lsmsql.open(path, "r") as store:
        assert store["a"] == 1
    assert set(strays) <= set(os.listdir(path))
    with lsmsql.open(path) as store:
        assert store["a"] == 1
        store.flush()
        assert not set(strays) & set(os.listdir(path))
        assert all(int(Path(f).stem) > 900 for f in files(path, ".sst"))


def test_logs_go_once_their_records_are_in_files(path: str) -> None:
    with lsmsql.open(path, background=False) as store:
        for generation in range(3):
            store[generation] = "x"
            store.flush()
            assert len(files(path, ".log")) == 1
        assert store.stats()["flushes"] == 3


def test_the_manifest_is_begun_anew_when_it_has_grown_long(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsmsql.engine.manifest.manifest.ROTATE_BYTES", 1000)
    with lsmsql.open(path, background=False, level0_files=2) as store:
        for i in range(20):
            store[0] = store[i] = i
            store.flush()
        manifests = [name for name in os.listdir(path) if name.startswith("MANIFEST")]
        assert len(manifests) == 1 and manifests != ["MANIFEST-000001"]
    with lsmsql.open(path) as store:
        assert list(store) == list(range(20)) and store[0] == 19
