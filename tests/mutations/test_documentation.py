"""docs/reliability.md lists the mutations as they are."""

from __future__ import annotations

from pathlib import Path

from tests.mutations.registry import MUTATIONS

PAGE = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_every_mutation_is_on_the_page():
    assert f"{len(MUTATIONS)} breaks, each of which is noticed:" in PAGE
    for mutation in MUTATIONS.values():
        assert f"| {mutation.breaks} | " in PAGE
