"""The memtable against a dict of versions."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.memtable.memtable import FORGOTTEN, Chained, Forgotten, Memtable, Version
from lsmsql.engine.memtable.skiplist import SkipList
from lsmsql.engine.values import Row

KEEP_ALL = 0


def table(*records: tuple[bytes, int | None]) -> Memtable:
    """Records with the sequence numbers 1, 2, ...; a value None is a tombstone."""
    memtable = Memtable()
    for sequence, (key, value) in enumerate(records, 1):
        memtable.put(key, None if value is None else (value,), sequence, 10, KEEP_ALL)
    return memtable


def version(memtable: Memtable, key: bytes, sequence: int) -> Version:
    """The version that is there."""
    found = memtable.get(key, sequence)
    assert found is not None
    return found


def seen(memtable: Memtable, key: bytes, sequence: int) -> tuple[int, Row | None]:
    """Sequence number and row of the version that is there."""
    found = version(memtable, key, sequence)
    return found.sequence, found.row


def test_each_reader_sees_its_version():
    memtable = table((b"k", 1), (b"k", None), (b"k", 3))
    assert memtable.get(b"k", 0) is None
    assert seen(memtable, b"k", 1) == (1, (1,))
    assert seen(memtable, b"k", 2) == (2, None)
    assert seen(memtable, b"k", 99) == (3, (3,))
    assert memtable.get(b"other", 99) is None


def test_versions_are_hidden_from_the_collector():
    memtable = table((b"k", 1), (b"k", None))
    memtable.put_all({b"l": (1,)}, 3, 10, KEEP_ALL)
    assert not any(gc.is_tracked(memtable.get(key, 3)) for key in (b"k", b"l"))


def test_keys_that_were_taken_back_have_no_records():
    memtable = table((b"a", 1), (b"b", 2))
    memtable.undo(b"b", 2)
    assert memtable.records([b"a", b"b"], 9) == ([b"a"], [1], [(1,)])


def test_versions_that_no_reader_asks_for_are_let_go():
    memtable = Memtable()
    for sequence in (1, 2, 3):
        memtable.put(b"k", (sequence,), sequence, 10, oldest=sequence)
    newest = version(memtable, b"k", 3)
    assert (newest.sequence, newest.row) == (3, (3,))
    assert newest.older == Version(2, (2,), FORGOTTEN)
    assert version(memtable, b"k", 2).row == (2,)
    with pytest.raises(Forgotten):
        memtable.get(b"k", 1)


def test_the_oldest_reader_needs_nothing_behind_the_version_it_sees():
    memtable = Memtable()
    for sequence, oldest in ((1, 0), (2, 0), (3, 2)):
        memtable.put(b"k", (sequence,), sequence, 10, oldest)
    assert version(memtable, b"k", 3) == Version(3, (3,), Version(2, (2,), FORGOTTEN))


def test_a_version_without_an_older_one_is_not_forgotten_but_absent():
    memtable = table((b"k", 1), (b"k", 2))
    assert memtable.get(b"k", 0) is None


def test_what_a_registered_reader_needs_is_kept():
    memtable = Memtable()
    for sequence in range(1, 10):
        memtable.put(b"k", (sequence,), sequence, 10, oldest=min(sequence, 4))
    assert [version(memtable, b"k", s).row for s in range(4, 10)] == [(s,) for s in range(4, 10)]


def test_records_are_all_versions_or_those_of_a_reader():
    memtable = table((b"a", 1), (b"b", 2), (b"a", 3), (b"b", None))
    keys = [b"a", b"b"]
    assert memtable.records(keys, None) == (
        [b"a", b"a", b"b", b"b"],
        [3, 1, 4, 2],
        [(3,), (1,), None, (2,)],
    )
    assert memtable.records(keys, 2) == ([b"a", b"b"], [1, 2], [(1,), (2,)])
    assert memtable.records(keys, 0) == ([], [], [])


def test_undo_takes_back_the_newest_version():
    memtable = table((b"a", 1), (b"b", 2), (b"a", 3))
    memtable.undo(b"a", 3)
    assert version(memtable, b"a", 99).row == (1,)
    memtable.undo(b"b", 2)
    assert memtable.get(b"b", 99) is None
    assert list(memtable.slices()) == [[b"a"]]
    memtable.put(b"b", (4,), 4, 10, KEEP_ALL)
    assert list(memtable.slices()) == [[b"a", b"b"]]


def test_the_memtable_knows_its_sequence_numbers_and_grows():
    memtable = Memtable()
    assert (len(memtable), memtable.nbytes, memtable.max_sequence) == (0, 0, 0)
    memtable.put(b"a", (1,), 5, 10, KEEP_ALL)
    size = memtable.nbytes
    memtable.put_all({b"b": (1,), b"c": None}, 6, 20, KEEP_ALL)
    assert memtable.max_sequence == 6
    assert memtable.nbytes == 3 * size
    assert len(memtable) == 3


def everything(memtable: Memtable) -> list[bytes]:
    """All keys, in the order that the memtable gives them."""
    return [key for piece in memtable.slices() for key in piece]


def test_keys_are_in_order_when_somebody_asks_however_many_wait(monkeypatch):
    monkeypatch.setattr("lsmsql.engine.memtable.memtable._DRAINED_AT_ONCE", 100)
    memtable = Memtable()
    keys = [b"%d" % (i * 7919 % 1000) for i in range(1000)]
    for i, key in enumerate(keys):
        memtable.put(key, (i,), i + 1, 10, KEEP_ALL)
        if i in (0, 1, 500):
            assert everything(memtable) == sorted(keys[: i + 1])
    assert everything(memtable) == sorted(keys)
    assert list(memtable.slices(b"5", b"50")) == [[b"5"]]


def test_a_drain_that_was_interrupted_is_made_good(monkeypatch):
    memtable = table((b"c", 1), (b"a", 2), (b"b", 3))
    merge = SkipList.add_sorted

    def interrupted(self, keys):
        merge(self, keys)
        raise KeyboardInterrupt

    monkeypatch.setattr(SkipList, "add_sorted", interrupted)
    with pytest.raises(KeyboardInterrupt):
        memtable.slices()
    monkeypatch.undo()
    memtable.put(b"d", (4,), 4, 10, KEEP_ALL)
    assert everything(memtable) == [b"a", b"b", b"c", b"d"]


def test_readers_miss_no_key_that_was_there_before_they_began():
    memtable = Memtable()
    done = 0
    finished = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        while not finished.is_set():
            there = done
            keys = everything(memtable)
            if keys != sorted(set(keys)) or not expected[there] <= set(keys):
                wrong.append((there, len(keys)))

    order = [b"%05d" % (i * 7919 % 4000) for i in range(4000)]
    expected = {0: frozenset[bytes]()}
    for i in range(100, 4001, 100):
        expected[i] = frozenset(order[:i])
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for i, key in enumerate(order):
        memtable.put(key, (i,), i + 1, 10, KEEP_ALL)
        if (i + 1) % 100 == 0:
            done = i + 1
    finished.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert everything(memtable) == sorted(order)


def test_all_versions_of_a_key_are_to_be_had_newest_first():
    memtable = table((b"b", 1), (b"a", 2), (b"b", None), (b"c", 4))
    expected = ([b"b", b"b", b"a"], [3, 1, 2], [None, (1,), (2,)])
    assert memtable.records([b"b", b"a", b"x"], None) == expected


def test_what_is_let_go_is_in_no_record():
    memtable = Memtable()
    for sequence in (1, 2, 3):
        memtable.put(b"k", (sequence,), sequence, 10, oldest=sequence)
    assert memtable.records([b"k"], None) == ([b"k", b"k"], [3, 2], [(3,), (2,)])


def test_a_memtable_of_versions_is_as_if_they_had_been_put():
    versions = {b"b": Version(4, (1,), None), b"a": Version(3, None, None)}
    memtable = Memtable.of(versions, Chained(), 700)
    assert everything(memtable) == [b"a", b"b"]
    assert (len(memtable), memtable.nbytes, memtable.max_sequence) == (2, 700, 4)
    assert seen(memtable, b"a", 9) == (3, None)
    memtable.put(b"c", (5,), 5, 10, KEEP_ALL)
    assert everything(memtable) == [b"a", b"b", b"c"]


batches = st.lists(
    st.tuples(
        st.dictionaries(
            st.binary(max_size=1), st.none() | st.tuples(st.integers(0, 9)), min_size=1, max_size=9
        ),
        st.booleans(),
    ),
    max_size=12,
)


@given(batches, st.integers(0, 12), st.data())
def test_the_memtable_is_what_a_dict_for_each_sequence_number_is(steps, oldest, data):
    memtable = Memtable()
    states: list[dict[bytes, Any]] = [{}]
    for sequence, (records, together) in enumerate(steps, 1):
        bound = min(oldest, sequence)
        if together:
            memtable.put_all(records, sequence, 10 * len(records), bound)
        else:
            for key, row in records.items():
                memtable.put(key, row, sequence, 10, bound)
        states.append({**states[-1], **{k: (sequence, row) for k, row in records.items()}})
        if data.draw(st.booleans(), label="read"):
            assert everything(memtable) == sorted(states[-1])
    keys = sorted(states[-1])
    assert everything(memtable) == keys
    newest: dict[bytes, Any] = {}
    for key, found_sequence, row in zip(*memtable.records(keys, None), strict=True):
        newest.setdefault(key, (found_sequence, row))
    assert newest == states[-1]
    for sequence in range(min(oldest, len(steps)), len(states)):
        expected = states[sequence]
        for key in keys:
            found = memtable.get(key, sequence)
            assert (None if found is None else (found.sequence, found.row)) == expected.get(key)
        columns = memtable.records(keys, sequence)
        assert list(zip(*columns, strict=True)) == [(k, *expected[k]) for k in sorted(expected)]


MANY = 300_000

LONG_CHAINS = f"""
from lsmsql.engine.memtable.memtable import Memtable

def hot(oldest):
    memtable = Memtable()
    for sequence in range(1, {MANY} + 1):
        memtable.put(b"hot", (sequence,), sequence, 10, oldest)
    return memtable

memtable = hot(0)
assert memtable.get(b"hot", 7).row == (7,)
head = memtable.get(b"hot", {MANY})
del memtable  # with a reader that still has the newest version
del head
memtable = hot(0)
memtable.put(b"hot", None, {MANY} + 1, 10, {MANY})  # nobody asks for the others any more
memtable.put(b"hot", None, {MANY} + 2, 10, {MANY} + 1)
del memtable
print("done")
"""


def test_a_key_that_is_overwritten_very_often_does_not_overflow_the_stack():
    ended = subprocess.run([sys.executable, "-c", LONG_CHAINS], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr
