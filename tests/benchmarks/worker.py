"""One round of one engine, in a process of its own: prints a line of JSON for each workload.

Asked for engine "none" it only builds the data, so that their memory can be subtracted.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.data import Data
from tests.benchmarks.engines import load_engine
from tests.benchmarks.flights import Flights
from tests.benchmarks.measure import Measure
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads import WORKLOADS
from tests.benchmarks.workloads.base import Workload

NO_ENGINE = "none"
ACCOUNT = Path("/proc/self/io")


@dataclass(frozen=True)
class Task:
    """What a worker is to do; given as one argument in JSON. ``only``: workloads, empty for all."""

    engine: str
    rows: int
    directory: str
    only: list[str] = field(default_factory=list)


def main() -> int:
    """Run a task. Returns 1 if a workload failed, a wrong answer included."""
    task = Task(**json.loads(sys.argv[1]))
    data = Data(task.rows)
    data.build_all()
    if task.engine == NO_ENGINE:
        _say(peak=_peak_bytes())
        return 0
    engine = load_engine(task.engine)
    directory = Path(task.directory)
    bench = Workbench(engine, data, Flights(task.rows), directory)
    try:
        for workload in _chosen(task, engine.capabilities):
            if not _run(workload, bench):
                return 1
    finally:
        bench.close()
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _chosen(task: Task, capabilities: frozenset[Any]) -> list[Workload]:
    return [
        workload
        for workload in WORKLOADS
        if workload.needs <= capabilities and (not task.only or workload.name in task.only)
    ]


def _run(workload: Workload, bench: Workbench) -> bool:
    """Run a workload and say how it went; whether it went well."""
    before = _written_bytes()
    try:
        measure = workload.run(bench)
        bench.clean()
    except Exception:
        _say(workload=workload.name, error=traceback.format_exc())
        return False
    _say(**_result(workload, measure, before))
    return True


def _result(workload: Workload, measure: Measure, written_before: int | None) -> dict[str, Any]:
    written = _written_bytes()
    difference = None if written is None or written_before is None else written - written_before
    return {
        "workload": workload.name,
        **asdict(measure),
        "peak": _peak_bytes(),
        "written": difference,
    }


def _say(**line: object) -> None:
    print(json.dumps(line), flush=True)


def _peak_bytes() -> int:
    """The most memory that this process has had at a time."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _written_bytes() -> int | None:
    """Bytes that this process has caused to be written to disks; None if nobody counts them."""
    if not ACCOUNT.exists():
        return None
    lines = dict(line.split(": ") for line in ACCOUNT.read_text().splitlines())
    return int(lines["write_bytes"])


if __name__ == "__main__":
    sys.exit(main())
