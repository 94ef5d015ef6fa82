"""What the demo prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from examples.flights.ask import Answer, Step
from examples.flights.queries import Query
from lsmsql.engine.store import Store
from lsmsql.engine.values import Value

FIRST_ROWS = 5
LOAD_SECONDS = 15
OTHER_COLUMNS = 54
"""What the table of times needs beside the questions."""


def print_question(
    console: Console, number: int, query: Query, plan: Sequence[Step], answer: Answer
) -> None:
    """A question with its SQL, its plan, the first rows and the time."""
    console.print()
    console.rule(f"[bold]{number}. {escape(query.question)}", align="left", style="cyan")
    console.print(Syntax(query.sql, "sql", theme="ansi_dark", background_color="default"))
    for step in plan:
        line = Table.grid(padding=(0, 1))
        line.add_row("   " * step.depth + "->", Text(step.detail))
        console.print(line, style="dim")
    console.print(_rows_table(answer))
    shown = min(len(answer.rows), FIRST_ROWS)
    count = f"{len(answer.rows):,} row{'s' * (len(answer.rows) != 1)}"
    more = f", the first {shown} shown" if shown < len(answer.rows) else ""
    console.print(f"[green]{count}{more}, in {milliseconds(answer.seconds)}")


def _rows_table(answer: Answer) -> Table:
    table = Table(box=box.ROUNDED, border_style="dim")
    for i, name in enumerate(answer.columns):
        number = any(isinstance(row[i], int | float) for row in answer.rows)
        table.add_column(Text(name), justify="right" if number else "left")
    for row in answer.rows[:FIRST_ROWS]:
        table.add_row(*[_cell(value) for value in row])
    return table


def _cell(value: Value) -> Text:
    return Text("NULL", style="dim") if value is None else Text(str(value))


def print_reopening(console: Console) -> None:
    """The second half begins."""
    console.print()
    console.rule("[bold]The store was closed and opened again", align="left", style="cyan")


def print_times(
    console: Console,
    queries: Sequence[Query],
    before: Sequence[Answer],
    after: Sequence[Answer],
    sqlite: Sequence[Answer],
) -> None:
    """The times of all queries side by side."""
    table = Table(box=box.ROUNDED, border_style="dim", title="The same questions, three times")
    table.add_column("question")
    for name in ("rows", "first time", "reopened", "SQLite file"):
        table.add_column(name, justify="right", no_wrap=True)
    for number, query in enumerate(queries):
        answers = (before[number], after[number], sqlite[number])
        times = [milliseconds(answer.seconds) for answer in answers]
        question = Text(f"{number + 1}. {query.question}")
        question.truncate(console.width - OTHER_COLUMNS, overflow="ellipsis")
        table.add_row(question, f"{len(answers[0].rows):,}", *times)
    console.print(table)


def print_files(console: Console, store: Store) -> None:
    """Tables, levels, files and blocks of the store, and what it holds in memory."""
    table = Table(box=box.ROUNDED, border_style="dim", title="What the store is made of")
    table.add_column("table")
    for name in ("level", "files", "data blocks", "rows", "bytes", "bytes a row"):
        table.add_column(name, justify="right")
    stats = store.stats()
    for part in stats.tables:
        blocks = _block_counts(store, part.name)
        for level in part.levels:
            counts = (level.level, level.files, blocks[level.level], level.rows, level.bytes)
            row_bytes = f"{level.bytes / level.rows:,.1f}"
            table.add_row(part.name, *[f"{count:,}" for count in counts], row_bytes)
    console.print(table)
    console.print(
        f"In memory: {stats.cached_blocks:,} blocks of {megabytes(stats.cache_bytes)}, within a"
        f" budget of {megabytes(stats.memory_budget)}. Since the store was reopened,"
        f" {stats['blocks_read']:,} blocks were read from files and {stats['cache_hits']:,} times"
        " one was found in memory."
    )


def _block_counts(store: Store, table: str) -> Counter[int]:
    """The number of data blocks in each level of a table, as the indexes of its files say."""
    blocks: Counter[int] = Counter()
    for level, file in store.core.version.table(store.table(table).schema.id).files():
        blocks[level] += len(file.index)
    return blocks


@dataclass(frozen=True)
class Figures:
    """What the demo set out to show. Sizes in bytes, times in seconds.

    ``same``: the store, the reopened store and SQLite gave the same answers.
    """

    same: bool
    size: int
    sqlite_size: int
    seconds: float
    sqlite_seconds: float

    @property
    def small(self) -> bool:
        """Whether the store is at most half as large as the SQLite file."""
        return self.size <= self.sqlite_size / 2

    @property
    def fast(self) -> bool:
        """Whether it was loaded in the time that was set."""
        return self.seconds <= LOAD_SECONDS

    @property
    def good(self) -> bool:
        """Whether all of it came true."""
        return self.same and self.small and self.fast


def print_figures(console: Console, figures: Figures) -> None:
    """The figures beside what they should be."""
    small = f"{megabytes(figures.size)}, {figures.size / figures.sqlite_size:.0%}"
    lines = {
        "answers are SQLite's own, before and after reopening": figures.same,
        f"size of the whole directory: {small} of the {megabytes(figures.sqlite_size)} of an SQLite"
        " file with the same tables (WITHOUT ROWID, vacuumed); the goal is at most half": (
            figures.small
        ),
        f"loading from CSV to durable files: {figures.seconds:.1f} s, SQLite"
        f" {figures.sqlite_seconds:.1f} s; the goal is at most {LOAD_SECONDS} s": figures.fast,
    }
    console.print()
    for line, reached in lines.items():
        console.print(f"{'[green]✓[/]' if reached else '[bold red]✗[/]'} {line}")


def milliseconds(seconds: float) -> str:
    """A time for people."""
    return f"{seconds * 1e3:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"


def megabytes(size: int) -> str:
    """A size for people, in units of a million bytes."""
    return f"{size / 1e6:,.1f} MB"
