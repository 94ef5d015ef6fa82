"""CREATE, DROP, ALTER and their kind on what is in the store: all part of the SQL transaction.

SQLite does not do these on virtual tables, or not so that they last. Each is tried out on an empty
copy of the catalogue (see ``scratch``), so SQLite finds what is wrong; then the catalogue is
changed, and the connection shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import apsw

from lsmsql.engine.catalog import kind_of
from lsmsql.engine.definitions import View
from lsmsql.engine.errors import SchemaError
from lsmsql.engine.indexes import check_indexable, index_schema
from lsmsql.engine.schema import Check, TableSchema
from vtab.alter import altered
from vtab.ddl import parse_create, read_index
from vtab.declare import quoted
from vtab.definitions import change_catalog, define, define_index, redefine, undefine
from vtab.indexbuild import build_online, fill_index
from vtab.module import MODULE_NAME
from vtab.scratch import scratch_of, text_of, try_out
from vtab.session import Session
from vtab.sql.definitions import Definition, read_statement
from vtab.sql.tables import table_pieces

_COPY = "lsm_copy"
"""A temporary table that holds what a SELECT has given, for a moment."""

Action = Callable[[apsw.Connection, str, Definition], None]


class Definer:
    """Runs the statements of one connection that define something in its store.

    ``show`` is called when the catalogue of the transaction has changed. ``references``: foreign
    keys may be declared, though nobody enforces them.
    """

    def __init__(
        self,
        session: Session,
        show: Callable[[apsw.Connection], None],
        *,
        references: bool = False,
    ) -> None:
        self._session = session
        self._show = show
        self._references = references
        self._actions: dict[tuple[str, str], Action] = {
            ("CREATE", "TABLE"): self._create_table,
            ("CREATE", "VIRTUAL TABLE"): self._create_virtual,
            ("CREATE", "INDEX"): self._create_index,
            ("CREATE", "VIEW"): self._create_view,
            ("CREATE", "TRIGGER"): self._refuse_trigger,
            ("DROP", "TABLE"): self._drop,
            ("DROP", "INDEX"): self._drop,
            ("DROP", "VIEW"): self._drop,
            ("ALTER", "TABLE"): self._alter,
            ("REINDEX", ""): self._reindex,
            ("ANALYZE", ""): self._analyze,
        }

    def run(self, connection: apsw.Connection, sql: str) -> bool:
        """Run a statement, if it is about the store; whether it was.

        Raises SchemaError, ReadOnlyError, and what a commit may raise.
        """
        head = read_statement(sql)
        if head is None or not self._is_ours(head):
            return False
        if (head.verb, head.kind) == ("CREATE", "INDEX") and not connection.in_transaction:
            self._build_index(connection, sql, head)
            return True
        with atomic(connection):
            self._actions[head.verb, head.kind](connection, sql, head)
        return True

    def _is_ours(self, head: Definition) -> bool:
        if (head.verb, head.kind) not in self._actions or head.temporary:
            return False
        schema = (head.schema or "main").lower()
        if schema == "temp" and (head.verb, head.kind) == ("DROP", "VIEW"):
            return isinstance(self._session.catalog.named(head.name or ""), View)
        if schema != "main":
            return False
        if head.verb == "CREATE" and head.kind in ("TABLE", "VIRTUAL TABLE", "VIEW"):
            return True
        if head.verb == "CREATE":
            return self._session.catalog.named(head.table or "") is not None
        return head.name is None or self._session.catalog.named(head.name) is not None

    # ------------------------------------------------------------------------------- CREATE

    def _create_table(self, connection: apsw.Connection, sql: str, head: Definition) -> None:
        if self._is_there(head):
            return
        pieces = table_pieces(sql)
        if pieces is not None and pieces.select is not None:
            self._create_as(connection, head, self._session.in_temp(pieces.select.text))
            return
        definition = parse_create(sql, references=self._references)
        define(self._session, definition.schema, definition.indexes)
        self._show(connection)

    def _create_as(self, connection: apsw.Connection, head: Definition, select: str) -> None:
        """CREATE TABLE ... AS SELECT: SQLite says which columns there are, and of which types."""
        connection.execute(f"CREATE TEMP TABLE {_COPY} AS {select}")
        try:
            ((text,),) = connection.execute(
                "SELECT sql FROM sqlite_temp_schema WHERE name = ?", (_COPY,)
            )
            columns = str(text).partition("(")[2]
            definition = parse_create(f"CREATE TABLE {quoted(head.name or '')}({columns}")
            define(self._session, definition.schema, definition.indexes)
            self._show(connection)
            name = quoted(head.name or "")
            connection.execute(f"INSERT INTO temp.{name} SELECT * FROM temp.{_COPY}")
        finally:
            connection.execute(f"DROP TABLE temp.{_COPY}")

    def _create_virtual(self, connection: apsw.Connection, sql: str, head: Definition) -> None:
        """CREATE VIRTUAL TABLE ... USING lsm(columns), where the tables of the store are."""
        words = () if head.rest is None else head.rest.text.replace("(", " ").upper().split()
        if words[:2] != ["USING", MODULE_NAME.upper()]:
            raise SchemaError(
                f"only virtual tables USING {MODULE_NAME} are kept in the store;"
                f" CREATE VIRTUAL TABLE temp.{head.name} USING ... lasts as long as the connection"
            )
        connection.execute(head.in_schema(sql, "temp"))
        self._show(connection)

    def _create_index(self, connection: apsw.Connection, sql: str, head: Definition) -> None:
        """CREATE INDEX within a transaction: the entries are changes of it."""
        session = self._session
        if not self._is_there(head):
            table, index = self._read_index(sql, head)
            fill_index(session, table, define_index(session, index))
            self._show(connection)

    def _build_index(self, connection: apsw.Connection, sql: str, head: Definition) -> None:
        """CREATE INDEX alone: others may write meanwhile."""
        if self._is_there(head):
            return
        session = self._session
        session.store.core.check_writable()
        table, index = self._read_index(sql, head)
        build_online(session, table, index)
        with atomic(connection):
            self._show(connection)

    def _read_index(self, sql: str, head: Definition) -> tuple[TableSchema, TableSchema]:
        """The table, and the index that a CREATE INDEX defines."""
        catalog, name = self._session.catalog, head.name or ""
        table = catalog.get(head.table or "")
        check_indexable(table)
        with scratch_of(catalog, views=False) as scratch:
            try_out(scratch, head.in_schema(sql, "main"))
            text = text_of(scratch, "index", name)
            definition = read_index(scratch, name, text, table)
        return table, index_schema(table, name, definition, text)

    def _create_view(self, connection: apsw.Connection, sql: str, head: Definition) -> None:
        if self._is_there(head):
            return
        name = head.name or ""
        with scratch_of(self._session.catalog) as scratch:
            try_out(scratch, head.in_schema(sql, "main"))
            text = text_of(scratch, "view", name)
        change_catalog(self._session, lambda catalog, least: catalog.create_view(name, text, least))
        self._show(connection)

    def _refuse_trigger(self, connection: apsw.Connection, sql: str, head: Definition) -> None:
        raise SchemaError(
            f"trigger {head.name}: a table of the store has no triggers;"
            " CREATE TEMP TRIGGER ... INSTEAD OF ... ON a view lasts as long as the connection"
        )

    def _is_there(self, head: Definition) -> bool:
        """Whether there is nothing to do, because of IF NOT EXISTS."""
        found = self._session.catalog.named(head.name or "")
        if found is None or not head.conditional:
            return False
        return kind_of(found).upper() == head.kind or head.kind == "VIEW"

    # ------------------------------------------------------------------------------- DROP, ALTER

    def _drop(self, connection: apsw.Connection, sql: str, head: Definition) -> None:
        found = self._session.catalog.named(head.name or "")
        assert found is not None
        kind = kind_of(found)
        if kind.upper() != head.kind:
            raise SchemaError(f"{found.name} is not a {head.kind.lower()}; use DROP {kind.upper()}")
        if isinstance(found, TableSchema) and found.index and found.index.origin != "c":
            raise SchemaError(
                f"index {found.name} belongs to a UNIQUE or PRIMARY KEY constraint"
                " and cannot be dropped"
            )
        undefine(self._session, found)
        self._show(connection)

    def _alter(self, connection: apsw.Connection, sql: str, head: Definition) -> None:
        session = self._session
        table = session.catalog.get(head.name or "")
        things = altered(session, table, sql, head, references=self._references)
        for thing in things:
            redefine(session, thing)
        self._show(connection)
        new = things[0]
        if isinstance(new, TableSchema):
            self._check_rows(connection, new, _added_checks(table, new))

    def _check_rows(
        self, connection: apsw.Connection, table: TableSchema, checks: Sequence[Check]
    ) -> None:
        """Raise SchemaError, as SQLite says it, if a row breaks a CHECK that is new."""
        for check in checks:
            query = f"SELECT 1 FROM temp.{quoted(table.name)} WHERE NOT ({check.sql}) LIMIT 1"
            if connection.execute(query).fetchall():
                raise SchemaError("CHECK constraint failed")

    def _reindex(self, connection: apsw.Connection, sql: str, head: Definition) -> None:
        """REINDEX, of everything, a table or an index: its entries are made anew."""
        session = self._session
        catalog = session.catalog
        found = None if head.name is None else catalog.named(head.name)
        for table_id, indexes in catalog.indexes.items():
            for index in indexes:
                if found is None or found.id in (table_id, index.id):
                    undefine(session, index)
                    renewed = define_index(session, replace(index, id=0))
                    fill_index(session, catalog.by_id[table_id], renewed)
        self._show(connection)

    def _analyze(self, connection: apsw.Connection, sql: str, head: Definition) -> None:
        """ANALYZE, of everything, a table or an index: look how its keys are distributed."""
        catalog, planning = self._session.catalog, self._session.planning
        found = None if head.name is None else catalog.named(head.name)
        for schema in catalog.by_id.values():
            table_id = schema.id if schema.index is None else schema.index.table_id
            if found is None or found.id in (schema.id, table_id):
                planning.statistics.analyze(schema, planning.counts[schema.id])


@contextmanager
def atomic(connection: apsw.Connection) -> Iterator[None]:
    """All statements within, or none: a transaction, or a savepoint of the one that goes on."""
    begin, end, undo = "BEGIN", "COMMIT", "ROLLBACK"
    if connection.in_transaction:
        name = "lsm_definition"
        begin, end, undo = f"SAVEPOINT {name}", f"RELEASE {name}", f"ROLLBACK TO {name}"
    connection.execute(begin)
    try:
        yield
        connection.execute(end)
    except BaseException:
        if connection.in_transaction:
            connection.execute(undo)
            if end != "COMMIT":
                connection.execute(end)
        raise


def _added_checks(old: TableSchema, new: TableSchema) -> list[Check]:
    """The conditions that ADD COLUMN has brought: they may stand before those of the table."""
    added = list(new.checks)
    if len(added) > len(old.checks):
        for check in old.checks:
            added.remove(check)
    else:
        added.clear()
    return added
