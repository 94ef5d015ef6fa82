"""A workload: a name, what it needs and a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.engines.base import Capability
from tests.benchmarks.measure import Measure
from tests.benchmarks.workbench import Workbench


@dataclass(frozen=True)
class Workload:
    """``needs``: the capabilities without which an engine is left out."""

    name: str
    run: Callable[[Workbench], Measure]
    needs: frozenset[Capability] = frozenset()
