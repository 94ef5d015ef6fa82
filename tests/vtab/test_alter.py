"""ALTER TABLE: what becomes of rows, indexes and views, as SQLite has it."""

from __future__ import annotations

from lsmsql.engine.store import Store
from tests.running import run


def test_implied_indexes_keep_their_columns_when_one_was_made_anew(store: Store) -> None:
    run(
        store,
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c TEXT UNIQUE)",
        "INSERT INTO t VALUES (1, 'x', 'p'), (2, 'y', 'q')",
        "REINDEX sqlite_autoindex_t_1",
        "ALTER TABLE t RENAME COLUMN a TO aa",
        "ALTER TABLE t RENAME TO u",
        "INSERT INTO u VALUES (3, 'z', 'r')",
    )
    assert store.verify().errors == ()
    assert run(store, "SELECT aa FROM u WHERE b = 'z'") == [(3,)]
    assert run(store, "SELECT aa FROM u WHERE c = 'q'") == [(2,)]
