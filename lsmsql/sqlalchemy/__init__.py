"""SQLAlchemy on a store: ``create_engine("lsmsql:///path")``.

Where lsmsql is installed, SQLAlchemy finds the dialect by itself; to import this module registers
it in any case. ``insert`` is SQLAlchemy's for SQLite: it has ``on_conflict_do_update``.
"""

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite import insert as insert

from lsmsql.sqlalchemy.dialect import LsmsqlDialect as LsmsqlDialect
from lsmsql.sqlalchemy.types import ANY as ANY

for _name in ("lsmsql", "sqlite.lsmsql"):
    registry.register(_name, "lsmsql.sqlalchemy.dialect", "LsmsqlDialect")
