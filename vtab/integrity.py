"""PRAGMA integrity_check and quick_check: what ``verify`` finds, and of indexes what SQL tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsmsql.engine.indexes import IndexEntries, Terms
from lsmsql.engine.readview import ReadView
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.snapshot import catalog_at
from lsmsql.engine.values import Value
from lsmsql.engine.verify.agreement import disagreements
from vtab.rules import Rules
from vtab.session import Session


def problems(session: Session, schema: TableSchema, *, quick: bool) -> Iterator[str]:
    """What is wrong with the committed rows of a table: every checksum, or every row as well."""
    report = session.store.verify("checksums" if quick else "full", schema.name)
    yield from map(str, report.errors)
    if not quick and report.ok:
        yield from _of_computed_indexes(session, schema.id)


def _of_computed_indexes(session: Session, table_id: int) -> Iterator[str]:
    """Of indexes on expressions, and of partial ones, the engine alone cannot tell all."""
    with ReadView(session.core) as view:
        catalog = catalog_at(view)
        for index in catalog.indexes.get(table_id, ()):
            table = catalog.by_id[table_id]
            if IndexEntries(index, table).needs_sql:
                rules = Rules(session, table, (index,))

                def terms(values: Sequence[Value], rules: Rules = rules) -> Terms | None:
                    return rules.terms(values)[0]

                for problem in disagreements(view, table, index, terms):
                    yield f"error: index {index.name} (table {table.name}): {problem}"
