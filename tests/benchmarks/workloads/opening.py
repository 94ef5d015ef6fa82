"""Opening a store, up to the first answer: one that was closed, and one that was killed."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.crash import CRASH_SETTINGS, READY
from tests.benchmarks.data import ROW_BYTES
from tests.benchmarks.engines.base import MIB, SERVING, Capability, Engine, Settings
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload

OPENINGS = 5
LOG_BYTES = 64 * MIB


def open_closed(bench: Workbench) -> Measure:
    """The loaded store; the median of five times."""
    path = bench.loaded_path
    key, value = bench.data.keys[0], bench.data.values[0]
    seconds = []
    for _ in range(OPENINGS):
        store = bench.engine()
        seconds.append(_open(store, path, SERVING, key, value))
        store.close()
    return Measure(statistics.median(seconds), 1)


def recovery(bench: Workbench) -> Measure:
    """A store whose process was killed with 64 MiB of rows in the log and in no other file."""
    rows = min(bench.data.rows, LOG_BYTES // ROW_BYTES)
    path = bench.place()
    path.mkdir()
    _fill_and_kill(bench.engine.name, path, rows)
    store = bench.engine()
    key, value = bench.data.keys[0], bench.data.values[0]
    seconds = _open(store, path, CRASH_SETTINGS, key, value)
    expect("rows recovered", store.count(), rows)
    store.close()
    return Measure(seconds, 1, {"rows": rows})


def _open(store: Engine, path: Path, settings: Settings, key: bytes, value: bytes) -> float:
    with Stopwatch() as watch:
        store.open(path, settings)
        found = store.get(key)
    expect("first value", found, value)
    return watch.seconds


def _fill_and_kill(engine: str, path: Path, rows: int) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.crash", engine, str(path), str(rows)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            expect("word of the process to kill", process.stdout.readline().strip(), READY)
        finally:
            process.kill()


OPENING = (
    Workload("open", open_closed),
    Workload("recovery", recovery, frozenset({Capability.LOG})),
)
