"""Parts of the test suite that can be run by themselves, and stop at the first failure.

Those that try many states or inputs are run here, with the seeds of their tests and few of their
trials; single tests are run by pytest in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Protocol

import lsmsql
from tests.crash.power import PowerCut
from tests.crash.simulation import Case
from tests.crash.workloads import WORKLOADS
from tests.damage.examination import REPORTED, RIGHT, Damaged
from tests.damage.samples import sample
from tests.damage.trials import Trials
from tests.faults.stress import in_memory
from tests.faults.test_faults import LASTING_STEP
from tests.faults.trials import KINDS, count_operations, run_with
from tests.isolation.histories import CLIENTS, check_history, interleaved
from tests.isolation.workload import random_program
from tests.mutations.agreeing import live

_STATES_OF_LIFE = 30
_STEPS = 250
"""Of a random history."""

_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Tally:
    """How many states, inputs, faults or tests a check has tried."""

    tried: int = 0


class Check(Protocol):
    """A bounded part of the suite. Equal checks do the same."""

    def prepare(self) -> None:
        """Make what the check needs and the engine must have made as it should."""

    def run(self, tally: Tally) -> None:
        """Try everything. Raises AssertionError, or an error of ours, at the first failure."""

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class PowerCuts:
    """States that power cuts leave of a workload: ``most`` of its first life, 30 of later ones."""

    workload: str
    mode: str = "full"
    most: int = 150
    lives: int = 0

    def __str__(self) -> str:
        return f"power cuts, {self.workload} {self.mode}"

    def prepare(self) -> None:
        """Nothing: the broken engine is what runs the workload."""

    def run(self, tally: Tally) -> None:
        """As ``Check.run``."""
        (workload,) = (known for known in WORKLOADS if known.name == self.workload)
        power = PowerCut(Case(workload, self.mode, seed=1))
        try:
            power.check_first_life(self.most)
            power.check_later_lives(self.lives, _STATES_OF_LIFE)
        finally:
            tally.tried = power.states


@dataclass(frozen=True)
class DamagedFiles:
    """Random damage to the files of a sample, or ``at_fields`` of those of one kind."""

    sample: str
    most: int = 60
    at_fields: str = ""

    def __str__(self) -> str:
        return f"damage, {self.sample}" + (f", {self.at_fields}" if self.at_fields else "")

    def prepare(self) -> None:
        """Make the sample."""
        sample(self.sample)

    def run(self, tally: Tally) -> None:
        """As ``Check.run``."""
        whole = sample(self.sample)
        trials = Trials(f"0 {self.sample}")
        try:
            if self.at_fields:
                for name in whole.files:
                    if self.at_fields in name:
                        trials.at_fields(whole, name, self.most)
            else:
                for _ in range(self.most):
                    trials.anywhere(whole)
        finally:
            tally.tried = sum(trials.outcomes.values())


@dataclass(frozen=True)
class MissingFiles:
    """Each file of a sample is gone."""

    sample: str

    def __str__(self) -> str:
        return f"missing files, {self.sample}"

    def prepare(self) -> None:
        """Make the sample."""
        sample(self.sample)

    def run(self, tally: Tally) -> None:
        """As ``Check.run``."""
        whole = sample(self.sample)
        for name in whole.files:
            tally.tried += 1
            outcome = Trials(0).examine(Damaged(whole, name, None), "removed")
            assert outcome == REPORTED != RIGHT, f"{name} is missed by nobody"


@dataclass(frozen=True)
class Faults:
    """The workload with a fault of one kind at the first places, which the tests have as well."""

    kind: str
    most: int = 20

    def __str__(self) -> str:
        return f"faults, {self.kind}"

    def prepare(self) -> None:
        """Nothing: every run has a disk of its own."""

    def run(self, tally: Tally) -> None:
        """As ``Check.run``."""
        fault = KINDS[self.kind]
        places = range(0, count_operations(fault, in_memory), LASTING_STEP)
        for at in places[: self.most]:
            tally.tried += 1
            run_with(replace(fault, at=at), in_memory)


@dataclass(frozen=True)
class Histories:
    """Random transactions of a few clients, interleaved step by step."""

    way: str
    most: int = 30

    def __str__(self) -> str:
        return f"random histories, {self.way}"

    def prepare(self) -> None:
        """Nothing: every history begins with an empty store."""

    def run(self, tally: Tally) -> None:
        """As ``Check.run``."""
        for seed in range(self.most):
            tally.tried += 1
            program = random_program(Random(seed), CLIENTS, _STEPS)
            check_history(interleaved(self.way, program).history)


@dataclass(frozen=True)
class Agreement:
    """The life of a table with indexes."""

    def __str__(self) -> str:
        return "agreement of indexes"

    def prepare(self) -> None:
        """Nothing: it begins with an empty store."""

    def run(self, tally: Tally) -> None:
        """As ``Check.run``."""
        for _ in live():
            tally.tried += 1


@dataclass(frozen=True)
class Tests:
    """Tests by their node ids, in a new process, which gets the mutation by its environment."""

    nodes: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.nodes)

    def prepare(self) -> None:
        """Nothing: tests begin with nothing."""

    def run(self, tally: Tally) -> None:
        """As ``Check.run``."""
        tally.tried = len(self.nodes)
        options = [
            "-x",
            "-q",
            "--tb=short",
            "-p",
            "no:cacheprovider",
            "-p",
            "tests.mutations.plugin",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *self.nodes],
            capture_output=True,
            text=True,
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), *sys.path])},
            check=False,
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout}{done.stderr}")
        assert done.returncode == 0, _messages(done.stdout)


def _messages(output: str) -> str:
    """What pytest says of the errors of a test."""
    return "\n".join(line[2:].strip() for line in output.splitlines() if line.startswith("E  "))


@dataclass(frozen=True)
class Outcome:
    """How much a check had tried, and what it said then; None if all was well."""

    tried: int
    failure: str | None


def run_check(check: Check) -> Outcome:
    """Run a check, with the engine as it is. Raises what is neither a failure nor ours."""
    tally = Tally()
    try:
        check.run(tally)
    except (AssertionError, lsmsql.Error) as error:
        return Outcome(tally.tried, str(error) or _last_line(error))
    return Outcome(tally.tried, None)


def _last_line(error: BaseException) -> str:
    """The assertion that does not hold, as it stands in the source."""
    return traceback.extract_tb(error.__traceback__)[-1].line or repr(error)


def distinct(checks: Sequence[Check]) -> list[Check]:
    """The checks without repetitions; tests, which take a process, all together."""
    others = dict.fromkeys(check for check in checks if not isinstance(check, Tests))
    nodes = dict.fromkeys(n for check in checks if isinstance(check, Tests) for n in check.nodes)
    return [*others, Tests(tuple(nodes))]
