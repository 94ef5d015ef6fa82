"""The one source of chance of a program, and the variables of the statement that is being made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from tests.differential.values import Value, literal, plain, value_for

T = TypeVar("T")

_VARIABLE = re.compile(r":(v[0-9]+)")


class Draw:
    """Chooses, and turns values into literals or variables such as ``:v1``."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.variables: dict[str, Value] = {}
        self._names = 0

    def taken(self, sql: str) -> dict[str, Value]:
        """The variables of the statement made so far; the next one begins with none."""
        variables, self.variables = self.variables, {}
        named = set(_VARIABLE.findall(sql))
        return {name: value for name, value in variables.items() if name in named}

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def pick(self, things: Sequence[T]) -> T:
        return self.random.choice(things)

    def some(self, things: Sequence[T], least: int = 1, most: int = 99) -> list[T]:
        """A few different ones, in any order."""
        most = min(most, len(things))
        return self.random.sample(list(things), self.random.randint(min(least, most), most))

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)

    def name(self, prefix: str) -> str:
        """A name that nothing has so far."""
        self._names += 1
        return f"{prefix}{self._names}"

    def value(self, affinity: str = "") -> Value:
        """A value that a column of this affinity may well hold, or any."""
        return value_for(self.random, affinity)

    def constant(self, affinity: str = "", *, text: bool = False) -> str:
        """SQL for a value. ``text``: never a variable."""
        value = self.value(affinity)
        if text:
            while not plain(value):
                value = self.value(affinity)
        return self.bound(value, text=text)

    def bound(self, value: Value, *, text: bool = False) -> str:
        """SQL for this value."""
        if plain(value) and (text or self.chance(60)):
            return literal(value)
        name = f"v{len(self.variables) + 1}"
        self.variables[name] = value
        return f":{name}"
