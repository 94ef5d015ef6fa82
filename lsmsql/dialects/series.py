"""generate_series and range as tables: a recursive query."""

from __future__ import annotations

from sqlglot import exp

from lsmsql.dialects.numbers import unwrapped
from lsmsql.dialects.rules import number_of, only, refuse, rule, sqlite


@rule("postgres duckdb", exp.GenerateSeries, exp.ExplodingGenerateSeries)
def series(node: exp.Expr, dialect: str) -> exp.Expr:
    """Whole numbers from the first to the last, or, of DuckDB's range, to the one before."""
    only(node, dialect, {"start", "end", "step", "is_end_exclusive"})
    if not isinstance(node.parent, exp.Table):
        raise refuse(node, "only as a table: FROM generate_series(...)")
    first, last, step = node.args["start"], node.args["end"], node.args.get("step")
    width = 1 if step is None else number_of(step)
    if not width or not (_is_number(first) and _is_number(last)):
        raise refuse(node, "first and last must be whole numbers or parameters, and the"
                     " step a literal number")  # fmt: skip
    exclusive = bool(node.args.get("is_end_exclusive"))
    compare = ("<" if width > 0 else ">") + ("" if exclusive else "=")
    query = sqlite(
        f"""SELECT value AS value FROM (
            WITH RECURSIVE series(value) AS (
                SELECT :first WHERE :first {compare} :last
                UNION ALL
                SELECT value + {abs(width)} FROM series WHERE value + {abs(width)} {compare} :last
            ) SELECT value FROM series) AS series""".replace("+", "+" if width > 0 else "-"),
        first=first,
        last=last,
    )
    result = exp.Subquery(this=query)
    result.set("series", "range" if exclusive else "generate_series")
    return result


def _is_number(node: exp.Expr) -> bool:
    node = unwrapped(node)
    return number_of(node) is not None or isinstance(node, exp.Placeholder)
