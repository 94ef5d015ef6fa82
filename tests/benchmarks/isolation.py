"""The tables of transactions, snapshots and validation."""

from __future__ import annotations

from tests.benchmarks.engines import SUBJECT
from tests.benchmarks.formatting import (
    count_text,
    document,
    microseconds,
    percent,
    table_text,
    title,
    whole,
)
from tests.benchmarks.summary import Results, engines, figure, median
from tests.benchmarks.workloads.snapshots import OPEN
from tests.benchmarks.workloads.transactions import CONTESTS, SQL_PREFIX, THREADS
from tests.benchmarks.workloads.validation import PLACES, READ, READERS

TRANSACTIONS = (
    "Transactions a second with so many threads; and, of those begun, how many ended in a conflict"
    " and were begun again. Medians of the rounds."
)
SNAPSHOTS = "Microseconds, medians of the rounds."
VALIDATION = (
    "Microseconds of a commit of lsmsql, by what the transaction has read, and by where the 1,000"
    " commits of others are that were made meanwhile. Medians of the rounds."
)


def isolation_markdown(results: Results) -> str:
    """The tables, for a page or a terminal; an empty text if nothing of them was measured."""
    return document(
        results,
        (
            ("Transactions", TRANSACTIONS, _transaction_table(results)),
            ("Snapshots", SNAPSHOTS, _snapshot_table(results)),
            ("Validation", VALIDATION, _validation_table(results)),
        ),
    )


def _transaction_table(results: Results) -> str:
    rows = []
    for contest in CONTESTS:
        for prefix in ("", SQL_PREFIX):
            for name in engines(results):
                workload = prefix + contest.name
                rates = [median(results, name, workload, figure(f"rate_{n}")) for n in THREADS]
                aborts = [
                    median(results, name, workload, figure(f"aborts_{n}")) for n in THREADS[1:]
                ]
                if any(rates):
                    label = f"{workload}: {title(name)}"
                    rows.append([label, *map(whole, rates), *map(percent, aborts)])
    head = ["", *(count_text(n, "thread") for n in THREADS)]
    return table_text([*head, *(f"conflicts, {n} threads" for n in THREADS[1:])], rows)


def _snapshot_table(results: Results) -> str:
    names = ["open", "get_store", "get_snapshot", *(f"put_{count}" for count in OPEN)]
    rows = []
    for engine in engines(results):
        times = [median(results, engine, "snapshots", figure(name)) for name in names]
        if any(times):
            rows.append([title(engine), *map(microseconds, times)])
    head = ["", "take and close", "get, of the store", "get, of a snapshot"]
    return table_text([*head, *(f"put, {count:,} open" for count in OPEN)], rows)


def _validation_table(results: Results) -> str:
    rows = []
    for kind in READERS:
        for count in READ:
            names = [f"{kind}_{count}_{place}" for place in PLACES]
            times = [median(results, SUBJECT, "validation", figure(name)) for name in names]
            if any(times):
                label = f"{count:,} keys" if kind == "keys" else f"a range of {count:,}"
                rows.append([label, *map(microseconds, times)])
    return table_text(["read", *(f"in a {place}" for place in PLACES)], rows)
