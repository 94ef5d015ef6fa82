"""Engines for a store, and for SQLite, which says what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

import lsmsql.sqlalchemy  # noqa: F401 (registers the dialect)

FAST = "sync=off&background=false"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def make_engine(path: str) -> Iterator[Callable[..., Engine]]:
    """Makes engines for the store; further arguments of the URL, and of ``create_engine``."""
    made: list[Engine] = []

    def make(query: str = FAST, **arguments: Any) -> Engine:
        made.append(create_engine(f"lsmsql:///{path}?{query}", **arguments))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    """For the store."""
    return make_engine()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    """For a file of SQLite's."""
    made = create_engine(f"sqlite:///{tmp_path}/sqlite.db")
    yield made
    made.dispose()


@pytest.fixture(params=["lsmsql", "sqlite"])
def either(request: pytest.FixtureRequest) -> Engine:
    """What takes this is true of both."""
    found: Engine = request.getfixturevalue("engine" if request.param == "lsmsql" else "sqlite")
    return found
