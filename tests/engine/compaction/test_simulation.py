"""Thousands of flushes through each strategy: the rules hold, and the costs stay within bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsmsql.engine.options import Options
from tests.engine.compaction.simulation import ROW_BYTES, Simulation

FLUSH_ROWS = 100
FLUSH_BYTES = FLUSH_ROWS * ROW_BYTES
OPTIONS = Options(level1_bytes=8 * FLUSH_BYTES, table_bytes=2 * FLUSH_BYTES)
"""As by default: a flush brings about an eighth of the target of the first level."""


def simulate(style: str, key_space: int, flushes: int, zipf: bool = False) -> Simulation:
    """Random keys, flushed, with every job done at once."""
    simulation = Simulation(OPTIONS, style)
    chance = np.random.default_rng(7)
    for _ in range(flushes):
        keys = chance.integers(0, key_space, FLUSH_ROWS)
        if zipf:
            keys = chance.zipf(1.2, FLUSH_ROWS) * 2654435761 % key_space
        simulation.flush(keys)
        simulation.settle()
    simulation.check_reads()
    return simulation


@pytest.mark.parametrize(
    ("style", "key_space", "zipf", "writes", "space", "runs"),
    [
        ("leveled", 1 << 40, False, 16, 1.01, 7),
        ("leveled", 20_000, False, 13, 1.2, 7),
        ("leveled", 1 << 30, True, 10, 1.2, 7),
        ("tiered", 1 << 40, False, 7, 1.01, 8),
        ("tiered", 20_000, False, 5, 2.2, 8),
        ("tiered", 1 << 30, True, 5, 2.2, 8),
    ],
)
def test_amplification_stays_within_bounds(
    style: str, key_space: int, zipf: bool, writes: float, space: float, runs: int
) -> None:
    simulation = simulate(style, key_space, 1000, zipf)
    assert simulation.write_amplification < writes
    assert simulation.space_amplification < space
    assert simulation.most_runs <= runs


def test_leveled_jobs_stay_small_however_large_the_table_grows() -> None:
    options = OPTIONS
    simulation = simulate("leveled", 1 << 40, 1000)
    widest = options.table_bytes * (options.level_factor + 4) + options.level1_bytes
    assert simulation.largest_job < max(widest, 2 * options.level1_bytes)


def test_keys_that_come_in_order_are_never_rewritten_by_leveled_compaction() -> None:
    simulation = Simulation(OPTIONS)
    for flush in range(300):
        simulation.flush(np.arange(flush * FLUSH_ROWS, (flush + 1) * FLUSH_ROWS))
        simulation.settle()
    simulation.check_reads()
    assert simulation.write_amplification == 1.0


@given(
    st.lists(
        st.tuples(st.sampled_from(["leveled", "tiered"]), st.integers(1, 40), st.integers(0, 3)),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([50, 2000, 1 << 40]),
)
@settings(max_examples=30)
def test_styles_may_change_at_any_time(phases: list[tuple[str, int, int]], key_space: int) -> None:
    simulation = Simulation(OPTIONS)
    chance = np.random.default_rng(len(phases))
    for style, flushes, backlog in phases:
        simulation.style = style
        for n in range(flushes):
            simulation.flush(chance.integers(0, key_space, FLUSH_ROWS))
            if n % (backlog + 1) == 0:
                simulation.settle()
        simulation.check_reads()
