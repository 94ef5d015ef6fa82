"""The results as Markdown tables."""

from __future__ import annotations

import statistics

from tests.benchmarks.data import ROW_BYTES
from tests.benchmarks.engines import SUBJECT
from tests.benchmarks.formatting import (
    document,
    megabytes,
    microseconds,
    ratio_text,
    table_text,
    title,
)
from tests.benchmarks.summary import (
    LATENCIES,
    WITHOUT_MEAN,
    Results,
    engines,
    figure,
    median,
    ratio,
    ratios,
    seconds_each,
    values,
    workloads,
)
from tests.benchmarks.targets import TARGETS, Faster, Smaller, Steady, Target, Within
from tests.benchmarks.workloads.reading import READING

QUANTILES = ("p50", "p99", "p999", "max")
RATIOS = (
    "How many times as fast as the peer lsmsql is (the peer's time by that of lsmsql): the median"
    " of the rounds, in brackets the least and the greatest."
)
TIMES = "Microseconds for one operation (a row, get, range, query, opening); medians of the rounds."
MEMORY_AFTER = tuple(workload.name for workload in READING)


def markdown(results: Results) -> str:
    """The tables, for a page or a terminal; an empty text if nothing of them was measured."""
    return document(
        results,
        (
            ("What was to be reached", "", _target_table(results)),
            ("Ratios", RATIOS, _ratio_table(results)),
            ("Times", TIMES, _time_table(results)),
            ("Latencies", "Microseconds, medians of the rounds.", _latency_table(results)),
            ("Disk and memory", "", _size_table(results)),
        ),
    )


# --------------------------------------------------------------------------------- tables


def _ratio_table(results: Results) -> str:
    peers = [name for name in engines(results) if name != SUBJECT]
    rows = [
        [workload, *[ratio_text(found.get(peer)) for peer in peers]]
        for workload, found in ratios(results).items()
    ]
    return table_text(["workload", *map(title, peers)], rows)


def _time_table(results: Results) -> str:
    names = engines(results)
    rows = []
    for workload in dict.fromkeys(w for name in names for w in workloads(results, name)):
        if workload in WITHOUT_MEAN:
            continue
        times = [median(results, name, workload, seconds_each) for name in names]
        if any(times):
            rows.append([workload, *map(microseconds, times)])
    return table_text(["workload", *map(title, names)], rows)


def _latency_table(results: Results) -> str:
    rows = []
    for workload in LATENCIES:
        for state in ("idle", "busy"):
            for name in engines(results):
                times = [
                    median(results, name, workload, figure(f"{state}_{quantile}"))
                    for quantile in QUANTILES
                ]
                if any(times):
                    rows.append([f"{workload}, {state}: {title(name)}", *map(microseconds, times)])
    return table_text(["", "median", "99 %", "99.9 %", "longest"], rows)


def _size_table(results: Results) -> str:
    rows = []
    for name in engines(results):
        written = median(results, name, "put-batches", lambda result: result["written"])
        sizes = [
            median(results, name, workload, figure("bytes"))
            for workload in ("disk-kv", "disk-flights")
        ]
        memory = peak_memory(results, name)
        if written is None and memory is None and not any(sizes):
            continue
        rows.append(
            [
                title(name),
                *map(megabytes, sizes),
                "" if written is None else f"{written / (results['rows'] * ROW_BYTES):.1f}",
                megabytes(memory),
            ]
        )
    head = ["", "rows, MB", "flights, MB", "bytes written for a byte of rows", "memory, MB"]
    return table_text(head, rows)


def peak_memory(results: Results, engine: str) -> float | None:
    """The most memory while loading and reading, without that of the data; median of the rounds."""
    peaks = []
    for run in results["runs"]:
        read = [run["results"][name]["peak"] for name in MEMORY_AFTER if name in run["results"]]
        if run["engine"] == engine and read:
            peaks.append(max(0, max(read) - results["baseline"]))
    return statistics.median(peaks) if peaks else None


# --------------------------------------------------------------------------------- targets


def _target_table(results: Results) -> str:
    rows = []
    for target in TARGETS:
        found = measured(results, target)
        if found is not None:
            text, good = found
            rows.append([target.workload, _wish(target), text, "reached" if good else "**missed**"])
    return table_text(["", "wanted", "measured", ""], rows)


def measured(results: Results, target: Target) -> tuple[str, bool] | None:
    """What was measured for a target, and whether it is reached; None if it was not measured."""
    match target:
        case Faster(workload, peer, bound):
            found = ratio(results, workload, peer)
            return None if found is None else (ratio_text(found), found.median >= bound)
        case Smaller(workload, peer, bound):
            found = ratio(results, workload, peer, figure("bytes"))
            if found is None:
                return None
            share = 1 / found.median
            return f"{share:.2f}", share <= bound
        case Within(workload, bound, name):
            time = median(results, SUBJECT, workload, figure(name) if name else seconds_each)
            return None if time is None else (f"{time * 1e3:,.0f} ms", time <= bound)
        case Steady(workload, name, other, bound):
            ours = values(results, SUBJECT, workload, figure(name))
            base = values(results, SUBJECT, workload, figure(other))
            if not ours:
                return None
            times = statistics.median(ours[number] / base[number] for number in ours)
            return f"{times:.1f} times", times <= bound


def _wish(target: Target) -> str:
    match target:
        case Faster(_, peer, bound):
            return f"{title(peer)}'s speed times {bound:g}"
        case Smaller(_, peer, bound):
            return f"at most {bound:g} of {title(peer)}'s bytes"
        case Within(_, bound, name):
            return f"{name or 'done'} within {bound * 1e3:,.0f} ms"
        case Steady(_, name, other, bound):
            names = f"{name} at most {bound:g} times {other}"
            return names.replace("_", " ")
