"""Readers in other processes see whole commits, and each as soon as it is acknowledged."""

from __future__ import annotations

from tests.processes import beside


def test_readers_beside_a_writer_see_nothing_torn_and_nothing_stale():
    tried = beside.run(seed=1, seconds=4.0)
    assert tried["looks"] > 100
    assert tried["commits"] > 20
    assert tried["flushes"] > 5
    assert tried["compactions"] > 0
