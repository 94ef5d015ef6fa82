"""However much is transferred, every reader sees the same sum."""

from __future__ import annotations

import pytest

from tests.isolation import bank
from tests.isolation.auditor import KINDS


@pytest.mark.parametrize("sync", ["off", "full"])
def test_no_reader_sees_another_sum(sync: str):
    done = bank.run(seed=1, seconds=1.0, sync=sync)
    assert done["transfers"] >= 4
    assert all(done[kind] for kind in (*KINDS, "backup", "other process")), done
