"""CREATE, ALTER and DROP."""

from __future__ import annotations

from sqlglot import exp

from lsmsql.dialects.numbers import unwrapped
from lsmsql.dialects.rules import ALL, only, refuse, rule, same

_T = exp.DType
_KEPT = {
    _T.INT, _T.BIGINT, _T.SMALLINT, _T.TINYINT, _T.MEDIUMINT, _T.TEXT, _T.VARCHAR, _T.BOOLEAN,
    _T.DATE, _T.TIMESTAMP, _T.TIMESTAMPNTZ, _T.DATETIME, _T.TIME, _T.DOUBLE, _T.VARBINARY,
}  # fmt: skip
"""Types whose names SQLite takes as what they are."""
_BECOME = {
    **dict.fromkeys((_T.DECIMAL, _T.UDECIMAL, _T.UDOUBLE, _T.FLOAT), _T.DOUBLE),
    **dict.fromkeys((_T.JSON, _T.JSONB, _T.UUID, _T.LONGTEXT, _T.MEDIUMTEXT, _T.TINYTEXT), _T.TEXT),
    **dict.fromkeys((_T.BLOB, _T.BINARY, _T.LONGBLOB, _T.MEDIUMBLOB, _T.TINYBLOB), _T.VARBINARY),
    **dict.fromkeys((_T.UINT, _T.USMALLINT, _T.UTINYINT, _T.UMEDIUMINT), _T.INT),
    **dict.fromkeys((_T.SERIAL, _T.BIGSERIAL, _T.SMALLSERIAL), _T.INT),
}
_OF_NO_SIZE = {
    _T.INT, _T.BIGINT, _T.SMALLINT, _T.TINYINT, _T.MEDIUMINT, _T.DOUBLE, _T.VARBINARY,
}  # fmt: skip
_SERIAL = {_T.SERIAL, _T.BIGSERIAL, _T.SMALLSERIAL}
_TEXTS = {_T.TEXT, _T.VARCHAR, _T.CHAR, _T.LONGTEXT, _T.MEDIUMTEXT, _T.TINYTEXT}
_OF_NO_CONSEQUENCE = (
    exp.EngineProperty, exp.CharacterSetProperty, exp.SchemaCommentProperty, exp.RowFormatProperty,
)  # fmt: skip

same(ALL, exp.NotNullColumnConstraint, arguments="allow_null")
same(ALL, exp.DefaultColumnConstraint, exp.CheckColumnConstraint, arguments="this")
same(ALL, exp.CommentColumnConstraint, exp.AutoIncrementColumnConstraint, arguments="this")
same(ALL, exp.CollateColumnConstraint, exp.CharacterSetColumnConstraint, arguments="this")
same(ALL, exp.ColumnConstraint, arguments="this kind")
same(ALL, exp.GeneratedAsIdentityColumnConstraint, arguments="this")
same(ALL, exp.Constraint, arguments="this expressions")
same(ALL, exp.ForeignKey, arguments="expressions reference delete update")
same(ALL, exp.Reference, arguments="this expressions options")
same(ALL, exp.TemporaryProperty, *_OF_NO_CONSEQUENCE, arguments="this default")
same(ALL, exp.CollateProperty, arguments="this default")
same(ALL, exp.Properties, arguments="expressions")
same(ALL, exp.Index, arguments="this table params unique")
same(ALL, exp.RenameColumn, arguments="this to exists")
same(ALL, exp.AlterRename, arguments="this")


@rule(ALL, exp.PrimaryKeyColumnConstraint, exp.PrimaryKey)
def primary_key(node: exp.Expr, dialect: str) -> exp.Expr:
    """A primary key, of a column or of several."""
    include = node.args.get("include")
    if include is not None and include.args.get("include"):
        raise refuse(node, "SQLite has no INCLUDE")
    node.set("include", None)
    return only(node, dialect, {"this", "desc", "expressions"})


@rule(ALL, exp.ComputedColumnConstraint)
def computed(node: exp.Expr, dialect: str) -> exp.Expr:
    """A generated column. Whether it is stored makes no difference to what is read."""
    only(node, dialect, {"this", "persisted", "data_type"})
    return exp.ComputedColumnConstraint(this=unwrapped(node.this), persisted=True)


