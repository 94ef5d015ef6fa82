"""The inspector tells of a store what it tells of an SQLite file."""

from __future__ import annotations

import pytest
from sqlalchemy import MetaData, Table, TextClause, inspect, select, text
from sqlalchemy.schema import CreateTable

from lsmsql.sqlalchemy import ANY

DEFINITIONS = """
CREATE TABLE towns(name VARCHAR(20) PRIMARY KEY, land TEXT NOT NULL DEFAULT 'here', UNIQUE(land));
CREATE TABLE people(
    id INTEGER NOT NULL, town VARCHAR(20) REFERENCES towns(name) ON DELETE CASCADE,
    born DATE, weight NUMERIC(5, 2), next INTEGER GENERATED ALWAYS AS (id + 1) STORED,
    CONSTRAINT pk PRIMARY KEY (id), CONSTRAINT heavy CHECK (weight > 0), CONSTRAINT one UNIQUE (born, town)
);
CREATE INDEX by_town ON people(town, born);
CREATE UNIQUE INDEX some ON people(born) WHERE weight IS NOT NULL;
CREATE TABLE pairs(a INT, b INT, PRIMARY KEY (b, a)) STRICT;
CREATE VIEW heavies AS SELECT id, town FROM people WHERE weight > 100
"""  # noqa: E501

ASKED = (
    "columns",
    "pk_constraint",
    "foreign_keys",
    "unique_constraints",
    "check_constraints",
    "indexes",
    "table_options",
)


def define(engine):
    with engine.begin() as connection:
        for sql in DEFINITIONS.split(";\n"):
            connection.execute(text(sql))


def shown(answer):
    """Text in which SQL is spelled out."""
    if isinstance(answer, dict):
        return {name: shown(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [shown(each) for each in answer]
    return str(answer) if isinstance(answer, TextClause) else repr(answer)


@pytest.mark.parametrize("what", ASKED)
def test_tables_are_described_as_those_of_sqlite(engine, sqlite, what):
    answers = []
    for each in (engine, sqlite):
        define(each)
        inspector = inspect(each)
        answers.append(
            {
                table: shown(getattr(inspector, f"get_{what}")(table))
                for table in ("towns", "people", "pairs")
            }
        )
    assert answers[0] == answers[1]


def test_the_names_are_those_of_the_user(engine):
    define(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TEMP TABLE mine(a)"))
        connection.execute(text("CREATE TEMP VIEW seen AS SELECT * FROM mine"))
        inspector = inspect(connection)
        assert inspector.get_table_names() == ["pairs", "people", "towns"]
        assert inspector.get_view_names() == ["heavies"]
        assert inspector.get_temp_table_names() == ["mine"]
        assert inspector.get_temp_view_names() == ["seen"]
        assert inspector.get_schema_names() == ["main"]
        assert inspector.get_view_definition("heavies").startswith("CREATE VIEW heavies AS")
        assert inspector.has_table("people") and not inspector.has_table("nobody")


def test_reflected_tables_can_be_queried_and_created_again(engine, sqlite):
    define(engine)
    metadata = MetaData()
    metadata.reflect(engine, views=True)
    assert sorted(metadata.tables) == ["heavies", "pairs", "people", "towns"]
    people = metadata.tables["people"]
    with engine.begin() as connection:
        connection.execute(people.insert().values(id=1, town="Rome", weight=120))
        heavies = metadata.tables["heavies"]
        query = select(people.c.next, heavies).where(people.c.id == heavies.c.id)
        assert connection.execute(query).all() == [(2, 1, "Rome")]
    metadata.remove(heavies)
    metadata.create_all(sqlite)
    assert inspect(sqlite).get_table_names() == ["pairs", "people", "towns"]


def test_kv_is_shown_to_those_who_ask_for_it(engine):
    inspector = inspect(engine)
    assert inspector.get_table_names() == []
    assert "kv" in inspector.get_table_names(sqlite_include_internal=True)
    kv = Table("kv", MetaData(), autoload_with=engine)
    assert [type(column.type) for column in kv.columns] == [ANY, ANY]
    assert '"key" ANY' in str(CreateTable(kv).compile(engine))
    rows = [("a", 1), (2, b"x"), ("c", None)]
    with engine.begin() as connection:
        connection.execute(kv.insert(), [{"key": key, "value": value} for key, value in rows])
        found = connection.execute(select(kv).order_by(kv.c.value)).all()
    assert found == [("c", None), ("a", 1), (2, b"x")]


def test_the_schema_main_has_the_tables_of_the_store(engine):
    define(engine)
    towns = Table("towns", MetaData(), schema="main", autoload_with=engine)
    with engine.begin() as connection:
        connection.execute(towns.insert().values(name="Rome"))
        assert connection.execute(select(towns)).all() == [("Rome", "here")]
        assert connection.execute(text("SELECT name FROM towns")).all() == [("Rome",)]
