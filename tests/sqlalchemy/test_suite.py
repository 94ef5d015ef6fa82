"""SQLAlchemy's suite for dialects: no test of it fails on a store."""

from __future__ import annotations

from tests.sqlalchemy.suite.run import run


def test_the_suite_of_sqlalchemy_passes():
    found = run("lsmsql")
    assert found.named("failed") == set(), found.output
    assert found.counts()["passed"] > 1500
