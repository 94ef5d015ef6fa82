"""The smallest program that still fails: delta debugging of its steps, then of their texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.differential.programs import Step
from tests.differential.running import Failure, Tally, run
from vtab.sql.tokens import tokenize

T = TypeVar("T")


def shrunk(failure: Failure, seconds: float = 20.0) -> Failure:
    """A failure of the same kind by a program from which nothing can be left out; or what has been
    reached after ``seconds``. No statement is left that fails in both, unless it did before."""
    end = time.monotonic() + seconds
    best = failure
    errors = _errors(failure)
    tried: set[str] = set()

    def fails(steps: Sequence[Step]) -> bool:
        nonlocal best, errors
        text = "\n".join(map(str, steps))
        if text in tried or time.monotonic() > end:
            return False
        tried.add(text)
        tally = Tally()
        try:
            found = run(steps, tally)
        except KeyError:  # what is left of the name of a variable
            return False
        if found is None or found.kind != failure.kind or tally.errors > errors:
            return False
        best, errors = found, tally.errors
        return True

    _minimal(best.steps, fails)
    for cut in (_groups, _tokens):
        for place in reversed(range(len(best.steps))):
            _shrink_text(best.steps, place, cut, fails)
        _minimal(best.steps, fails)
    return best


def _errors(failure: Failure) -> int:
    tally = Tally()
    run(failure.steps, tally)
    return tally.errors


def _shrink_text(
    steps: list[Step],
    place: int,
    cut: Callable[[str], list[str]],
    fails: Callable[[Sequence[Step]], bool],
) -> None:
    step = steps[place]

    def with_text(kept: Sequence[str]) -> bool:
        return fails([*steps[:place], replace(step, sql="".join(kept)), *steps[place + 1 :]])

    _minimal(cut(step.sql), with_text)


def _tokens(sql: str) -> list[str]:
    """The tokens of a statement, each with the blanks behind it."""
    pieces: list[str] = []
    for token in tokenize(sql):
        if pieces and not token.text.strip():
            pieces[-1] += token.text
        else:
            pieces.append(token.text)
    return pieces


def _groups(sql: str) -> list[str]:
    """A statement cut so that what stands in parentheses, with a comma before it, is one piece."""
    pieces: list[str] = []
    depth = 0
    for text in _tokens(sql):
        word = text.strip()
        joins = depth > 0 or (word == "(" and pieces and pieces[-1].rstrip().endswith(","))
        depth += {"(": 1, ")": -1}.get(word, 0)
        if joins:
            pieces[-1] += text
        else:
            pieces.append(text)
    return pieces


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
