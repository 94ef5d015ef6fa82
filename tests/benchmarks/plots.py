"""The results as pictures."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from tests.benchmarks.engines import SUBJECT, load_engine
from tests.benchmarks.report import QUANTILES
from tests.benchmarks.summary import LATENCIES, Ratio, Results, engines, figure, median, ratios

FASTER, SLOWER, SPREAD, GRID = "#2a7f9e", "#d98b5f", "#404040", "#dddddd"
QUANTILE_COLORS = dict(zip(QUANTILES, ("#0b3c5d", "#2a7f9e", "#e0a13a", "#c2452d"), strict=True))
QUANTILE_NAMES = dict(zip(QUANTILES, ("median", "99 %", "99.9 %", "longest"), strict=True))

mpl.rcParams.update(
    {
        "svg.hashsalt": "lsmsql",  # the same results give the same file
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#888888",
    }
)


def plot_ratios(results: Results, path: Path) -> None:
    """A panel for each peer, a bar for each workload; the lines are the spread of the rounds."""
    peers = [name for name in engines(results) if name != SUBJECT]
    found = ratios(results)
    names = list(found)
    drawing = Figure(figsize=(2.2 + 2.1 * len(peers), 1.2 + 0.22 * len(names)))
    panels = drawing.subplots(1, len(peers), sharey=True, sharex=True, squeeze=False)[0]
    for panel, peer in zip(panels, peers, strict=True):
        _ratio_panel(panel, [found[name].get(peer) for name in names])
        panel.set_title(load_engine(peer).title, fontsize=10)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    drawing.suptitle("How many times as fast as the peer lsmsql is", fontsize=11)
    _save(drawing, path)


def _ratio_panel(panel: Axes, found: list[Ratio | None]) -> None:
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.grid(axis="x", color=GRID)
    panel.set_axisbelow(True)
    for place, measured in enumerate(found):
        if measured is not None:
            color = FASTER if measured.median >= 1 else SLOWER
            panel.barh(place, measured.median - 1, left=1, color=color, height=0.7)
            panel.hlines(place, measured.low, measured.high, color=SPREAD, linewidth=1)
    panel.axvline(1, color=SPREAD, linewidth=0.8)
    panel.tick_params(axis="y", length=0)


def plot_latencies(results: Results, path: Path) -> None:
    """Percentiles of single operations, idle and busy, on a logarithmic scale."""
    measured = [w for w in LATENCIES if median(results, SUBJECT, w, figure("idle_p50"))]
    rows = {w: _latency_rows(results, w) for w in measured}
    heights = [len(rows[w]) for w in measured]
    drawing = Figure(figsize=(8, 1.2 + 0.26 * sum(heights)))
    panels = drawing.subplots(len(measured), 1, sharex=True, squeeze=False, height_ratios=heights)
    for panel, workload in zip(panels[:, 0], measured, strict=True):
        _latency_panel(panel, rows[workload])
        panel.set_title(workload, fontsize=10, loc="left")
    panels[0, 0].legend(loc="lower right", ncols=4, frameon=False, bbox_to_anchor=(1, 1))
    panels[-1, 0].set_xlabel("microseconds")
    _save(drawing, path)


def _latency_rows(results: Results, workload: str) -> dict[str, dict[str, float]]:
    rows = {}
    for engine in engines(results):
        for state in ("idle", "busy"):
            times = {
                q: median(results, engine, workload, figure(f"{state}_{q}")) for q in QUANTILES
            }
            known = {q: time * 1e6 for q, time in times.items() if time is not None}
            if known:
                rows[f"{load_engine(engine).title}, {state}"] = known
    return rows


def _latency_panel(panel: Axes, rows: dict[str, dict[str, float]]) -> None:
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    panel.grid(axis="x", color=GRID)
    panel.set_axisbelow(True)
    for place, times in enumerate(rows.values()):
        panel.hlines(place, min(times.values()), max(times.values()), color="#bbbbbb", linewidth=1)
    for quantile, color in QUANTILE_COLORS.items():
        times_at = [row[quantile] for row in rows.values()]
        panel.scatter(
            times_at, range(len(rows)), color=color, s=26, label=QUANTILE_NAMES[quantile], zorder=3
        )
    panel.set_yticks(range(len(rows)), list(rows))
    panel.tick_params(axis="y", length=0)
    panel.set_ylim(len(rows) - 0.5, -0.5)


def _save(drawing: Figure, path: Path) -> None:
    drawing.tight_layout()
    drawing.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")
