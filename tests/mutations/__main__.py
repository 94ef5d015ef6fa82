"""Breaks the engine in many ways, one at a time, and shows that the test suite notices.

    python -m tests.mutations [NAME ...]

For each mutation: the check that must fail, how many states or inputs it had tried by then, and
what it said. Ends with status 1 if a mutation was not caught.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.mutations.checks import run_check
from tests.mutations.registry import MUTATIONS


def main() -> int:
    """Try the mutations that were asked for; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[*MUTATIONS, []], metavar="NAME")
    missed = [name for name in parser.parse_args().names or MUTATIONS if not _try(name)]
    if missed:
        print(f"not caught: {', '.join(missed)}")
    return 1 if missed else 0


def _try(name: str) -> bool:
    """Whether a mutation is caught for the right reason; prints a row of the table."""
    mutation = MUTATIONS[name]
    mutation.check.prepare()
    began = time.process_time()
    with mutation.applied():
        outcome = run_check(mutation.check)
    seconds = time.process_time() - began
    caught = mutation.explains(outcome.failure)
    said = (outcome.failure or "nothing wrong").partition("\nfiles:")[0]
    print(f"{name:30} {mutation.check}, after {outcome.tried}, {seconds:.1f} s", flush=True)
    print(f"{'':30} {'' if caught else 'NOT CAUGHT: '}{' '.join(said.split())[:160]}")
    return caught


if __name__ == "__main__":
    sys.exit(main())
