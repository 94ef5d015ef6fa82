"""Alembic's migrations change a store as they change an SQLite file."""

from __future__ import annotations

import textwrap

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Column, Index, Integer, MetaData, String, Table, inspect, text
from sqlalchemy.exc import OperationalError

ENVIRONMENT = """
from alembic import context

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=context.config.attributes.get("metadata"),
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
"""

FIRST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "first", None

def upgrade():
    towns = op.create_table("towns", sa.Column("name", sa.String(20), primary_key=True))
    op.create_table(
        "people",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(30), nullable=False),
        sa.Column("town", sa.String(20), sa.ForeignKey("towns.name", name="of_town")),
        sa.Column("age", sa.Integer),
        sa.CheckConstraint("age >= 0", name="born"),
    )
    op.create_index("by_town", "people", ["town"])
    op.bulk_insert(towns, [{"name": "Rome"}, {"name": "Oslo"}])
    op.execute("INSERT INTO people VALUES (1, 'Ada', 'Rome', 30), (2, 'Bo', NULL, NULL)")

def downgrade():
    op.drop_index("by_town", "people")
    op.drop_table("people")
    op.drop_table("towns")
"""

SECOND = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "second", "first"

def upgrade():
    op.add_column("people", sa.Column("born", sa.Date))
    op.add_column("people", sa.Column("kind", sa.String(5), server_default="adult"))
    with op.batch_alter_table("people") as batch:
        batch.alter_column("name", new_column_name="called", type_=sa.Text())
        batch.drop_constraint("of_town", type_="foreignkey")
        batch.drop_constraint("born", type_="check")
    with op.batch_alter_table("people") as batch:
        batch.create_unique_constraint("one_each", ["called", "town"])
        batch.drop_column("age")
    op.rename_table("towns", "cities")
    op.create_index("children", "people", ["born"], unique=True, sqlite_where=sa.text("born > 0"))

def downgrade():
    op.drop_index("children", "people")
    op.rename_table("cities", "towns")
    with op.batch_alter_table("people") as batch:
        batch.drop_constraint("one_each", type_="unique")
        batch.alter_column("called", new_column_name="name", type_=sa.String(30))
        batch.drop_column("kind")
        batch.drop_column("born")
        batch.add_column(sa.Column("age", sa.Integer))
        batch.create_foreign_key("of_town", "towns", ["town"], ["name"])
        batch.create_check_constraint("born", sa.text("age >= 0"))
"""

BROKEN = """
from alembic import op

revision, down_revision = "third", "second"

def upgrade():
    op.drop_index("children", "people")
    op.execute("INSERT INTO cities VALUES ('Bonn')")
    op.execute("SELECT * FROM nowhere")
"""


@pytest.fixture
def config(tmp_path):
    """Three revisions, of which the last fails."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(textwrap.dedent(ENVIRONMENT))
    for name, script in (("first", FIRST), ("second", SECOND), ("third", BROKEN)):
        (folder / "versions" / f"{name}.py").write_text(script)
    made = Config()
    made.set_main_option("script_location", str(folder))
    made.set_main_option("path_separator", "os")
    return made


def state(engine):
    """All that is defined, and all rows."""
    with engine.connect() as connection:
        inspector = inspect(connection)
        return {
            table: (
                connection.execute(text(f"SELECT * FROM {table} ORDER BY 1")).all(),
                [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)],
                [(i["name"], i["column_names"], i["unique"]) for i in inspector.get_indexes(table)],
                inspector.get_foreign_keys(table),
                inspector.get_unique_constraints(table),
                inspector.get_check_constraints(table),
            )
            for table in inspector.get_table_names()
        }


def test_migrations_do_what_they_do_in_sqlite(config, engine, sqlite):
    for step, revision in (
        (command.upgrade, "first"),
        (command.upgrade, "second"),
        (command.downgrade, "first"),
        (command.upgrade, "second"),
        (command.downgrade, "base"),
    ):
        states = []
        for each in (engine, sqlite):
            config.attributes["engine"] = each
            step(config, revision)
            states.append(state(each))
        assert states[0] == states[1]
    assert list(states[0]) == ["alembic_version"]


def test_a_migration_that_fails_changes_nothing(config, engine):
    config.attributes["engine"] = engine
    command.upgrade(config, "second")
    before = state(engine)
    with pytest.raises(OperationalError, match="no such table: nowhere"):
        command.upgrade(config, "head")
    assert state(engine) == before


def test_autogenerate_finds_what_differs_and_leaves_kv_alone(engine):
    metadata = MetaData()
    table = Table("t", metadata, Column("id", Integer, primary_key=True), Column("a", String(9)))
    metadata.create_all(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        table.append_column(Column("b", Integer))
        Index("by_a", table.c.a)
        found = compare_metadata(context, metadata)
    assert [difference[0] for difference in found] == ["add_column", "add_index"]
