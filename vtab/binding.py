"""A store in a connection: ``register``."""

from __future__ import annotations

import weakref
from collections.abc import Mapping

import apsw

from lsmsql.engine.catalog import Catalog
from lsmsql.engine.errors import ClosedError, NoSuchTableError, SchemaError, UsageError
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.store import Store
from vtab.declare import quoted
from vtab.definer import Definer
from vtab.module import MODULE_NAME, Module, attach_statement
from vtab.session import Session
from vtab.twins import show_views, sync_twins

_WITH_INTEGRITY = 4
"""The first version of SQLite's interface with integrity checks. apsw has only so many places for
modules of it: connections beyond these do without."""
_WITH_SAVEPOINTS = 2

_ATTACHED = f"""
    SELECT name FROM temp.sqlite_schema
    WHERE type = 'table' AND rootpage = 0 AND sql LIKE '%USING {MODULE_NAME}%'
"""


class Binding:
    """The tables of one store in one connection."""

    def __init__(
        self, connection: apsw.Connection, store: Store, *, owned: bool, references: bool
    ) -> None:
        self.store = store
        self.session = Session(connection, store)
        self._module = Module(self.session)
        self._owned = owned
        self._definer = Definer(self.session, self._show, references=references)
        self._connection = weakref.ref(connection)
        self._catalog: Catalog | None = None
        self._indexes: Mapping[int, tuple[TableSchema, ...]] = {}
        """Those that statements may have been planned with."""
        try:
            self._create_module(connection, _WITH_INTEGRITY)
        except Exception as error:  # apsw has no class for it
            if "slots" not in str(error):
                raise
            self._create_module(connection, _WITH_SAVEPOINTS)
        connection.create_scalar_function("lsmsql_sequence", self._sequence, 0)

    def _create_module(self, connection: apsw.Connection, version: int) -> None:
        connection.create_module(
            MODULE_NAME,
            self._module,  # type: ignore[arg-type]
            use_bestindex_object=True,
            use_no_change=True,
            iVersion=version,
        )

    def _sequence(self, *_: object) -> int:
        return self.store.sequence

    def refresh(self) -> None:
        """Attach tables that are new in the store, detach those that it no longer has.

        Raises SchemaError if a table's name is that of a temporary table or view of the connection.
        """
        connection = self._connection()
        if connection is None:
            raise ClosedError("the connection is closed")
        while True:
            self.store.core.check_open()
            self._catalog = self.store.core.catalog
            try:
                self._show(connection)
                return
            except NoSuchTableError:  # another process has dropped it meanwhile
                if self.store.core.catalog is self._catalog:
                    raise

    def _show(self, connection: apsw.Connection) -> None:
        """Have the connection show what the transaction has."""
        catalog = self.session.catalog
        self._attach_all(connection, catalog)
        if self._owned:
            sync_twins(connection, catalog)
        show_views(connection, catalog)
        if catalog.indexes != self._indexes:
            self._indexes = catalog.indexes
            expire_statements(connection)

    def _attach_all(self, connection: apsw.Connection, catalog: Catalog) -> None:
        wanted = {schema.name.lower(): schema for schema in catalog.tables}
        rows = connection.execute(_ATTACHED).fetchall()
        attached = {str(name).lower(): str(name) for (name,) in rows}
        for name, written in list(attached.items()):
            if self._module.attached.get(name) != wanted.get(name):
                self._detach(connection, written)  # to SQLite, Ü and ü are two
                del attached[name]
        for name in sorted(wanted.keys() - attached.keys()):
            self._attach(connection, wanted[name].name)

    def catch_up(self) -> None:
        """``refresh``, if the tables have been changed since, and between transactions only."""
        connection, core = self._connection(), self.store.core
        core.check_open()
        changed = core.catalog is not self._catalog
        if changed and connection is not None and not connection.in_transaction:
            self.refresh()

    def define(self, sql: str) -> bool:
        """Run a statement that creates, drops or alters something in the store: part of the
        connection's transaction. False if it is another statement, which SQLite must run.

        Raises SchemaError, ReadOnlyError, and what a commit may raise.
        """
        connection = self._connection()
        if connection is None:
            raise ClosedError("the connection is closed")
        return self._definer.run(connection, sql)

    def _detach(self, connection: apsw.Connection, name: str) -> None:
        self.session.detaching = True
        try:
            connection.execute(f"DROP TABLE temp.{quoted(name)}")
        finally:
            self.session.detaching = False

    def _attach(self, connection: apsw.Connection, name: str) -> None:
        try:
            connection.execute(attach_statement(name))
        except apsw.SQLError as error:
            if "already exists" in str(error):
                hint = "a temporary table or view has its name; drop that first"
                raise SchemaError(f"table {name} of the store cannot be shown: {hint}") from error
            raise SchemaError(f"table {name} of the store cannot be attached: {error}") from error


def expire_statements(connection: apsw.Connection) -> None:
    """Have all statements planned anew when they are run again, as SQLite does it for whoever sets
    an authorizer: for a moment another one."""
    authorizer = connection.authorizer
    connection.authorizer = lambda *_: apsw.SQLITE_OK
    connection.authorizer = authorizer


_bindings: weakref.WeakKeyDictionary[apsw.Connection, Binding] = weakref.WeakKeyDictionary()


def register(
    connection: apsw.Connection, store: Store, *, owned: bool = False, references: bool = False
) -> Binding:
    """Make every table of ``store`` a virtual table of the connection, in its TEMP schema.

    Tables that are created later through SQL are there at once, those created through Python after
    ``refresh`` of the binding that is returned. To register the same store again only refreshes.

    ``owned``: the connection has nothing else in its schema ``main``, which then tells, by empty
    tables, what there is. ``references``: foreign keys may be declared, but nobody enforces them.
    Raises UsageError if the connection has another store already, ClosedError.
    """
    binding = _bindings.get(connection)
    if binding is None:
        store.core.check_open()
        binding = Binding(connection, store, owned=owned, references=references)
        _bindings[connection] = binding
    elif binding.store is not store:
        raise UsageError(
            f"the connection has the tables of {binding.store.path};"
            f" open another connection for {store.path}"
        )
    binding.refresh()
    return binding
