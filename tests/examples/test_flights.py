"""The demo's questions, asked of a store and of SQLite's own tables."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

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
    """The five tables as a store, closed after loading, and as an SQLite file."""
    folder = tmp_path_factory.mktemp("flights")
    with lsmsql.open(folder / "store") as store:
        load_store(store)
    load_sqlite(folder / "sqlite.db")
    return folder


@pytest.fixture(scope="module")
def expected(folder):
    with closing(apsw.Connection(str(folder / "sqlite.db"))) as connection:
        return {query: ask.ask(connection, query) for query in QUERIES}


@pytest.fixture(scope="module")
def reopened(folder):
    with (
        lsmsql.open(folder / "store", "r") as store,
        ask.connect(store) as connection,
    ):
        yield connection


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A store in which the tables were loaded and that has not been closed since."""
    with lsmsql.open(tmp_path_factory.mktemp("fresh") / "store") as store:
        load_store(store)
        with ask.connect(store) as connection:
            yield connection


@QUESTIONS
def test_a_reopened_store_answers_as_sqlite_does(query, reopened, expected):
    answer = ask.ask(reopened, query)
    assert answer.columns == expected[query].columns
    assert answer.rows == expected[query].rows


@QUESTIONS
def test_a_loaded_store_answers_as_sqlite_does(query, fresh, expected):
    assert ask.ask(fresh, query).rows == expected[query].rows


@QUESTIONS
def test_every_question_has_an_answer(query, expected):
    assert expected[query].rows


@pytest.mark.parametrize("table", TABLES)
def test_every_row_of_the_csv_files_is_there(table, reopened):
    with open_csv_file(table) as file:
        lines = sum(1 for _ in file) - 1
    assert reopened.execute(f"SELECT count(*) FROM {table}").get == lines


def test_the_tables_hold_the_values_that_sqlite_holds(folder, reopened):
    with closing(apsw.Connection(str(folder / "sqlite.db"))) as connection:
        for table, key in [("weather", "origin, time_hour"), ("planes", "tailnum")]:
            sql = f"SELECT * FROM {table} ORDER BY {key}"
            assert reopened.execute(sql).fetchall() == connection.execute(sql).fetchall()


def test_the_store_is_at_most_half_as_large_as_an_sqlite_file(folder):
    size = sum(file.stat().st_size for file in (folder / "store").iterdir())
    assert size <= (folder / "sqlite.db").stat().st_size / 2


def test_the_key_is_used_where_a_question_names_it(reopened):
    lookup, span, last, *_ = (ask.explain(reopened, query)[0].detail for query in QUERIES)
    key = "origin=? AND time_hour=? AND carrier=? AND flight=?"
    assert f"SEARCH flights BY PRIMARY KEY ({key})" in lookup
    assert "SEARCH flights BY PRIMARY KEY (origin=? AND time_hour>=? AND time_hour<=?)" in span
    assert "SEARCH flights BY PRIMARY KEY (origin=?)" in last
    assert "ORDER BY" in last


def test_loading_reports_every_row(tmp_path):
    seen = dict.fromkeys(TABLES, 0)

    def progress(table, rows):
        seen[table] += rows

    with lsmsql.open(tmp_path / "store") as store:
        load_store(store, progress)
        assert sum(seen.values()) == TOTAL_ROWS
        assert seen == {name: store.stats().table(name).levels[0].rows for name in TABLES}


def test_the_report_shows_question_plan_rows_and_figures(folder, expected):
    out = io.StringIO()
    console = Console(file=out, width=120)
    query = QUERIES[0]
    report.print_question(console, 1, query, [ask.Step(0, "SEARCH flights")], expected[query])
    answers = list(expected.values())
    report.print_times(console, QUERIES, answers, answers, answers)
    with lsmsql.open(folder / "store", "r") as store:
        report.print_files(console, store)
    report.print_figures(console, report.Figures(True, 60, 100, 1.25, 2.5))
    text = out.getvalue()
    for part in (query.question, "WHERE origin = 'JFK'", "SEARCH flights", "HNL", "336,776"):
        assert part in text
    assert "✗ size: 0.0 MB" in text
    assert "60%" in text
    assert "loading, from CSV to a durable store: 1.2 s; SQLite: 2.5 s" in text


def test_the_text_of_the_tables_is_kept(folder):
    with lsmsql.open(Path(folder) / "store", "r") as store:
        for name, sql in TABLES.items():
            assert store.table(name).schema.sql == sql
            assert vtab.parse_create(sql).columns == store.table(name).schema.columns
