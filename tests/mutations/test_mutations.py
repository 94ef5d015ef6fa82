"""Every deliberate break of the engine is noticed by the test suite, for the right reason."""

from __future__ import annotations

import pytest

from tests.mutations.checks import Check, distinct, run_check
from tests.mutations.registry import MUTATIONS

CHECKS = distinct([mutation.check for mutation in MUTATIONS.values()])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check}"[:60])
def test_the_engine_as_it_is_passes(check: Check) -> None:
    outcome = run_check(check)
    assert outcome.failure is None and outcome.tried > 0


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_engine_is_caught(name: str) -> None:
    mutation = MUTATIONS[name]
    code = mutation.code
    mutation.check.prepare()
    with mutation.applied():
        assert mutation.code is not code
        outcome = run_check(mutation.check)
    assert mutation.code is code
    assert mutation.explains(outcome.failure), f"after {outcome.tried}: {outcome.failure}"
