"""A short life of a table with indexes, after each step of which they must agree."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress

import lsmsql
from lsmsql.engine import building
from lsmsql.engine.store import Store, open_store
from tests.running import run

Step = Callable[[Store], object]

_TABLE = ("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c)", "CREATE INDEX i ON t(c)")


def _written_by_sql(store: Store) -> None:
    run(
        store,
        "INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 1), (3, NULL, NULL), (4, NULL, 2.0)",
        "UPDATE t SET c = 2 WHERE a = 1",
        "REPLACE INTO t VALUES (2, 'z', 3), (5, 'x', 1)",
        "DELETE FROM t WHERE a = 4",
    )


def _written_from_python(store: Store) -> None:
    table = store.table("t")
    table.put([6, "v", 1])
    table.update([[6, "w", 2], [7, "v", None], [8, None, 2.0]])
    table.delete(8)


def _duplicates_refused(store: Store) -> None:
    for write in (
        lambda: store.table("t").put([9, "x", 1]),
        lambda: run(store, "INSERT INTO t VALUES (9, 'x', 1)"),
    ):
        try:
            write()
        except (lsmsql.ConstraintError, lsmsql.IntegrityError):
            continue
        raise AssertionError("two rows with the same UNIQUE value")


def _begun_before_an_index(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.table("t").put([10, "p", 5])
        run(store, "CREATE INDEX j ON t(c, b)")
        with suppress(lsmsql.ConflictError):
            transaction.commit()


def _written_while_an_index_is_built(store: Store) -> None:
    fill = building._Builder.fill

    def fill_and_write(*arguments: object, **named: object) -> None:
        fill(*arguments, **named)  # type: ignore[arg-type]
        building._Builder.fill = fill  # type: ignore[method-assign]
        store.table("t").put([11, "q", 6])

    building._Builder.fill = fill_and_write  # type: ignore[method-assign]
    try:
        run(store, "CREATE INDEX k ON t(c DESC)")
    finally:
        building._Builder.fill = fill  # type: ignore[method-assign]


STEPS: tuple[Step, ...] = (
    lambda store: run(store, *_TABLE),
    _written_by_sql,
    _written_from_python,
    _duplicates_refused,
    _begun_before_an_index,
    _written_while_an_index_is_built,
    lambda store: store.compact(),
)


def live() -> Iterator[None]:
    """Do the steps one after the other. Raises AssertionError where indexes do not agree."""
    with (
        tempfile.TemporaryDirectory() as path,
        open_store(f"{path}/store", sync="off", background=False, block_rows=4) as store,
    ):
        for step in STEPS:
            step(store)
            assert store.verify().ok, str(store.verify())
            yield
