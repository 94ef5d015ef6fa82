"""Writes results into docs/benchmarks.md, between its markers, and draws its pictures."""

from __future__ import annotations

from tests.benchmarks.isolation import isolation_markdown
from tests.benchmarks.report import markdown
from tests.benchmarks.runner import ROOT
from tests.benchmarks.summary import Results

PAGE = ROOT / "docs" / "benchmarks.md"
PICTURES = ROOT / "docs" / "benchmarks"
RESULTS, ISOLATION = "results", "results of transactions"
"""What stands between a pair of markers each."""


def write_docs(results: Results) -> None:
    """Replace what stands between the markers, and the pictures, as far as it was measured.

    Needs matplotlib.
    """
    page = PAGE.read_text(encoding="utf-8")
    text = markdown(results)
    if text:
        _draw(results)
        page = replace_results(page, RESULTS, text)
    text = isolation_markdown(results)
    if text:
        page = replace_results(page, ISOLATION, text)
    PAGE.write_text(page, encoding="utf-8")


def _draw(results: Results) -> None:
    from tests.benchmarks.plots import plot_latencies, plot_ratios

    PICTURES.mkdir(exist_ok=True)
    plot_ratios(results, PICTURES / "ratios.svg")
    plot_latencies(results, PICTURES / "latencies.svg")


def markers(part: str) -> tuple[str, str]:
    """The lines around a part of the page."""
    return f"<!-- begin of {part} -->", f"<!-- end of {part} -->"


def replace_results(page: str, part: str, text: str) -> str:
    """The page with ``text`` as one of its parts. Raises ValueError if it has not both markers."""
    first, last = markers(part)
    before, begin, rest = page.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"the page lacks one of the markers {first} and {last}")
    return f"{before}{first}\n\n{text}\n\n{last}{after}"
