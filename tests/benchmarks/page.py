"""Writes results into docs/benchmarks.md, between its two markers, and draws its pictures."""

from __future__ import annotations

from tests.benchmarks.report import markdown
from tests.benchmarks.runner import ROOT
from tests.benchmarks.summary import Results

PAGE = ROOT / "docs" / "benchmarks.md"
PICTURES = ROOT / "docs" / "benchmarks"
BEGIN, END = "<!-- begin of results -->", "<!-- end of results -->"


def write_docs(results: Results) -> None:
    """Replace what stands between the markers, and the pictures. Needs matplotlib."""
    from tests.benchmarks.plots import plot_latencies, plot_ratios

    PICTURES.mkdir(exist_ok=True)
    plot_ratios(results, PICTURES / "ratios.svg")
    plot_latencies(results, PICTURES / "latencies.svg")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replace_results(page, markdown(results)), encoding="utf-8")


def replace_results(page: str, text: str) -> str:
    """The page with ``text`` between its markers. Raises ValueError if it has not both."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks one of the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
