"""What a new process costs before it has an answer."""

from __future__ import annotations

import statistics
import subprocess
import sys

from tests.benchmarks.engines.base import Capability
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload

TIMES = 5


def process(bench: Workbench) -> Measure:
    """``import lsmsql``, and the shell with one query of a closed store; medians of five times."""
    key, value = bench.data.keys[0], bench.data.values[0]
    query = f"SELECT hex(value) FROM kv WHERE key = x'{key.hex()}'"
    shell = ["-m", "lsmsql.cli", str(bench.loaded_path), query]
    empty, imported, answered = [], [], []
    for _ in range(TIMES):
        empty.append(_seconds(["-c", "pass"], ""))
        imported.append(_seconds(["-c", "import lsmsql"], ""))
        answered.append(_seconds(shell, value.hex().upper()))
    seconds = statistics.median(answered)
    importing = statistics.median(imported) - statistics.median(empty)
    return Measure(seconds, 1, {"import": importing, "query": seconds})


def _seconds(arguments: list[str], wanted: str) -> float:
    with Stopwatch() as watch:
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    expect("output of a process", (done.stdout.strip(), done.stderr), (wanted, ""))
    return watch.seconds


PROCESS = (Workload("process", process, frozenset({Capability.PROCESS})),)
