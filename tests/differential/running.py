"""Running a program on both sides, up to the first step in which they differ."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from tests.differential.compare import difference
from tests.differential.differences import accepted
from tests.differential.programs import Program, Step
from tests.differential.sides import Both, Ours, Theirs, changing

NOT_TEXT = "a text that is not valid UTF-8"
"""It can be had in SQLite, but not in Python."""
ACCEPTED = "an error that may differ, and with it what is left of the statement"
FULL = "a table whose greatest rowid is the greatest there is"
"""SQLite then gives out some other number at random."""
_ENDS = (NOT_TEXT, FULL, ACCEPTED)
"""What ends a program, because from then on the two differ."""


@dataclass(frozen=True)
class Failure:
    """The steps up to the one whose outcomes differ, and how these do."""

    steps: Program
    difference: str

    @property
    def kind(self) -> str:
        """What remains the same while a program shrinks: what differs, without the messages."""
        first = self.difference.partition("\n")[0]
        return re.sub(r"\(.*?\)( instead of |$)", r"\1", first)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.steps), f"  {self.difference}"])


@dataclass
class Tally:
    """How many statements have been run, and how many of them have failed, in both."""

    statements: int = 0
    errors: int = 0


def run(steps: Sequence[Step], tally: Tally | None = None) -> Failure | None:
    """The first difference; None if there is none."""
    with Both() as both:
        for place, step in enumerate(steps):
            found, failed = _run_step(both.ours, both.theirs, step)
            if found in _ENDS:
                break
            if found is not None:
                return Failure(list(steps[: place + 1]), found)
            if tally is not None:
                tally.statements += 1
                tally.errors += failed
    return None


def _run_step(ours: Ours, theirs: Theirs, step: Step) -> tuple[str | None, bool]:
    """The difference, and whether the step is an error."""
    try:
        right = theirs.run(step)
    except UnicodeDecodeError:
        return NOT_TEXT, True
    try:
        left = ours.run(step)
    except Exception as error:
        where = traceback.format_tb(error.__traceback__)[-1].strip()
        return f"exception {type(error).__name__}: {error}\n{where}", False
    if "UTF-8" in left.message:
        return NOT_TEXT, True
    if accepted(step, left, right):
        return ACCEPTED, True
    found = difference(step, left, right)
    if found is None and changing(step.sql) and theirs.is_full():
        return FULL, False
    return found, bool(right.error)
