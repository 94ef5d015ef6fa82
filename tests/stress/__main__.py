"""Tries to make a store lose something, until told to stop.

    python -m tests.stress [PART ...] [--seed N] [--seconds S] [--json FILE]
    python -m tests.stress PART --again WHAT

Goes through the parts in turn, each time with another seed. Ends with status 0 when it is stopped
(Ctrl-C, or after --seconds), and with 1 at the first failure, having said how to come back to it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import secrets
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import lsmsql
from tests.stress.parts import PARTS, again

_ROUND = 10.0
"""Seconds of a round."""


def main() -> int:
    """Run the parts; the exit status."""
    arguments = _parser().parse_args()
    names = arguments.parts or list(PARTS)
    if arguments.again:
        again(names[0], arguments.again)
        print("nothing is wrong")
        return 0
    totals: dict[str, Counter[str]] = {name: Counter() for name in names}
    try:
        status = _run(names, arguments.seed, arguments.seconds, totals)
    except KeyboardInterrupt:
        status = 0
    for name, tried in totals.items():
        print(f"{name:10} in all: {_counts(tried)}")
    if arguments.json:
        with arguments.json.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"failed": bool(status), **totals}) + "\n")
    return status


def _run(names: list[str], seed: int, seconds: float, totals: dict[str, Counter[str]]) -> int:
    end = time.monotonic() + seconds
    for number, name in enumerate(itertools.cycle(names)):
        left = end - time.monotonic()
        if left <= 0:
            return 0
        try:
            tried = PARTS[name].run(seed + number, min(_ROUND, left))
        except (AssertionError, lsmsql.Error):
            traceback.print_exc()
            print(f"{name:10} seed {seed + number}: FAILED")
            print(f"the round: python -m tests.stress {name} --seed {seed + number}")
            return 1
        totals[name].update(tried)
        print(f"{name:10} seed {seed + number}: {_counts(tried)}", flush=True)
    return 0


def _counts(tried: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in tried.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the totals, as a line")
    parser.add_argument("--again", metavar="WHAT", help="what a failure named")
    return parser


if __name__ == "__main__":
    sys.exit(main())