@rule(ALL, exp.UniqueColumnConstraint)
def unique(node: exp.Expr, dialect: str) -> exp.Expr:
    """UNIQUE; the name that MySQL allows behind it is dropped."""
    include = node.args.get("include")
    if include is None or not include.args.get("include"):
        node.set("include", None)
    only(node, dialect, {"this"})
    columns = node.this
    if isinstance(columns, exp.Schema) and columns.this is not None:
        columns.set("this", None)
        columns.set("expressions", [exp.to_identifier(c.name) for c in columns.expressions])
    return node


@rule(ALL, exp.Drop)
def drop(node: exp.Expr, dialect: str) -> exp.Expr:
    """DROP TABLE, INDEX, VIEW, and COLUMN in ALTER TABLE."""
    only(node, dialect, {"tables", "kind", "exists", "restrict", "cluster", "concurrently"})
    if node.args.get("kind") not in ("TABLE", "INDEX", "VIEW", "COLUMN"):
        raise refuse(node, "only tables, indexes, views and columns can be dropped")
    if len(node.args.get("tables") or []) != 1:
        raise refuse(node, "one a statement")
    for part in ("restrict", "cluster", "concurrently"):
        node.set(part, None)
    return node


@rule("mysql", exp.OnProperty)
def of_which_table(node: exp.Expr, dialect: str) -> exp.Expr:
    """DROP INDEX name ON table: SQLite finds the table by the name of the index."""
    return node


@rule("mysql", exp.IndexColumnConstraint)
def index_in_table(node: exp.Expr, dialect: str) -> exp.Expr:
    """KEY in CREATE TABLE."""
    raise refuse(node, "write CREATE INDEX name ON table (...) after CREATE TABLE")


@rule(ALL, exp.IndexParameters)
def index_parameters(node: exp.Expr, dialect: str) -> exp.Expr:
    """The columns of an index, and for which rows it is."""
    only(node, dialect, {"columns", "using", "where"})
    using = node.args.get("using")
    if using is not None and str(using.this).lower() not in ("btree", "hash"):
        raise refuse(node, "indexes are sorted by their columns, no others exist")
    node.set("using", None)
    node.set("with_storage", None)
    for column in node.args.get("columns") or []:
        if isinstance(column, exp.Ordered):
            column.set("nulls_first", not column.args.get("desc"))
    return node


@rule(ALL, exp.Create)
def create(node: exp.Expr, dialect: str) -> exp.Expr:
    """CREATE TABLE, INDEX and VIEW."""
    only(
        node,
        dialect,
        {"this", "kind", "exists", "properties", "expression", "unique", "concurrently"},
    )
    if node.args.get("kind") not in ("TABLE", "INDEX", "VIEW"):
        raise refuse(node, "only tables, indexes and views can be created")
    node.set("concurrently", False)
    for function in node.find_all(exp.Anonymous):
        name = str(function.this).removeprefix("dialect_")
        raise refuse(node, f"a definition cannot call {name}(), which SQLite has not")
    _drop_properties(node, dialect)
    if isinstance(node.this, exp.Schema):
        _number_the_key(node.this, dialect)
    return node


@rule(ALL, exp.Alter)
def alter(node: exp.Expr, dialect: str) -> exp.Expr:
    """ALTER TABLE with one change that SQLite knows."""
    only(node, dialect, {"this", "kind", "actions"})
    known = (exp.ColumnDef, exp.RenameColumn, exp.AlterRename, exp.Drop)
    if node.args.get("kind") != "TABLE" or len(node.args["actions"]) != 1:
        raise refuse(node, "only tables, and one change a statement")
    if not isinstance(node.args["actions"][0], known):
        raise refuse(node, "SQLite adds, drops and renames columns, and renames tables")
    return node


