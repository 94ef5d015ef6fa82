"""A process that fills a store and waits to be killed: ENGINE DIRECTORY ROWS."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.data import Data, batches
from tests.benchmarks.engines import load_engine
from tests.benchmarks.engines.base import MEMORY, Settings

CRASH_SETTINGS = Settings(write_buffer=MEMORY)
"""Nothing is written to sorted files before the process is killed."""
READY = "filled"


def main() -> None:
    """Fill the store, say so, and wait for the end; without a parent that comes by itself."""
    name, directory, rows = sys.argv[1:]
    data = Data(int(rows))
    store = load_engine(name)()
    store.open(Path(directory), CRASH_SETTINGS)
    for pairs in batches(data.keys, data.values):
        store.put_many(pairs)
    print(READY, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
