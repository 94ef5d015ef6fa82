"""The workload again and again, each time with a fault at another place."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.manifest import manifest
from tests.faults.faulty import SPACE, Fault, FaultyFileSystem
from tests.faults.workload import Run

KINDS = {
    "EIO": Fault(0),
    "EIO from then on": Fault(0, lasting=True),
    "ENOSPC": Fault(0, errno.ENOSPC, SPACE),
    "ENOSPC from then on": Fault(0, errno.ENOSPC, SPACE, short=True, lasting=True),
    "short write": Fault(0, errno.EIO, frozenset({"write"}), short=True),
}
"""Faults, but for where they are."""

NEVER = 1 << 60
"""No workload has so many operations."""

Place = Callable[[], tuple[FileSystem, str]]
"""A new disk, and the directory on it where a store is to be."""


def run_with(fault: Fault, place: Place, *, background: bool = False) -> Run:
    """The workload with a fault. Raises AssertionError, with a note of what has failed."""
    disk, path = place()
    run = Run(FaultyFileSystem(disk, fault), path, background)
    try:
        with patch.object(manifest, "ROTATE_BYTES", 1500):
            run.go()
    except BaseException as error:
        error.add_note(f"{fault}: {run.disk.failed[:3]}")
        raise
    return run


def count_operations(kind: Fault, place: Place) -> int:
    """How many places there are for a fault of this kind."""
    run = run_with(replace(kind, at=NEVER), place)
    assert run.errors == 0 and len(run.possible) == 1
    return run.disk.count
