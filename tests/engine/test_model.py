"""The store against a sorted dict: any sequence of operations, with memtables and blocks kept tiny.

Every read is compared at once, so a fault shows up at the step that caused it.
"""

from __future__ import annotations

import shutil
import tempfile
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import lsmsql
from lsmsql.engine import scan

NUMBERS = st.one_of(
    st.integers(-6, 6),
    st.sampled_from([-(2**63), 2**63 - 1, 2**53, 2**53 + 1]),
    st.sampled_from([-2.5, 0.5, 1.0, 3.0, 2.0**53, 1e300, float("inf"), -float("inf")]),
)
TEXTS = st.text("ab\0é", max_size=3)
BLOBS = st.binary(max_size=3)
KEYS = st.one_of(NUMBERS, TEXTS, BLOBS)
VALUES = st.one_of(st.none(), NUMBERS, st.text(max_size=4), st.binary(max_size=40))

TINY: dict[str, Any] = {
    "memtable_bytes": 3000,
    "block_rows": 4,
    "block_bytes": 200,
    "table_bytes": 1500,
    "level1_bytes": 4000,
    "level0_files": 2,
    "memory_budget": 20_000,
    "sync": "off",
}


def order(key: object) -> tuple[int, object]:
    """SQLite's order of values."""
    if isinstance(key, int | float):
        return (0, key)
    return (1, key.encode()) if isinstance(key, str) else (2, key)


def same(got: object, wanted: object) -> bool:
    """Equal, and of one type all the way down: 1 is not 1.0 here."""
    return repr(got) == repr(wanted)


class StoreMachine(RuleBasedStateMachine):
    """Drives a store and a dict side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.path = tempfile.mkdtemp(prefix="lsmsql-model-")
        self.model: dict[object, object] = {}
        self.options: dict[str, Any] = {}

    @initialize(
        background=st.booleans(),
        block_rows=st.sampled_from([1, 4, 512]),
        short_scan=st.sampled_from([1, 10, scan.SHORT_SCAN]),
    )
    def open(self, background: bool, block_rows: int, short_scan: int) -> None:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(scan, "SHORT_SCAN", short_scan)
        self.options = {**TINY, "background": background, "block_rows": block_rows}
        self.store = lsmsql.open(self.path, **self.options)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.patch.undo()
        shutil.rmtree(self.path)

    def remember(self, key: object, value: object) -> None:
        self.model.pop(key, None)  # a dict would keep the old key: 1 where 1.0 was put
        self.model[key] = value

    def expected(
        self, start: object = None, stop: object = None, reverse: bool = False
    ) -> list[tuple[object, object]]:
        keys = sorted(self.model, key=order, reverse=reverse)
        return [
            (key, self.model[key])
            for key in keys
            if (start is None or order(key) >= order(start))
            and (stop is None or order(key) < order(stop))
        ]

    # ------------------------------------------------------------------------------- writes

    @rule(key=KEYS, value=VALUES)
    def put(self, key: object, value: object) -> None:
        self.store[key] = value
        self.remember(key, value)

    @rule(keys=st.lists(KEYS, min_size=8, max_size=40), value=VALUES)
    def put_many(self, keys: list[object], value: object) -> None:
        for key in keys:
            self.store.put(key, value)
            self.remember(key, value)

    @rule(key=KEYS)
    def delete(self, key: object) -> None:
        self.store.delete(key)
        self.model.pop(key, None)

    @rule(changes=st.lists(st.tuples(KEYS, st.none() | st.tuples(VALUES)), max_size=30))
    def batch(self, changes: list[tuple[object, tuple[object] | None]]) -> None:
        with self.store.batch() as batch:
            for key, value in changes:
                if value is None:
                    batch.delete(key)
                else:
                    batch.put(key, value[0])
        for key, value in changes:
            if value is None:
                self.model.pop(key, None)
            else:
                self.remember(key, value[0])

    @rule(entries=st.lists(st.tuples(KEYS, VALUES), max_size=30))
    def ingest(self, entries: list[tuple[object, object]]) -> None:
        assert self.store.ingest(entries) == len(entries)
        for key, value in entries:
            self.remember(key, value)

    @rule(entries=st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=5))
    def batch_that_fails(self, entries: list[tuple[object, object]]) -> None:
        try:
            with self.store.batch() as batch:
                for key, value in entries:
                    batch.put(key, value)
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass

    # ------------------------------------------------------------------------------- upkeep

    @rule()
    def flush(self) -> None:
        self.store.flush()

    @rule()
    def compact(self) -> None:
        self.store.compact()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = lsmsql.open(self.path, **self.options)

    @rule()
    def read_only_copy_agrees(self) -> None:
        if not self.options["background"]:
            with lsmsql.open(self.path, "r") as reader:
                assert same(list(reader.items()), self.expected())

    # ------------------------------------------------------------------------------- reads

    @rule(key=KEYS)
    def get(self, key: object) -> None:
        missing = object()
        wanted = self.model.get(key, missing)
        got = self.store.get(key, missing)
        assert got is wanted or same(got, wanted)
        assert (key in self.store) == (wanted is not missing)

    @rule(
        start=st.none() | KEYS,
        stop=st.none() | KEYS,
        reverse=st.booleans(),
        limit=st.none() | st.integers(0, 9),
    )
    def range(self, start: object, stop: object, reverse: bool, limit: int | None) -> None:
        got = list(self.store.range(start, stop, reverse=reverse, limit=limit))
        assert same(got, self.expected(start, stop, reverse)[:limit])

    @rule(prefix=TEXTS | BLOBS, reverse=st.booleans())
    def prefix(self, prefix: str | bytes, reverse: bool) -> None:
        wanted = [
            (key, value)
            for key, value in self.expected(reverse=reverse)
            if isinstance(key, type(prefix)) and key.startswith(prefix)  # type: ignore[arg-type]
        ]
        assert same(list(self.store.prefix(prefix, reverse=reverse)), wanted)

    @rule(key=KEYS, value=VALUES, steps=st.integers(0, 5))
    def iterator_keeps_its_snapshot(self, key: object, value: object, steps: int) -> None:
        wanted = self.expected()
        iterator = self.store.range()
        got = [next(iterator) for _ in range(min(steps, len(wanted)))]
        self.put(key, value)
        self.store.flush()
        self.store.compact()
        got += list(iterator)
        assert same(got, wanted)

    @invariant()
    def nothing_is_left_registered(self) -> None:
        if hasattr(self, "store"):
            assert self.store.core.snapshots.active() == ()


StoreMachine.TestCase.settings = settings(max_examples=45, stateful_step_count=40, deadline=None)
TestStoreAgainstDict = StoreMachine.TestCase
