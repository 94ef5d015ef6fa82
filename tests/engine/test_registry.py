"""Which versions readers may still ask for."""

from __future__ import annotations

import threading

from lsmsql.engine.core import Core
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.options import Options
from lsmsql.engine.registry import Snapshots
from lsmsql.engine.view import State


def test_without_readers_only_the_newest_commit_may_be_asked_for():
    snapshots = Snapshots()
    snapshots.published = 7
    assert snapshots.oldest() == 7
    assert snapshots.active() == ()


def test_the_oldest_registered_reader_counts():
    snapshots = Snapshots()
    readers = {}
    for sequence in (3, 5, 9):
        snapshots.published = sequence
        readers[sequence] = snapshots.reader()
        assert snapshots.acquire(readers[sequence]) == sequence
    assert snapshots.oldest() == 3
    another = snapshots.reader()
    snapshots.hold(another, 3)
    assert snapshots.active() == (3, 5, 9)
    snapshots.release(readers[3])
    assert snapshots.oldest() == 3
    snapshots.release(another)
    assert (snapshots.oldest(), snapshots.active()) == (5, (5, 9))


def test_a_reader_that_a_commit_overtakes_takes_the_newer_number():
    """The writer looked for readers before the reader was registered, and then published."""

    class Overtaking(dict[int, int]):
        def __setitem__(self, reader: int, sequence: int) -> None:
            super().__setitem__(reader, sequence)
            core.snapshots.published = max(core.snapshots.published, 5)

    core = Core(OsFileSystem(), "nowhere", Options())
    core.snapshots.published = 4
    core.snapshots.registered = Overtaking()
    reader = core.snapshots.reader()
    assert core.pin(reader) == (5, core.state)
    assert core.snapshots.active() == (5,)


def test_a_reader_takes_the_number_that_goes_with_its_state():
    """A new state and its number are published between the reader's two looks."""

    class Installing(Core):
        @property
        def state(self) -> State:
            self.snapshots.published = max(self.snapshots.published, 8)
            return State()

        @state.setter
        def state(self, state: State) -> None:
            pass

    core = Installing(OsFileSystem(), "nowhere", Options())
    reader = core.snapshots.reader()
    assert core.pin(reader)[0] == 8
    assert core.snapshots.active() == (8,)


def test_readers_come_and_go_while_a_writer_looks():
    snapshots = Snapshots()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            reader = snapshots.reader()
            snapshots.acquire(reader)
            snapshots.release(reader)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for sequence in range(1, 20_001):
            assert snapshots.oldest() <= sequence
            assert all(number <= sequence for number in snapshots.active())
            snapshots.published = sequence
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert snapshots.active() == ()
    assert snapshots.oldest() == 20_000
