"""Ranges as they begin: windows over memtables and files, against a sorted dict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine import readview
from lsmsql.engine.keys import KeyCodec
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.readview import ReadView
from lsmsql.engine.schema import KV_SCHEMA, KV_TABLE_ID
from lsmsql.engine.slices import Range
from lsmsql.engine.window import FileSource, MemtableSource, Source, next_window
from lsmsql.engine.writeset import WriteSet

CODEC: KeyCodec = key_codec(KV_SCHEMA)
PROJECTIONS = [Projection(KV_SCHEMA, CODEC, columns) for columns in ([0, 1], [1], [1, 0], [])]
KEYS = st.integers(0, 60)
SETTINGS: dict[str, Any] = {
    "sync": "off",
    "background": False,
    "block_rows": 4,
    "table_bytes": 1500,
    "level0_files": 100,
    "level0_slow": 200,
    "level0_stop": 300,
}

STEPS: st.SearchStrategy[tuple[str, list[int]]] = st.one_of(
    st.tuples(st.just("put"), st.lists(KEYS, min_size=1, max_size=30)),
    st.tuples(st.just("delete"), st.lists(KEYS, min_size=1, max_size=30)),
    st.tuples(st.just("ingest"), st.lists(KEYS, min_size=1, max_size=30, unique=True)),
    st.tuples(st.sampled_from(["flush", "compact"]), st.just([])),
    st.tuples(st.just("view"), st.just([])),
)
LOOKS = st.tuples(
    st.none() | KEYS, st.none() | KEYS, st.booleans(), st.sampled_from([1, 3, 10, 64]), KEYS
)


def key_of(number: int) -> str | float:
    """Texts and, in the order of keys before them, REALs, some of which are integers."""
    return f"k{number:03}" if number >= 20 else number / 2


def take_step(store: lsmsql.Store, model: dict[int, str], step: str, keys: list[int]) -> None:
    value = f"{store.stats().sequence:100}"
    if step == "put":
        store.update([(key_of(key), value) for key in keys])
        model.update(dict.fromkeys(keys, value))
    elif step == "delete":
        with store.batch() as batch:
            for key in keys:
                batch.delete(key_of(key))
        for key in keys:
            model.pop(key, None)
    elif step == "ingest":
        store.ingest([(key_of(key), value) for key in keys])
        model.update(dict.fromkeys(keys, value))
    elif step == "flush":
        store.flush()
    elif step == "compact":
        store.compact()


def expected(
    model: dict[int, str], start: int | None, stop: int | None, reverse: bool
) -> list[tuple[object, ...]]:
    return [
        (key_of(key), model[key])
        for key in sorted(model, reverse=reverse)
        if (start is None or key >= start) and (stop is None or key < stop)
    ]


def span_of(start: int | None, stop: int | None) -> Range:
    ends = (None if end is None else CODEC.encode([key_of(end)]) for end in (start, stop))
    return Range(*ends)


def seen(
    view: ReadView, span: Range, projection: Projection, reverse: bool, first: int
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    slices = view.scan(KV_TABLE_ID, span, projection, reverse=reverse, first=first)
    for piece in slices:
        assert len(piece.keys) > 0 and list(piece.keys) == sorted(set(piece.keys))
        assert all(len(column) == len(piece.keys) for column in piece.columns)
        part = list(zip(*piece.columns, strict=True)) or [()] * len(piece.keys)
        rows += reversed(part) if reverse else part
    return rows


@given(st.lists(STEPS, max_size=12), st.lists(LOOKS, min_size=1, max_size=6))
def test_ranges_are_those_of_a_sorted_dict(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, list[int]]],
    looks: list[tuple[int | None, int | None, bool, int, int]],
) -> None:
    model: dict[int, str] = {}
    views: list[tuple[ReadView, dict[int, str]]] = []
    with lsmsql.open(tmp_path_factory.mktemp("s") / "store", **SETTINGS) as store:
        for step, keys in steps:
            if step == "view":
                views.append((store.view(), dict(model)))
            else:
                take_step(store, model, step, keys)
        for start, stop, reverse, first, limit in looks:
            wanted = expected(model, start, stop, reverse)[:limit]
            span = span_of(start, stop)
            got = list(store.kv.pairs(span, reverse, limit))
            assert repr(got) == repr(wanted)
            for view, before in [*views, (store.view(), model)]:
                rows = expected(before, start, stop, reverse)
                for projection in PROJECTIONS:
                    picked = [tuple(row[c] for c in projection.columns) for row in rows]
                    assert repr(seen(view, span, projection, reverse, first)) == repr(picked)
        for view, _ in views:
            view.close()


@given(
    st.dictionaries(KEYS, st.booleans(), max_size=40),
    st.dictionaries(KEYS, st.booleans(), max_size=40),
    st.dictionaries(KEYS, st.booleans(), max_size=20),
    LOOKS,
)
def test_uncommitted_changes_lie_on_top(
    tmp_path_factory: pytest.TempPathFactory,
    old: dict[int, bool],
    new: dict[int, bool],
    own: dict[int, bool],
    look: tuple[int | None, int | None, bool, int, int],
) -> None:
    start, stop, reverse, first, _ = look
    model: dict[int, str] = {}
    with lsmsql.open(tmp_path_factory.mktemp("s") / "store", **SETTINGS) as store:
        for changes in (old, new):
            for key, stays in changes.items():
                take_step(store, model, "put" if stays else "delete", [key])
            store.flush()
        writes = WriteSet()
        for key, stays in own.items():
            row = (CODEC.real_mask([key_of(key)]), "mine") if stays else None
            writes.put(KV_TABLE_ID, CODEC.encode([key_of(key)]), row)
            model.pop(key, None)
            if stays:
                model[key] = "mine"
        with store.view(writes) as view:
            got = seen(view, span_of(start, stop), PROJECTIONS[0], reverse, first)
            assert repr(got) == repr(expected(model, start, stop, reverse))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lsmsql.Store]:
    with lsmsql.open(tmp_path / "store", **SETTINGS) as opened:
        yield opened


def sources(store: lsmsql.Store) -> list[Source]:
    table = store.core.state.table(KV_TABLE_ID)
    sequence = store.core.snapshots.published
    memtables: list[Source] = [MemtableSource(m, sequence) for m in table.memtables if len(m)]
    return memtables + [FileSource(level, sequence) for level in table.version.sorted_runs]


def test_a_source_that_has_nothing_more_is_not_asked_again(store: lsmsql.Store) -> None:
    store.ingest([(key, "old") for key in range(10, 90)])
    store.put(5, "new")
    asked = sources(store)
    window = next_window(asked, Range(), 4, PROJECTIONS[0], reverse=False)
    assert window is not None
    piece, bound, rows = window
    assert piece.columns[0] == [5, 10, 11, 12] and rows >= 4
    rest = Range().after(bound, reverse=False)  # type: ignore[arg-type]
    window = next_window(asked, rest, 4, PROJECTIONS[0], reverse=False)
    assert window is not None and window[0].columns[0][0] == 13
    assert [type(source) for source in asked] == [FileSource]


def test_a_source_is_asked_for_what_it_gave_the_last_time(store: lsmsql.Store) -> None:
    """A small one that holds all of the range soon gives nearly all of the window."""
    store.ingest([(key, "old") for key in range(1000, 3000)])
    store.update([(key, "new") for key in range(100)])
    asked = sources(store)
    sizes = []
    span = Range()
    for _ in range(4):
        window = next_window(asked, span, 16, PROJECTIONS[0], reverse=False)
        assert window is not None and window[1] is not None
        sizes.append(len(window[0].keys))
        span = span.after(window[1], reverse=False)
    assert sizes == sorted(sizes) and sizes[-1] == 16


def test_a_commit_during_a_short_range_makes_it_begin_again(
    store: lsmsql.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.update([(key, "old") for key in range(10)])
    scan = readview.scan  # type: ignore[attr-defined]
    calls = []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        calls.append(options["first"])
        if len(calls) == 1:
            for generation in range(3):  # so that nobody keeps what was there at first
                store.update([(key, f"new {generation}") for key in range(10)])
        return scan(*arguments, **options)

    monkeypatch.setattr(readview, "scan", interrupted)
    assert list(store.range(2, limit=3)) == [(2, "new 2"), (3, "new 2"), (4, "new 2")]
    assert calls == [3, 3]
    assert store.core.snapshots.active() == ()


def test_a_short_range_is_read_before_it_is_handed_out(store: lsmsql.Store) -> None:
    store.update([(key, "old") for key in range(10)])
    rows = store.range(limit=4)
    assert store.core.snapshots.active() == ()
    store.update([(key, "new") for key in range(10)])
    assert list(rows) == [(key, "old") for key in range(4)]
    assert list(store.range(limit=0)) == [] == list(store.range(99, limit=5))
