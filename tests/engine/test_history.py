"""The past can be asked for as far back as was promised, and is exactly as it was."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine import history
from lsmsql.engine.core import Core
from lsmsql.engine.history import History
from lsmsql.engine.manifest.edit import Sample
from lsmsql.engine.merge import Retention
from lsmsql.engine.options import Options
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.readview import ReadView
from lsmsql.engine.recent import ABSENT
from lsmsql.engine.registry import Snapshots
from lsmsql.engine.schema import KV_SCHEMA, KV_TABLE_ID
from lsmsql.engine.slices import Range

CODEC = key_codec(KV_SCHEMA)
VALUES = Projection(KV_SCHEMA, CODEC, [0, 1])
KEYS = range(6)
SMALL: dict[str, Any] = {
    "sync": "off",
    "background": False,
    "block_rows": 2,
    "table_bytes": 300,
    "level1_bytes": 1000,
    "level0_files": 2,
}

Rows = dict[int, int]


def rows_of(view: ReadView, *, reverse: bool = False) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for piece in view.scan(KV_TABLE_ID, Range(), VALUES, reverse=reverse, first=3):
        part = list(zip(*piece.columns, strict=True))
        rows += reversed(part) if reverse else part
    return rows


def check_past(core: Core, states: dict[int, Rows]) -> None:
    """Every commit that is kept is as it was, for each kind of read."""
    oldest, newest = core.history.oldest, core.snapshots.published
    for sequence in range(oldest, newest + 1):
        rows = states[sequence]
        with ReadView(core, at=sequence) as view:
            for key in KEYS:
                assert view.value(CODEC.encode([key])) == rows.get(key, ABSENT)
                assert (view.find(KV_TABLE_ID, CODEC.encode([key])) is None) == (key not in rows)
            assert rows_of(view) == sorted(rows.items())
            assert rows_of(view, reverse=True) == sorted(rows.items(), reverse=True)
    with pytest.raises(lsmsql.UsageError, match=f"{oldest - 1} is no longer kept"):
        core.pin_at(core.snapshots.reader(), oldest - 1)


class Clock:
    """Stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


keys = st.sampled_from(KEYS)
steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["put", "put", "put", "delete"]), keys),
        st.tuples(st.sampled_from(["batch", "ingest"]), st.sets(keys, min_size=1)),
        st.tuples(st.sampled_from(["flush", "compact", "reopen", "check"]), st.none()),
        st.tuples(st.just("wait"), st.integers(1, 200)),
    ),
    min_size=15,
    max_size=50,
)


class Run:
    """A store with a history, and all that it has ever held."""

    def __init__(self, path: Path, kept: int | str, settings: dict[str, Any]) -> None:
        self.path = path
        self.settings = {**SMALL, **settings, "history": kept}
        self.clock = Clock()
        self.states: dict[int, Rows] = {0: {}}
        self.times = [(self.clock.now, 0)]
        self.store = self.open()
        self.reader = lsmsql.open(path, "r", history=1)

    def open(self) -> lsmsql.Store:
        with mock.patch.object(history, "Clock", return_value=self.clock):
            return lsmsql.open(self.path, **self.settings)

    def take(self, step: str, given: Any) -> None:
        store, value = self.store, len(self.states)
        rows = dict(self.states[store.stats().sequence])
        if step == "put":
            store[given] = rows[given] = value
        elif step == "delete":
            store.delete(given)
            rows.pop(given, None)
        elif step in ("batch", "ingest"):
            entries = dict.fromkeys(given, value)
            store.update(entries) if step == "batch" else store.ingest(entries)
            rows |= entries
        elif step == "reopen":
            store.close()
            self.store = self.open()
        elif step == "wait":
            self.clock.now += given
            store.core.history.tick()
        elif step == "check":
            self.check()
        else:
            getattr(store, step)()
        sequence = self.store.stats().sequence
        self.states.setdefault(sequence, rows)
        self.times.append((self.clock.now, sequence))

    def check(self) -> None:
        core = self.store.core
        check_past(core, self.states)
        self.reader.core.check_open()
        check_past(self.reader.core, self.states)
        options = core.options
        if options.history_commits is not None:
            assert core.history.oldest <= max(0, core.sequence - options.history_commits)
        else:
            assert options.history_seconds is not None
            then = self.clock.now - options.history_seconds
            assert core.history.oldest <= max([0, *(s for at, s in self.times if at <= then)])

    def close(self) -> None:
        self.reader.close()
        self.store.close()


