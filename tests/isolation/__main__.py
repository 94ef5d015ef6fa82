"""Random histories, then transfers between accounts, for a long time.

    python -m tests.isolation [--seconds S] [--seed N]

Each of the two takes so many seconds. Ends with status 1 at the first failure, which it shows.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import traceback

import lsmsql
from tests.isolation import bank, histories


def main() -> int:
    """Run both; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.isolation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    try:
        for name, part in (("histories", histories), ("bank", bank)):
            done = part.run(arguments.seed, arguments.seconds)
            print(f"{name}: {', '.join(f'{count:,} {kind}' for kind, count in done.items())}")
    except (AssertionError, lsmsql.Error):
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