@rule(ALL, exp.ColumnDef)
def column(node: exp.Expr, dialect: str) -> exp.Expr:
    """A column: its type by a name that has the right affinity, its constraints."""
    only(node, dialect, {"this", "kind", "constraints", "exists"})
    if node.args.get("exists"):
        raise refuse(node, "SQLite cannot add a column IF NOT EXISTS")
    kind = node.args.get("kind")
    constraints = [c for c in node.args.get("constraints") or [] if not _is_remark(c)]
    if kind is not None:
        _check_type(node, kind, dialect)
        if kind.this in _SERIAL:
            constraints.append(exp.ColumnConstraint(kind=exp.AutoIncrementColumnConstraint()))
        new = kind.copy()
        new.set("this", _BECOME.get(kind.this, kind.this))
        if new.this in _OF_NO_SIZE or kind.this in _BECOME:
            new.set("expressions", [])
        node.set("kind", new)
        if dialect == "mysql":
            constraints = _with_collation(kind, constraints, node, dialect)
    node.set("constraints", constraints)
    return node


def _check_type(node: exp.Expr, kind: exp.Expr, dialect: str) -> None:
    if kind.args.get("nested"):
        raise refuse(node, "arrays, maps and structs do not exist in SQLite")
    if kind.this is _T.CHAR and dialect == "postgres":
        raise refuse(node, "blanks do not count at the end of CHAR: use VARCHAR or TEXT")
    if kind.this not in _KEPT and kind.this not in _BECOME and kind.this is not _T.CHAR:
        raise refuse(node, "SQLite has no such type")


def _is_remark(constraint: exp.Expr) -> bool:
    return isinstance(
        constraint.args.get("kind"), exp.CommentColumnConstraint | exp.CharacterSetColumnConstraint
    )


def _with_collation(
    kind: exp.Expr, constraints: list[exp.Expr], node: exp.Expr, dialect: str
) -> list[exp.Expr]:
    """MySQL's texts do not tell cases apart, unless their collation says so."""
    given = [c for c in constraints if isinstance(c.args.get("kind"), exp.CollateColumnConstraint)]
    rest = [c for c in constraints if c not in given]
    if kind.this not in _TEXTS:
        return rest
    name = given[0].args["kind"].this.name.lower() if given else "_ci"
    if not name.endswith(("_ci", "_bin", "binary")):
        raise refuse(node, "of collations, those are known that end in _ci or _bin")
    if not name.endswith("_ci"):
        return rest
    nocase = exp.CollateColumnConstraint(this=exp.column("NOCASE"))
    return [*rest, exp.ColumnConstraint(kind=nocase)]


def _drop_properties(node: exp.Expr, dialect: str) -> None:
    properties = node.args.get("properties")
    if not properties:
        return
    left = [p for p in properties.expressions if not isinstance(p, _OF_NO_CONSEQUENCE)]
    for found in left:
        if not isinstance(found, exp.TemporaryProperty):
            raise refuse(found, "SQLite's tables have no such option")
    node.set("properties", exp.Properties(expressions=left) if left else None)


def _number_the_key(schema: exp.Expr, dialect: str) -> None:
    """SERIAL, IDENTITY and AUTO_INCREMENT: INTEGER PRIMARY KEY, which numbers itself."""
    keys = [part for part in schema.expressions if isinstance(part, exp.PrimaryKey)]
    for definition in schema.expressions:
        if not isinstance(definition, exp.ColumnDef):
            continue
        constraints = definition.args.get("constraints") or []
        numbering = [c for c in constraints if _numbers(c)]
        if not numbering:
            continue
        rest = [c for c in constraints if c not in numbering]
        of_column = [c for c in rest if isinstance(c.args["kind"], exp.PrimaryKeyColumnConstraint)]
        of_table = [k for k in keys if [e.name for e in k.expressions] == [definition.name]]
        if not of_column and not of_table:
            raise refuse(definition, "only a PRIMARY KEY of this one column numbers itself")
        for key in of_table:
            key.pop()
        primary = exp.ColumnConstraint(kind=exp.PrimaryKeyColumnConstraint())
        definition.set("kind", exp.DataType(this=_T.INT))
        definition.set("constraints", [primary, *(c for c in rest if c not in of_column)])


def _numbers(constraint: exp.Expr) -> bool:
    return isinstance(
        constraint.args.get("kind"),
        exp.AutoIncrementColumnConstraint | exp.GeneratedAsIdentityColumnConstraint,
    )
