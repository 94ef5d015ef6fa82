"""How SQLAlchemy's suite makes and clears the databases it tests on, if they are stores."""

from __future__ import annotations

import os
import shutil

from sqlalchemy import event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.testing import provision

BACKEND = "lsmsql"
OTHER_SCHEMA = "other_schema.db"
"""An SQLite file that is attached as "test_schema"."""


@provision.post_configure_engine.for_db(BACKEND)
def attach_schema(url, engine, follower_ident):
    """Give each connection a second schema, and clear all when the engine is disposed of."""

    @event.listens_for(engine, "connect")
    def connect(connection, record):
        connection.execute(f'ATTACH DATABASE "{OTHER_SCHEMA}" AS test_schema')

    @event.listens_for(engine, "engine_disposed")
    def dispose(engine):
        if os.path.exists(OTHER_SCHEMA):
            os.remove(OTHER_SCHEMA)
        shutil.rmtree(engine.url.database, ignore_errors=True)


@provision.stop_test_class_outside_fixtures.for_db(BACKEND)
def dispose_of_engine(config, engine, cls):
    engine.dispose()


@provision.temp_table_keyword_args.for_db(BACKEND)
def temporary(config, engine):
    return {"prefixes": ["TEMPORARY"]}


@provision.profile_platform_tokens.for_db(BACKEND)
def no_profiles(engine):
    return ()


@provision.upsert.for_db(BACKEND)
def upsert(
    config,
    table,
    returning,
    *,
    set_lambda=None,
    sort_by_parameter_order=False,
    index_elements=None,
):
    statement = insert(table)
    if set_lambda is None:
        statement = statement.on_conflict_do_nothing()
    else:
        statement = statement.on_conflict_do_update(set_=set_lambda(statement.excluded))
    return statement.returning(*returning, sort_by_parameter_order=sort_by_parameter_order)
