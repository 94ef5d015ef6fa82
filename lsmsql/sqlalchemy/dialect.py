"""The dialect: SQLAlchemy's for SQLite, as far as a store is not an SQLite file.

The SQL is that of SQLite, and so are types and reflection, which asks the empty twins of the tables
(see ``vtab.twins``). What differs:

    transactions    begin with BEGIN, so that they are serializable, reads and definitions included
    kv              the table of every store is there, but is listed only if it is asked for
    temp            the virtual tables of the store are no temporary tables
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from sqlalchemy import event, util
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL, reflection
from sqlalchemy.pool import Pool, QueuePool

import lsmsql
from lsmsql.dbapi.transactions import LEGACY_TRANSACTION_CONTROL
from lsmsql.sqlalchemy.temporary import TemporaryStore
from lsmsql.sqlalchemy.types import ANY
from lsmsql.sqlalchemy.url import MEMORY, connect_arguments

_KV = "kv"


class LsmsqlDialect(SQLiteDialect_pysqlite):
    """``lsmsql:///path``, or ``sqlite+lsmsql:///path``.

    Its name is "sqlite", so that what is written for SQLite, such as Alembic's batch mode, takes
    it for that; its ``driver`` is "lsmsql".
    """

    driver = "lsmsql"
    supports_statement_cache = True
    ischema_names = {**SQLiteDialect_pysqlite.ischema_names, "ANY": ANY}  # noqa: RUF012

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.temporary = TemporaryStore()

    # ------------------------------------------------------------------------------- connecting

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """The module with the PEP 249 interface."""
        return lsmsql

    def retrieve_dbapi_version(self, dbapi: Any) -> util.VersionInfo:
        """The version of lsmsql."""
        return util.VersionInfo(tuple(map(int, re.findall(r"\d+", lsmsql.__version__))))

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:
        """Connections share a store, a temporary one as well."""
        return QueuePool

    @classmethod
    def engine_created(cls, engine: Any) -> None:
        """A temporary store goes when the engine is disposed of."""
        if connect_arguments(engine.url)[0] == MEMORY:
            event.listen(engine, "engine_disposed", lambda _: engine.dialect.temporary.close())

    def create_connect_args(self, url: URL) -> Any:
        """The arguments of ``lsmsql.connect``."""
        path, arguments = connect_arguments(url)
        arguments.setdefault("check_same_thread", False)
        arguments.setdefault("foreign_keys", "declare")
        return [path], arguments

    def connect(self, *cargs: Any, **cparams: Any) -> Any:
        """A connection to the store of the path, or to the temporary store of the engine."""
        if cargs == (MEMORY,):
            return self.temporary.connect(cparams)
        return super().connect(*cargs, **cparams)

    def is_disconnect(self, e: Any, connection: Any, cursor: Any) -> bool:
        """Whether the connections of the pool are of no use any more: somebody has closed the
        store, or it must be opened again."""
        return isinstance(e, lsmsql.ClosedError | lsmsql.FailedError) or super().is_disconnect(
            e, connection, cursor
        )

    # ------------------------------------------------------------------------------- transactions

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin a transaction, as the ``isolation_level`` of the connection says."""
        if dbapi_connection.autocommit is not True and not dbapi_connection.in_transaction:
            dbapi_connection.execute(f"BEGIN {dbapi_connection.isolation_level or ''}")

    def do_commit(self, dbapi_connection: Any) -> None:
        """Commit. A transaction that is refused is over for SQLAlchemy, so it is rolled back."""
        try:
            dbapi_connection.commit()
        except BaseException:
            dbapi_connection.rollback()
            raise

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        """What was set."""
        if self.detect_autocommit_setting(dbapi_connection):
            return "AUTOCOMMIT"
        return super().get_isolation_level(dbapi_connection)

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """SERIALIZABLE or AUTOCOMMIT. READ UNCOMMITTED, which SQLite has, is serializable, too."""
        automatic = level == "AUTOCOMMIT"
        dbapi_connection.autocommit = automatic or LEGACY_TRANSACTION_CONTROL
        if level != self.get_isolation_level(dbapi_connection):
            super(SQLiteDialect_pysqlite, self).set_isolation_level(dbapi_connection, level)

    def detect_autocommit_setting(self, dbapi_conn: Any) -> bool:
        """Whether each statement is a transaction of its own."""
        return dbapi_conn.autocommit is True

    # ------------------------------------------------------------------------------- reflection

    @reflection.cache
    def get_table_names(
        self,
        connection: Any,
        schema: str | None = None,
        sqlite_include_internal: bool = False,
        **kw: Any,
    ) -> list[str]:
        """The tables of the store; with ``sqlite_include_internal`` kv, too."""
        names = super().get_table_names(
            connection, schema=schema, sqlite_include_internal=sqlite_include_internal, **kw
        )
        hidden = _KV if schema in (None, "main") and not sqlite_include_internal else None
        return [name for name in names if name != hidden]

    @reflection.cache
    def get_temp_table_names(self, connection: Any, *args: Any, **kw: Any) -> list[str]:
        """The temporary tables of the connection, which are not of the store."""
        ours = set(self.get_table_names(connection, sqlite_include_internal=True))
        names = super().get_temp_table_names(connection, *args, **kw)
        return [name for name in names if name not in ours]

    @reflection.cache
    def get_temp_view_names(self, connection: Any, *args: Any, **kw: Any) -> list[str]:
        """The temporary views of the connection, which are not of the store."""
        ours = set(self.get_view_names(connection, sqlite_include_internal=True))
        names = super().get_temp_view_names(connection, *args, **kw)
        return [name for name in names if name not in ours]
