"""Power cuts: lives of stores, and samples of the states that a cut may leave of them.

A failure names the state and a command that checks just this one again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import lsmsql
from tests.crash.disk import Sync
from tests.crash.history import LossError
from tests.crash.simulation import Case, Checker, Recording
from tests.crash.states import State, count_states
from tests.crash.workloads import MODES, WORKLOADS

NAME = "power"

_STATES_PER_LIFE = 300
_LIVES = 6


class PowerCut:
    """All that is checked of a case, and ``states``, the number of distinct ones so far."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.first = case.life("first")
        self._checker = Checker(case.options)

    @property
    def states(self) -> int:
        """How many distinct states have been checked."""
        return len(self._checker.seen)

    def check_first_life(self, most: int) -> None:
        """Check up to so many states of the first life. Raises LossError."""
        self._check("first", self.first, most)

    def check_later_lives(self, lives: int, most: int) -> None:
        """Check lives after power cuts and kills, ``most`` states of each. Raises LossError."""
        random = self.case.random("lives")
        for number in range(lives):
            if number % 2:
                name = f"kill:{random.randrange(len(self.first.operations))}"
            else:
                name = f"cut:{random.randrange(_count(self.first))}"
            with _reported(self.case, name):
                recording = self.case.life(name)
            self._check(name, recording, most)

    def check_failed_syncs(self, every: int, most: int) -> int:
        """Check lives after a sync that failed, one in so many, ``most`` states of each; how many
        lives. Raises LossError."""
        random = self.case.random("failed syncs")
        syncs = sum(isinstance(operation, Sync) for operation in self.first.operations)
        failing = range(random.randrange(min(every, syncs)), syncs, every)
        for number in failing:
            name = f"fail:{number}"
            with _reported(self.case, name):
                recording = self.case.life(name)
            self._check(name, recording, most)
        return len(failing)

    def check_state(self, life: str, number: int) -> None:
        """Check one state. Raises LossError."""
        recording = self.case.life(life)
        for state in self.case.cuts(recording, {number}):
            self._check_state(life, recording, state)

    def _check(self, name: str, recording: Recording, most: int) -> None:
        total = _count(recording)
        picked = set(self.case.random(f"states {name}").sample(range(total), min(total, most)))
        for state in self.case.cuts(recording, picked):
            self._check_state(name, recording, state)

    def _check_state(self, name: str, recording: Recording, state: State) -> None:
        with _reported(self.case, name, state):
            self._checker.check(recording.history, state)


def _count(recording: Recording) -> int:
    return count_states(recording.files, recording.operations, recording.start)


@contextmanager
def _reported(case: Case, life: str, state: State | None = None) -> Iterator[None]:
    """Errors say which state they are about, and how to come back to it."""
    try:
        yield
    except (lsmsql.Error, LossError) as error:
        number = 0 if state is None else state.number
        what = f"{case.workload.name} {case.mode} {case.seed} {life} {number}"
        files = {} if state is None else {n: len(data) for n, data in state.files.items()}
        raise LossError(
            f"{type(error).__name__}: {error}\nfiles: {files}\n"
            f"again: python -m tests.stress {NAME} --again '{what}'"
        ) from error


def run(seed: int, seconds: float) -> dict[str, int]:
    """Check states of workloads for about so many seconds; counts by kind. Raises LossError."""
    random = Random(seed)
    tried = {"workloads": 0, "lives": 0, "failed syncs": 0, "power cuts": 0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        case = Case(random.choice(WORKLOADS), random.choice(MODES), random.randrange(1 << 32))
        power = PowerCut(case)
        power.check_first_life(_STATES_PER_LIFE)
        power.check_later_lives(_LIVES, _STATES_PER_LIFE // 2)
        tried["failed syncs"] += power.check_failed_syncs(10, _STATES_PER_LIFE // 10)
        tried["workloads"] += 1
        tried["lives"] += 1 + _LIVES
        tried["power cuts"] += power.states
    return tried


def again(what: str) -> None:
    """Check one state: "WORKLOAD MODE SEED LIFE STATE". Raises LossError."""
    name, mode, seed, life, state = what.split()
    workload = next(workload for workload in WORKLOADS if workload.name == name)
    PowerCut(Case(workload, mode, int(seed))).check_state(life, int(state))
