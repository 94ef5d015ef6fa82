"""A backup is a store as the other one was at one commit; repeated, it takes over what is new."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

import lsmsql
from lsmsql.engine.filesystem import AppendFile, OsFileSystem

COLUMNS = {"a": "INTEGER", "b": "TEXT", "c": "ANY"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "backup"


@pytest.fixture
def store(path):
    with lsmsql.open(path, background=False, block_rows=8, sync="off") as store:
        yield store


def contents(store: lsmsql.Store) -> dict[str, list[Any]]:
    return {schema.name: list(store.table(schema.name).range()) for schema in store.tables()}


def backed_up(target: Path) -> dict[str, list[Any]]:
    with lsmsql.open(target, "r") as backup:
        return contents(backup)


def fill(store: lsmsql.Store) -> None:
    """Files of several levels, deleted and ingested rows, immutable memtables and one in use."""
    store.update({i: f"old {i}" for i in range(500)})
    store.compact()
    store.ingest([(i, "ingested") for i in range(400, 700)])
    table = store.create_table("t", COLUMNS, ["b", "a"], descending=["a"])
    table.update([{"a": i, "b": f"x{i % 3}", "c": [i, 1.5, None, b""][i % 4]} for i in range(90)])
    store.flush()
    store.create_table("gone", {"k": "ANY"}, "k").put([1])
    store.drop_table("gone")
    for i in range(0, 700, 7):
        del store[i]
    with store.core.write_lock:
        store.core.rotate()
    store["last"] = "memory"
    table.put({"a": -1, "b": "", "c": "memory"})
    table.delete(["x0", 0])


def test_a_backup_opens_as_a_store_with_the_same_contents(store, target):
    fill(store)
    report = store.backup(target)
    assert report.sequence == store.stats().sequence
    assert (report.kept, report.copied) == (0, 0)
    assert report.linked > 1
    assert report.written == 3  # kv, t and the catalogue
    assert str(report).startswith(f"{target}: commit ")
    assert backed_up(target) == contents(store)
    assert not [name for name in os.listdir(target) if name.endswith(".log")]
    with lsmsql.open(target, background=False) as backup:
        backup["more"] = 1
        backup.table("t").put({"a": 5, "b": "new"})
        assert "more" not in store
        backup.compact()
        before = contents(backup)
    assert backed_up(target) == before
    assert contents(store) == backed_up(store.path)


def test_an_empty_store_has_a_backup(store, target):
    report = store.backup(target)
    assert (report.sequence, report.bytes) == (0, 0)
    with lsmsql.open(target) as backup:
        assert len(backup) == 0
        backup["a"] = 1
    assert backed_up(target)["kv"] == [{"key": "a", "value": 1}]


def test_files_are_shared_and_a_second_time_only_new_ones_are_taken(store, target):
    fill(store)
    store.flush()
    first = store.backup(target)
    shared = [name for name in os.listdir(target) if name.endswith(".sst")]
    assert first.linked == len(shared)
    for name in shared:
        assert os.path.samefile(target / name, Path(store.path, name))
    store["new"] = 1
    again = store.backup(target)
    assert (again.kept, again.linked, again.written) == (first.linked, 0, 1)
    assert backed_up(target) == contents(store)
    store.compact()
    store["newer"] = 2
    third = store.backup(target)
    assert third.kept < first.linked
    assert backed_up(target) == contents(store)
    live = third.kept + third.linked + third.written
    assert len([name for name in os.listdir(target) if name.endswith(".sst")]) == live
    assert len([name for name in os.listdir(target) if name.startswith("MANIFEST")]) == 1


def test_a_backup_of_a_backup_is_one_too(store, target, tmp_path):
    fill(store)
    store.backup(target)
    with lsmsql.open(target, "r") as backup:
        backup.backup(tmp_path / "other")
    assert backed_up(tmp_path / "other") == contents(store)
    store["more"] = 1
    store.backup(target)
    with lsmsql.open(target, "r") as backup:
        backup.backup(tmp_path / "other")
    assert backed_up(tmp_path / "other") == contents(store)


def test_a_reader_makes_a_backup_of_what_it_sees(store, target, path):
    with lsmsql.open(path, "r") as reader:
        fill(store)
        report = reader.backup(target)
        assert report.linked > 1
        assert backed_up(target) == contents(store)


class Removing(OsFileSystem):
    """Before a file is linked the writer compacts, so that it is gone."""

    def __init__(self, store: lsmsql.Store) -> None:
        self.store = store

    def link(self, source: str, target: str) -> bool:
        self.store["another"] = 1
        self.store.compact()
        return super().link(source, target)


def test_a_reader_copies_what_the_writer_has_removed_meanwhile(store, target, path):
    fill(store)
    before = contents(store)
    with lsmsql.open(path, "r", filesystem=Removing(store)) as reader:
        report = reader.backup(target)
    assert report.copied > 1
    assert backed_up(target) == before


def test_writers_go_on_and_the_backup_is_whole(path, tmp_path):
    """Every commit sets all keys to one number."""
    done = threading.Event()

    def write(store: lsmsql.Store) -> None:
        number = 0
        while not done.is_set():
            number += 1
            store.update(dict.fromkeys(range(150), number))

    with lsmsql.open(path, memtable_bytes=50_000, sync="off", level0_files=2) as store:
        store.update(dict.fromkeys(range(150), 0))
        writer = threading.Thread(target=write, args=(store,))
        writer.start()
        last: Any = 0
        for round_ in range(10):
            target = tmp_path / f"backup{round_ % 2}"
            store.backup(target)
            with lsmsql.open(target, "r") as backup:
                numbers: set[Any] = set(backup.values())
                assert len(numbers) == 1
                assert len(backup) == 150
                assert max(numbers) >= last
                last = max(numbers)
        done.set()
        writer.join()


# --------------------------------------------------------------------------------------- refusals


def test_what_is_no_backup_of_this_store_is_not_touched(store, target, path, tmp_path):
    fill(store)
    with pytest.raises(lsmsql.UsageError, match="is the store itself"):
        store.backup(path)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "letter").write_text("dear")
    with pytest.raises(lsmsql.UsageError, match="holds other files, such as letter"):
        store.backup(tmp_path / "files")
    assert os.listdir(tmp_path / "files") == ["letter"]
    with lsmsql.open(target, background=False) as other:
        other["mine"] = 1
    with pytest.raises(lsmsql.UsageError, match="a store that somebody has written to"):
        store.backup(target)
    assert backed_up(target)["kv"] == [{"key": "mine", "value": 1}]


def test_a_backup_that_was_written_to_is_a_store_of_its_own(store, target):
    store["a"] = 1
    store.backup(target)
    with lsmsql.open(target, "r"):
        store.backup(target)
    lsmsql.open(target).close()
    with pytest.raises(lsmsql.UsageError, match="a store that somebody has written to"):
        store.backup(target)


def test_a_backup_of_another_store_is_not_overwritten(store, target, tmp_path):
    with lsmsql.open(tmp_path / "other", background=False) as other:
        other.update({i: i for i in range(100)})
        other.flush()
        other.backup(target)
    store["a"] = 1
    store.flush()
    with pytest.raises(lsmsql.UsageError, match="is a backup of"):
        store.backup(target)
    assert len(backed_up(target)["kv"]) == 100


def test_a_backup_that_is_in_use_by_a_writer_is_busy(store, target):
    store["a"] = 1
    store.backup(target)
    with (
        lsmsql.open(target),
        pytest.raises((lsmsql.BusyError, lsmsql.UsageError)),
    ):
        store.backup(target)


class CutShort(OsFileSystem):
    """A file system on which the nth change of a directory is the last one."""

    def __init__(self, changes: int) -> None:
        self.left = changes

    def _change(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise lsmsql.StorageError("cut short")

    def create(self, path: str) -> AppendFile:
        self._change()
        return super().create(path)

    def link(self, source: str, target: str) -> bool:
        self._change()
        return super().link(source, target)

    def rename(self, source: str, target: str) -> None:
        self._change()
        super().rename(source, target)

    def remove(self, path: str) -> None:
        self._change()
        super().remove(path)


def test_a_backup_that_is_cut_short_leaves_the_one_before_and_can_be_made_again(path, tmp_path):
    for changes in range(100):
        source, target = tmp_path / f"store{changes}", tmp_path / f"backup{changes}"
        disk = CutShort(10**9)
        with lsmsql.open(source, background=False, filesystem=disk, sync="off") as store:
            store.update({i: i for i in range(50)})
            store.flush()
            store["a"] = 1
            disk.left = changes
            with _suppressed() as first:
                store.backup(target)
            if first.error is None:
                break
            disk.left = 10**9
            assert store.backup(target).sequence == 2
            before = contents(store)
            store["b"] = 2
            store.compact()
            disk.left = changes
            with _suppressed() as second:
                store.backup(target)
            assert backed_up(target) in (before, contents(store))
            disk.left = 10**9
            store.backup(target)
            assert second.error is None or backed_up(target) == contents(store)
            assert "UNFINISHED" not in os.listdir(target)
    assert changes > 5


class _suppressed:  # noqa: N801
    error: BaseException | None = None

    def __enter__(self) -> _suppressed:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self.error = error
        return isinstance(error, lsmsql.StorageError)
