"""SELECT: what it reads from, DISTINCT ON, QUALIFY, GROUP BY ALL, compound selects."""

from __future__ import annotations

from sqlglot import exp

from lsmsql.dialects.rules import ALL, only, refuse, rule, sqlite

_SELECT = {
    "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset",
    "with_", "windows", "distinct", "qualify",
}  # fmt: skip
_COMPOUND = {"this", "expression", "distinct", "with_", "order", "limit", "offset"}
_SCHEMAS = {"postgres": ("public",), "duckdb": ("main",), "mysql": ()}


@rule(ALL, exp.Ordered)
def ordered(node: exp.Expr, dialect: str) -> exp.Expr:
    """The parser has put in where NULLs go by default; nothing is left to do but to write it.

    Postgres: last, and first if descending. DuckDB: last. MySQL and SQLite: first, last.
    """
    return only(node, dialect, {"this", "desc", "nulls_first"})


@rule(ALL, exp.Select)
def select(node: exp.Expr, dialect: str) -> exp.Expr:
    """A SELECT and all its clauses."""
    assert isinstance(node, exp.Select)
    only(node, dialect, _SELECT)
    _group_by_all(node, dialect)
    _order_by_all(node, dialect)
    if node.args.get("offset") and not node.args.get("limit"):
        node.set("limit", exp.Limit(expression=sqlite("-1")))
    _check_comma_joins(node, dialect)
    distinct = node.args.get("distinct")
    if distinct and distinct.args.get("on"):
        return _distinct_on(node, dialect)
    return _qualify(node, dialect) if node.args.get("qualify") else node


@rule(ALL, exp.Qualify)
def qualify(node: exp.Expr, dialect: str) -> exp.Expr:
    """Done with the SELECT it belongs to."""
    return only(node, dialect, {"this"})


@rule(ALL, exp.Group)
def group(node: exp.Expr, dialect: str) -> exp.Expr:
    """Plain groups; ALL is done with the SELECT."""
    return only(node, dialect, {"expressions", "all"})


@rule(ALL, exp.Fetch)
def fetch(node: exp.Expr, dialect: str) -> exp.Expr:
    """FETCH FIRST n ROWS ONLY."""
    options = node.args.get("limit_options")
    if options and (options.args.get("percent") or options.args.get("with_ties")):
        raise refuse(node, "SQLite counts rows only")
    return exp.Limit(expression=node.args.get("count") or sqlite("1"))


@rule(ALL, exp.LimitOptions)
def fetch_options(node: exp.Expr, dialect: str) -> exp.Expr:
    """Looked at with FETCH."""
    return node


@rule(ALL, exp.Table)
def table(node: exp.Expr, dialect: str) -> exp.Expr:
    """A table by its name, or a series of numbers."""
    only(node, dialect, {"this", "db", "alias"})
    if isinstance(node.this, exp.Subquery):  # a series
        return _series_as_table(node, dialect)
    if not isinstance(node.this, exp.Identifier):
        raise refuse(node, "of functions only a series of numbers can be a table")
    if node.args.get("alias") and node.args["alias"].columns:
        raise refuse(node, "SQLite cannot rename the columns of a table")
    if node.text("db").lower() in _SCHEMAS[dialect]:
        node.set("db", None)
    return node


def _series_as_table(node: exp.Expr, dialect: str) -> exp.Expr:
    series, alias = node.this, node.args.get("alias")
    name = alias.name if alias else series.args["series"]
    columns = [column.name for column in alias.columns] if alias else []
    if not columns:
        columns = [name if dialect == "postgres" else series.args["series"]]
    series.set("series", None)
    column = series.this.expressions[0]
    column.set("alias", exp.to_identifier(columns[0]))
    series.set("alias", exp.TableAlias(this=exp.to_identifier(name)))
    return exp.Subquery(this=series.this, alias=series.args["alias"])


