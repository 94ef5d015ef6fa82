"""Connections of lsmsql, and of sqlite3, which says how they behave."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import lsmsql

FAST: dict[str, Any] = {"sync": "off", "background": False}


@pytest.fixture(params=[lsmsql, sqlite3], ids=["lsmsql", "sqlite3"])
def module(request) -> ModuleType:
    """Each test that takes this states what sqlite3 does, and that lsmsql does the same."""
    found: ModuleType = request.param
    return found


@pytest.fixture
def connect(module: ModuleType, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Makes connections to one and the same place."""
    made = []

    def make(**arguments: Any) -> Any:
        options = FAST if module is lsmsql else {}
        connection = module.connect(str(tmp_path / module.__name__), **arguments, **options)
        made.append(connection)
        return connection

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def connection(connect: Callable[..., Any]) -> Any:
    """A connection with an empty table."""
    made = connect()
    made.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price REAL) STRICT")
    return made


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def ours(path: str) -> Iterator[lsmsql.Connection]:
    """A connection of lsmsql alone."""
    made = lsmsql.connect(path, **FAST)
    made.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)")
    yield made
    made.close()
