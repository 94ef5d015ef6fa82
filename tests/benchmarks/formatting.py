"""Numbers, tables and pages of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.benchmarks.engines import load_engine
from tests.benchmarks.summary import Ratio, Results

Section = tuple[str, str, str]
"""Title, explanation, table."""


def document(results: Results, sections: Iterable[Section]) -> str:
    """The sections that have a table, below the facts; an empty text if none has."""
    parts = []
    for title, explanation, table in sections:
        if table:
            parts += [f"### {title}", explanation, table]
    return "\n\n".join(filter(None, [_facts(results), *parts])) if parts else ""


def _facts(results: Results) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    machine = ", ".join(f"{name} {fact}" for name, fact in results["machine"].items())
    minutes = f"{results['seconds'] / 60:.1f} minutes"
    return (
        f"{results['rows']:,} rows, {count_text(results['rounds'], 'round')}, {minutes}."
        f" Machine: {machine}. Versions: {versions}."
    )


def count_text(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number} {noun}{'s' * (number != 1)}"


def table_text(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; an empty text if it has no rows. Columns but the first are aligned to the right."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    rule = "|".join(["---", *["---:"] * (len(head) - 1)])
    return "\n".join([f"| {' | '.join(head)} |", f"|{rule}|", *lines])


def title(engine: str) -> str:
    """The name of an engine for readers."""
    return load_engine(engine).title


def ratio_text(found: Ratio | None) -> str:
    """The median, with the least and the greatest."""
    if found is None:
        return ""
    return f"**{found.median:.2f}** ({found.low:.2f}..{found.high:.2f})"


def microseconds(seconds: float | None) -> str:
    """Microseconds, with two places if there are few."""
    if seconds is None:
        return ""
    number = seconds * 1e6
    return f"{number:,.2f}" if number < 100 else f"{number:,.0f}"


def megabytes(size: float | None) -> str:
    """Millions of bytes."""
    return "" if size is None else f"{size / 1e6:,.1f}"


def whole(number: float | None) -> str:
    """A number without places."""
    return "" if number is None else f"{number:,.0f}"


def percent(share: float | None) -> str:
    """A share, given from 0 to 1."""
    return "" if share is None else f"{share * 100:.1f} %"
