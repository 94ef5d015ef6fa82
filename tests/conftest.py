"""Settings and fixtures that every test shares."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A slow machine is not a failure; a failure prints what it takes to repeat it.
settings.register_profile("lsmsql", deadline=None, print_blob=True)
settings.load_profile("lsmsql")

# Tests start some hundred processes: what one has compiled, the next ones need not.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No test asks whether a disk keeps what it was given, and waiting for one is a third of the time of
# those with files. So temporary files are in memory, where it has a directory with some room.
MEMORY, ROOM = "/dev/shm", 1 << 30
if "TMPDIR" not in os.environ and os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = MEMORY


def pytest_collection_finish() -> None:
    """What is there before the first test stays there: no collection need look at it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns all the time, which brings about what is rare otherwise."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)
