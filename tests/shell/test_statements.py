"""Which statements are handed to SQLite as they are."""

from __future__ import annotations

import pytest

from lsmsql.engine.errors import UsageError
from lsmsql.shell.statements import Action, choose, in_temp, is_blank, read_head


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "INSERT INTO t VALUES(1)",
        "BEGIN",
        "CREATE TEMP TABLE t(a)",
        "create temporary table if not exists t as select 1",
        "CREATE TABLE temp.t(a)",
        "CREATE TABLE other.t(a)",
        "CREATE TEMP VIEW v AS SELECT 1",
        "CREATE INDEX i ON t(a)",
        "CREATE UNIQUE INDEX i ON t(a)",
        "CREATE TEMP TRIGGER r INSTEAD OF INSERT ON v BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE temp.t USING fts5(a)",
        "DROP VIEW t",
        "DROP TABLE t",
        "EXPLAIN CREATE TABLE t(a)",
        "/* CREATE TABLE t(a) */ SELECT 1",
        "; ; SELECT 1",
        "",
        "-- nothing",
    ],
)
def test_what_sqlite_runs(sql):
    assert choose(read_head(sql)) is Action.RUN


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("CREATE TABLE t(a)", "t"),
        ("create table if not exists t (a)", "t"),
        ("CREATE TABLE main.t(a)", "t"),
        ('CREATE TABLE "main" . "two words"(a)', "two words"),
        ("CREATE TABLE [a.b](a)", "a.b"),
        ("CREATE TABLE `a``b`(a)", "a`b"),
        ("-- note\nCREATE /* big */ TABLE\n\tstädte(a)", "städte"),
        ("CREATE TABLE temporary_things(a)", "temporary_things"),
        ('CREATE TABLE "AS"(a)', "AS"),
    ],
)
def test_tables_of_the_store(sql, name):
    head = read_head(sql)
    assert choose(head) is Action.CREATE_TABLE
    assert head.name == name


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("CREATE TABLE t AS SELECT 1", "PRIMARY KEY"),
        ("CREATE VIEW v AS SELECT 1", "CREATE TEMP VIEW"),
        ("CREATE VIEW main.v AS SELECT 1", "CREATE TEMP VIEW"),
        ("CREATE VIRTUAL TABLE t USING fts5(a)", "temp.t"),
        ("VACUUM", ".compact"),
        ("vacuum into 'x'", ".compact"),
    ],
)
def test_what_would_be_lost_is_refused(sql, message):
    with pytest.raises(UsageError, match=message):
        choose(read_head(sql))


@pytest.mark.parametrize(
    ("sql", "rewritten"),
    [
        ("CREATE VIRTUAL TABLE t USING lsm(a)", 'CREATE VIRTUAL TABLE temp."t" USING lsm(a)'),
        (
            'create virtual table if not exists main.[t"] using LSM',
            'create virtual table if not exists temp."t""" using LSM',
        ),
    ],
)
def test_virtual_tables_go_where_those_of_the_store_are(sql, rewritten):
    head = read_head(sql)
    assert choose(head) is Action.ATTACH
    assert in_temp(sql, head) == rewritten


@pytest.mark.parametrize("text", ["", " \n", ";", "-- a", "/* a */ ; -- b\n;"])
def test_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "-- a\nb", "';'", "-"])
def test_not_blank(text):
    assert not is_blank(text)
