"""Bounds without regard to case hold all that SQLite finds between two texts."""

from __future__ import annotations

from itertools import pairwise

import apsw
from hypothesis import given
from hypothesis import strategies as st

from vtab.folding import MOST_LETTERS, folds, highest, lowest, spellings

texts = st.text(alphabet="aAbBzZ[_`@{é0\0", max_size=4)
CONNECTION = apsw.Connection(":memory:")
COMPARE = "SELECT ?1 >= ?2 COLLATE NOCASE, ?1 <= ?3 COLLATE NOCASE"


@given(texts, texts, texts)
def test_nothing_between_two_texts_is_outside_the_bounds(value: str, low: str, high: str) -> None:
    above, below = CONNECTION.execute(COMPARE, (value, low, high)).fetchall()[0]
    if folds(low):
        assert not above or value >= lowest(low)
    if folds(high):
        assert not below or value <= highest(high)
    if folds(low) and folds(high) and above and below:
        assert any(first <= value <= last for first, last in spellings(low, high))


@given(texts.filter(folds), texts.filter(folds))
def test_spellings_ascend_and_share_nothing(low: str, high: str) -> None:
    found = [pair for pair in spellings(low, high) if pair[0] <= pair[1]]
    assert all(last < first for (_, last), (first, _) in pairwise(found))
    assert len(found) <= 2**MOST_LETTERS


def test_spellings_of_a_beginning() -> None:
    assert spellings("U1", "u2") == [("U1", "U2"), ("u1", "u2")]
    assert spellings("A", "b") == [("A", "b")]
