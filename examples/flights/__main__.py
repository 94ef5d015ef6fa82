"""All flights that left New York City in 2013, in a store, asked in SQL.

The store is made in PATH and stays there; without PATH it is made in a temporary directory, which
is removed at the end.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import apsw
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

import lsmsql
from examples.flights import ask, report
from examples.flights.load import TOTAL_ROWS, load_sqlite, load_store
from examples.flights.queries import QUERIES
from lsmsql.engine.store import Store


def main() -> int:
    """Run the demo; returns its exit status, 1 if answers differ or a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m examples.flights", description=__doc__)
    parser.add_argument("path", nargs="?", metavar="PATH", help="a new directory for the store")
    path = parser.parse_args().path
    console = Console(highlight=False)
    try:
        with tempfile.TemporaryDirectory(prefix="lsmsql-flights-") as scratch:
            succeeded = run(console, Path(path or f"{scratch}/store"), Path(scratch, "sqlite.db"))
    except lsmsql.Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if path:
        console.print(f"\nThe store is kept. To explore it:  [bold]lsmsql {path}")
    else:
        console.print("\nTo keep the store:  [bold].venv/bin/python -m examples.flights PATH")
    return 0 if succeeded else 1


def run(console: Console, path: Path, sqlite_path: Path) -> bool:
    """Load, ask, reopen, ask again, and show what lies on the disk."""
    with lsmsql.open(path) as store:
        if len(store.tables()) > 1:
            raise lsmsql.UsageError(f"{path} holds tables already; give a new directory")
        console.print(f"All flights that left New York City in 2013, as a store in {path}")
        seconds = load(console, store)
        sqlite_seconds = load_sqlite(sqlite_path)
        before = ask_and_print(console, store)
    with lsmsql.open(path) as store:
        report.print_reopening(console)
        with ask.connect(store) as connection:
            after = [ask.ask(connection, query) for query in QUERIES]
        with closing(apsw.Connection(str(sqlite_path))) as connection:
            sqlite = [ask.ask(connection, query) for query in QUERIES]
        report.print_times(console, QUERIES, before, after, sqlite)
        report.print_files(console, store)
    figures = report.Figures(
        same=[a.rows for a in before] == [a.rows for a in after] == [a.rows for a in sqlite],
        size=sum(file.stat().st_size for file in path.iterdir()),
        sqlite_size=sqlite_path.stat().st_size,
        seconds=seconds,
        sqlite_seconds=sqlite_seconds,
    )
    report.print_figures(console, figures)
    return figures.good


def load(console: Console, store: Store) -> float:
    """Fill the store, with a progress bar; returns the seconds it took."""
    columns = (
        TextColumn("[bold]Loading {task.fields[table]:9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
    )
    began = time.perf_counter()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("load", total=TOTAL_ROWS, table="")

        def advance(table: str, rows: int) -> None:
            progress.update(task, advance=rows, table=table)

        load_store(store, advance)
    return time.perf_counter() - began


def ask_and_print(console: Console, store: Store) -> list[ask.Answer]:
    """Ask every question and show all there is to see."""
    answers = []
    with ask.connect(store) as connection:
        for number, query in enumerate(QUERIES, 1):
            plan = ask.explain(connection, query)
            answers.append(ask.ask(connection, query))
            report.print_question(console, number, query, plan, answers[-1])
    return answers


if __name__ == "__main__":
    sys.exit(main())