@settings(max_examples=30)
@given(
    steps,
    st.sampled_from([1, 3, 1000, "100s", "1h"]),
    st.fixed_dictionaries(
        {
            "compaction": st.sampled_from(["leveled", "tiered"]),
            "memtable_bytes": st.sampled_from([1, 1000, 100_000]),
            "tiered_runs": st.just(2),
        }
    ),
)
def test_every_commit_that_is_kept_is_as_it_was(tmp_path_factory, taken, kept, settings):
    run = Run(tmp_path_factory.mktemp("s") / "store", kept, settings)
    try:
        for step, given in [*taken, ("check", None)]:
            run.take(step, given)
    finally:
        run.close()


# ------------------------------------------------------------------------------- which numbers


def open_small(path: Path, **settings: Any) -> lsmsql.Store:
    return lsmsql.open(path, **{**SMALL, **settings})


@pytest.mark.parametrize(
    ("sequence", "problem"),
    [(1, "commit 1 is no longer kept; the oldest is 2"), (5, "no commit 5 yet; the newest is 4")],
)
def test_other_numbers_are_refused(tmp_path: Path, sequence: int, problem: str) -> None:
    with open_small(tmp_path / "s", history=2) as store:
        for value in range(4):
            store[1] = value
        store.flush()
        core = store.core
        assert store.stats().oldest_sequence == 2
        with pytest.raises(lsmsql.UsageError, match=problem):
            core.pin_at(core.snapshots.reader(), sequence)
        assert core.snapshots.active() == (2,)


@pytest.mark.parametrize("sequence", ["1", 1.0, None, True])
def test_what_is_no_number_is_refused(tmp_path: Path, sequence: object) -> None:
    problem = f"its number, an int, not {sequence!r}"
    with (
        open_small(tmp_path / "s", history=2) as store,
        pytest.raises(lsmsql.TypeMismatchError, match=problem),
    ):
        store.core.pin_at(0, sequence)


def test_without_a_history_there_is_the_newest_commit_only(tmp_path: Path) -> None:
    with open_small(tmp_path / "s") as store:
        for value in range(4):
            store[1] = value
        assert store.stats().oldest_sequence == 4
        with ReadView(store.core, at=4) as view:
            assert rows_of(view) == [(1, 3)]
        with pytest.raises(lsmsql.UsageError, match="3 is no longer kept; the oldest is 4"):
            store.core.pin_at(store.core.snapshots.reader(), 3)
        assert store.core.snapshots.active() == ()


def test_a_reader_may_join_one_that_shares_its_number(tmp_path: Path) -> None:
    with open_small(tmp_path / "s") as store:
        core, snapshots = store.core, store.core.snapshots
        store[1] = "old"
        first, second = snapshots.reader(), snapshots.reader()
        assert core.pin_at(first, 1)[0] == 1
        store[1] = "new"
        with ReadView(core, at=1) as view:
            snapshots.release(first)
            store.compact()
            assert rows_of(view) == [(1, "old")]
        with pytest.raises(lsmsql.UsageError, match="1 is no longer kept"):
            core.pin_at(second, 1)


def test_a_reader_that_is_still_looking_for_its_number_is_not_joined() -> None:
    snapshots = Snapshots()
    snapshots.published = 5
    past = History(snapshots, Options())
    looking, joining = snapshots.reader(), snapshots.reader()
    snapshots.acquire(looking)
    snapshots.published = 7
    with pytest.raises(lsmsql.UsageError, match="5 is no longer kept"):
        past.hold(joining, 5)
    past.share(looking)
    assert past.hold(joining, 5) == 5
    assert snapshots.active() == (5,)


def test_a_reader_registers_before_it_looks_whether_its_number_is_kept() -> None:
    """A job that is made between the two either keeps what belongs to it, or has it refused."""
    snapshots = Snapshots()
    snapshots.published = 9
    past = History(snapshots, Options(history=3))
    past.begin(0)
    made: list[Retention] = []

    class Registered(dict[int, int]):
        def __setitem__(self, reader: int, sequence: int) -> None:
            super().__setitem__(reader, sequence)
            if sequence == 4:
                past._lock.release()
                made.append(past.retention())
                past._lock.acquire()

    snapshots.registered = Registered(snapshots.registered)
    with pytest.raises(lsmsql.UsageError, match="4 is no longer kept; the oldest is 6"):
        past.hold(snapshots.reader(), 4)
    assert [(keep.floor, keep.snapshots) for keep in made] == [(6, (4, 6))]


