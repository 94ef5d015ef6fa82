"""INSERT, UPDATE, DELETE and TRUNCATE."""

from __future__ import annotations

from sqlglot import exp

from lsmsql.dialects.rules import ALL, only, refuse, rule

_INSERT = {
    "this",
    "expression",
    "conflict",
    "returning",
    "ignore",
    "alternative",
    "with_",
    "default",
}


@rule(ALL, exp.Schema)
def columns_of(node: exp.Expr, dialect: str) -> exp.Expr:
    """A table and its columns."""
    return only(node, dialect, {"this", "expressions"})


@rule(ALL, exp.Insert)
def insert(node: exp.Expr, dialect: str) -> exp.Expr:
    """INSERT; IGNORE becomes OR IGNORE."""
    only(node, dialect, _INSERT)
    if node.args.get("ignore"):
        node.set("ignore", False)
        node.set("alternative", "IGNORE")
    replaces = str(node.args.get("alternative") or "").upper() == "REPLACE"
    if replaces and dialect == "duckdb" and isinstance(node.this, exp.Schema):
        raise refuse(node, "SQLite would set the other columns to their defaults: ON CONFLICT")
    query = node.expression
    if node.args.get("conflict") and isinstance(query, exp.Select):
        plain = not any(query.args.get(part) for part in ("where", "group", "order", "limit"))
        if query.args.get("from_") and plain:  # else SQLite takes ON for that of a join
            query.set("where", exp.Where(this=exp.true()))
    return node


@rule("postgres duckdb", exp.OnConflict)
def on_conflict(node: exp.Expr, dialect: str) -> exp.Expr:
    """DO NOTHING and DO UPDATE; the columns of the target have no order."""
    only(node, dialect, {"expressions", "action", "conflict_keys", "index_predicate", "where"})
    for key in node.args.get("conflict_keys") or []:
        if isinstance(key, exp.Ordered):
            key.set("nulls_first", True)
    return node


@rule("mysql", exp.OnConflict)
def on_duplicate(node: exp.Expr, dialect: str) -> exp.Expr:
    """ON DUPLICATE KEY UPDATE: on a conflict with any key."""
    only(node, dialect, {"expressions", "action", "duplicate"})
    _check_in_turn(node, dialect)
    for value in list(node.find_all(exp.Anonymous)):
        if str(value.this).upper() == "VALUES":
            value.replace(exp.column(value.expressions[0].name, table="excluded"))
    return exp.OnConflict(action=exp.Var(this="DO UPDATE"), expressions=node.expressions)


@rule("mysql", exp.Update)
def update_in_turn(node: exp.Expr, dialect: str) -> exp.Expr:
    """MySQL assigns one after the other, the others all at once."""
    _check_in_turn(node, dialect)
    return update(node, dialect)


@rule("postgres duckdb", exp.Update)
def update(node: exp.Expr, dialect: str) -> exp.Expr:
    """UPDATE, also FROM other tables."""
    return only(node, dialect, {"this", "expressions", "from_", "where", "returning", "with_"})


@rule(ALL, exp.Delete)
def delete(node: exp.Expr, dialect: str) -> exp.Expr:
    """DELETE; USING becomes EXISTS."""
    only(node, dialect, {"this", "using", "where", "returning", "with_"})
    using, where = node.args.get("using"), node.args.get("where")
    if not using:
        return node
    if node.args.get("returning"):
        raise refuse(node, "RETURNING with USING: SQLite's DELETE knows one table only")
    query = exp.select(exp.Literal.number(1)).from_(using[0])
    for other in using[1:]:
        query = query.join(other)
    if where:
        query.set("where", exp.Where(this=where.this))
    node.set("using", None)
    node.set("where", exp.Where(this=exp.Exists(this=query)))
    return node


@rule(ALL, exp.TruncateTable)
def truncate_table(node: exp.Expr, dialect: str) -> exp.Expr:
    """All rows of one table are deleted."""
    only(node, dialect, {"expressions"})
    if len(node.expressions) != 1:
        raise refuse(node, "one table a statement")
    return exp.Delete(this=node.expressions[0])


def _check_in_turn(node: exp.Expr, dialect: str) -> None:
    """Refuse an assignment that reads what one before it has set."""
    done: set[str] = set()
    for assignment in node.expressions:
        read = {column.name.lower() for column in assignment.expression.find_all(exp.Column)}
        if done & read:
            raise refuse(node, "an assignment reads what another before it has set")
        done.add(assignment.this.name.lower())
