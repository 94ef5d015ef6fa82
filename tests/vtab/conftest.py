"""A store and a connection that has its tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

import vtab
from lsmsql.engine.store import Store, open_store


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def store(path: str) -> Iterator[Store]:
    with open_store(path, sync="off", background=False, block_rows=16) as opened:
        yield opened


@pytest.fixture
def connection(store: Store) -> Iterator[apsw.Connection]:
    made = apsw.Connection(":memory:")
    vtab.register(made, store)
    yield made
    made.close()
