"""The SQL side of a store: its tables in any apsw connection.

    binding = vtab.register(connection, store)
    connection.execute("SELECT * FROM flights WHERE origin = 'JFK'")

Every table of the store is a virtual table of the connection's TEMP schema, so that a database file
of the user's own is never touched. ``module`` makes the tables, ``planner`` decides how a query
reads one, ``cursor`` reads it, ``writer`` changes it, and ``session`` holds what the tables of one
connection have in common: its snapshot and its uncommitted changes.
"""

from vtab.binding import Binding as Binding
from vtab.binding import register as register
from vtab.ddl import create_from_sql as create_from_sql
from vtab.ddl import parse_create as parse_create
from vtab.explain import readable as readable
