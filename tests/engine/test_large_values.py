"""Values beyond the sizes that windows, runs and blocks are meant for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import lsmsql

MIB = 1 << 20


def test_values_larger_than_every_unit_survive_flush_merge_and_scan(tmp_path: Path) -> None:
    values = {key: bytes([key]) * (key * MIB) + b"end" for key in range(1, 9)}
    options: dict[str, Any] = {"memtable_bytes": 4 * MIB, "memory_budget": 16 * MIB}
    with lsmsql.open(tmp_path / "s", sync="off", **options) as store:
        for key, value in values.items():
            store[key] = b"old"
            store[key] = value
        store.flush()
        assert dict(store.items()) == values
        store.ingest([(key, values[key]) for key in (2, 5)])
        store.compact()
        assert dict(store.range(reverse=True)) == values
        assert store[8] == values[8]
        assert store.stats().cache_bytes <= 16 * MIB + 9 * MIB


def test_windows_that_would_burst_arrows_offsets_shrink_to_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsmsql.engine.merge.MAX_WINDOW_BYTES", 2000)
    monkeypatch.setattr("lsmsql.engine.background.job.SORT_BYTES", 2000)
    monkeypatch.setattr("lsmsql.engine.wal.runs.PIECE_BYTES", 1000)
    monkeypatch.setattr("lsmsql.engine.sstable.reader.MAX_RUN_BYTES", 2000)
    monkeypatch.setattr("lsmsql.engine.scan.SHORT_SCAN", 10)
    with lsmsql.open(tmp_path / "s", background=False, block_rows=4, sync="off") as store:
        model = {}
        for generation in range(3):
            for key in range(generation, 60, generation + 1):
                store[key] = model[key] = f"{generation}" * 300
            store.flush()
        assert list(store.items()) == sorted(model.items())
        assert list(store.range(reverse=True)) == sorted(model.items(), reverse=True)
        store.compact()
        assert list(store.items()) == sorted(model.items())


def test_arrow_batches_are_cut_before_they_are_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lsmsql.engine.sources._BATCH_BYTES", 1000)
    data = pa.table({"key": list(range(100)), "value": ["x" * 100] * 100})
    with lsmsql.open(tmp_path / "s") as store:
        assert store.ingest(data) == 100
        assert list(store.items()) == [(key, "x" * 100) for key in range(100)]
