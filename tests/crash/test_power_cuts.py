"""Nothing that was safe is lost in a power cut, whatever was done to the store, in every sync mode.

For each workload: how many states of its first life are built (fewer where stores are large), and
how many distinct ones must have been checked, those of later lives with them. With three modes
these least numbers are 20,190 in all; about 23,300 are checked.
"""

from __future__ import annotations

import pytest

from tests.crash.power import PowerCut
from tests.crash.simulation import Case
from tests.crash.workloads import MODES, WORKLOADS, Workload

STATES = {
    "creation": (400, 90),
    "puts": (3600, 1200),
    "leveled": (2600, 1280),
    "tiered": (1500, 1050),
    "manifest": (2400, 830),
    "batches": (250, 340),
    "ddl": (450, 390),
    "ingest": (700, 470),
    "rows": (100, 200),
    "reopening": (1100, 600),
    "mixed": (200, 280),
}
LIVES, STATES_OF_LIFE = 6, 30


def test_the_least_numbers_are_more_than_twenty_thousand() -> None:
    assert STATES.keys() == {workload.name for workload in WORKLOADS}
    assert sum(least for _, least in STATES.values()) * len(MODES) >= 20_000


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_a_power_cut_loses_nothing_that_was_safe(workload: Workload, mode: str) -> None:
    built, least = STATES[workload.name]
    power = PowerCut(Case(workload, mode, seed=1))
    power.check_first_life(built)
    power.check_later_lives(LIVES, STATES_OF_LIFE)
    assert power.states >= least


def test_a_state_is_found_again_by_what_a_failure_says() -> None:
    case = Case(WORKLOADS[1], "full", seed=1)
    for life in ("first", "kill:60", "cut:300"):
        states = {state.number: state for state in case.cuts(case.life(life), {100, 107})}
        (again,) = case.cuts(case.life(life), {107})
        assert again.cut == states[107].cut and again.files.keys() == states[107].files.keys()
        assert list(map(len, again.files.values())) == list(map(len, states[107].files.values()))
        PowerCut(case).check_state(life, 107)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_what_a_failed_sync_kept_from_the_disk_is_written_again(workload: Workload) -> None:
    power = PowerCut(Case(workload, "full", seed=2))
    assert power.check_failed_syncs(every=12, most=12) > 0
