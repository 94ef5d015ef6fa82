"""The tree for SQLite as text, and the checks that the text says what the tree says.

sqlglot's own generator for SQLite is the base; what it writes otherwise than SQLite reads it, or
otherwise than we want it kept (names of types), is written here.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import apsw
from sqlglot import ErrorLevel, exp, parse_one
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import SqlglotError

_TYPE_NAMES = {exp.DType.DOUBLE: "REAL", exp.DType.INT: "INTEGER", exp.DType.VARBINARY: "BLOB"}
_NOT_SQLITE = re.compile(
    r"syntax error|unrecognized token|incomplete input|unsupported use of NULLS|parser stack"
    r"|not supported|not unique|too many|clause is required|clause should come"
)
_silent = threading.Lock()
_QUOTED = re.compile(r"'(?:[^']|'')*' | \"(?:[^\"]|\"\")*\" | :p__(\d+)", re.VERBOSE)


class Writer(SQLite.Generator):  # type: ignore[valid-type,misc]
    """sqlglot's generator for SQLite, mended."""

    def nullsafeeq_sql(self, expression: exp.NullSafeEQ) -> str:
        return str(self.binary(expression, "IS NOT DISTINCT FROM"))

    def nullsafeneq_sql(self, expression: exp.NullSafeNEQ) -> str:
        return str(self.binary(expression, "IS DISTINCT FROM"))

    def datatype_sql(self, expression: exp.DataType) -> str:
        name = expression.this
        text = _TYPE_NAMES.get(name, str(name.value))
        parameters = self.expressions(expression, flat=True)
        return f"{text}({parameters})" if parameters else text

    def cast_sql(self, expression: exp.Cast, safe_prefix: str | None = None) -> str:
        return f"CAST({self.sql(expression, 'this')} AS {self.sql(expression, 'to')})"

    def computedcolumnconstraint_sql(self, expression: exp.ComputedColumnConstraint) -> str:
        return f"GENERATED ALWAYS AS ({self.sql(expression, 'this')}) STORED"

    def join_sql(self, expression: exp.Join) -> str:
        """A comma, where SQLite would keep to the order of the tables if it read CROSS JOIN."""
        if expression.text("kind") == "CROSS" and not expression.args.get("method"):
            return f", {self.sql(expression, 'this')}"
        return str(super().join_sql(expression))

    def coalesce_sql(self, expression: exp.Coalesce) -> str:
        return str(self.func("COALESCE", expression.this, *expression.expressions))


def write(tree: exp.Expr) -> str:
    """The text of a tree."""
    text: str = Writer(
        dialect="sqlite",
        comments=False,
        unsupported_level=ErrorLevel.IGNORE,
        normalize_functions=False,
    ).generate(tree)
    return text


def read(sql: str) -> exp.Expr | None:
    """The tree of a text as SQLite reads it; ``None`` if sqlglot cannot tell."""
    try:
        with silence():
            return parse_one(sql, read="sqlite")
    except SqlglotError:
        return None


@contextmanager
def silence() -> Iterator[None]:
    """No warnings of what the parser does not know: it is refused, and the error says so."""
    logger = logging.getLogger("sqlglot")
    with _silent:
        level, logger.level = logger.level, logging.CRITICAL
        try:
            yield
        finally:
            logger.level = level


def with_numbers(sql: str) -> str:
    """The text with ``?2`` where it says ``:p__2``."""
    return _QUOTED.sub(lambda m: f"?{m[1]}" if m[1] else m[0], sql)


def is_sqlite(sql: str) -> bool:
    """Whether SQLite's own parser takes the text. Names that it does not know are no matter."""
    scratch = apsw.Connection(":memory:")
    try:
        scratch.execute("EXPLAIN " + sql, None, can_cache=False).close(True)
    except apsw.BindingsError:
        return True
    except apsw.Error as error:
        return not _NOT_SQLITE.search(str(error))
    finally:
        scratch.close()
    return True
