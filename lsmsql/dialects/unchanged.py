"""What means the same in SQLite: nodes without a rule of their own, and the parts they may have.

A node that is in no such list and has no rule is refused.
"""

from __future__ import annotations

from sqlglot import exp

from lsmsql.dialects.rules import ALL, only, refuse, rule, same

same(ALL, exp.From, exp.Where, exp.Having, exp.Paren, exp.Not, exp.Neg, arguments="this")
same(ALL, exp.Identifier, arguments="this quoted")
same(ALL, exp.Column, arguments="this table db")
same(ALL, exp.Literal, arguments="this is_string")
same(ALL, exp.Null, exp.Boolean, exp.Placeholder, exp.Var, exp.Star, arguments="this")
same(ALL, exp.Alias, arguments="this alias")
same(ALL, exp.TableAlias, arguments="this columns")
same(ALL, exp.Tuple, arguments="expressions")
same(ALL, exp.Order, arguments="this expressions")
same(ALL, exp.Limit, exp.Offset, arguments="expression")
same(ALL, exp.And, exp.Or, arguments="this expression")
same(ALL, exp.Mul, arguments="this expression")
same(ALL, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, arguments="this expression")
same(ALL, exp.NullSafeEQ, exp.NullSafeNEQ, arguments="this expression")
same(ALL, exp.Between, arguments="this low high")
same(ALL, exp.In, arguments="this expressions query")
same(ALL, exp.Exists, arguments="this")
same(ALL, exp.Case, arguments="this ifs default")
same(ALL, exp.If, arguments="this true false")
same(ALL, exp.Coalesce, arguments="this expressions")
same(ALL, exp.Nullif, arguments="this expression")
same(ALL, exp.Count, arguments="this big_int")
same(ALL, exp.Sum, exp.Avg, exp.Min, exp.Max, arguments="this")
same(ALL, exp.Filter, arguments="this expression")
same(ALL, exp.With, arguments="expressions recursive")
same(ALL, exp.Returning, arguments="expressions")
same(ALL, exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, arguments="this")
same(ALL, exp.Lag, exp.Lead, arguments="this offset default")
same(ALL, exp.FirstValue, exp.LastValue, exp.Ntile, arguments="this")
same(ALL, exp.NthValue, arguments="this offset")
same(ALL, exp.Window, arguments="this partition_by order spec alias over first")
same(ALL, exp.WindowSpec, arguments="kind start start_side end end_side exclude")
same("postgres duckdb", exp.BitwiseAnd, exp.BitwiseOr, arguments="this expression")


@rule(ALL, exp.Is)
def is_what(node: exp.Expr, dialect: str) -> exp.Expr:
    """IS NULL, IS TRUE, IS FALSE, and their negations."""
    if not isinstance(node.expression, exp.Null | exp.Boolean):
        raise refuse(node, "IS takes NULL, TRUE or FALSE")
    only(node, dialect, {"this", "expression", "negate"})
    test = exp.Is(this=node.this, expression=node.expression)
    return exp.Not(this=test) if node.args.get("negate") else test


@rule("postgres duckdb", exp.RawString)
def dollar_quoted(node: exp.Expr, dialect: str) -> exp.Expr:
    """``$$text$$``."""
    return exp.Literal.string(str(node.this))


@rule(ALL, exp.Distinct)
def distinct(node: exp.Expr, dialect: str) -> exp.Expr:
    """DISTINCT; with ON it is the whole SELECT that is rewritten."""
    return only(node, dialect, {"expressions", "on"})


@rule(ALL, exp.CTE)
def common_table(node: exp.Expr, dialect: str) -> exp.Expr:
    """A common table of a query. SQLite's cannot change rows."""
    if not isinstance(node.this, exp.Query | exp.Values):
        raise refuse(node, "WITH of a statement that changes rows")
    return only(node, dialect, {"this", "alias", "materialized"})


@rule(ALL, exp.DPipe)
def join_texts(node: exp.Expr, dialect: str) -> exp.Expr:
    """``||``. NULL if either side is, in all of them."""
    only(node, dialect, {"this", "expression", "safe"})
    return exp.DPipe(this=node.this, expression=node.expression, safe=True)


@rule(ALL, exp.Anonymous)
def named_function(node: exp.Expr, dialect: str) -> exp.Expr:
    """A function that is not of the dialect: the program's own, if it is not one of SQLite's."""
    name = str(node.this).lower()
    if dialect != "postgres" and name == "now" and not node.expressions:
        return exp.CurrentTimestamp()
    if dialect == "mysql" and name == "values" and node.find_ancestor(exp.OnConflict):
        return node
    if name in _SQLITE_NAMES.split():
        raise refuse(node, "SQLite's function of that name is not known to be the same")
    return only(node, dialect, {"this", "expressions"})


_SQLITE_NAMES = """
    abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling changes char coalesce
    concat concat_ws cos cosh count cume_dist date datetime degrees dense_rank exp
    first_value floor format glob group_concat hex if ifnull iif instr json json_array
    json_array_length json_each json_error_position json_extract json_group_array
    json_group_object json_insert json_object json_patch json_pretty json_quote
    json_remove json_replace json_set json_tree json_type json_valid jsonb jsonb_array
    jsonb_each jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert
    jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set jsonb_tree julianday lag
    last_insert_rowid last_value lead length like likelihood likely ln load_extension log
    log10 log2 lower ltrim max min mod nth_value ntile nullif octet_length percent_rank pi
    pow power printf quote radians random randomblob rank regexp replace round row_number
    rtrim sign sin sinh soundex sqlite_version sqrt strftime string_agg substr substring
    subtype sum tan tanh time timediff total total_changes trim trunc typeof unhex unicode
    unistr unixepoch unlikely upper zeroblob median percentile percentile_cont
    percentile_disc
"""
"""Functions of SQLite: one of them that comes here is another one in the dialect."""
