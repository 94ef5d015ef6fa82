"""A fuzzer for where there is no better one: random damage to the corpus."""

from __future__ import annotations

import random

from tests.damage.damages import random_damage
from tests.fuzz.corpus import seeds
from tests.fuzz.targets import TARGETS


def mutate(name: str, seed: int, count: int) -> int:
    """Feed a target with its corpus and ``count`` mutations of it; how many inputs these were.

    Raises what comes out, with a note of the input.
    """
    target, corpus = TARGETS[name], seeds(name)
    chance = random.Random(f"{name} {seed}")
    for number in range(-len(corpus), count):
        data = corpus[number] if number < 0 else _mutated(chance, corpus)
        try:
            target(data)
        except BaseException as error:
            error.add_note(f"target {name}, seed {seed}, input {number}: {data[:2000].hex()}")
            raise
    return len(corpus) + count


def _mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    data = chance.choice(corpus)
    for _ in range(chance.choice([1, 1, 2, 4])):
        data = random_damage(chance, data).apply(data) or b"\0"
    return data
