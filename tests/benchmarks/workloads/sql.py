"""The same SQL to lsmsql and to SQLite."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice

import apsw

from tests.benchmarks.data import BATCH, random_keys, random_source, random_values
from tests.benchmarks.engines.base import Capability
from tests.benchmarks.measure import Measure, Stopwatch, expect
from tests.benchmarks.workbench import Workbench
from tests.benchmarks.workloads.base import Workload
from tests.benchmarks.workloads.disk import with_flights

POINTS = 50_000
RANGE_ROWS = 100_000
RANGE = 50
UPSERTS = 100_000

POINT_SQL = "SELECT value FROM kv WHERE key = ?"
RANGE_SQL = "SELECT key, value FROM kv WHERE key >= ? ORDER BY key LIMIT ?"
UPSERT_SQL = "INSERT OR REPLACE INTO kv VALUES (?, ?)"

AGGREGATE_SQL = """\
SELECT carrier, count(*), round(avg(dep_delay), 6) FROM flights GROUP BY carrier ORDER BY carrier"""
JOIN_SQL = """\
SELECT manufacturer, airports.name, count(*), round(avg(arr_delay), 6)
FROM flights JOIN airports ON faa = dest JOIN planes ON planes.tailnum = flights.tailnum
WHERE origin = 'JFK'
GROUP BY 1, 2 ORDER BY 1, 2"""


def sql_point(bench: Workbench) -> Measure:
    """Values by key, the second time."""
    data = bench.data
    positions = data.sample(min(POINTS, data.rows), "sql-point")
    keys = [data.keys[i] for i in positions]
    with bench.loaded().connection() as connection:
        execute = connection.cursor().execute
        for key in keys:
            execute(POINT_SQL, (key,)).fetchall()
        with Stopwatch() as watch:
            found = [execute(POINT_SQL, (key,)).fetchall() for key in keys]
    expect("values by SQL", found, [[(data.values[i],)] for i in positions])
    return Measure(watch.seconds, len(keys))


def sql_range(bench: Workbench) -> Measure:
    """Fifty rows from a random key on, the second time."""
    data = bench.data
    places = data.sample(max(1, min(RANGE_ROWS, data.rows) // RANGE), "sql-range")
    starts = [data.keys[data.order[place]] for place in places]
    with bench.loaded().connection() as connection:
        execute = connection.cursor().execute
        for start in starts:
            execute(RANGE_SQL, (start, RANGE)).fetchall()
        with Stopwatch() as watch:
            found = [execute(RANGE_SQL, (start, RANGE)).fetchall() for start in starts]
    expect("ranges by SQL", found, [data.following(place, RANGE) for place in places])
    return Measure(watch.seconds, len(starts))


def sql_upsert(bench: Workbench) -> Measure:
    """Transactions of 1,000 rows in random order, half of whose keys are there already."""
    count = min(UPSERTS, bench.data.rows)
    old = [bench.data.keys[i] for i in bench.data.sample(count // 2, "sql-upsert")]
    keys = old + random_keys(count - len(old), "sql-upsert")
    random_source("sql-upsert-order").shuffle(keys)
    pairs = list(zip(keys, random_values(count, "sql-upsert"), strict=True))
    store = bench.loaded()
    with store.connection() as connection:
        rows = iter(pairs)
        with Stopwatch() as watch:
            for _ in range(0, count, BATCH):
                connection.execute("BEGIN")
                connection.executemany(UPSERT_SQL, islice(rows, BATCH))
                connection.execute("COMMIT")
    bench.contents.update(pairs)
    expect("rows after upserts", store.count(), len(bench.contents))
    expect("last upsert", store.get(pairs[-1][0]), pairs[-1][1])
    return Measure(watch.seconds, count)


def flights_query(bench: Workbench, sql: str) -> Measure:
    """A query that reads all flights, the second time; SQLite in memory says what is right."""
    store = with_flights(bench, bench.fresh())
    with store.connection() as connection:
        connection.execute(sql).fetchall()
        with Stopwatch() as watch:
            found = connection.execute(sql).fetchall()
    expect("rows of the query", found, _right_answer(bench, sql))
    return Measure(watch.seconds, bench.flights.count)


def _right_answer(bench: Workbench, sql: str) -> list[tuple[object, ...]]:
    connection = apsw.Connection(":memory:")
    for name, (create, rows) in bench.flights.tables.items():
        connection.execute(create)
        columns = [column.to_pylist() for column in rows.columns]
        insert = f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})"
        with connection:
            connection.executemany(insert, zip(*columns, strict=True))
    return connection.execute(sql).fetchall()


def _flights(name: str, sql: str) -> Workload:
    run: Callable[[Workbench], Measure] = partial(flights_query, sql=sql)
    return Workload(name, run, NEEDS)


NEEDS = frozenset({Capability.SQL})
SQL_QUERIES = (
    Workload("sql-point", sql_point, NEEDS),
    Workload("sql-range-50", sql_range, NEEDS),
    _flights("sql-aggregate", AGGREGATE_SQL),
    _flights("sql-join", JOIN_SQL),
)
SQL_CHANGES = (Workload("sql-upsert", sql_upsert, NEEDS),)
