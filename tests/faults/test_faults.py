"""Whichever operation of the disk fails: a clear error, nothing acknowledged lost, no leaks."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

import lsmsql
from lsmsql.engine.filesystem import FileSystem, OsFileSystem
from tests.damage.memory import DIRECTORY, MemoryFileSystem
from tests.faults.faulty import Fault, FaultyFileSystem
from tests.faults.stress import in_memory
from tests.faults.system import FaultyOs
from tests.faults.trials import KINDS, NEVER, Place, count_operations, run_with
from tests.faults.workload import Run

LASTING_STEP, CALL_STEP = 5, 40
"""A single fault is at every place there is, one that lasts, or of a call of the system, at one in
so many; ``stress`` has all."""

PARTS = 3
"""So many workers may share the places."""


def on_disk(directory: Path) -> Place:
    """New directories in ``directory``."""

    def place() -> tuple[FileSystem, str]:
        return OsFileSystem(), str(directory / f"store{len(os.listdir(directory))}")

    return place


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", KINDS)
def test_any_operation_may_fail(kind, part):
    fault = KINDS[kind]
    places = count_operations(fault, in_memory)
    assert places > 50
    told = 0
    chosen = range(0, places, LASTING_STEP if fault.lasting else 1)[part::PARTS]
    for at in chosen:
        run = run_with(replace(fault, at=at), in_memory)
        assert run.disk.failed
        told += run.errors > 0
    assert told > 0.85 * len(chosen)


def test_an_announcement_that_fails_leaves_no_file_open():
    fault = Fault(0, operations=frozenset({"announce"}))
    for at in range(0, count_operations(fault, in_memory), 3):
        assert run_with(replace(fault, at=at), in_memory).disk.failed


@pytest.mark.parametrize("kind", KINDS)
def test_a_real_disk_fails_and_no_descriptor_is_left_open(kind, tmp_path):
    place = on_disk(tmp_path)
    places = count_operations(KINDS[kind], place)
    before = open_descriptors()
    for at in range(places // 16, places, places // 8):
        assert run_with(replace(KINDS[kind], at=at), place).disk.failed
    assert open_descriptors() == before


def open_descriptors() -> int:
    """How many there are; where that cannot be found out, always the same."""
    return len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 0


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_any_call_of_the_system_may_fail_and_no_descriptor_is_left_open(number, tmp_path):
    def run_with_call(at: int) -> FaultyOs:
        disk, path = place()
        faulty = FaultyOs(at, number)
        try:
            run = Run(FaultyFileSystem(disk), path)
            with faulty.installed():
                run.work()
            run.look_afterwards()
        except BaseException as error:
            error.add_note(f"call {at}: {faulty.failed}")
            raise
        return faulty

    place = on_disk(tmp_path)
    calls = run_with_call(NEVER).count
    assert calls > 300
    before = open_descriptors()
    for at in range(0, calls, CALL_STEP):
        assert run_with_call(at).failed
    assert open_descriptors() == before


@pytest.mark.parametrize("kind", KINDS)
def test_an_operation_of_a_thread_may_fail(kind):
    places = count_operations(KINDS[kind], in_memory)
    for at in range(places // 12, places, places // 6):
        run_with(replace(KINDS[kind], at=at), in_memory, background=True)


@pytest.mark.parametrize("background", [False, True])
def test_a_sync_that_failed_is_not_tried_again_and_stops_all_writes(background):
    disk = FaultyFileSystem(MemoryFileSystem())
    store = lsmsql.open(DIRECTORY, filesystem=disk, background=background)
    store["safe"] = 1
    disk.fail_from_now_on(Fault(0, operations=frozenset({"sync"})))
    with pytest.raises(lsmsql.StorageError, match="sync .*: Input/output error") as caught:
        store["lost"] = 2
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EIO
    disk.repair()
    disk.syncs.clear()
    for write in (lambda: store.put("later", 3), store.flush, store.compact):
        with pytest.raises(lsmsql.FailedError, match="takes no more writes .*Input/output error"):
            write()
    assert dict(store.items()) == {"safe": 1}
    store.close()
    assert disk.syncs == []
    with lsmsql.open(DIRECTORY, filesystem=disk) as again:
        assert again["safe"] == 1
        again["later"] = 3
        assert again["later"] == 3
    assert not disk.handles


def test_writes_that_the_system_does_in_part_are_done_in_full(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:7])))
    disk = OsFileSystem()
    path = str(tmp_path / "file")
    file = disk.create(path)
    file.write(bytes(range(256)))
    file.write(b"the end")
    assert file.tell() == 263
    file.close()
    assert disk.read_all(path) == bytes(range(256)) + b"the end"


def test_reads_that_the_system_does_in_part_are_done_in_full(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)))
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, at: pread(fd, min(size, 7), at))
    file = OsFileSystem().open(str(path))
    assert file.read_at(10, 100) == bytes(range(10, 110))
    assert file.read_at(250, 100) == bytes(range(250, 256))
    file.close()
