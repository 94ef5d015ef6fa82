"""URLs, pools and what an engine says of itself."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

import lsmsql
from lsmsql.sqlalchemy import LsmsqlDialect
from lsmsql.sqlalchemy.url import connect_arguments

FAST = "sync=off&background=false"
ROOT = Path(__file__).resolve().parents[2]


def arguments(query):
    return connect_arguments(make_url(f"lsmsql:///shop?{query}"))[1]


def test_the_arguments_of_a_url_have_the_types_that_connect_wants():
    assert connect_arguments(make_url("lsmsql:////var/shop")) == ("/var/shop", {})
    assert connect_arguments(make_url("lsmsql://")) == (":memory:", {})
    assert arguments("mode=r&timeout=0.5&cached_statements=7") == {
        "mode": "r",
        "timeout": 0.5,
        "cached_statements": 7,
    }
    assert arguments("sync=off&background=no&memory_budget=1000000&history=1h") == {
        "sync": "off",
        "background": False,
        "memory_budget": 1_000_000,
        "history": "1h",
    }


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("lsmsql://host/shop", "a store is a directory; write lsmsql:///relative/path"),
        ("lsmsql:///shop?synk=off", "no argument synk; did you mean sync?"),
        ("lsmsql:///shop?timeout=soon", "timeout=soon: this is no number"),
        ("lsmsql:///shop?background=perhaps", "background=perhaps: this is no truth value"),
        ("lsmsql:///shop?sync=off&sync=full", "sync is given 2 times"),
    ],
)
def test_a_wrong_url_is_refused(url, message):
    with pytest.raises(ArgumentError) as caught:
        create_engine(url).connect()
    assert message in str(caught.value)


def test_an_option_of_a_wrong_value_is_refused_by_its_name(make_engine, path):
    with pytest.raises(DBAPIError, match="option sync is one of full, normal, off, not 'of'"):
        make_engine("sync=of").connect()
    assert not Path(path).exists()


@pytest.fixture
def temporary():
    """An engine for a temporary store."""
    made = create_engine("lsmsql://?sync=normal")
    yield made
    made.dispose()


def test_the_connections_of_an_engine_share_its_temporary_store(temporary):
    other = create_engine("lsmsql://")
    with temporary.begin() as first:
        first.execute(text("CREATE TABLE t(a)"))
    with temporary.connect() as first, temporary.connect() as second:
        first.execute(text("INSERT INTO t VALUES (1)"))
        assert second.execute(text("SELECT * FROM t")).all() == []
        first.commit()
        second.rollback()
        assert second.execute(text("SELECT * FROM t")).all() == [(1,)]
        folder = Path(first.connection.driver_connection._link.store.path)
    assert inspect(other).get_table_names() == []
    other.dispose()
    temporary.dispose()
    assert not folder.exists()
    assert inspect(temporary).get_table_names() == []


def test_threads_share_a_temporary_store(temporary):
    with temporary.begin() as connection:
        connection.execute(text("CREATE TABLE t(a INTEGER PRIMARY KEY)"))

    def insert(number):
        with temporary.begin() as connection:
            connection.execute(text("INSERT INTO t VALUES (:n)"), {"n": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(insert, range(20)))
    with temporary.connect() as connection:
        assert connection.scalar(text("SELECT sum(a) FROM t")) == 190


def test_disposing_of_the_engine_closes_the_store(engine, path):
    engine.connect().close()
    with pytest.raises(lsmsql.BusyError):
        lsmsql.open(path, busy_timeout=0)
    engine.dispose()
    lsmsql.open(path).close()


def test_a_store_for_reading_refuses_to_be_written_to(make_engine, engine):
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO kv VALUES ('a', 1)"))
    with make_engine("mode=r").connect() as connection:
        assert connection.execute(text("SELECT * FROM kv")).all() == [("a", 1)]
        with pytest.raises(OperationalError, match="was opened with mode=") as caught:
            connection.execute(text("DELETE FROM kv"))
    assert isinstance(caught.value.orig, lsmsql.ReadOnlyError)


def test_the_sql_of_strangers_is_held_within_limits(make_engine, engine):
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO kv(key) VALUES (:n)"), [{"n": n} for n in range(20)])
    strangers = make_engine(f"{FAST}&untrusted=true&max_rows=10")
    with strangers.connect() as connection:
        assert [c["name"] for c in inspect(connection).get_columns("kv")] == ["key", "value"]
        assert inspect(connection).get_table_names() == []
        with pytest.raises(DBAPIError, match="rows"):
            connection.execute(text("SELECT * FROM kv")).all()
        with pytest.raises(DBAPIError):
            connection.execute(text("ATTACH ':memory:' AS other"))


def test_a_pool_whose_store_was_closed_connects_anew(engine):
    connection = engine.connect()
    raw = connection.connection.driver_connection
    raw._link.store.close()
    with pytest.raises(DBAPIError) as caught:
        connection.execute(text("SELECT * FROM kv"))
    assert caught.value.connection_invalidated
    connection.close()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT * FROM kv")).all() == []


def test_what_is_written_for_sqlite_takes_it_for_that(engine):
    dialect = engine.dialect
    assert (dialect.name, dialect.driver) == ("sqlite", "lsmsql")
    engine.connect().close()
    assert dialect.server_version_info == lsmsql.sqlite_version_info


def test_functions_of_sqlalchemy_are_there(engine):
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 'tea' REGEXP '^t', floor(2.5)")).one() == (1, 2)


def test_the_entry_points_name_the_dialect():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points = project["entry-points"]["sqlalchemy.dialects"]
    assert sorted(points) == ["lsmsql", "sqlite.lsmsql"]
    for point in points.values():
        module, _, name = point.partition(":")
        assert getattr(importlib.import_module(module), name) is LsmsqlDialect


def test_lsmsql_itself_does_not_import_sqlalchemy():
    code = "import lsmsql, sys; lsmsql.connect; sys.exit('sqlalchemy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
