"""No history of random transactions has a cycle; without validation some have."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings

from tests.isolation.anomalies import find_anomaly
from tests.isolation.histories import CLIENTS, WAYS, check_history, counts, interleaved, run_one
from tests.isolation.workload import Program, programs, random_program


@pytest.mark.parametrize("way", WAYS)
@given(program=programs(CLIENTS))
@settings(max_examples=15)
def test_interleaved_transactions_have_no_cycle(way: str, program: Program):
    check_history(interleaved(way, program).history)


@pytest.mark.parametrize("way", WAYS)
def test_long_interleaved_histories_have_no_cycle(way: str):
    tape = interleaved(way, random_program(random.Random(1), CLIENTS, 1500))
    check_history(tape.history)
    assert counts(tape)["conflicts"] > 5


def test_reads_that_are_joined_into_ranges_hide_no_cycle(monkeypatch):
    monkeypatch.setattr("lsmsql.engine.readset.MOST_BYTES", 150)
    monkeypatch.setattr("lsmsql.engine.readset.MOST_RANGES", 4)
    monkeypatch.setattr("lsmsql.engine.readset._LONGEST_EDGE", 2)
    for seed in range(5):
        check_history(
            interleaved("python", random_program(random.Random(seed), CLIENTS, 250)).history
        )


@pytest.mark.parametrize(("way", "sync"), [("python", "off"), ("sql", "off"), ("mixed", "full")])
def test_threads_have_no_cycle(way: str, sync: str):
    tape = run_one(seed=1, way=way, sync=sync, steps=300)
    assert counts(tape)["commits"] > 50


@pytest.mark.parametrize("way", WAYS)
def test_without_validation_the_checker_finds_cycles(way: str, monkeypatch):
    monkeypatch.setattr("lsmsql.engine.database.first_conflict", lambda *_, **__: None)
    found = set()
    for seed in range(12):
        program = random_program(random.Random(seed), CLIENTS, 80)
        anomaly = find_anomaly(interleaved(way, program).history)
        found.add(None if anomaly is None else anomaly.name)
    assert found >= {"G-single", "G2"}
    assert not found & {"G0", "G1c"}
