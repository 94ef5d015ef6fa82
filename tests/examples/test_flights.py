"""The demo's questions, asked of a store and of SQLite's own tables."""

from __future__ import annotations

import io
import re
from collections import Counter
from contextlib import closing

import apsw
import pytest
from rich.console import Console

import lsmsql
import vtab
from examples.flights import ask, report
from examples.flights.dataset import open_csv_file
from examples.flights.load import TOTAL_ROWS, load_sqlite, load_store
from examples.flights.queries import QUERIES
from examples.flights.tables import TABLES

QUESTIONS = pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.question)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the store and the SQLite file are made."""
    return tmp_path_factory.mktemp("flights")


@pytest.fixture(scope="module")
def expected(folder):
    """SQLite's own answers."""
    load_sqlite(folder / "sqlite.db")
    with closing(apsw.Connection(str(folder / "sqlite.db"))) as connection:
        return {query: ask.ask(connection, query) for query in QUERIES}


@pytest.fixture(scope="module")
def loaded(folder):
    """The store's answers right after loading, and how many rows the loader reported."""
    reported: Counter[str] = Counter()
    with lsmsql.open(folder / "store") as store:
        load_store(store, lambda table, rows: reported.update({table: rows}))
        with ask.connect(store) as connection:
            return {query: ask.ask(connection, query) for query in QUERIES}, reported


@pytest.fixture(scope="module")
def store(folder, loaded):
    """The store, closed and opened again."""
    with lsmsql.open(folder / "store", "r") as store:
        yield store


@pytest.fixture(scope="module")
def reopened(store):
    with ask.connect(store) as connection:
        yield connection


@QUESTIONS
def test_the_answers_are_those_of_sqlite_before_and_after_reopening(
    query, loaded, reopened, expected
):
    answers, _ = loaded
    again = ask.ask(reopened, query)
    assert answers[query].columns == again.columns == expected[query].columns
    assert answers[query].rows == expected[query].rows
    assert again.rows == expected[query].rows


@QUESTIONS
def test_every_question_has_an_answer(query, expected):
    assert expected[query].rows


@pytest.mark.parametrize("table", TABLES)
def test_every_row_of_the_csv_files_is_there(table, reopened):
    with open_csv_file(table) as file:
        lines = sum(1 for _ in file) - 1
    assert reopened.execute(f"SELECT count(*) FROM {table}").get == lines


def test_the_tables_hold_the_values_that_sqlite_holds(folder, expected, reopened):
    with closing(apsw.Connection(str(folder / "sqlite.db"))) as connection:
        for table, key in [("weather", "origin, time_hour"), ("planes", "tailnum")]:
            sql = f"SELECT * FROM {table} ORDER BY {key}"
            assert reopened.execute(sql).fetchall() == connection.execute(sql).fetchall()


def test_the_store_is_at_most_half_as_large_as_an_sqlite_file(folder, store, expected):
    size = sum(file.stat().st_size for file in (folder / "store").iterdir())
    assert size <= (folder / "sqlite.db").stat().st_size / 2


def test_the_key_is_used_where_a_question_names_it(reopened):
    lookup, span, last, *_ = (ask.explain(reopened, query)[0].detail for query in QUERIES)
    key = "origin=? AND time_hour=? AND carrier=? AND flight=?"
    assert f"SEARCH flights BY PRIMARY KEY ({key})" in lookup
    assert "SEARCH flights BY PRIMARY KEY (origin=? AND time_hour>=? AND time_hour<=?)" in span
    assert "SEARCH flights BY PRIMARY KEY (origin=?)" in last
    assert "ORDER BY" in last


def test_loading_reports_every_row(loaded, store):
    _, reported = loaded
    assert reported.total() == TOTAL_ROWS
    assert reported == {name: store.stats().table(name).levels[0].rows for name in TABLES}


def test_the_report_shows_question_plan_rows_and_figures(store, expected):
    out = io.StringIO()
    console = Console(file=out, width=120)
    query = QUERIES[0]
    report.print_question(console, 1, query, [ask.Step(0, "SEARCH flights")], expected[query])
    answers = list(expected.values())
    report.print_times(console, QUERIES, answers, answers, answers)
    report.print_files(console, store)
    text = out.getvalue()
    for part in (query.question, "WHERE origin = 'JFK'", "SEARCH flights", "HNL", "336,776"):
        assert part in text


@pytest.mark.parametrize(
    ("figures", "marks"),
    [
        (report.Figures(True, 50_000_000, 100_000_000, 1.25, 2.5), "✓✓✓"),
        (report.Figures(False, 60_000_000, 100_000_000, 15.1, 2.5), "✗✗✗"),
    ],
)
def test_the_figures_stand_beside_the_goals(figures, marks):
    out = io.StringIO()
    report.print_figures(Console(file=out, width=200), figures)
    text = out.getvalue()
    assert "".join(re.findall("[✓✗]", text)) == marks
    assert figures.good == (marks == "✓✓✓")
    assert f"{figures.seconds:.1f} s, SQLite 2.5 s" in text
    assert f"{figures.size / 1e6:.1f} MB, {figures.size // 1_000_000}% of the 100.0 MB" in text


def test_the_text_of_the_tables_is_kept(store):
    for name, sql in TABLES.items():
        assert store.table(name).schema.sql == sql
        assert vtab.parse_create(sql).schema.columns == store.table(name).schema.columns
