"""Functions of texts."""

from __future__ import annotations

from sqlglot import exp

from lsmsql.dialects.numbers import unwrapped
from lsmsql.dialects.rules import ALL, call, number_of, only, refuse, rule, sqlite, text_of


@rule(ALL, exp.Replace)
def replace(node: exp.Expr, dialect: str) -> exp.Expr:
    """SQLite's is not NULL for ``replace(x, '', NULL)``."""
    only(node, dialect, {"this", "expression", "replacement"})
    if text_of(node.expression):
        return node
    return call("dialect_replace", node.this, node.expression, node.args["replacement"])


@rule(ALL, exp.Lower, exp.Upper)
def change_case(node: exp.Expr, dialect: str) -> exp.Expr:
    """All letters; SQLite's functions know those of ASCII only."""
    only(node, dialect, {"this"})
    name = "lower" if isinstance(node, exp.Lower) else "upper"
    return call(f"dialect_{name}", node.this)


@rule(ALL, exp.Length)
def length(node: exp.Expr, dialect: str) -> exp.Expr:
    """Characters; bytes in MySQL, if it is not CHAR_LENGTH."""
    only(node, dialect, {"this", "binary"})
    return call("OCTET_LENGTH" if node.args.get("binary") else "LENGTH", node.this)


@rule(ALL, exp.Concat)
def concatenate(node: exp.Expr, dialect: str) -> exp.Expr:
    """NULLs are left out, in SQLite too; in MySQL they make the whole NULL."""
    if dialect != "mysql":
        return call("CONCAT", *node.expressions)
    joined = (
        node.expressions[0]
        if len(node.expressions) > 1
        else sqlite(":a || ''", a=_operand(node.expressions[0]))
    )
    for part in node.expressions[1:]:
        joined = sqlite(":a || :b", a=_operand(joined), b=_operand(part))
    return exp.Paren(this=joined)


def _operand(node: exp.Expr) -> exp.Expr:
    plain = isinstance(node, exp.Binary) and not isinstance(node, exp.DPipe)
    return exp.Paren(this=node) if plain or isinstance(node, exp.Predicate | exp.Not) else node


@rule(ALL, exp.ConcatWs)
def concatenate_with(node: exp.Expr, dialect: str) -> exp.Expr:
    """NULLs are left out by all; a separator that is NULL makes the whole NULL."""
    return call("CONCAT_WS", *node.expressions)


@rule(ALL, exp.Substring)
def substring(node: exp.Expr, dialect: str) -> exp.Expr:
    """Same where start and length are known to be positive; else they mean different things."""
    only(node, dialect, {"this", "start", "length"})
    start, size = node.args.get("start"), node.args.get("length")
    first, many = number_of(start), number_of(size)
    if (
        start is None
        or not (first and first > 0)
        or (size is not None and (many is None or many < 0))
    ):
        raise refuse(node, "start and length must be literal numbers, start from 1, length from 0")
    return call("SUBSTRING", node.this, start, *([] if size is None else [size]))


@rule(ALL, exp.Left, exp.Right)
def end_of_text(node: exp.Expr, dialect: str) -> exp.Expr:
    """The first or last characters."""
    only(node, dialect, {"this", "expression"})
    count = number_of(node.expression)
    if count is None or count < 1:
        raise refuse(node, "the number of characters must be a literal from 1")
    if isinstance(node, exp.Left):
        return call("SUBSTRING", node.this, 1, count)
    return sqlite(f"SUBSTRING(:a, -{count})", a=node.this)


@rule(ALL, exp.StrPosition)
def position(node: exp.Expr, dialect: str) -> exp.Expr:
    """Where a text is in another; 0 if nowhere. MySQL does not tell cases apart."""
    only(node, dialect, {"this", "substr"})
    parts = [node.this, node.args["substr"]]
    if dialect == "mysql":
        parts = [call("dialect_lower", part) for part in parts]
    return call("INSTR", *parts)


@rule(ALL, exp.Trim)
def trim(node: exp.Expr, dialect: str) -> exp.Expr:
    """Blanks, or any of the characters of a text; in MySQL that text as a whole."""
    only(node, dialect, {"this", "expression", "position"})
    what = node.args.get("expression")
    if dialect == "mysql" and what is not None and len(text_of(what) or "ab") != 1:
        raise refuse(node, "only one literal character can be trimmed")
    names = {"LEADING": "LTRIM", "TRAILING": "RTRIM"}
    name = names.get(str(node.args.get("position") or "").upper(), "TRIM")
    return call(name, node.this, *([] if what is None else [what]))


@rule("postgres duckdb mysql", exp.Pad)
def pad(node: exp.Expr, dialect: str) -> exp.Expr:
    """lpad and rpad."""
    only(node, dialect, {"this", "expression", "fill_pattern", "is_left"})
    fill = node.args.get("fill_pattern") or exp.Literal.string(" ")
    name = "dialect_lpad" if node.args.get("is_left") else "dialect_rpad"
    return call(name, node.this, node.expression, fill)


@rule("postgres duckdb", exp.SplitPart)
def split_part(node: exp.Expr, dialect: str) -> exp.Expr:
    """The n-th part between delimiters."""
    only(node, dialect, {"this", "delimiter", "part_index"})
    return call("dialect_split_part", node.this, node.args["delimiter"], node.args["part_index"])


@rule(ALL, exp.Repeat)
def repeat(node: exp.Expr, dialect: str) -> exp.Expr:
    """A text several times; none at all for a number below 1."""
    only(node, dialect, {"this", "times"})
    return call("dialect_repeat", node.this, node.args["times"])


@rule(ALL, exp.Reverse)
def reverse(node: exp.Expr, dialect: str) -> exp.Expr:
    """The characters from the last to the first."""
    only(node, dialect, {"this"})
    return call("dialect_reverse", node.this)


@rule(ALL, exp.GroupConcat)
def aggregate_texts(node: exp.Expr, dialect: str) -> exp.Expr:
    """string_agg and GROUP_CONCAT, in an order if one is given."""
    only(node, dialect, {"this", "separator"})
    separator = node.args.get("separator") or exp.Literal.string(",")
    inner = node.this
    order = inner if isinstance(inner, exp.Order) else None
    value = unwrapped(order.this if order else inner)
    if isinstance(value, exp.Distinct):
        if order or text_of(separator) != ",":
            raise refuse(node, "DISTINCT goes with the separator ',' and no order only")
        return call("GROUP_CONCAT", value)
    new = call("GROUP_CONCAT", value, separator)
    if order:
        new.set("this", exp.Order(this=value, expressions=order.expressions))
    return new
