"""One measurement, the clock that takes it, and the check that its answer was right."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np


class WrongAnswerError(Exception):
    """An engine gave back something else than what had been put in."""


@dataclass(frozen=True)
class Measure:
    """``operations`` (rows, queries, ...) that took ``seconds`` together.

    ``figures`` are what is not a time for an operation: bytes on the disk, percentiles in seconds.
    """

    seconds: float = 0.0
    operations: int = 0
    figures: dict[str, float] = field(default_factory=dict)


class Stopwatch:
    """Times a ``with`` block. What exists at its beginning is no burden to the garbage collector:

    the data of the benchmark are many objects that a program with an engine would not have.
    """

    seconds = 0.0

    def __enter__(self) -> Stopwatch:
        gc.collect()
        gc.freeze()
        self._began = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.seconds = time.perf_counter() - self._began
        gc.unfreeze()


def expect(what: str, found: object, wanted: object) -> None:
    """Raise WrongAnswerError unless ``found`` is ``wanted``."""
    if found != wanted:
        raise WrongAnswerError(f"{what}: {_brief(found)} instead of {_brief(wanted)}")


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def percentiles(nanoseconds: Sequence[int], prefix: str) -> dict[str, float]:
    """Median, 99th, 99.9th percentile and maximum in seconds, named ``prefix``_p50 and so on."""
    p50, p99, p999, most = np.percentile(nanoseconds, [50, 99, 99.9, 100]) / 1e9
    return {
        f"{prefix}_p50": float(p50),
        f"{prefix}_p99": float(p99),
        f"{prefix}_p999": float(p999),
        f"{prefix}_max": float(most),
    }
