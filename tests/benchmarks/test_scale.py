"""The scale benchmark runs, and every row that it counts is there."""

from __future__ import annotations

import pytest

import lsmsql
from tests.benchmarks.scale import load


@pytest.mark.parametrize("by", ["update", "ingest"])
def test_a_small_load_gives_figures_for_each_step(tmp_path, by):
    path = str(tmp_path / "store")
    steps = list(load(path, 3000, by, 2000, memtable_bytes=100_000))
    assert [step["rows"] for step in steps] == [2000, 3000]
    assert all(step["us_per_row"] > 0 and step["disk_mb"] >= 0 for step in steps)
    with lsmsql.open(path, mode="r") as store:
        assert len(store) == 3000
