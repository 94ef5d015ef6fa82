"""Which versions readers may still ask for."""

from __future__ import annotations

from lsmsql.engine.snapshot import Snapshots


def test_without_readers_only_the_newest_commit_may_be_asked_for():
    snapshots = Snapshots()
    snapshots.published = 7
    assert snapshots.oldest() == 7
    assert snapshots.active() == ()


def test_the_oldest_registered_reader_counts():
    snapshots = Snapshots()
    for sequence in (3, 5, 9):
        snapshots.published = sequence
        assert snapshots.acquire() == sequence
    assert snapshots.oldest() == 3
    snapshots.hold(3)
    snapshots.release(3)
    assert snapshots.oldest() == 3
    snapshots.release(3)
    assert (snapshots.oldest(), snapshots.active()) == (5, (5, 9))


def test_a_reader_that_a_commit_overtakes_takes_the_newer_number():
    """The writer looked for readers before the reader was registered, and then published."""

    class Overtaking(dict[int, int]):
        def __setitem__(self, sequence: int, readers: int) -> None:
            super().__setitem__(sequence, readers)
            snapshots.published = max(snapshots.published, 5)

    snapshots = Snapshots()
    snapshots.published = 4
    snapshots._active = Overtaking()
    assert snapshots.acquire() == 5
    assert snapshots.active() == (5,)