# ------------------------------------------------------------------------------- the floor


def test_a_number_of_commits_is_counted_from_the_newest() -> None:
    snapshots = Snapshots()
    past = History(snapshots, Options(history=3))
    past.begin(0)
    floors = []
    for sequence in range(8):
        snapshots.published = sequence
        keep = past.retention(forget=True)
        assert keep.snapshots == (keep.floor,) and keep.forget_sequences_up_to == keep.floor
        assert snapshots.oldest() == keep.floor == past.oldest
        floors.append(keep.floor)
    assert floors == [0, 0, 0, 0, 1, 2, 3, 4]


def test_a_time_is_measured_by_samples() -> None:
    snapshots = Snapshots()
    past = History(snapshots, Options(history="128s"))  # so there is one every two seconds
    past.clock = clock = Clock()  # type: ignore[assignment]
    begun = clock.now
    past.begin(0)
    for second in range(1, 300):
        clock.now, snapshots.published = begun + second, second
        past.tick()
        floor = past.retention().floor
        assert floor is not None and second - 131 <= floor <= max(0, second - 128)
        assert len(past.samples) <= 66


def test_commits_of_an_unknown_time_count_as_made_at_the_opening() -> None:
    snapshots = Snapshots()
    snapshots.published = 90
    past = History(snapshots, Options(history="64s"))
    past.clock = clock = Clock()  # type: ignore[assignment]
    begun = clock.now
    past.begin(10, (Sample(begun - 60, 20), Sample(begun - 10, 40), Sample(begun - 1, 120)))
    floors = []
    for second in (3, 4, 53, 54, 62, 63, 64, 65):
        clock.now = begun + second
        floors.append(past.retention().floor)
    # Commits up to 120 were lost: what is 91 now was made later.
    assert floors == [10, 20, 20, 40, 40, 90, 90, 90]


def test_the_clock_is_the_one_on_the_wall_in_seconds() -> None:
    assert abs(history.Clock()() - time.time()) <= 2


def test_a_floor_beyond_the_newest_commit_is_none() -> None:
    """Commits that the manifest knew of were lost in a power cut."""
    snapshots = Snapshots()
    snapshots.published = 450
    past = History(snapshots, Options(history=10))
    past.begin(500)
    assert past.oldest == snapshots.oldest() == 450
    assert past.hold(snapshots.reader(), 450) == 450
    snapshots.published = 451
    assert past.retention().floor == 450


# ------------------------------------------------------------------------------- opened again


def open_at(path: Path, clock: Clock, **settings: Any) -> lsmsql.Store:
    with mock.patch.object(history, "Clock", return_value=clock):
        return open_small(path, **settings)


def test_a_time_still_counts_after_opening_again(tmp_path: Path) -> None:
    clock = Clock()
    for value in range(10):
        with open_at(tmp_path / "s", clock, history="1h") as store:
            store[1] = value
            store.flush()
        clock.now += 600
    # Of commit 4 it is known that it was there an hour ago, at the opening after it.
    floors = []
    for _ in range(3):
        with open_at(tmp_path / "s", clock, history="1h") as store:
            store.compact()
            floors.append(store.stats().oldest_sequence)
            check_past(store.core, {n + 1: {1: n} for n in range(10)} | {0: {}})
        clock.now += 600
    assert floors == [4, 5, 6]


@pytest.mark.parametrize("upkeep", ["none", "flush", "compact"])
def test_what_was_written_without_a_history_is_the_oldest_there_is(
    tmp_path: Path, upkeep: str
) -> None:
    states: dict[int, Rows] = {0: {}}

    def put(store: lsmsql.Store, value: int) -> None:
        store[1] = value
        states[store.stats().sequence] = {1: value}

    with open_small(tmp_path / "s", history=1000) as store:
        for value in range(10):
            put(store, value)
        store.flush()
    with open_small(tmp_path / "s") as store:
        put(store, 10)
        put(store, 11)
        if upkeep != "none":
            getattr(store, upkeep)()
        put(store, 12)
    with open_small(tmp_path / "s", history=1000) as store:
        put(store, 13)
        store.compact()
        assert store.stats().oldest_sequence == (0 if upkeep == "none" else 12)
        check_past(store.core, states)


