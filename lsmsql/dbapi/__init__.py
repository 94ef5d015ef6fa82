"""``lsmsql.connect``: a store through the Python database API, PEP 249, with the habits of sqlite3.

``connection`` and ``cursor`` are what a program holds. ``statements`` says what a text of SQL is,
``transactions`` when they begin and end, ``adapters`` and ``rows`` how values come in and out,
``errors`` what is raised, and ``sharing`` lets connections of a process share a store.
"""
