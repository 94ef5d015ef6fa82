"""The smallest program that still fails: delta debugging of its steps, then of their texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.differential.programs import Step
from tests.differential.running import Failure, run
from vtab.sql.tokens import tokenize

T = TypeVar("T")


def shrunk(failure: Failure, seconds: float = 30.0) -> Failure:
    """A failure of the same kind by a program from which nothing can be left out; or what has been
    reached after ``seconds``."""
    end = time.monotonic() + seconds
    best = failure

    def fails(steps: Sequence[Step]) -> bool:
        nonlocal best
        found = None if time.monotonic() > end else run(steps)
        if found is None or found.kind != failure.kind or not _sound(found):
            return False
        best = found
        return True

    _minimal(best.steps, fails)
    for place in reversed(range(len(best.steps))):
        if place < len(best.steps):
            _shrink_text(best.steps, place, fails)
    _minimal(best.steps, fails)
    return best


def _sound(failure: Failure) -> bool:
    """Whether it is no syntax error that has come about by leaving something out."""
    return "syntax error" not in failure.difference and "incomplete" not in failure.difference


def _shrink_text(steps: list[Step], place: int, fails: Callable[[Sequence[Step]], bool]) -> None:
    step = steps[place]
    pieces = [token.text for token in tokenize(step.sql)]

    def with_text(kept: Sequence[str]) -> bool:
        return fails([*steps[:place], replace(step, sql="".join(kept)), *steps[place + 1 :]])

    _minimal(pieces, with_text)


def _minimal(things: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """As few of the things as still fail: halves, then quarters and so on are left out."""
    kept = list(things)
    size = max(1, len(kept) // 2)
    while kept:
        place = 0
        before = len(kept)
        while place < len(kept):
            rest = kept[:place] + kept[place + size :]
            if rest and fails(rest):
                kept = rest
            else:
                place += size
        if size == 1 and len(kept) == before:
            break
        size = max(1, size // 2)
    return kept
