"""The results as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from tests.benchmarks.data import ROW_BYTES
from tests.benchmarks.engines import SUBJECT, load_engine
from tests.benchmarks.summary import (
    LATENCIES,
    Ratio,
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
    """All tables, for a page or a terminal."""
    sections = (
        ("What was to be reached", "", _target_table(results)),
        ("Ratios", RATIOS, _ratio_table(results)),
        ("Times", TIMES, _time_table(results)),
        ("Latencies", "Microseconds, medians of the rounds.", _latency_table(results)),
        ("Disk and memory", "", _size_table(results)),
    )
    parts = [_facts(results)]
    for title, explanation, table in sections:
        if table:
            parts += [f"### {title}", explanation, table]
    return "\n\n".join(filter(None, parts))


# --------------------------------------------------------------------------------- tables


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; an empty text if it has no rows. Columns but the first are aligned to the right."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    rule = "|".join(["---", *["---:"] * (len(head) - 1)])
    return "\n".join([f"| {' | '.join(head)} |", f"|{rule}|", *lines])


def _facts(results: Results) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    machine = ", ".join(f"{name} {fact}" for name, fact in results["machine"].items())
    minutes = f"{results['seconds'] / 60:.1f} minutes"
    return (
        f"{results['rows']:,} rows, {_count(results['rounds'], 'round')}, {minutes}."
        f" Machine: {machine}. Versions: {versions}."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _ratio_table(results: Results) -> str:
    peers = [name for name in engines(results) if name != SUBJECT]
    rows = [
        [workload, *[_ratio_text(found.get(peer)) for peer in peers]]
        for workload, found in ratios(results).items()
    ]
    return _table(["workload", *map(_title, peers)], rows)


def _time_table(results: Results) -> str:
    names = engines(results)
    rows = []
    for workload in dict.fromkeys(w for name in names for w in workloads(results, name)):
        if workload in LATENCIES:
            continue
        times = [median(results, name, workload, seconds_each) for name in names]
        if any(times):
            rows.append([workload, *map(_microseconds, times)])
    return _table(["workload", *map(_title, names)], rows)


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
                    rows.append(
                        [f"{workload}, {state}: {_title(name)}", *map(_microseconds, times)]
                    )
    return _table(["", "median", "99 %", "99.9 %", "longest"], rows)


def _size_table(results: Results) -> str:
    rows = []
    for name in engines(results):
        written = median(results, name, "put-batches", lambda result: result["written"])
        sizes = [
            median(results, name, workload, figure("bytes"))
            for workload in ("disk-kv", "disk-flights")
        ]
        rows.append(
            [
                _title(name),
                *map(_megabytes, sizes),
                "" if written is None else f"{written / (results['rows'] * ROW_BYTES):.1f}",
                _megabytes(peak_memory(results, name)),
            ]
        )
    head = ["", "rows, MB", "flights, MB", "bytes written for a byte of rows", "memory, MB"]
    return _table(head, rows)


def peak_memory(results: Results, engine: str) -> float | None:
    """The most memory while loading and reading, without that of the data; median of the rounds."""
    peaks = []
    for run in results["runs"]:
        read = [run["results"][name]["peak"] for name in MEMORY_AFTER if name in run["results"]]
        if run["engine"] == engine and read:
            peaks.append(max(0, max(read) - results["baseline"]))
    return statistics.median(peaks) if peaks else None


def _title(engine: str) -> str:
    return load_engine(engine).title


def _ratio_text(found: Ratio | None) -> str:
    if found is None:
        return ""
    return f"**{found.median:.2f}** ({found.low:.2f}..{found.high:.2f})"


def _microseconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    microseconds = seconds * 1e6
    return f"{microseconds:,.2f}" if microseconds < 100 else f"{microseconds:,.0f}"


def _megabytes(size: float | None) -> str:
    return "" if size is None else f"{size / 1e6:,.1f}"


# --------------------------------------------------------------------------------- targets


def _target_table(results: Results) -> str:
    rows = []
    for target in TARGETS:
        found = measured(results, target)
        if found is not None:
            text, good = found
            rows.append([target.workload, _wish(target), text, "reached" if good else "**missed**"])
    return _table(["", "wanted", "measured", ""], rows)


def measured(results: Results, target: Target) -> tuple[str, bool] | None:
    """What was measured for a target, and whether it is reached; None if it was not measured."""
    match target:
        case Faster(workload, peer, bound):
            found = ratio(results, workload, peer)
            return None if found is None else (_ratio_text(found), found.median >= bound)
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
            return f"{_title(peer)}'s speed times {bound:g}"
        case Smaller(_, peer, bound):
            return f"at most {bound:g} of {_title(peer)}'s bytes"
        case Within(_, bound, name):
            return f"{name or 'done'} within {bound * 1e3:,.0f} ms"
        case Steady(_, name, other, bound):
            names = f"{name} at most {bound:g} times {other}"
            return names.replace("_", " ")
