"""Rounding far from the point, and beyond 64 bits."""

from __future__ import annotations

import pytest

from lsmsql.dialects.functions import round_decimal


@pytest.mark.parametrize(
    ("number", "decimals", "rounded"),
    [
        (2.5, 0, 3.0),
        (-25, -1, -30),
        (9223372036854775807, -1, 9.223372036854775810e18),
        (9223372036854775807, 20, 9223372036854775807),
        (1e300, 5, 1e300),
        (1e-300, 2, 0.0),
        (5e-324, 10_000, 5e-324),
        (7, -1_000_000_000, 0),
        (7, 1_000_000_000, 7),
    ],
)
def test_numbers_far_from_the_point(number, decimals, rounded):
    found = round_decimal(number, decimals)
    assert (found, type(found)) == (rounded, type(rounded))
