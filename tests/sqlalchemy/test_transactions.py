"""Transactions are serializable, reads and definitions included."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

import lsmsql

METADATA = MetaData()
COUNTERS = Table(
    "counters", METADATA, Column("id", Integer, primary_key=True), Column("n", Integer)
)


@pytest.fixture
def filled(engine):
    """One counter that is 0."""
    METADATA.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(COUNTERS), [{"id": 1, "n": 0}])
    return engine


def count(engine):
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(COUNTERS))


def increase(session):
    n = session.scalar(select(COUNTERS.c.n))
    session.execute(update(COUNTERS).values(n=n + 1))


def test_of_two_that_read_and_write_the_second_to_commit_is_refused(filled):
    with filled.connect() as first, filled.connect() as second:
        increase(first)
        increase(second)
        first.commit()
        with pytest.raises(OperationalError) as caught:
            second.commit()
        assert isinstance(caught.value.orig, lsmsql.ConflictError)
        assert not caught.value.connection_invalidated
        second.rollback()
        increase(second)
        second.commit()
        assert second.scalar(select(COUNTERS.c.n)) == 2


def test_two_that_add_rows_without_keys_both_commit(filled):
    with filled.connect() as first, filled.connect() as second:
        keys = [
            connection.execute(insert(COUNTERS).values(n=7)).inserted_primary_key
            for connection in (first, second)
        ]
        first.commit()
        second.commit()
    assert keys[0] != keys[1]
    assert count(filled) == 3


def test_a_block_that_conflicts_leaves_a_connection_that_can_be_used(filled):
    with pytest.raises(OperationalError), filled.begin() as first:
        increase(first)
        with filled.begin() as second:
            increase(second)
    with filled.begin() as again:
        increase(again)
        assert again.scalar(select(COUNTERS.c.n)) == 2


def test_a_session_that_conflicts_is_rolled_back_and_used_again(filled):
    with Session(filled) as session:
        increase(session)
        with filled.begin() as other:
            increase(other)
        with pytest.raises(OperationalError):
            session.commit()
        session.rollback()
        increase(session)
        session.commit()
        assert session.scalar(select(COUNTERS.c.n)) == 2


def test_a_transaction_goes_on_with_the_snapshot_it_began_with(filled):
    with filled.connect() as reader:
        assert reader.scalar(select(COUNTERS.c.n)) == 0
        with filled.begin() as writer:
            increase(writer)
        assert reader.scalar(select(COUNTERS.c.n)) == 0
        reader.rollback()
        assert reader.scalar(select(COUNTERS.c.n)) == 1


def test_savepoints_nest(filled):
    with filled.begin() as connection:
        connection.execute(insert(COUNTERS).values(id=2))
        with connection.begin_nested():
            connection.execute(insert(COUNTERS).values(id=3))
        with pytest.raises(IntegrityError), connection.begin_nested():
            connection.execute(insert(COUNTERS).values(id=4))
            connection.execute(insert(COUNTERS).values(id=4))
    assert count(filled) == 3


def test_definitions_are_rolled_back(filled):
    with filled.connect() as connection:
        connection.execute(text("CREATE TABLE other(a)"))
        COUNTERS.drop(connection)
        connection.rollback()
    assert inspect(filled).get_table_names() == ["counters"]
    assert count(filled) == 1


def test_autocommit_makes_each_statement_a_transaction(filled):
    with filled.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        assert connection.get_isolation_level() == "AUTOCOMMIT"
        connection.execute(insert(COUNTERS).values(id=2))
        connection.rollback()
    assert count(filled) == 2
    with filled.connect() as connection:
        assert connection.get_isolation_level() == "SERIALIZABLE"
        connection.execute(insert(COUNTERS).values(id=3))
        connection.rollback()
    assert count(filled) == 2


def test_an_engine_whose_transactions_wait_for_each_other(make_engine):
    waiting = make_engine("isolation_level=IMMEDIATE&timeout=0")
    METADATA.create_all(waiting)
    with waiting.begin() as connection:
        connection.execute(insert(COUNTERS), [{"id": 1, "n": 0}])
    with waiting.connect() as first, waiting.connect() as second:
        increase(first)
        with pytest.raises(OperationalError) as caught:
            increase(second)
        assert isinstance(caught.value.orig, lsmsql.BusyError)
        first.commit()
        increase(second)
        second.commit()
        assert second.scalar(select(COUNTERS.c.n)) == 2


def test_tables_made_elsewhere_are_there(make_engine, filled):
    with filled.connect() as connection:
        with make_engine().begin() as other:
            other.execute(text("CREATE TABLE other(a)"))
        assert connection.execute(text("SELECT * FROM other")).all() == []
