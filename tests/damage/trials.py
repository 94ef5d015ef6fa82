"""Damage done to samples, one file at a time, and what became of it."""

from __future__ import annotations

import random

from tests.damage.damages import Damage, damages_at, random_damage
from tests.damage.examination import Damaged, Examination
from tests.damage.fields import boundaries
from tests.damage.samples import Sample

_THOROUGH = 5
"""One in so many stores is also written to, flushed and compacted."""


class Trials:
    """Counts the outcomes. An error is told which damage it comes from, and how to repeat it."""

    def __init__(self, seed: object) -> None:
        self._seed = seed
        self._chance = random.Random(str(seed))
        self.outcomes: dict[str, int] = {}

    def anywhere(self, sample: Sample) -> None:
        """Random damage to a random file."""
        name = self._chance.choice([*sample.files])
        self._damage(sample, name, random_damage(self._chance, sample.files[name]))

    def at_fields(self, sample: Sample, name: str, most: int) -> None:
        """Damage at field boundaries of a file, no more than ``most`` times."""
        data = sample.files[name]
        damages = list(damages_at(self._chance, data, boundaries(name, data)))
        for damage in self._chance.sample(damages, min(most, len(damages))):
            self._damage(sample, name, damage)

    def _damage(self, sample: Sample, name: str, damage: Damage) -> None:
        content = damage.apply(sample.files[name])
        thorough = self._chance.randrange(_THOROUGH) == 0
        self.examine(Damaged(sample, name, content), str(damage), thorough=thorough)

    def examine(self, damaged: Damaged, what: str, *, thorough: bool = True) -> str:
        """The outcome for one damaged store, which counts."""
        try:
            outcome = Examination(damaged).run(thorough=thorough)
        except BaseException as error:
            where = f"{damaged.name} of sample {damaged.sample.name!r}"
            error.add_note(f"seed {self._seed!r}, {where}: {what[:400]}")
            raise
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        return outcome
