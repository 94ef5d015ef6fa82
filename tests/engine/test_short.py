"""Short ranges against a sorted dict: over memtables, files and uncommitted changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine.errors import ClosedError
from lsmsql.engine.readset import ReadSet
from lsmsql.engine.readview import ReadView
from lsmsql.engine.schema import KV_TABLE_ID
from lsmsql.engine.short import MOST_ROWS
from lsmsql.engine.slices import Range
from lsmsql.engine.writeset import WriteSet
from tests.engine.test_window import (
    CODEC,
    KEYS,
    PROJECTIONS,
    SETTINGS,
    STEPS,
    expected,
    key_of,
    span_of,
    take_step,
)

LARGE_BLOCKS = {**SETTINGS, "block_rows": 32, "table_bytes": 1 << 20}


def short(view: ReadView, span: Range, columns: int) -> list[tuple[object, ...]] | None:
    piece = view.short(KV_TABLE_ID, span, PROJECTIONS[columns])
    if piece is None:
        return None
    assert list(piece.keys) == sorted(set(piece.keys)) and True not in (piece.dead or ())
    assert all(len(column) == len(piece.keys) for column in piece.columns)
    return list(zip(*piece.columns, strict=True)) or [()] * len(piece.keys)


@settings(max_examples=25)
@given(
    st.lists(STEPS, max_size=12),
    st.dictionaries(KEYS, st.booleans(), max_size=8),
    st.lists(st.tuples(KEYS, KEYS), min_size=1, max_size=8),
)
def test_short_ranges_are_those_of_a_sorted_dict(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, list[int]]],
    own: dict[int, bool],
    looks: list[tuple[int, int]],
) -> None:
    model: dict[int, str] = {}
    views: list[tuple[ReadView, dict[int, str]]] = []
    with lsmsql.open(tmp_path_factory.mktemp("s") / "store", **LARGE_BLOCKS) as store:
        for step, keys in steps:
            if step == "view":
                views.append((store.view(), dict(model)))
            else:
                take_step(store, model, step, keys)
        writes, mine = WriteSet(), dict(model)
        for key, stays in own.items():
            row = (CODEC.real_mask([key_of(key)]), "mine") if stays else None
            writes.put(KV_TABLE_ID, CODEC.encode([key_of(key)]), row)
            mine.pop(key, None)
            if stays:
                mine[key] = "mine"
        views += [(store.view(), model), (store.view(writes), mine)]
        for start, stop in looks:
            for view, before in views:
                rows = expected(before, start, stop, reverse=False)
                for number, projection in enumerate(PROJECTIONS):
                    picked = [tuple(row[c] for c in projection.columns) for row in rows]
                    got = short(view, span_of(start, stop), number)
                    assert got is None or repr(got) == repr(picked)
        for view, _ in views:
            view.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lsmsql.Store]:
    """Keys 0 to 199 in files, in blocks of 32, and 1000 to 1199 in memory."""
    with lsmsql.open(tmp_path / "store", **LARGE_BLOCKS) as opened:
        opened.ingest([(key, "old") for key in range(200)])
        opened.update([(key, "new") for key in range(1000, 1200)])
        yield opened


def between(start: int, stop: int) -> Range:
    return Range(CODEC.encode([start]), CODEC.encode([stop]))


@pytest.mark.parametrize("first", [0, 1000])
def test_few_rows_are_read_at_one_go(store: lsmsql.Store, first: int) -> None:
    with store.view() as view:
        value = "new" if first else "old"
        assert short(view, between(first + 7, first + 10), 0) == [
            (key, value) for key in range(first + 7, first + 10)
        ]
        assert short(view, between(first + 7, first + 7), 0) == []
        assert short(view, between(500, 600), 0) == []


def test_many_rows_or_those_of_several_blocks_are_not(store: lsmsql.Store) -> None:
    with store.view() as view:
        assert short(view, between(1000, 1000 + MOST_ROWS), 1) == [("new",)] * MOST_ROWS
        assert short(view, between(1000, 1001 + MOST_ROWS), 1) is None
        read = store.stats()["blocks_read"]
        assert short(view, between(0, 65), 1) is None
        assert store.stats()["blocks_read"] == read
        assert short(view, Range(CODEC.encode([1]), None), 1) is None


def test_what_was_read_is_remembered_even_if_nothing_was_there(store: lsmsql.Store) -> None:
    reads = ReadSet()
    with ReadView(store.core, reads=reads) as view:
        assert short(view, between(500, 600), 0) == []
        assert short(view, between(0, 200), 0) is None
    assert reads.ranges(KV_TABLE_ID) == [between(500, 600)]


def test_a_view_that_was_closed_gives_none(store: lsmsql.Store) -> None:
    view = store.view()
    view.close()
    with pytest.raises(ClosedError):
        short(view, between(0, 1), 0)
