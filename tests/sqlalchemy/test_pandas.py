"""pandas reads from a store and writes to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import inspect, select, table, text

import lsmsql

FRAME = pd.DataFrame(
    {
        "city": ["Oslo", "Rome", None],
        "warm": [1.5, np.nan, 30.0],
        "n": [1, 2, 3],
        "day": pd.to_datetime(["2024-05-01", "2024-05-02", None]),
        "ok": [True, False, True],
    }
)


@pytest.mark.parametrize("method", [None, "multi"])
def test_a_frame_comes_back_as_from_sqlite(either, method):
    assert FRAME.to_sql("days", either, index=False, method=method) == 3
    back = pd.read_sql_table("days", either)
    pd.testing.assert_frame_equal(back, FRAME, check_dtype=False)
    assert [str(kind) for kind in back.dtypes[1:]] == ["float64", "int64", "datetime64[us]", "bool"]


def test_a_table_is_replaced_or_longer(either):
    FRAME.to_sql("days", either, index_label="id", chunksize=2)
    with pytest.raises(ValueError, match="already exists"):
        FRAME.to_sql("days", either)
    FRAME.to_sql("days", either, if_exists="append", index_label="id")
    assert len(pd.read_sql("SELECT * FROM days", either)) == 6
    FRAME[["n"]].to_sql("days", either, if_exists="replace", index_label="id")
    assert list(pd.read_sql("SELECT * FROM days", either, index_col="id").columns) == ["n"]


def test_queries_with_values_and_in_parts(either):
    FRAME.to_sql("days", either, index=False)
    query = text("SELECT n FROM days WHERE n > :least")
    assert pd.read_sql(query, either, params={"least": 1})["n"].tolist() == [2, 3]
    parts = pd.read_sql(select(text("n")).select_from(table("days")), either, chunksize=2)
    assert [len(part) for part in parts] == [2, 1]


def test_it_takes_part_in_a_transaction(engine):
    with engine.connect() as connection, connection.begin() as transaction:
        FRAME.to_sql("days", connection, index=False)
        assert len(pd.read_sql("SELECT * FROM days", connection)) == 3
        transaction.rollback()
    assert not inspect(engine).has_table("days")


def test_a_plain_connection_does_but_pandas_warns(path):
    connection = lsmsql.connect(path, sync="off", background=False)
    with pytest.warns(UserWarning, match="pandas only supports SQLAlchemy"):
        FRAME.to_sql("days", connection)
    with pytest.warns(UserWarning, match="pandas only supports SQLAlchemy"):
        found = pd.read_sql("SELECT city FROM days WHERE n = ?", connection, params=(2,))
    assert found["city"].tolist() == ["Rome"]
    assert not connection.in_transaction
    connection.close()
