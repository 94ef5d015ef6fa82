"""A program that is to be killed: it commits to a store and says so.

    python -m tests.crash.child PATH MODE SEED

On its output it writes lines, each at once:

    open DIGEST         the store is open, and holds that (see ``digest_of``)
    begin DIGEST        a commit begins that makes the store hold that
    done                it has returned

The background works as by default, with threads, and for some seeds with worker processes even for
small jobs. Memtables and files are small, so there is always something going on.
"""

from __future__ import annotations

import os
import sys
from random import Random
from typing import Any

import xxhash

from lsmsql.engine.background import executor
from lsmsql.engine.filesystem import OsFileSystem
from tests.crash.history import Contents, History
from tests.crash.session import Session
from tests.crash.workloads import commits

OPTIONS: dict[str, Any] = {
    "memtable_bytes": 60_000,
    "table_bytes": 40_000,
    "level1_bytes": 100_000,
    "level0_files": 2,
    "memory_budget": 1_000_000,
    "sync_interval": 0.05,
}

WITH_WORKERS = 4
"""One seed of so many does all of its background work in processes."""


def digest_of(contents: Contents) -> str:
    """A short text that tells contents apart."""
    tables = [(name, sorted(rows.items())) for name, rows in sorted(contents.items())]
    return xxhash.xxh3_64_hexdigest(repr(tables).encode())


def uses_workers(seed: int) -> bool:
    """Whether a child has its work done by other processes, which may outlive it for a moment."""
    return seed % WITH_WORKERS == 0


def say(line: str) -> None:
    """Write a line to the parent; it is in the pipe when this returns."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


class ReportedHistory(History):
    """A history that is told to the parent. It begins with what the store holds."""

    opened = False

    def begin(self, contents: Contents, position: int) -> None:
        super().begin(contents, position)
        say(f"begin {digest_of(contents)}")

    def reopened(self, found: Contents, position: int) -> None:
        if not self.opened:
            self.opened, self.contents = True, [found]
            say(f"open {digest_of(found)}")
        super().reopened(found, position)


def main(path: str, mode: str, seed: int) -> None:
    """Commit until killed."""
    if uses_workers(seed):
        executor.MIN_BYTES = 1
    options = {**OPTIONS, "sync": mode}
    session = Session(OsFileSystem(), ReportedHistory(), options, lambda: 0, path)
    for step, random in commits(Random(seed)):
        before = session.history.count
        step(session, random)
        if session.history.count > before:
            say("done")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
