"""The benchmark on a few rows: all of it runs, gives right answers and can be reported."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks.data import Data
from tests.benchmarks.engines import CLASSES, SUBJECT, load_engine
from tests.benchmarks.engines.base import Engine
from tests.benchmarks.flights import Flights
from tests.benchmarks.isolation import isolation_markdown
from tests.benchmarks.measure import WrongAnswerError
from tests.benchmarks.page import ISOLATION, RESULTS, markers, replace_results
from tests.benchmarks.report import markdown, measured
from tests.benchmarks.runner import BenchmarkError, Plan, run
from tests.benchmarks.summary import Ratio, ratio, ratios
from tests.benchmarks.targets import Faster, Smaller, Steady, Within
from tests.benchmarks.workbench import Workbench, put_all
from tests.benchmarks.workloads import WORKLOADS
from tests.benchmarks.workloads.transactions import CONTESTS, THREADS, contend, through_python

ROWS = 2_000


def silent(line: str) -> None:
    """Show nothing."""


def installed() -> list[type[Engine]]:
    """The engines whose packages are there."""
    engines = []
    for name in CLASSES:
        try:
            engines.append(load_engine(name))
        except ImportError:
            continue
    return engines


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[str, Any]:
    """One round of everything."""
    directory = tmp_path_factory.mktemp("bench")
    found = run(Plan(ROWS, 1, tuple(CLASSES), directory=directory), silent)
    assert list(directory.iterdir()) == []
    return found


def test_every_engine_runs_what_it_can(results):
    ran = {run["engine"]: list(run["results"]) for run in results["runs"]}
    able = {
        engine.name: [w.name for w in WORKLOADS if w.needs <= engine.capabilities]
        for engine in installed()
    }
    assert ran == able
    assert ran[SUBJECT] == [workload.name for workload in WORKLOADS]
    assert set(results["missing"]) == set(CLASSES) - set(able)


def test_every_result_is_a_time_or_a_figure(results):
    for found in (r for one in results["runs"] for r in one["results"].values()):
        assert (found["seconds"] > 0) == (found["operations"] > 0)
        assert found["operations"] or found["figures"]
        assert found["peak"] > 0


def test_the_report_has_all_workloads_and_engines(results):
    report = f"{markdown(results)}\n{isolation_markdown(results)}".lower()
    names = [w.name for w in WORKLOADS if not w.name.startswith("disk")]
    for name in (*names, *(engine.title for engine in installed())):
        assert name.lower() in report


def test_each_part_of_the_report_is_empty_without_its_workloads(results):
    runs = [
        {
            **run,
            "results": {name: found for name, found in run["results"].items() if name == "scan"},
        }
        for run in results["runs"]
    ]
    scans = {**results, "runs": runs}
    assert "| scan |" in markdown(scans)
    assert isolation_markdown(scans) == ""


def test_one_thread_has_no_conflicts_and_every_engine_shows_its_rates(results):
    for one in results["runs"]:
        for name, found in one["results"].items():
            if "transfer" in name or "scan-write" in name:
                figures = found["figures"]
                assert figures["aborts_1"] == 0
                assert all(0 <= figures[f"aborts_{count}"] < 1 for count in THREADS)
                assert all(figures[f"rate_{count}"] > 0 for count in THREADS)


# ------------------------------------------------------------------------------- summary


def document(*rounds: dict[str, float], workload: str = "scan") -> dict[str, Any]:
    """Results of one workload with one operation, by engine, for each round."""
    runs = []
    for number, seconds in enumerate(rounds):
        for engine, time in seconds.items():
            result = {"seconds": time, "operations": 1, "figures": {"bytes": time, "x": 9 * time}}
            runs.append({"engine": engine, "round": number, "results": {workload: result}})
    return {"runs": runs}


THREE_ROUNDS = (
    {"lsmsql": 1.0, "sqlite": 2.0},
    {"lsmsql": 2.0, "sqlite": 2.0},
    {"lsmsql": 1.0, "sqlite": 6.0},
)


def test_a_ratio_is_taken_within_each_round():
    assert ratio(document(*THREE_ROUNDS), "scan", "sqlite") == Ratio(2, 1, 6)
    assert ratio(document(*THREE_ROUNDS), "scan", "lmdb") is None


def test_all_ratios_are_listed_by_workload_and_peer():
    assert ratios(document(*THREE_ROUNDS)) == {"scan": {"sqlite": Ratio(2, 1, 6)}}
    assert ratios(document(*THREE_ROUNDS, workload="put-latency")) == {}


def test_a_peer_without_bulk_loading_is_compared_by_its_batches():
    results = document({"lsmsql": 1.0}, workload="bulk-ingest")
    results["runs"] += document({"plyvel": 5.0}, workload="put-batches")["runs"]
    assert ratio(results, "bulk-ingest", "plyvel") == Ratio(5, 5, 5)


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        (Faster("scan", "sqlite", 2.0), True),
        (Faster("scan", "sqlite", 2.1), False),
        (Smaller("scan", "sqlite", 0.5), True),
        (Smaller("scan", "sqlite", 0.4), False),
        (Within("scan", 1.0), True),
        (Within("scan", 8.0, "x"), False),
        (Steady("scan", "x", "bytes", 9.0), True),
        (Steady("scan", "x", "bytes", 8.9), False),
        (Faster("get-warm", "sqlite", 1.0), None),
    ],
)
def test_targets_are_reached_or_missed(target, reached):
    found = measured(document(*THREE_ROUNDS), target)
    assert (found and found[1]) == reached


def test_results_replace_what_is_between_the_markers():
    begin, end = markers(RESULTS)
    other = "\n".join(markers(ISOLATION))
    page = f"before\n{begin}\nold\n{end}\nafter\n{other}\n"
    wanted = f"before\n{begin}\n\nnew\n\n{end}\nafter\n{other}\n"
    assert replace_results(page, RESULTS, "new") == wanted
    with pytest.raises(ValueError, match="lacks"):
        replace_results("no markers", RESULTS, "new")


# ------------------------------------------------------------------------------- wrong answers


def test_a_lost_row_is_noticed(tmp_path):
    from tests.benchmarks.engines.sqlite import SQLite

    class Forgetful(SQLite):
        """Loses a row of each batch."""

        def put_many(self, pairs):
            next(iter(pairs))
            super().put_many(pairs)

    store = Forgetful()
    store.open(tmp_path)
    with pytest.raises(WrongAnswerError, match="9 instead of 10"):
        put_all(store, Data(10))
    store.close()


def test_a_lost_update_is_noticed(tmp_path):
    from tests.benchmarks.engines.lsmsql import Lsmsql

    class Careless(Lsmsql):
        """Puts an old value back after each transaction."""

        def _transact(self, work):
            key, value = next(self.scan())
            attempts = super()._transact(work)
            self.put(key, value)
            return attempts

    few = next(contest for contest in CONTESTS if contest.name == "transfer-high")
    bench = Workbench(Careless, Data(1_000), Flights(1_000), tmp_path)
    with pytest.raises(WrongAnswerError, match="sum of the balances"):
        contend(bench, few, through_python)
    bench.clean()


def test_a_worker_that_fails_fails_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.benchmarks.runner.PATIENCE", 0.0)
    with pytest.raises(BenchmarkError, match="ended with status"):
        run(Plan(ROWS, 1, (SUBJECT,), directory=tmp_path), silent)
    assert list(tmp_path.iterdir()) == []
