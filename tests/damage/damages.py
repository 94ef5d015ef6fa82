"""What can happen to the bytes of a file, as values that can be printed and made again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Flip:
    """One bit is the other one."""

    offset: int
    bit: int

    def apply(self, data: bytes) -> bytes:
        changed = bytearray(data)
        changed[self.offset] ^= 1 << self.bit
        return bytes(changed)


@dataclass(frozen=True)
class Overwrite:
    """Other bytes from ``offset`` on; the file stays as long as it is."""

    offset: int
    content: bytes

    def apply(self, data: bytes) -> bytes:
        end = self.offset + len(self.content)
        return (data[: self.offset] + self.content + data[end:])[: len(data)]


@dataclass(frozen=True)
class Cut:
    """Only the first ``size`` bytes are left."""

    size: int

    def apply(self, data: bytes) -> bytes:
        return data[: self.size]


@dataclass(frozen=True)
class Excise:
    """The bytes from ``start`` to ``end`` are gone."""

    start: int
    end: int

    def apply(self, data: bytes) -> bytes:
        return data[: self.start] + data[self.end :]


@dataclass(frozen=True)
class Insert:
    """Bytes that do not belong there; at the end, the file is extended."""

    offset: int
    content: bytes

    def apply(self, data: bytes) -> bytes:
        return data[: self.offset] + self.content + data[self.offset :]


@dataclass(frozen=True)
class Swap:
    """Two neighbouring ranges have traded places: [start, middle) and [middle, end)."""

    start: int
    middle: int
    end: int

    def apply(self, data: bytes) -> bytes:
        first, second = data[self.start : self.middle], data[self.middle : self.end]
        return data[: self.start] + second + first + data[self.end :]


Damage = Flip | Overwrite | Cut | Excise | Insert | Swap


def random_damage(chance: random.Random, data: bytes) -> Damage:
    """Damage of any kind anywhere."""
    size = len(data)
    offset = chance.randrange(size)
    length = min(chance.choice([1, 2, 8, 64, 512]), size - offset)
    start, middle, end = sorted(chance.choices(range(size + 1), k=3))
    content = chance.choice([bytes(length), b"\xff" * length, chance.randbytes(length)])
    damages: list[Damage] = [
        Flip(offset, chance.randrange(8)),
        Flip(offset, chance.randrange(8)),
        Overwrite(offset, content),
        Overwrite(offset, content),
        Cut(offset),
        Excise(offset, offset + length),
        Insert(chance.choice([offset, size]), content),
        Swap(start, middle, end),
    ]
    return chance.choice(damages)


def damages_at(chance: random.Random, data: bytes, places: Sequence[int]) -> Iterator[Damage]:
    """Damage of every kind at each of ``places``, field boundaries in ascending order."""
    for before, place in pairwise(places):
        length = place - before
        yield Flip(before, chance.randrange(8))
        yield Overwrite(before, bytes(length))
        yield Overwrite(before, b"\xff" * length)
        yield Overwrite(before, chance.randbytes(min(length, 8)))
        yield Cut(before)
        yield Excise(before, place)
        yield Insert(before, chance.choice([bytes(length), data[before:place]]))
    for start, middle, end in zip(places, places[1:], places[2:], strict=False):
        yield Swap(start, middle, end)
    for content in (bytes(1), bytes(100), bytes(10_000), chance.randbytes(100), data):
        yield Insert(len(data), content)
