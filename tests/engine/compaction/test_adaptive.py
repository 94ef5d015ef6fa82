"""Changing the style of compaction by what is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import lsmsql
from lsmsql.engine.compaction.adaptive import ENOUGH, LEVELED, TIERED, Observations, next_style

STYLES = (LEVELED, TIERED)


@pytest.mark.parametrize("style", STYLES)
def test_writing_makes_it_tiered_and_reading_leveled(style: str) -> None:
    assert next_style(style, Observations(records_written=ENOUGH)) == TIERED
    assert next_style(style, Observations(gets=ENOUGH)) == LEVELED


@pytest.mark.parametrize("style", STYLES)
def test_between_the_limits_it_stays_as_it_was(style: str) -> None:
    assert next_style(style, Observations(gets=20_000, records_written=100_000)) == style
    assert next_style(style, Observations(scans=2_000, records_written=100_000)) == style


@pytest.mark.parametrize("style", STYLES)
def test_too_little_decides_nothing(style: str) -> None:
    assert next_style(style, Observations(records_written=ENOUGH - 1)) == style
    assert next_style(style, Observations(gets=ENOUGH - 1)) == style


def test_reads_that_miss_the_cache_and_ranges_weigh_more() -> None:
    written = 100_000
    assert next_style(TIERED, Observations(25_000, 0, 0, written)) == TIERED
    assert next_style(TIERED, Observations(25_000, 0, 25_000, written)) == LEVELED
    assert next_style(TIERED, Observations(0, 5_000, 0, written)) == LEVELED


def test_what_was_seen_is_the_difference_of_totals() -> None:
    before, now = Observations(1, 2, 3, 4), Observations(10, 20, 30, 40)
    assert now.since(before) == Observations(9, 18, 27, 36)


@pytest.mark.parametrize("compaction", ["leveled", "tiered", "adaptive"])
def test_a_store_can_be_opened_with_another_strategy_each_time(
    tmp_path: Path, compaction: str
) -> None:
    path = tmp_path / "store"
    settings: dict[str, Any] = {
        "background": False,
        "sync": "off",
        "memtable_bytes": 20_000,
        "level0_files": 2,
    }
    model: dict[int, int] = {}
    for round_, name in enumerate(["leveled", compaction, "tiered", compaction]):
        with lsmsql.open(path, compaction=name, tiered_runs=3, **settings) as store:
            for key in range(round_, 1500, 1 + round_ * 2):
                store[key] = model[key] = key + round_
            store.flush()
            assert dict(store.items()) == model


def test_an_adaptive_store_changes_with_its_load(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "background": False,
        "sync": "off",
        "memtable_bytes": 40_000,
        "level0_files": 2,
    }
    with lsmsql.open(tmp_path / "s", compaction="adaptive", tiered_runs=6, **settings) as store:
        for key in range(ENOUGH * 2):
            store[key * 7919 % 100_003] = key
        store.flush()
        assert store.stats().compaction_style == TIERED
        for key in range(ENOUGH):
            store.get(key)
        for key in range(300):
            store[key] = key
        store.flush()
        assert store.stats().compaction_style == LEVELED
