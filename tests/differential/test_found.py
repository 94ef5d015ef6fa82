"""Small programs that once gave something else here than in SQLite."""

from __future__ import annotations

import pytest

from tests.differential.programs import Step
from tests.differential.running import run

FOUND = {
    "a rowid that is no integer": """
        CREATE TABLE t(a INTEGER PRIMARY KEY, b);
        INSERT INTO t VALUES ('x', 1);
        INSERT OR IGNORE INTO t VALUES ('x', 1);
        INSERT INTO t VALUES (1, 1);
        UPDATE t SET a = NULL""",
    "a REAL that is the smallest rowid": """
        CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER);
        INSERT INTO t VALUES (-9223372036854775808.0, 1), (2, -9223372036854775808.0);
        UPDATE t SET a = -9223372036854775808.0 WHERE a = 2;
        SELECT a, typeof(a), b, typeof(b) FROM t ORDER BY a""",
    "rows that are ignored before one that is given a rowid": """
        CREATE TABLE t(a INTEGER PRIMARY KEY, b NOT NULL);
        INSERT OR IGNORE INTO t(b) VALUES (NULL), (NULL), (7);
        BEGIN;
        INSERT INTO t(b) VALUES (8), (NULL);
        INSERT INTO t(b) VALUES (9);
        SELECT * FROM t""",
    "a rowid that becomes NULL": """
        CREATE TABLE t(a INTEGER PRIMARY KEY, b NOT NULL);
        INSERT INTO t VALUES (1, 1);
        INSERT INTO t VALUES (1, 2) ON CONFLICT DO UPDATE SET a = NULL;
        INSERT OR IGNORE INTO t VALUES ('x', NULL)""",
    "a table that is created behind a savepoint": """
        CREATE TABLE t(a);
        BEGIN;
        INSERT INTO t VALUES (1);
        SAVEPOINT x;
        CREATE TABLE u(a);
        ALTER TABLE t ADD b;
        ROLLBACK TO x;
        SELECT * FROM t""",
    "a table that is altered behind the savepoint that opens the transaction": """
        CREATE TABLE t(a);
        SAVEPOINT x;
        INSERT INTO t VALUES (1);
        ALTER TABLE t ADD b;
        INSERT INTO t VALUES (1, 2);
        SAVEPOINT y;
        INSERT INTO t VALUES (3, 4);
        ALTER TABLE t ADD c;
        INSERT INTO t VALUES (5, 6, 7), (8, 9, 10);
        ROLLBACK TO y;
        SELECT * FROM t;
        ROLLBACK TO x;
        SELECT * FROM t""",
    "a rowid that is there": """
        CREATE TABLE t(a);
        INSERT INTO t(rowid, a) VALUES (7, 1), (7, 2)""",
    "a primary key with a collation that is there": """
        CREATE TABLE t(a TEXT COLLATE NOCASE NOT NULL PRIMARY KEY);
        INSERT INTO t VALUES ('a'), ('A')""",
    "several constraints that are broken": """
        CREATE TABLE t(a TEXT NOT NULL, b UNIQUE, PRIMARY KEY (a));
        CREATE UNIQUE INDEX i ON t(b, a);
        INSERT INTO t VALUES ('x', 1);
        INSERT INTO t VALUES ('x', 1);
        INSERT INTO t VALUES ('y', 1)""",
    "NULL beside a value of a wrong type": """
        CREATE TABLE t(a TEXT NOT NULL, b BLOB) STRICT;
        INSERT OR IGNORE INTO t(b) VALUES (1);
        INSERT INTO t(b) VALUES (1)""",
    "a value of a wrong type beside NULL, where columns are computed": """
        CREATE TABLE t(a TEXT NOT NULL, b BLOB, c TEXT AS (a)) STRICT;
        INSERT INTO t(b) VALUES (1)""",
    "a column that is added with a constant": """
        CREATE TABLE t(a);
        INSERT INTO t VALUES (1);
        ALTER TABLE t ADD b NUMERIC DEFAULT 1e-05;
        ALTER TABLE t ADD c DEFAULT -2.5E+3;
        ALTER TABLE t ADD d DEFAULT TRUE;
        ALTER TABLE t ADD e DEFAULT (1 + 2);
        ALTER TABLE t ADD f TEXT DEFAULT 1.50;
        ALTER TABLE t ADD g CLOB DEFAULT (- 1e-05);
        ALTER TABLE t ADD h TEXT DEFAULT 1_0;
        INSERT INTO t(a) VALUES (2);
        SELECT * FROM t""",
    "a column that is added with a condition that rows there do not meet": """
        CREATE TABLE t(a, b, CHECK (a NOT LIKE 'x%'));
        INSERT INTO t VALUES (0, 1);
        ALTER TABLE t ADD c DEFAULT 20 CHECK (c < 12);
        ALTER TABLE t ADD d DEFAULT 2 CHECK (d < 12) CHECK (d > 1);
        ALTER TABLE t ADD e DEFAULT 2 CHECK (e < 12) CHECK (e > 5);
        ALTER TABLE t ADD e DEFAULT 2 CHECK (d < 12);
        ALTER TABLE t RENAME COLUMN d TO dd;
        SELECT * FROM t""",
    "a number with a zero byte behind it": """
        CREATE TABLE t(a REAL, b INTEGER, c TEXT, d);
        INSERT INTO t VALUES ('1' || x'00', ' 2 ' || x'0061', '3' || x'00', '4' || x'00');
        INSERT INTO t VALUES (x'00' || '1', '', '', '');
        SELECT * FROM t""",
    "a term that fails for a row that is not in the index": """
        CREATE TABLE t(a);
        CREATE INDEX i ON t(abs(a)) WHERE a > 0;
        INSERT INTO t VALUES (-9223372036854775808);
        SELECT * FROM t""",
    **{
        f"an UPDATE{conflict} ... FROM that fails half-way": f"""
        CREATE TABLE t(b PRIMARY KEY, c CHECK (c <> 'bad'), d);
        CREATE TABLE f(k);
        INSERT INTO f VALUES ('a'), ('bad'), ('c');
        INSERT INTO t VALUES (1, 0, 'a'), (2, 0, 'bad'), (3, 0, 'c');
        BEGIN;
        INSERT INTO t VALUES (4, 0, 'a');
        UPDATE{conflict} t SET c = g.k FROM (SELECT k, count(*) FROM f GROUP BY k) g WHERE d = g.k;
        SELECT * FROM t;
        UPDATE{conflict} t SET c = g.k FROM (SELECT k, count(*) FROM f GROUP BY k) g WHERE d = g.k
            RETURNING b;
        SELECT * FROM t;
        COMMIT;
        SELECT * FROM t"""
        for conflict in ("", " OR ABORT", " OR IGNORE", " OR FAIL", " OR REPLACE", " OR ROLLBACK")
    },
    "a LIMIT by an index, with rows that only the rest of a row value drops": """
        CREATE TABLE t(a INT, b INT, c TEXT NOT NULL PRIMARY KEY);
        INSERT INTO t VALUES (9, 1, 'a'), (7, 1, 'b'), (6, 1, 'c'), (1, 1, 'd'), (0, 0, 'e');
        INSERT INTO t VALUES (5, 'x', 'f'), (NULL, NULL, 'g'), (3, 3, 'h'), (4, 4, 'i');
        CREATE INDEX i ON t(b DESC);
        SELECT EXISTS (SELECT 1 FROM t WHERE (b, a) BETWEEN (-1, 9) AND (1, 1));
        SELECT a FROM t WHERE (b, a) <= (1, 6) AND b > -5 ORDER BY b DESC LIMIT 2;
        SELECT a FROM t WHERE (b, a) <= (1, 6) AND b > -5 ORDER BY b DESC LIMIT 1 OFFSET 1""",
    "a row that an UPSERT meets twice": """
        CREATE TABLE t(b UNIQUE, e TEXT NOT NULL PRIMARY KEY);
        INSERT INTO t VALUES (1, 'x'), (2, 'y');
        INSERT INTO t VALUES (1, 'y') ON CONFLICT (b) DO UPDATE SET b = 9;
        SELECT * FROM t""",
}


@pytest.mark.parametrize("what", FOUND)
def test_what_once_differed(what):
    failure = run([Step(text.strip()) for text in FOUND[what].split(";")])
    assert failure is None, str(failure)
