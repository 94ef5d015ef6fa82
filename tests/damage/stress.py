"""Damage for as long as there is time."""

from __future__ import annotations

import time

from tests.damage.samples import SAMPLES, sample
from tests.damage.trials import Trials

NAME = "damage"


def run(seed: int, seconds: float) -> dict[str, int]:
    """Damage stores until ``seconds`` have passed; how often each outcome was.

    Raises AssertionError for wrong rows and whatever else comes out, with a note that says what
    was damaged.
    """
    deadline = time.monotonic() + seconds
    trials = Trials(seed)
    round_number = 0
    while time.monotonic() < deadline:
        name = SAMPLES[round_number % len(SAMPLES)]
        damaged = sample(name, seed + round_number // 100)
        for _ in range(10):
            trials.anywhere(damaged)
        files = sorted(damaged.files)
        trials.at_fields(damaged, files[round_number % len(files)], 10)
        round_number += 1
    return trials.outcomes
