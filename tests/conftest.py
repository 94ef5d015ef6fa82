"""Settings and fixtures that every test shares."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A slow machine is not a failure; a failure prints what it takes to repeat it.
settings.register_profile("lsmsql", deadline=None, print_blob=True)
settings.load_profile("lsmsql")


# Tests start some hundred processes: what one has compiled, the next ones need not.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


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
