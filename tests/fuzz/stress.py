"""Mutations of every format, for as long as there is time."""

from __future__ import annotations

import itertools
import time

from tests.fuzz.mutations import mutate
from tests.fuzz.targets import TARGETS

NAME = "fuzz"

_AT_ONCE = 200


def run(seed: int, seconds: float) -> dict[str, int]:
    """Feed the targets in turn; how many inputs each had. Raises what comes out."""
    deadline = time.monotonic() + seconds
    tried = dict.fromkeys(TARGETS, 0)
    for number, name in enumerate(itertools.cycle(TARGETS)):
        if time.monotonic() > deadline:
            break
        tried[name] += mutate(name, seed * 1_000_000 + number, _AT_ONCE)
    return tried
