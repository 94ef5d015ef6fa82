"""Every pair: what a statement becomes, and what it gives when it is run."""

from __future__ import annotations

import re

import duckdb
import pytest

from lsmsql.dialects.errors import DialectError
from lsmsql.dialects.translation import translate
from lsmsql.engine.errors import UsageError
from tests.dialects.data import new_duckdb, new_sqlite, plain_rows, run
from tests.dialects.pairs import Pair, read_pairs

PAIRS = [
    (dialect, pair) for dialect in ("postgres", "mysql", "duckdb") for pair in read_pairs(dialect)
]
NAMES = [f"{dialect}: {pair.title}" for dialect, pair in PAIRS]
ALL_OF_U = "SELECT * FROM u ORDER BY id"


@pytest.mark.parametrize(("dialect", "pair"), PAIRS, ids=NAMES)
def test_becomes(dialect: str, pair: Pair) -> None:
    if pair.refused is not None:
        with pytest.raises(DialectError, match=re.escape(f"{dialect}: {pair.refused}")):
            translate(pair.before, dialect)
    else:
        translation = translate(pair.before, dialect)
        assert translation.sql == pair.after
        assert translation.rewritten == (pair.after != pair.before)


@pytest.mark.parametrize(("dialect", "pair"), [p for p in PAIRS if p[1].after])
def test_runs(dialect: str, pair: Pair) -> None:
    connection = new_sqlite()
    if pair.fails is not None:
        with pytest.raises(UsageError, match=re.escape(pair.fails)):
            run(connection, pair.before, dialect)
        return
    rows = run(connection, pair.before, dialect)
    if pair.is_change:
        rows = connection.execute(ALL_OF_U).fetchall()
    if pair.rows is not None:
        assert rows == pair.rows
    elif dialect == "duckdb":
        assert ordered(pair, rows) == ordered(pair, ask_duckdb(new_duckdb(), pair))


def ask_duckdb(connection: duckdb.DuckDBPyConnection, pair: Pair) -> list[tuple[object, ...]]:
    """What DuckDB itself gives."""
    found = connection.execute(pair.before)
    if pair.is_change:
        found = connection.execute(ALL_OF_U)
    return found.fetchall() if pair.is_query or pair.is_change else []


def ordered(pair: Pair, rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Rows as they can be compared: in their order if one is asked for."""
    found = plain_rows(rows)
    return found if re.search(r"ORDER BY [^)]*$", pair.before) else sorted(found, key=repr)


def test_there_are_queries_changes_and_definitions_of_each_dialect() -> None:
    for dialect in ("postgres", "mysql", "duckdb"):
        pairs = read_pairs(dialect)
        assert len(pairs) > 40
        assert any(pair.is_change and pair.after for pair in pairs)
        assert any(pair.before.startswith("CREATE") and pair.after for pair in pairs)
        assert sum(pair.refused is not None for pair in pairs) > 10
