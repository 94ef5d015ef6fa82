"""On a model of transactions the checker says of each level of isolation what is known of it."""

from __future__ import annotations

import random

from hypothesis import given, settings

from tests.isolation.anomalies import check, find_anomaly
from tests.isolation.graph import WrongReadError
from tests.isolation.history import History
from tests.isolation.model import LEVELS, Model, ModelClient
from tests.isolation.workload import Program, interleave, programs, random_program, serially

CLIENTS = 3


def clients(level: str) -> list[ModelClient]:
    model = Model()
    return [ModelClient(model, level) for _ in range(CLIENTS)]


def name_of(history: History) -> str:
    try:
        found = find_anomaly(history)
    except WrongReadError:
        return "wrong read"
    return "" if found is None else found.name


def names_of_many(level: str) -> set[str]:
    chance = random.Random(level)
    many = (random_program(chance, CLIENTS, 100) for _ in range(150))
    return {name_of(interleave(clients(level), program).history) for program in many}


@given(programs(CLIENTS))
@settings(max_examples=100)
def test_one_after_the_other_there_is_no_cycle_at_any_level(program: Program):
    for level in LEVELS:
        check(serially(clients(level), program).history)


@given(programs(CLIENTS))
@settings(max_examples=150)
def test_validated_transactions_have_no_cycle(program: Program):
    check(interleave(clients("serializable"), program).history)


def test_snapshot_isolation_has_write_skew_and_phantoms_and_nothing_worse():
    names = {name.removesuffix("-realtime") for name in names_of_many("snapshot")}
    assert names == {"", "G2-item", "G2"}


def test_read_committed_transactions_lose_updates():
    assert "G-single" in names_of_many("read committed")
