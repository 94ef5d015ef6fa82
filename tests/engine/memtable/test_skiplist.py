"""The skip list against a sorted list."""

from __future__ import annotations

from bisect import bisect_left, insort

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lsmsql.engine.memtable import skiplist
from lsmsql.engine.memtable.skiplist import SkipList

keys = st.binary(max_size=2)
bounds = st.none() | keys


@pytest.fixture(autouse=True, scope="module")
def short_runs():
    """Runs of eight keys, so that few keys make many runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(skiplist, "RUN_LENGTH", 8)
        yield


def between(model, start, stop):
    low = 0 if start is None else bisect_left(model, start)
    high = len(model) if stop is None else bisect_left(model, stop)
    return model[low:high]


class SkipListAgainstList(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.model: list[bytes] = []
        self.list = SkipList()
        self.readers = []

    @rule(key=keys)
    def add(self, key):
        if key not in self.model:
            insort(self.model, key)
            self.list.add_sorted([key])

    @rule(many=st.sets(keys, max_size=40))
    def add_sorted(self, many):
        fresh = sorted(many - set(self.model))
        self.model = sorted([*self.model, *fresh])
        self.list.add_sorted(fresh)

    @precondition(lambda self: self.model and not self.readers)
    @rule(data=st.data())
    def remove(self, data):
        key = data.draw(st.sampled_from(self.model))
        self.model.remove(key)
        self.list.remove(key)

    @rule(start=bounds, stop=bounds, reverse=st.booleans())
    def read_all(self, start, stop, reverse):
        slices = list(self.list.slices(start, stop, reverse=reverse))
        assert all(slices)
        if reverse:
            slices.reverse()
        assert [key for piece in slices for key in piece] == between(self.model, start, stop)

    @rule(start=keys, stop=keys, count=st.integers(1, 20))
    def read_the_first(self, start, stop, count):
        assert self.list.first(start, stop, count) == between(self.model, start, stop)[:count]

    @rule(start=bounds, stop=bounds, reverse=st.booleans())
    def begin_reading(self, start, stop, reverse):
        expected = set(between(self.model, start, stop))
        slices = self.list.slices(start, stop, reverse=reverse)
        first = next(slices, [])  # the reader has begun
        self.readers.append((expected, slices, list(first), start, stop, reverse))

    @precondition(lambda self: self.readers)
    @rule()
    def finish_reading(self):
        expected, slices, first, start, stop, reverse = self.readers.pop(0)
        pieces = [first, *slices]
        if reverse:
            pieces.reverse()
        found = [key for piece in pieces for key in piece]
        assert found == sorted(set(found))
        assert expected <= set(found) <= set(between(self.model, start, stop))

    @invariant()
    def sound(self):
        self.list.check()
        assert len(self.list) == len(self.model)
        assert all(key in self.list for key in self.model)
        assert b"absent" not in self.list


SkipListAgainstList.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestSkipListAgainstList = SkipListAgainstList.TestCase


def test_a_slice_is_the_readers_own():
    keys = SkipList()
    keys.add_sorted([b"a"])
    (piece,) = keys.slices()
    keys.add_sorted([b"b"])
    assert piece == [b"a"]


def test_a_key_inserted_while_the_first_ones_are_looked_for_hides_none():
    class Run(list[bytes]):
        """A run into which the writer inserts between a search and the copy after it."""

        def __getitem__(self, at):
            if len(self) < 5:
                self.insert(0, b"a")
            return list.__getitem__(self, at)

    assert skiplist._first_from(Run([b"b", b"d", b"e"]), b"c", 2) == [b"d", b"e"]
