"""Random text of SQL's tokens, which mostly makes no sense."""

from __future__ import annotations

from hypothesis import strategies as st

SIGNS = [
    "a", "x", "0x1F", "1.5e3", ".5", ".", "'", '"', "`", "[", "]", "(", ")", "--", "/*", "*/",
    "\n", " ", "\t", "\ufeff", "\x0b", "?", "?1", ":", "@", "$", "#", "::", "ä", "\U0001f600",
    "|", "-", ">", "<", "=", "!", ";", "x'41'", "\\", "\x00", "_", ",", "?0", "?99999999999999",
]  # fmt: skip
_WORDS = """
    INSERT REPLACE UPDATE DELETE WITH RECURSIVE INTO FROM OR IGNORE AS SET VALUES DEFAULT SELECT ON
    CONFLICT DO NOTHING WHERE RETURNING CREATE TEMP TABLE UNIQUE INDEX VIEW TRIGGER VIRTUAL USING IF
    NOT EXISTS DROP ALTER RENAME TO COLUMN ADD REINDEX ANALYZE CONSTRAINT CHECK PRIMARY KEY FOREIGN
    REFERENCES COLLATE GENERATED ALWAYS STORED AUTOINCREMENT NULL WITHOUT ROWID STRICT DESC ASC CASE
    END t a main ( ) , . = ; ? :a 'x' "b" 1 - DEFERRABLE INITIALLY DEFERRED MATCH
"""

SOUP = st.lists(st.sampled_from(SIGNS), max_size=12).map("".join)
STATEMENTS = st.lists(st.sampled_from(_WORDS.split()), max_size=16).map(" ".join)
