"""A power cut while a backup is made, and after: the one before is there, or the new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

import pytest

import lsmsql
from lsmsql.engine.manifest.manifest import CURRENT
from tests.crash.disk import SimulatedDisk
from tests.crash.history import Contents, read_contents
from tests.crash.session import COLUMNS, STORE
from tests.crash.states import State, count_states, power_cuts
from tests.crash.workloads import TINY

BACKUP = "/backup"
STATES = 200


def states(
    disk: SimulatedDisk, start: int, files: Mapping[str, bytes] | None = None
) -> Iterator[State]:
    """What power cuts after operation ``start`` may leave; of many states some, by chance.

    ``files`` were on the disk at the beginning.
    """
    total = count_states(files or {}, disk.operations, start)
    wanted = set(Random(1).sample(range(total), min(STATES, total)))
    return power_cuts(files or {}, disk.operations, "backup", start, wanted)


def contents_of(state: State, path: str, mode: str = "r") -> Contents | None:
    """What a store holds that is opened after the cut; None if there is none."""
    disk = SimulatedDisk(state.files)
    if not disk.exists(f"{path}/{CURRENT}"):
        return None
    with lsmsql.open(path, mode, filesystem=disk, background=False) as store:
        return read_contents(store)


@pytest.fixture
def disk() -> SimulatedDisk:
    return SimulatedDisk()


@pytest.fixture
def store(disk: SimulatedDisk) -> Iterator[lsmsql.Store]:
    with lsmsql.open(STORE, filesystem=disk, **TINY) as opened:
        table = opened.create_table("t", COLUMNS, "id")
        for number in range(40):
            opened[number % 30] = "x" * number
            table.put([number, "row", number])
        yield opened


@pytest.mark.parametrize("path", [BACKUP, "/in/new/directories"])
def test_a_backup_that_was_made_is_on_the_disk(
    disk: SimulatedDisk, store: lsmsql.Store, path: str
) -> None:
    store.backup(path)
    found = [contents_of(state, path) for state in states(disk, disk.position)]
    assert found == [read_contents(store)] * len(found) != []


def cut_short(disk: SimulatedDisk, store: lsmsql.Store) -> list[tuple[State, Contents | None]]:
    """What is left of a second backup at all moments of it, and what it opens as."""
    store.backup(BACKUP)
    before, start = read_contents(store), disk.position
    store.compact()
    for number in range(20):
        store[number] = "new"
    store.backup(BACKUP)
    found = [(state, contents_of(state, BACKUP)) for state in states(disk, start)]
    after = read_contents(store)
    assert all(contents in (before, after) for _, contents in found)
    return [(state, contents) for state, contents in found if contents == before]


def test_a_backup_that_is_cut_short_leaves_the_one_before(
    disk: SimulatedDisk, store: lsmsql.Store
) -> None:
    assert cut_short(disk, store)


def test_what_is_left_of_a_backup_that_was_cut_short_may_become_a_store(
    disk: SimulatedDisk, store: lsmsql.Store
) -> None:
    left, before = cut_short(disk, store)[-1]  # all of the new files are there
    assert before is not None
    opened = SimulatedDisk(left.files)
    with lsmsql.open(BACKUP, filesystem=opened, background=False) as writer:
        writer["later"] = 1
    after = {**before, "kv": {**before["kv"], "later": 1}}
    for state in states(opened, 0, left.files):
        assert contents_of(state, BACKUP) in (before, after)
        assert contents_of(state, BACKUP, "rw") in (before, after)


def test_a_first_backup_that_is_cut_short_is_none_and_harms_nothing(
    disk: SimulatedDisk, store: lsmsql.Store
) -> None:
    wanted, start = read_contents(store), disk.position
    store.backup(BACKUP)
    for state in states(disk, start):
        assert contents_of(state, STORE) == wanted
        assert contents_of(state, BACKUP) in (None, wanted)
