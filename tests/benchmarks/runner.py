"""Rounds of all engines, interleaved: what slows the machine for a while slows them all."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.engines import SUBJECT, load_engine
from tests.benchmarks.worker import NO_ENGINE, Task

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 1_200.0
"""Seconds that a worker may take for its round."""

Run = dict[str, Any]
"""Engine, round, and the results of the workloads by their names."""
Say = Callable[[str], object]


class BenchmarkError(Exception):
    """A workload failed, or a worker came to no end."""


@dataclass(frozen=True)
class Plan:
    """What to run. ``only``: workloads, empty for all. ``directory``: for the stores."""

    rows: int
    rounds: int
    engines: tuple[str, ...]
    only: tuple[str, ...] = ()
    directory: Path | None = None


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """All rounds, as a document for JSON. Raises BenchmarkError."""
    engines, missing = _installed(plan.engines)
    for name in missing:
        say(f"{name} is left out: its package is not installed")
    began = time.perf_counter()
    runs = []
    with tempfile.TemporaryDirectory(prefix="lsmsql-bench-", dir=plan.directory) as scratch:
        (baseline,) = _lines(Task(NO_ENGINE, plan.rows, scratch))
        for number in range(plan.rounds):
            for engine in _turned(engines, number):
                task = Task(engine, plan.rows, f"{scratch}/{engine}", list(plan.only))
                runs.append(_run_engine(task, number, say))
    return {
        "rows": plan.rows,
        "rounds": plan.rounds,
        "seconds": round(time.perf_counter() - began),
        "machine": machine_facts(),
        "versions": _versions(engines),
        "missing": missing,
        "baseline": baseline["peak"],
        "runs": runs,
    }


def _installed(names: Sequence[str]) -> tuple[list[str], list[str]]:
    found, missing = [], []
    for name in names:
        try:
            load_engine(name)
        except ImportError:
            missing.append(name)
        else:
            found.append(name)
    return found, missing


def _turned(engines: list[str], number: int) -> list[str]:
    """Another order in each round: forwards and backwards in turn, each begun further on."""
    start = number // 2 % len(engines)
    turned = engines[start:] + engines[:start]
    return turned[::-1] if number % 2 else turned


def _run_engine(task: Task, number: int, say: Say) -> Run:
    Path(task.directory).mkdir()
    results: dict[str, Any] = {}
    say(f"round {number + 1}: {task.engine}")
    with closing(_lines(task)) as lines:
        for line in lines:
            name = line.pop("workload")
            if "error" in line:
                raise BenchmarkError(f"{task.engine}, {name}:\n{line['error']}")
            results[name] = line
            say(f"  {_brief(name, line)}")
    return {"engine": task.engine, "round": number, "results": results}


def _lines(task: Task) -> Generator[dict[str, Any], None, None]:
    """What the worker says. Raises BenchmarkError unless it ends well, and in time."""
    command = [sys.executable, "-m", "tests.benchmarks.worker", json.dumps(asdict(task))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        alarm = threading.Timer(PATIENCE, process.kill)
        alarm.start()
        try:
            assert process.stdout is not None
            yield from map(json.loads, process.stdout)
            process.wait()
        finally:
            alarm.cancel()
            process.kill()  # does nothing to one that has ended
    if process.returncode:
        raise BenchmarkError(f"the worker of {task.engine} ended with status {process.returncode}")


def _brief(name: str, line: dict[str, Any]) -> str:
    if not line["operations"]:
        return f"{name:15} {_brief_figures(line['figures'])}"
    each = line["seconds"] / line["operations"] * 1e6
    return f"{name:15} {each:10.2f} us each, {line['seconds']:6.2f} s"


def _brief_figures(figures: dict[str, float]) -> str:
    if "bytes" in figures:
        return f"{figures['bytes'] / 1e6:10.1f} MB"
    return f"{len(figures)} figures"


def machine_facts() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{_memory_bytes() / (1 << 30):.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _versions(engines: Sequence[str]) -> dict[str, str]:
    packages = {load_engine(name).package for name in engines} | {SUBJECT, "pyarrow", "numpy"}
    return {package: version(package) for package in sorted(packages)}