@rule(ALL, exp.Subquery)
def subquery(node: exp.Expr, dialect: str) -> exp.Expr:
    """A query in parentheses."""
    only(node, dialect, {"this", "alias"})
    if node.args.get("alias") and node.args["alias"].columns:
        raise refuse(node, "SQLite cannot rename these columns: name them in the query")
    return node


@rule(ALL, exp.Values)
def values(node: exp.Expr, dialect: str) -> exp.Expr:
    """Rows of values; as a table, their columns are called column1, column2 and so on."""
    only(node, dialect, {"expressions", "alias"})
    alias = node.args.get("alias")
    if alias is None:
        return node
    if not alias.columns and dialect != "postgres":
        raise refuse(node, "name the columns: AS v(a, b)")
    rows = exp.Values(expressions=node.expressions)
    if not alias.columns:
        rows.set("alias", alias)
        return rows
    named = [f'column{i + 1} AS "{c.name}"' for i, c in enumerate(alias.columns)]
    query = sqlite(f"SELECT {', '.join(named)} FROM (VALUES (1))")
    for placeholder in list(query.find_all(exp.Values)):
        placeholder.replace(rows)
    return exp.Subquery(this=query, alias=exp.TableAlias(this=alias.this))


@rule(ALL, exp.Join)
def join(node: exp.Expr, dialect: str) -> exp.Expr:
    """The joins that SQLite has: inner, left, right, full, cross, natural."""
    only(node, dialect, {"this", "side", "kind", "on", "using", "method"})
    plain = node.text("method") in ("", "NATURAL") and node.text("kind") in (
        "",
        "INNER",
        "OUTER",
        "CROSS",
    )
    if not plain or node.text("side") not in ("", "LEFT", "RIGHT", "FULL"):
        raise refuse(node, "SQLite has no join of this kind")
    if _is_comma(node):
        node.set("kind", "CROSS")
    return node


@rule(ALL, exp.Union, exp.Except, exp.Intersect)
def compound(node: exp.Expr, dialect: str) -> exp.Expr:
    """Compound selects, from the left to the right, of plain ones."""
    only(node, dialect, _COMPOUND)
    if not isinstance(node, exp.Union) and not node.args.get("distinct"):
        raise refuse(node, "SQLite has no EXCEPT ALL or INTERSECT ALL")
    for side in (node.this, node.expression):
        other = isinstance(side, exp.SetOperation) and type(side) is not type(node)
        if other and exp.Intersect in (type(side), type(node)):
            raise refuse(node, "INTERSECT binds closer than in SQLite: use a subquery")
    if isinstance(node.expression, exp.SetOperation):
        raise refuse(node, "SQLite goes from the left to the right: use a subquery")
    return node


def _check_comma_joins(node: exp.Select, dialect: str) -> None:
    """``a, b RIGHT JOIN c``: SQLite joins a and b first."""
    comma = False
    for found in node.args.get("joins") or []:
        if comma and found.text("side") in ("RIGHT", "FULL"):
            raise refuse(node, "a comma before RIGHT or FULL JOIN: write CROSS JOIN")
        comma = comma or _is_comma(found)


def _is_comma(node: exp.Expr) -> bool:
    parts = ("side", "on", "using", "method")
    return node.text("kind") in ("", "CROSS") and not any(node.args.get(name) for name in parts)


# ------------------------------------------------------------------------------- ALL


def _group_by_all(node: exp.Select, dialect: str) -> None:
    group = node.args.get("group")
    if not group or group.args.get("all") is None:
        return
    if dialect != "duckdb" or group.expressions or _has_star(node):
        raise refuse(group, "GROUP BY ALL needs the columns by name")
    places = [i for i, e in enumerate(node.expressions, 1) if not _aggregates(e)]
    numbers = [exp.Literal.number(place) for place in places]
    node.set("group", exp.Group(expressions=numbers) if numbers else None)


