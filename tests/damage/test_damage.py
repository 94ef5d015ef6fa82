"""Whatever happens to the bytes of a store: right rows, or an error that names the damage."""

from __future__ import annotations

import random

import pytest

from tests.damage.examination import REPORTED, RIGHT, Damaged
from tests.damage.fields import boundaries
from tests.damage.samples import SAMPLES, sample
from tests.damage.trials import Trials

SEED = 0
ANYWHERE = 450
AT_FIELDS = 45


@pytest.mark.parametrize("name", SAMPLES)
def test_an_undamaged_sample_is_right(name):
    whole = sample(name)
    for file, content in whole.files.items():
        assert Trials(SEED).examine(Damaged(whole, file, content), "none") == RIGHT


@pytest.mark.parametrize("name", SAMPLES)
def test_damage_anywhere(name):
    trials = Trials(f"{SEED} {name}")
    for _ in range(ANYWHERE):
        trials.anywhere(sample(name))
    assert trials.outcomes[REPORTED] > ANYWHERE * 0.7
    assert sum(trials.outcomes.values()) == ANYWHERE


@pytest.mark.parametrize("name", SAMPLES)
def test_damage_at_field_boundaries(name):
    trials = Trials(f"{SEED} {name}")
    for file in sample(name).files:
        trials.at_fields(sample(name), file, AT_FIELDS)
    assert trials.outcomes[REPORTED] > 0.7 * sum(trials.outcomes.values())


@pytest.mark.parametrize("name", SAMPLES)
def test_a_missing_file(name):
    whole = sample(name)
    trials = Trials(SEED)
    for file in whole.files:
        beside_another_log = file == whole.newest_log and "complete log" in name
        if not beside_another_log:  # an empty log that nobody has heard of yet is no loss
            assert trials.examine(Damaged(whole, file, None), "removed") == REPORTED


@pytest.mark.parametrize("name", SAMPLES)
def test_a_table_of_another_store(name):
    whole, other = sample(name), sample(name, seed=1)
    trials = Trials(SEED)
    shared = [f for f in whole.files if f.endswith(".sst") and f in other.files]
    assert len(shared) > 3
    for file in shared:
        trials.examine(Damaged(whole, file, other.files[file]), "of another store")
    assert trials.outcomes[REPORTED] > len(shared) / 2  # some hold the same in both


@pytest.mark.parametrize("name", SAMPLES)
def test_the_fields_are_found(name):
    whole = sample(name)
    for file, content in whole.files.items():
        places = boundaries(file, content)
        assert places[0] == 0 and places[-1] == len(content) and places == sorted(set(places))
        assert file == "CURRENT" or len(places) > 30


def test_a_seed_repeats_the_same_damage():
    runs = []
    for _ in range(2):
        trials = Trials("repeated")
        for _ in range(20):
            trials.anywhere(sample(random.Random(1).choice(SAMPLES)))
        runs.append(trials.outcomes)
    assert runs[0] == runs[1]
