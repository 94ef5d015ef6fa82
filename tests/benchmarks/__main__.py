"""Measures lsmsql beside other engines. See docs/benchmarks.md."""

from __future__ import annotations

import argparse
import fnmatch
import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.engines import CLASSES
from tests.benchmarks.isolation import isolation_markdown
from tests.benchmarks.report import markdown
from tests.benchmarks.runner import BenchmarkError, Plan, run
from tests.benchmarks.summary import ratios
from tests.benchmarks.workloads import WORKLOADS


def main() -> int:
    """Run the benchmark, or write its results into the documents."""
    arguments = _parser().parse_args()
    if arguments.write_docs:
        from tests.benchmarks.page import write_docs

        write_docs(json.loads(arguments.write_docs.read_text(encoding="utf-8")))
        return 0
    plan = Plan(arguments.rows, arguments.rounds, arguments.engines, arguments.only, arguments.dir)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        results = run(plan, lambda line: print(line, flush=True))
    except BenchmarkError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        found = {w: {p: asdict(r) for p, r in row.items()} for w, row in ratios(results).items()}
        document = json.dumps({**results, "ratios": found}, indent=1)
        arguments.json.write_text(f"{document}\n", encoding="utf-8")
    for text in filter(None, (markdown(results), isolation_markdown(results))):
        print(f"\n{text}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rows", type=_positive, default=1_000_000)
    parser.add_argument("--rounds", type=_positive, default=3)
    parser.add_argument("--engines", type=_some_of(list(CLASSES)), default=tuple(CLASSES))
    names = [workload.name for workload in WORKLOADS]
    parser.add_argument("--only", type=_some_of(names), default=(), help="workloads, or patterns")
    parser.add_argument("--dir", type=Path, help="where to put the stores; a temporary directory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all results in a file")
    parser.add_argument(
        "--write-docs",
        type=Path,
        metavar="FILE",
        help="measure nothing; write the results in FILE into docs/benchmarks.md",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _some_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """A parser of names, or patterns of names like ``get-*``, with commas between them."""

    def parse(text: str) -> tuple[str, ...]:
        names: list[str] = []
        for pattern in text.split(","):
            found = fnmatch.filter(known, pattern)
            if not found:
                raise argparse.ArgumentTypeError(f"{pattern} is none of {', '.join(known)}")
            names += found
        return tuple(dict.fromkeys(names))

    return parse


if __name__ == "__main__":
    sys.exit(main())