def _order_by_all(node: exp.Select, dialect: str) -> None:
    order = node.args.get("order")
    if order is None or not isinstance(order.expressions[0].this, exp.Var):
        return
    first = order.expressions[0]
    if _has_star(node) or len(order.expressions) > 1:
        raise refuse(order, "ORDER BY ALL needs the columns by name")
    terms = []
    for place in range(1, len(node.expressions) + 1):
        term = first.copy()
        term.set("this", exp.Literal.number(place))
        terms.append(term)
    node.set("order", exp.Order(expressions=terms))


def _has_star(node: exp.Select) -> bool:
    return any(e.is_star for e in node.expressions)


def _aggregates(node: exp.Expr) -> bool:
    """Whether a column of a query is one value for a whole group."""
    return any(
        not isinstance(found.parent, exp.Window)
        and not (
            isinstance(found.parent, exp.Filter) and isinstance(found.parent.parent, exp.Window)
        )
        for found in node.find_all(exp.AggFunc)
    )


# ------------------------------------------------------------------------------- one more level


def _qualify(node: exp.Select, dialect: str) -> exp.Expr:
    if node.args.get("distinct"):
        raise refuse(node, "DISTINCT with QUALIFY")
    condition = node.args["qualify"].this
    node.set("qualify", None)
    named = {e.alias: e.this for e in node.expressions if isinstance(e, exp.Alias)}
    for column in list(condition.find_all(exp.Column)):
        if not column.table and column.name in named:
            new = exp.Paren(this=named[column.name].copy())
            condition = new if column is condition else condition
            column.replace(new)
    return _filtered(node, condition, sqlite("hidden"), dialect)


def _distinct_on(node: exp.Select, dialect: str) -> exp.Expr:
    on = node.args["distinct"].args["on"]
    node.set("distinct", None)
    order = node.args.get("order")
    window = sqlite("ROW_NUMBER() OVER (PARTITION BY x)")
    window.set("partition_by", [e.copy() for e in on.expressions])
    if order:
        window.set("order", order.copy())
    return _filtered(node, window, sqlite("hidden = 1"), dialect)


def _filtered(node: exp.Select, value: exp.Expr, test: exp.Expr, dialect: str) -> exp.Expr:
    """The query as a subquery with one more column, ``value``, and the rows that pass the test."""
    if _has_star(node):
        raise refuse(node, "DISTINCT ON and QUALIFY need the columns by name, not *")
    names = [e.output_name for e in node.expressions]
    if not all(names) or len({name.lower() for name in names}) < len(names):
        raise refuse(node, "DISTINCT ON and QUALIFY need a name for every column")
    outer = sqlite("SELECT x FROM (SELECT 1) AS qualified WHERE x")
    outer.set("expressions", [exp.column(name, quoted=True) for name in names])
    inner: list[exp.Expr] = [
        exp.alias_(e.unalias(), name, quoted=True)
        for e, name in zip(node.expressions, names, strict=True)
    ]
    inner.append(exp.alias_(value, "hidden"))
    _move_order(node, outer, inner, names)
    for clause in ("limit", "offset", "with_"):
        outer.set(clause, node.args.get(clause))
        node.set(clause, None)
    node.set("expressions", inner)
    outer.args["where"].set("this", test)
    outer.args["from_"].this.set("this", node)
    return outer


def _move_order(node: exp.Select, outer: exp.Expr, inner: list[exp.Expr], names: list[str]) -> None:
    order = node.args.get("order")
    if not order:
        return
    node.set("order", None)
    for count, term in enumerate(order.expressions):
        if isinstance(term.this, exp.Literal):  # the place of a column
            continue
        if isinstance(term.this, exp.Column) and not term.this.table and term.this.name in names:
            name, quoted = term.this.name, True
        else:
            name, quoted = f"hidden{count}", False
            inner.append(exp.alias_(term.this, name))
        term.set("this", exp.column(name, quoted=quoted))
    outer.set("order", order)
