"""Random transactions: what they are made of, and how those of several clients meet.

``interleave`` runs them step by step in one thread, in an order that is given: what fails can be
done again, and hypothesis finds a short example. ``run_threads`` runs them in threads that get
into each other's way wherever the interpreter switches between them.
"""

from __future__ import annotations

import itertools
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st

from tests.isolation.client import KEYS, TABLES, Client
from tests.isolation.recording import Recorder, Tape


@dataclass(frozen=True)
class Step:
    """One call of a recorder's verb."""

    verb: str
    arguments: tuple[Any, ...] = ()

    def do(self, recorder: Recorder) -> None:
        """Call it."""
        getattr(recorder, self.verb)(*self.arguments)


_LAST = KEYS[-1]
_HALF = len(KEYS) // 2
_SPANS = [(0, _HALF - 1), (_HALF, _LAST), (0, _LAST), (1, 4), (4, _LAST), (2, 2)]
"""The first two are those of a prefix."""
_ITEMS = list(itertools.product(TABLES, KEYS))
_WHERE = [(table, *span) for table in TABLES for span in _SPANS]


def _steps(verb: str, arguments: Iterable[tuple[Any, ...]]) -> list[Step]:
    return [Step(verb, each) for each in arguments]


_SCANS = [
    (*where, reverse, limit, most)
    for where in _WHERE
    for reverse in (False, True)
    for limit, most in ((None, None), (None, 1), (2, None), (3, 2), (None, 3))
]
_SEVERAL = [(tuple((table, key) for table in TABLES),) for key in KEYS]
_STEPS = [
    (16, _steps("begin", [("transaction",)] * 14 + [("snapshot",), ("immediate",)])),
    (10, [Step("commit")] * 9 + [Step("rollback")]),
    (12, _steps("get", _ITEMS)),
    (5, _steps("scan", _SCANS)),
    (2, _steps("resume", [(1,), (2,)])),
    (1, _steps("count", _WHERE)),
    (6, _steps("put", _ITEMS)),
    (8, _steps("delete", _ITEMS)),
    (2, _steps("insert", _ITEMS)),
    (2, _steps("update", [(*where, odd) for where in _WHERE for odd in (False, True)])),
    (2, _steps("put_all", _SEVERAL)),
    (1, _steps("load", [(table, (1, 3, 5)) for table in TABLES])),
    (3, [Step("savepoint")]),
    (3, [Step("back"), Step("back"), Step("release")]),
    (1, _steps("upkeep", [("flush",), ("flush",), ("flush",), ("compact",)])),
]
"""Kinds of steps, and how often they are to come."""
_WEIGHTS = [weight for weight, _ in _STEPS]

Program = list[tuple[int, Step]]
"""Steps of several clients: whose, and what."""


def programs(clients: int, most: int = 80) -> st.SearchStrategy[Program]:
    """Programs for so many clients, for hypothesis; of all lengths alike."""
    kinds = [st.sampled_from(steps) for weight, steps in _STEPS for _ in range(weight)]
    steps = st.tuples(st.integers(0, clients - 1), st.one_of(kinds))
    lengths = st.integers(0, most)
    return lengths.flatmap(lambda length: st.lists(steps, min_size=length, max_size=length))


def random_program(chance: random.Random, clients: int, length: int) -> Program:
    """A program for so many clients."""
    return [(chance.randrange(clients), random_step(chance)) for _ in range(length)]


def random_step(chance: random.Random) -> Step:
    """A step."""
    ((_, steps),) = chance.choices(_STEPS, _WEIGHTS)
    return chance.choice(steps)


def interleave(clients: Sequence[Client], program: Program) -> Tape:
    """Run a program step by step. What is open at its end is committed; the clients are closed."""
    tape = Tape()
    recorders = [Recorder(client, tape, f"{n}") for n, client in enumerate(clients)]
    with ExitStack() as stack:
        for recorder in recorders:
            stack.callback(recorder.close)
        for number, step in program:
            step.do(recorders[number])
        for recorder in recorders:
            recorder.commit()
    return tape


def serially(clients: Sequence[Client], program: Program) -> Tape:
    """The same steps, but each client's all together."""
    whole = [*program, *((number, Step("commit")) for number in range(len(clients)))]
    return interleave(clients, sorted(whole, key=lambda pair: pair[0]))


# ----------------------------------------------------------------------------------------- threads


@contextmanager
def frequent_switches() -> Iterator[None]:
    """Have the interpreter switch between threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def run_threads(works: list[Callable[[], object]]) -> None:
    """Do each in a thread of its own; raises the first error of any when all have ended."""
    errors: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def run_random(
    makers: Sequence[Callable[[], Client]], seed: int, seconds: float, most: int = sys.maxsize
) -> Tape:
    """Random transactions by as many threads, for so long, or so many steps of each."""
    tape = Tape()
    end = time.monotonic() + seconds

    def work(number: int, make: Callable[[], Client]) -> None:
        chance = random.Random(seed * 1000 + number)
        recorder = Recorder(make(), tape, f"{number}")
        try:
            for _ in range(most):
                random_step(chance).do(recorder)
                if time.monotonic() > end:
                    break
            recorder.commit()
        finally:
            recorder.close()

    with frequent_switches():
        run_threads([partial(work, number, make) for number, make in enumerate(makers)])
    return tape
