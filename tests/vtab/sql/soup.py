"""Random text: signs in any order, and statements of which parts were cut out or replaced."""

from __future__ import annotations

from hypothesis import strategies as st

from vtab.sql.tokens import tokenize

SIGNS = [
    "a", "x", "0x1F", "1.5e3", ".5", ".", "'", '"', "`", "[", "]", "(", ")", "--", "/*", "*/",
    "\n", " ", "\t", "\ufeff", "\x0b", "?", "?1", ":", "@", "$", "#", "::", "ä", "\U0001f600",
    "|", "-", ">", "<", "=", "!", ";", "x'41'", "\\", "\x00", "_", ",", "?0", "?99999999999999",
]  # fmt: skip

SCHEMA = """
    CREATE TABLE t(a PRIMARY KEY, b UNIQUE, c); CREATE INDEX i ON t(b); CREATE VIEW v AS SELECT 1;
    CREATE TABLE u(x, y, conflict);
"""
"""What the statements below are about."""

_STATEMENTS = [
    """INSERT INTO t AS x (a, b) VALUES (1, 2)
       ON CONFLICT (a, lower(b) COLLATE nocase) WHERE conflict > 0 AND (a) DO UPDATE
       SET a = excluded.a + 1, ("b", c) = (SELECT a, b FROM t) WHERE x.a IN (1, 2)
       ON CONFLICT (b) DO NOTHING RETURNING a, b AS 'c'""",
    "INSERT INTO t SELECT a, b, c FROM t JOIN u ON conflict WHERE 1 ON CONFLICT DO NOTHING",
    "REPLACE INTO main.t DEFAULT VALUES RETURNING *",
    """WITH RECURSIVE x(y, z) AS NOT MATERIALIZED (SELECT 1, 2), w AS (SELECT 2)
       UPDATE OR IGNORE main.t AS z SET a = 1, (b, c) = (1, 2) FROM u WHERE x RETURNING *, a""",
    "DELETE FROM main.t AS z INDEXED BY i WHERE a RETURNING *",
    """CREATE TABLE IF NOT EXISTS main.n(
       a INTEGER CONSTRAINT one NOT NULL ON CONFLICT FAIL CHECK (a > (0)) DEFAULT -1.5 PRIMARY KEY
       AUTOINCREMENT UNIQUE ON CONFLICT IGNORE COLLATE nocase REFERENCES u(x) ON DELETE SET NULL
       MATCH full NOT DEFERRABLE INITIALLY DEFERRED, "b" DEC(10, -2) GENERATED ALWAYS AS (a) STORED)
    """,
    """CREATE TEMP TABLE n(a INT, b, c, CONSTRAINT k PRIMARY KEY (a DESC, b COLLATE nocase),
       UNIQUE ("b") ON CONFLICT IGNORE CONSTRAINT c CHECK (a) CHECK (c),
       FOREIGN KEY (a, b) REFERENCES u(x, y) ON DELETE NO ACTION) STRICT, WITHOUT ROWID""",
    """CREATE UNIQUE INDEX IF NOT EXISTS main.n ON t(a, (b) COLLATE nocase DESC,
       CASE a WHEN 1 THEN 2 END COLLATE rtrim, -(c) ASC) WHERE a > 1""",
    "CREATE TEMP TRIGGER n AFTER UPDATE OF a, b ON t BEGIN SELECT 1; END",
    "CREATE VIEW n(a, b) AS SELECT 1, 2",
    "ALTER TABLE main.t ADD COLUMN d INT CHECK (d > 0)",
    "ALTER TABLE t RENAME COLUMN a TO b",
    "DROP TABLE IF EXISTS main.t",
    "REINDEX main.i",
]
_TEXTS = [[token.text for token in tokenize(statement)] for statement in _STATEMENTS]
_ALL = sorted({text for texts in _TEXTS for text in texts})


@st.composite
def _edited(draw: st.DrawFn) -> str:
    texts = list(draw(st.sampled_from(_TEXTS)))
    cuts = st.tuples(st.integers(0, 150), st.integers(0, 4), st.sampled_from(_ALL))
    for at, size, text in draw(st.lists(cuts, max_size=3)):
        start = at % (len(texts) + 1)
        texts[start : start + size] = [text]
    return "".join(texts)


SOUP = st.lists(st.sampled_from(SIGNS), max_size=12).map("".join)
EDITED = _edited()