def test_the_first_edit_of_a_new_manifest_has_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsmsql.engine.manifest.manifest.ROTATE_BYTES", 1)
    monkeypatch.setattr("lsmsql.engine.manifest.manifest._WORTHWHILE", 0)
    with open_small(tmp_path / "s", history=5) as store:
        for value in range(10):
            store[1] = value
            store.flush()
    with open_small(tmp_path / "s", history=5) as store:
        assert store.stats().oldest_sequence == 5
        check_past(store.core, {n + 1: {1: n} for n in range(10)})


# ------------------------------------------------------------------------------- what is kept


def versions(store: lsmsql.Store) -> int:
    """How many records the files hold."""
    return sum(file.meta.rows for _, file in store.core.version.files())


@pytest.mark.parametrize("shape", ["memory", "files"])
def test_an_old_reader_keeps_the_versions_that_it_needs(tmp_path: Path, shape: str) -> None:
    with open_small(tmp_path / "s", memtable_bytes=1 << 20) as store:
        for key in KEYS:
            store[key] = "old"
        with store.view() as view:
            for value in range(5):
                for key in KEYS:
                    store[key] = value
                if shape == "files":
                    store.flush()
            store.compact()
            assert versions(store) == 2 * len(KEYS)
            assert rows_of(view) == [(key, "old") for key in KEYS]
        store.compact()
        assert versions(store) == len(KEYS)


def test_a_history_keeps_what_was_asked_for_and_no_more(tmp_path: Path) -> None:
    with open_small(tmp_path / "s", history=10) as store:
        for value in range(50):
            store[1] = value
        store.compact()
        assert versions(store) == 11
        for value in range(4):
            store[2] = value
        store.compact()
        assert versions(store) == 11
        store.delete(1)
        for value in range(20):
            store[2] = value
        store.compact()
        assert versions(store) == 11
        with store.view() as view:
            assert rows_of(view) == [(2, 19)]


# ------------------------------------------------------------------------------- snapshots


def test_a_snapshot_of_the_past_is_as_any_other(tmp_path: Path) -> None:
    with open_small(tmp_path / "s", history=100) as store:
        begun = store.sequence
        items = store.create_table("items", {"id": "INTEGER", "name": "TEXT"}, "id")
        items.put([1, "tea"])
        store["a"] = 1
        then = store.sequence
        items.put([1, "coffee"])
        items.put([2, "cake"])
        store.create_table("later", {"id": "INTEGER"}, "id")
        store.update({"a": 2, "b": 3})
        for upkeep in (store.flush, store.compact):
            upkeep()
            with store.snapshot(at=then) as past:
                assert past.sequence == then
                assert dict(past.items()) == {"a": 1} and past.get("b") is None
                assert [schema.name for schema in past.tables()] == ["items", "kv"]
                assert list(past.table("items")) == [1]
                assert past.table("items")[1] == {"id": 1, "name": "tea"}
                with pytest.raises(lsmsql.NoSuchTableError):
                    past.table("later")
                with pytest.raises(lsmsql.ReadOnlyError):
                    past.table("items").put([3, "milk"])
            with store.snapshot(at=begun) as past:
                assert [schema.name for schema in past.tables()] == ["kv"]
        with lsmsql.open(tmp_path / "s", "r", history=100) as reader:
            assert reader.snapshot(at=then)["a"] == 1
        with pytest.raises(lsmsql.UsageError, match="no commit 99 yet"):
            store.snapshot(at=99)


def test_the_number_of_an_open_snapshot_or_transaction_can_be_asked_for(tmp_path: Path) -> None:
    with open_small(tmp_path / "s") as store:
        store[1] = "old"
        with store.transaction() as transaction:
            store[1] = "new"
            with store.snapshot(at=transaction.sequence) as first:
                transaction.rollback()
                with store.snapshot(at=first.sequence) as second:
                    first.close()
                    store[1] = "newest"
                    store.compact()
                    assert second[1] == "old" and versions(store) == 2
        with pytest.raises(lsmsql.UsageError, match="1 is no longer kept; the oldest is 3"):
            store.snapshot(at=1)


def test_many_snapshots_leave_nothing_behind(tmp_path: Path) -> None:
    with open_small(tmp_path / "s") as store:
        for _ in range(1000):
            store.snapshot().close()
        assert len(store.core.snapshots._steady) < 100
