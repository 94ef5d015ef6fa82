"""Runs random programs on tables of a store and on SQLite's own, and looks for differences.

    python -m tests.differential [--seconds N] [--seed S] [--length L] [--all]

Prints the smallest program that it can find for a difference, and ends with status 1; with --all it
goes on, and leaves out those whose first line it has shown before.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.differential.generate import program
from tests.differential.running import Failure, Tally, run
from tests.differential.shrinking import shrunk

_MOST_LINES = 40


def main() -> int:
    """Run programs until the time is over; the exit status."""
    arguments = _parser().parse_args()
    tally, failures = Tally(), 0
    start = time.monotonic()
    seed: int = arguments.seed
    while time.monotonic() - start < arguments.seconds:
        failure = run(program(seed, arguments.length), tally)
        if failure is not None:
            failures += 1
            print(f"-- seed {seed}\n{_shown(shrunk(failure))}\n", flush=True)
            if not arguments.all:
                break
        seed += 1
    took = time.monotonic() - start
    print(
        f"{tally.statements:,} statements, {tally.errors:,} of them errors in both,"
        f" {seed - arguments.seed:,} programs; {tally.statements / took:,.0f} statements a second"
    )
    return 1 if failures else 0


def _shown(failure: Failure) -> str:
    lines = str(failure).splitlines()
    return "\n".join(
        [f"({len(lines) - _MOST_LINES} more lines)"] * (len(lines) > _MOST_LINES)
        + lines[-_MOST_LINES:]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.differential",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first program")
    parser.add_argument("--length", type=int, default=120, help="statements of a program")
    parser.add_argument("--all", action="store_true", help="go on after a difference")
    return parser


if __name__ == "__main__":
    sys.exit(main())
