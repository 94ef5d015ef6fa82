"""The merge against the same thing said in plain Python."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsmsql.engine.columns import (
    FIRST_VALUE,
    KEY,
    KIND,
    PUT,
    SEQUENCE,
    column_values,
    concat_runs,
    run_from_records,
)
from lsmsql.engine.merge import Retention, merge, select
from lsmsql.engine.values import ColumnType

Record = tuple[bytes, int, tuple[Any, ...] | None]

values = st.none() | st.integers(0, 3) | st.sampled_from(["a", "b", 1.5, b"c"])
histories = st.dictionaries(
    st.binary(max_size=2),
    st.dictionaries(st.integers(1, 12), st.none() | st.tuples(values), min_size=1, max_size=5),
    max_size=25,
)
numbers = st.integers(0, 13)


def make_run(records: list[Record]):
    keys, sequences, rows = zip(*records, strict=True)
    return run_from_records(keys, sequences, rows, [ColumnType.ANY])


def records_of(run) -> list[Record]:
    rows = zip(column_values(run.column(FIRST_VALUE)), strict=True)
    puts = [kind == PUT for kind in run.column(KIND).to_pylist()]
    found = [row if put else None for row, put in zip(rows, puts, strict=True)]
    keys, sequences = run.column(KEY).to_pylist(), run.column(SEQUENCE).to_pylist()
    return list(zip(keys, sequences, found, strict=True))


@st.composite
def sources(draw):
    """A history and its records dealt out to sources, newest first, each cut into runs.

    Of each key, a source has newer versions than the sources after it.
    """
    history = draw(histories)
    count = draw(st.integers(1, 4))
    dealt: list[list[Record]] = [[] for _ in range(count)]
    for key in sorted(history):
        places = sorted(draw(st.integers(0, count - 1)) for _ in history[key])
        for place, sequence in zip(places, sorted(history[key], reverse=True), strict=True):
            dealt[place].append((key, sequence, history[key][sequence]))
    runs = []
    for records in dealt:
        edges = [i for i in range(1, len(records)) if records[i][0] != records[i - 1][0]]
        cuts = sorted(draw(st.sets(st.sampled_from(edges)))) if edges else []
        bounds = [0, *cuts, len(records)]
        pieces = [records[a:b] for a, b in pairwise(bounds)]
        runs.append([make_run(piece) for piece in pieces if piece])
    return history, runs


def kept(versions: dict[int, tuple[Any, ...] | None], keep: Retention) -> list[int]:
    """The sequence numbers of one key that must come through, newest first."""
    if keep.at is not None:
        seen = max((s for s in versions if s <= keep.at), default=None)
        return [] if seen is None or versions[seen] is None else [seen]
    readers = [*keep.snapshots, 99]
    if keep.floor is not None:
        readers += range(keep.floor, 15)
    seen_by = [[s for s in versions if s <= reader] for reader in readers]
    found = sorted({max(seen) for seen in seen_by if seen}, reverse=True)
    if keep.drop_tombstones:
        # The oldest of the versions that remain hides nothing if it is a deletion; it goes if every
        # reader that there is may know of it.
        everybody = min(readers)
        found = [s for s in found if versions[s] is not None or s > everybody]
    return found


def with_floor(keep: Retention) -> st.SearchStrategy[Retention]:
    """``keep``, or the same with a floor."""
    floored = (
        replace(keep, floor=floor, snapshots=tuple(sorted({*keep.snapshots, floor})))
        for floor in range(14)
    )
    return st.sampled_from([keep, *floored])


retentions = st.one_of(
    st.builds(Retention, at=numbers),
    st.builds(
        Retention,
        snapshots=st.lists(numbers, max_size=3, unique=True).map(lambda s: tuple(sorted(s))),
        drop_tombstones=st.booleans(),
    ).flatmap(with_floor),
)


@settings(max_examples=300)
@given(sources(), retentions, st.booleans(), st.sampled_from([1, 1 << 30]))
def test_the_merge_lets_through_what_the_retention_says(dealt, keep, reverse, window):
    history, runs = dealt
    order = [reversed(run) for run in runs] if reverse else [iter(run) for run in runs]
    with mock.patch("lsmsql.engine.merge.MAX_WINDOW_BYTES", window):
        windows = list(merge(order, keep, reverse=reverse))
    assert all(window.num_rows for window in windows)
    if reverse:
        windows.reverse()
    merged = [record for window in windows for record in records_of(window)]
    assert merged == [
        (key, sequence, history[key][sequence])
        for key in sorted(history)
        for sequence in kept(history[key], keep)
    ]
    edges = pairwise(windows)
    assert all(a.column(KEY)[-1].as_py() < b.column(KEY)[0].as_py() for a, b in edges)
    assert all(window.schema.names == ["key", "sequence", "kind", "0"] for window in windows)


@given(histories, st.integers(1, 4), st.randoms(use_true_random=False))
def test_sequence_numbers_can_decide_instead_of_the_order_of_sources(history, count, chosen):
    dealt: list[list[Record]] = [[] for _ in range(count)]
    for key in sorted(history):
        for sequence in sorted(history[key], reverse=True):
            chosen.choice(dealt).append((key, sequence, history[key][sequence]))
    runs = [iter([make_run(records)]) for records in dealt if records]
    merged = merge(runs, Retention(drop_tombstones=True), by_sequence=True)
    newest = ((key, max(history[key])) for key in sorted(history))
    assert [record for run in merged for record in records_of(run)] == [
        (key, sequence, row)
        for key, sequence in newest
        if (row := history[key][sequence]) is not None
    ]


@settings(max_examples=200)
@given(
    sources(),
    st.lists(numbers, max_size=3, unique=True).map(lambda s: tuple(sorted(s))),
    st.none() | numbers,
)
def test_no_reader_can_tell_that_a_rewrite_took_place(dealt, snapshots, floor):
    history, runs = dealt
    readers = {*snapshots, 99, *(() if floor is None else range(floor, 15))}
    if floor is not None:
        snapshots = tuple(sorted({*snapshots, floor}))
    keep = Retention(snapshots=snapshots, floor=floor, drop_tombstones=True)
    rewritten = list(merge([iter(run) for run in runs], keep))
    for reader in readers:
        seen = merge([iter(rewritten)], Retention(at=reader))
        found = {key: row for window in seen for key, _, row in records_of(window)}
        expected = {key: kept(history[key], Retention(at=reader)) for key in history}
        assert found == {k: history[k][s[0]] for k, s in expected.items() if s}


@given(sources(), numbers, st.lists(numbers, max_size=3, unique=True))
def test_sequence_numbers_that_no_reader_asks_for_are_forgotten(dealt, last, snapshots):
    history, runs = dealt
    snapshots = tuple(sorted(s for s in snapshots if s >= last))
    keep = Retention(snapshots=snapshots, drop_tombstones=True, forget_sequences_up_to=last)
    rewritten = list(merge([iter(run) for run in runs], keep))
    whole = merge([iter(run) for run in runs], Retention(snapshots=snapshots, drop_tombstones=True))
    assert [record for run in rewritten for record in records_of(run)] == [
        (key, 0 if sequence <= last else sequence, row)
        for run in whole
        for key, sequence, row in records_of(run)
    ]
    for reader in (*snapshots, 99):
        seen = merge([iter(rewritten)], Retention(at=reader))
        found = {key: row for run in seen for key, _, row in records_of(run)}
        expected = {key: kept(history[key], Retention(at=reader)) for key in history}
        assert found == {k: history[k][s[0]] for k, s in expected.items() if s}


def test_a_source_is_asked_for_its_next_run_only_when_it_is_needed():
    asked = []

    def source(name: str, keys: list[bytes]):
        for key in keys:
            asked.append((name, key))
            yield make_run([(key, 1, (name,))])

    merged = merge([source("x", [b"a", b"b"]), source("y", [b"m", b"n"])], Retention(at=1))
    next(merged)
    assert (b"m" in [key for _, key in asked]) and (b"n" not in [key for _, key in asked])


@pytest.mark.parametrize("reverse", [False, True])
def test_without_sources_or_records_nothing_comes_out(reverse):
    assert list(merge([], Retention(at=1), reverse=reverse)) == []
    assert list(merge([iter([]), iter([])], Retention(), reverse=reverse)) == []


def test_a_run_that_is_kept_whole_is_not_copied():
    run = make_run([(b"a", 1, (1,)), (b"b", 1, (2,))])
    assert select(run, Retention(at=5)) is run
    assert select(run, Retention()) is run


def test_above_the_floor_a_key_has_one_version_of_each_commit():
    run = make_run([(b"a", 7, (3,)), (b"a", 7, (2,)), (b"a", 6, (1,)), (b"b", 6, (1,))])
    kept = select(run, Retention(snapshots=(5,), floor=5))
    assert records_of(kept) == [(b"a", 7, (3,)), (b"a", 6, (1,)), (b"b", 6, (1,))]


def test_versions_that_nobody_asks_for_need_not_fit_a_window(monkeypatch):
    joined = []

    def concat(runs):
        joined.append(sum(run.num_rows for run in runs))
        return concat_runs(runs)

    monkeypatch.setattr("lsmsql.engine.merge.MAX_WINDOW_BYTES", 1)
    monkeypatch.setattr("lsmsql.engine.merge.concat_runs", concat)
    values = range(90, 0, -1)
    new, middle, old = (
        make_run([(b"a", value, (value,)) for value in values[first : first + 30]])
        for first in (0, 30, 60)
    )
    keep = Retention(snapshots=(20, 88), floor=88)
    (merged,) = merge([iter([new]), iter([middle]), iter([old])], keep)
    assert [sequence for _, sequence, _ in records_of(merged)] == [90, 89, 88, 20]
    assert joined == [90, 4]  # of which the first has no values
    joined.clear()
    (merged,) = merge([iter([new]), iter([middle]), iter([old])], Retention(at=55))
    assert records_of(merged) == [(b"a", 55, (55,))]
    assert list(merge([iter([new]), iter([middle])], Retention(at=7))) == []
    assert joined == [55, 1]
