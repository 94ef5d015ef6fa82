"""SQL text of SQLite's dialect, taken apart without running it.

SQLite parses, plans and runs; where it refuses on a virtual table what it does on its own tables,
the pieces of a statement are needed, exactly as they were written. They are found by tokens and
depth of parentheses, not by a grammar of expressions. ``tokens`` and ``reader`` are the means,
``changes`` reads INSERT, UPDATE and DELETE, ``definitions`` the heads of CREATE, DROP and ALTER,
``tables`` and ``indexes`` what CREATE TABLE and CREATE INDEX are made of, ``parameters`` gives the
variables of a piece their values, ``qualifiers`` moves names to another schema.

All are pure functions of text that SQLite may not have seen yet: what they cannot read is None.
"""
