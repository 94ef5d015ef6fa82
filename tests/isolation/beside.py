"""A process that looks at a store which another one writes, and says how often it has.

python -m tests.isolation.beside PATH SEED SECONDS
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

import lsmsql
from tests.isolation.auditor import Auditor


def main() -> None:
    """Raises AssertionError if a sum is wrong."""
    path, seed, seconds = sys.argv[1:]
    end = time.monotonic() + float(seconds)
    done: Counter[str] = Counter()
    with (
        lsmsql.open(path, "r") as store,
        Auditor(store, random.Random(int(seed))) as auditor,
    ):
        auditor.look(done)
        while time.monotonic() < end:
            auditor.look(done)
    print(done.total())


if __name__ == "__main__":
    main()
