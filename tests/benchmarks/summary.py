"""Numbers out of the results: medians over rounds, and ratios within a round."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.engines import SUBJECT
from tests.benchmarks.workloads.snapshots import SNAPSHOTS
from tests.benchmarks.workloads.transactions import TRANSACTING
from tests.benchmarks.workloads.validation import VALIDATION

COMPARED_WITH = {"put-update": "put-batches", "bulk-ingest": "put-batches"}
"""The workload of a peer that stands beside ours, if it has none of the same name."""

LATENCIES = ("put-latency", "query-latency")
"""Workloads of which not the mean counts but the percentiles."""

WITHOUT_MEAN = frozenset(
    (*LATENCIES, *(workload.name for workload in (*TRANSACTING, *SNAPSHOTS, *VALIDATION)))
)
"""Workloads that have tables of their own: a mean of what they do says little."""

Results = dict[str, Any]
Figure = Callable[[dict[str, Any]], float | None]
"""A number out of the result of one workload."""


@dataclass(frozen=True)
class Ratio:
    """The median of the rounds, with the least and the greatest."""

    median: float
    low: float
    high: float


def seconds_each(result: dict[str, Any]) -> float | None:
    """Seconds for one operation."""
    return result["seconds"] / result["operations"] if result["operations"] else None


def figure(name: str) -> Figure:
    """One of the figures of a result."""

    def read(result: dict[str, Any]) -> float | None:
        number: float | None = result["figures"].get(name)
        return number

    return read


def values(results: Results, engine: str, workload: str, read: Figure) -> dict[int, float]:
    """What ``read`` gives, by round."""
    numbers = {}
    for run in results["runs"]:
        if run["engine"] == engine and workload in run["results"]:
            number = read(run["results"][workload])
            if number is not None:
                numbers[run["round"]] = number
    return numbers


def median(results: Results, engine: str, workload: str, read: Figure) -> float | None:
    """The median over the rounds; None if it was not measured."""
    numbers = values(results, engine, workload, read)
    return statistics.median(numbers.values()) if numbers else None


def ratio(results: Results, workload: str, peer: str, read: Figure = seconds_each) -> Ratio | None:
    """The peer's number by that of lsmsql in the same round: above 1 lsmsql is better."""
    ours = values(results, SUBJECT, workload, read)
    theirs = values(results, peer, workload, read) or values(
        results, peer, COMPARED_WITH.get(workload, workload), read
    )
    ratios = [theirs[number] / ours[number] for number in sorted(ours.keys() & theirs.keys())]
    if not ratios:
        return None
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def ratios(results: Results) -> dict[str, dict[str, Ratio]]:
    """The ratios of all workloads that have one, to each peer."""
    peers = [name for name in engines(results) if name != SUBJECT]
    found = {
        workload: {peer: r for peer in peers if (r := ratio(results, workload, peer)) is not None}
        for workload in workloads(results)
        if workload not in WITHOUT_MEAN
    }
    return {workload: by_peer for workload, by_peer in found.items() if by_peer}


def engines(results: Results) -> list[str]:
    """The engines that were measured, in the order of the first round."""
    return list(dict.fromkeys(run["engine"] for run in results["runs"]))


def workloads(results: Results, engine: str = SUBJECT) -> list[str]:
    """The workloads of an engine."""
    return list(
        dict.fromkeys(
            name for run in results["runs"] if run["engine"] == engine for name in run["results"]
        )
    )
