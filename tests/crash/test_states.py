"""The states that a power cut may leave: what was synced is in all of them, the rest in some."""

from __future__ import annotations

import pytest

from lsmsql.engine.errors import StorageError
from tests.crash.disk import SimulatedDisk
from tests.crash.states import count_states, power_cuts


def left(disk: SimulatedDisk, start: int = 0) -> list[dict[str, bytes]]:
    return [dict(s.files) for s in power_cuts({}, disk.operations, "seed", start)]


def made(*names: str) -> SimulatedDisk:
    disk = SimulatedDisk()
    disk.make_directory("/d")
    disk.sync_directory("/")
    for name in names:
        disk.create(f"/d/{name}")
    return disk


def test_what_was_synced_is_in_every_state_of_a_later_cut():
    disk = made("a")
    disk.sync_directory("/d")
    file = disk.append_to("/d/a")
    file.write(b"safe")
    file.sync()
    file.write(b"lost")
    states = left(disk, disk.position)
    assert all(state["/d/a"].startswith(b"safe") for state in states)
    assert {b"safe", b"safelost", b"safelos", b"safe\0\0\0\0"} <= {s["/d/a"] for s in states}


def test_the_sync_of_a_file_does_not_make_its_name_durable():
    disk = made("a")
    file = disk.append_to("/d/a")
    file.write(b"x")
    file.sync()
    assert {} in left(disk, disk.position)
    disk.sync_directory("/d")
    assert left(disk, disk.position) == [{"/d/a": b"x"}]


def test_the_sync_of_a_directory_does_not_make_contents_durable():
    disk = made("a")
    disk.append_to("/d/a").write(b"x")
    disk.sync_directory("/d")
    assert {"/d/a": b""} in left(disk, disk.position)


def test_a_directory_whose_name_is_lost_takes_its_files_with_it():
    disk = SimulatedDisk()
    disk.make_directory("/d")
    disk.create("/d/a")
    disk.sync_directory("/d")
    assert {} in left(disk, disk.position)
    disk.sync_directory("/")
    assert left(disk, disk.position) == [{"/d/a": b""}]


def test_names_change_independently_and_a_rename_is_atomic():
    disk = made("old", "gone")
    disk.sync_directory("/d")
    disk.rename("/d/old", "/d/new")
    disk.remove("/d/gone")
    found = {frozenset(state) for state in left(disk, disk.position)}
    names = [["old", "gone"], ["new", "gone"], ["old"], ["new"]]
    assert found == {frozenset(f"/d/{name}" for name in some) for some in names}


def test_a_rename_over_a_file_leaves_the_one_or_the_other():
    disk = made("a", "b")
    for name in "ab":
        file = disk.append_to(f"/d/{name}")
        file.write(name.encode())
        file.sync()
    disk.sync_directory("/d")
    disk.rename("/d/b", "/d/a")
    assert {tuple(s.values()) for s in left(disk, disk.position)} == {(b"a", b"b"), (b"b",)}


def test_later_sectors_may_be_there_without_earlier_ones():
    disk = made("a")
    disk.sync_directory("/d")
    disk.append_to("/d/a").write(b"x" * 2048)
    sectors = {
        tuple(bool(state["/d/a"][at : at + 512].strip(b"\0")) for at in range(0, 2048, 512))
        for state in left(disk, disk.position)
    }
    assert {(False, True, False, True), (True, False, True, False)} <= sectors


def test_a_truncated_file_is_cut_when_the_call_returns():
    disk = made("a")
    disk.sync_directory("/d")
    disk.append_to("/d/a").write(b"0123456789")
    disk.truncate("/d/a", 4)
    assert left(disk, disk.position) == [{"/d/a": b"0123"}]


def test_states_are_numbered_and_the_wanted_ones_are_always_the_same():
    disk = made("a", "b", "c", "d")
    disk.append_to("/d/a").write(b"x" * 5000)
    states = list(power_cuts({}, disk.operations, "seed"))
    assert [state.number for state in states] == list(range(len(states)))
    assert count_states({}, disk.operations, 0) == len(states)
    wanted = set(range(0, len(states), 3))
    assert list(power_cuts({}, disk.operations, "seed", 0, wanted)) == states[::3]


def test_space_set_aside_for_a_log_is_zeros_until_it_is_closed():
    disk = SimulatedDisk(extent=4096)
    disk.make_directory("/d")
    file = disk.create_log("/d/a")
    file.write(b"x")
    assert disk.read_all("/d/a") == b"x".ljust(4096, b"\0")
    file.write(bytes(5000))
    assert len(disk.read_all("/d/a")) == 8192
    file.close()
    assert disk.read_all("/d/a") == b"x" + bytes(5000)


def test_a_killed_process_does_nothing_any_more_and_leaves_half_a_write():
    disk = made("a")
    file = disk.append_to("/d/a")
    file.write(b"1234")
    disk.killed_at = disk.position
    with pytest.raises(StorageError, match="killed"):
        file.write(b"5678")
    with pytest.raises(StorageError, match="killed"):
        disk.sync_directory("/d")
    survivor = disk.survivor()
    assert survivor.read_all("/d/a") == b"123456"
    survivor.remove("/d/a")
    assert survivor.list("/d") == []
