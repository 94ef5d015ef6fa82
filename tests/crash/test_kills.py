"""What a process acknowledged before it was killed is there, in every mode."""

from __future__ import annotations

import pytest

from tests.crash.kills import kill_often
from tests.crash.workloads import MODES

LIVES = 8


@pytest.mark.parametrize("mode", MODES)
def test_a_kill_loses_nothing_that_was_acknowledged(mode: str) -> None:
    assert kill_often(mode, seed=1, lives=LIVES) > LIVES
