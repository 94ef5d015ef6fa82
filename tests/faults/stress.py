"""Faults at every place, in memory, for as long as there is time."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from lsmsql.engine.filesystem import FileSystem
from tests.damage.memory import DIRECTORY, MemoryFileSystem
from tests.faults.trials import KINDS, count_operations, run_with

NAME = "faults"


def in_memory() -> tuple[FileSystem, str]:
    """A new disk, and a directory on it."""
    return MemoryFileSystem(), DIRECTORY


def run(seed: int, seconds: float) -> dict[str, int]:
    """Try faults until ``seconds`` have passed; how many of each kind there were.

    Every place once, in an order that ``seed`` gives; then all of them again, with threads. Raises
    AssertionError, with a note that says what failed.
    """
    deadline = time.monotonic() + seconds
    chance = random.Random(seed)
    places = {kind: count_operations(fault, in_memory) for kind, fault in KINDS.items()}
    every = [(kind, at) for kind, count in places.items() for at in range(count)]
    tried = dict.fromkeys(KINDS, 0)
    background = False
    while True:
        chance.shuffle(every)
        for kind, at in every:
            if time.monotonic() > deadline:
                return tried
            run_with(replace(KINDS[kind], at=at), in_memory, background=background)
            tried[kind] += 1
        background = True
