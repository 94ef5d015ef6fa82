"""A few random programs, always the same; ``python -m tests.differential`` runs others."""

from __future__ import annotations

import pytest

from tests.differential.generate import program
from tests.differential.running import Tally, run
from tests.differential.shrinking import shrunk

PROGRAMS = 14


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_a_program_does_the_same_on_both(seed):
    tally = Tally()
    failure = run(program(seed, length=90), tally)
    assert failure is None, str(shrunk(failure))
    assert tally.statements > 0
