"""Parameters: how the dialects write them, and what they become.

    written                         in SQLite      while the statement is worked on
    ?                               ?              :p__1, :p__2, ... in the order of the text
    $2   (postgres, duckdb)         ?2             :p__2
    %s                              ?              :p__1, ...
    %(name)s, $name (duckdb)        :name          :name
    :name                           :name          :name

In between each has a name, because rules may move parameters, or need one twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import TokenType
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token

from lsmsql.dialects.errors import DialectError

NUMBERED = "p__"
"""What the names of numbered parameters begin with."""

_ENDS_AN_OPERAND = {
    TokenType.VAR,
    TokenType.IDENTIFIER,
    TokenType.NUMBER,
    TokenType.STRING,
    TokenType.R_PAREN,
    TokenType.R_BRACKET,
    TokenType.PLACEHOLDER,
    TokenType.END,
    TokenType.NULL,
    TokenType.TRUE,
    TokenType.FALSE,
}


@dataclass(frozen=True)
class Parameter:
    """One parameter in a text: where it is, and its name (``None``) or number (0: the next)."""

    start: int
    end: int
    name: str | None
    number: int = 0


@dataclass(frozen=True)
class Parameters:
    """All parameters of a statement, numbers given out."""

    found: tuple[Parameter, ...]

    def named(self, sql: str) -> str:
        """The text with a name for every parameter."""
        return self._replace(sql, lambda p: f":{p.name or f'{NUMBERED}{p.number}'}")

    def for_sqlite(self, sql: str) -> str:
        """The text as SQLite wants it, with nothing changed but parameters that it cannot read."""

        def written(parameter: Parameter) -> str:
            if parameter.name:
                return f":{parameter.name}"
            old = sql[parameter.start : parameter.end]
            return "?" if old in ("?", "%s") else f"?{parameter.number}"

        return self._replace(sql, written)

    @property
    def names(self) -> tuple[str | None, ...]:
        """The name of each parameter, ``None`` for numbered ones."""
        numbers = [p.number for p in self.found if p.name is None]
        if numbers:
            return (None,) * max(numbers)
        return tuple(dict.fromkeys(p.name for p in self.found))

    def _replace(self, sql: str, written: object) -> str:
        assert callable(written)
        pieces, at = [], 0
        for parameter in self.found:
            pieces += [sql[at : parameter.start], written(parameter)]
            at = parameter.end
        return "".join([*pieces, sql[at:]])


def tokens_of(sql: str, dialect: str) -> list[Token]:
    """The tokens of a text as the dialect reads them. Raises DialectError."""
    try:
        return list(Dialect.get_or_raise(dialect).tokenize(sql))
    except TokenError as error:
        raise DialectError(dialect, sql.strip(), f"cannot be read: {error}") from None


def find_parameters(sql: str, tokens: list[Token], dialect: str) -> Parameters:
    """The parameters of a text. Raises DialectError if two ways to count them are mixed."""
    found: list[Parameter] = []
    for at in range(len(tokens)):
        parameter = _parameter_at(sql, tokens, at, dialect)
        if parameter:
            found.append(parameter)
    styles = {sql[p.start] if p.name is None else ":" for p in found}
    if len(styles) > 1:
        raise DialectError(dialect, " and ".join(sorted(styles)), "parameters of two kinds")
    count = 0
    numbered = []
    for p in found:
        if p.name is None and p.number == 0:
            count += 1
            p = Parameter(p.start, p.end, None, count)
        numbered.append(p)
    return Parameters(tuple(numbered))


def _parameter_at(sql: str, tokens: list[Token], at: int, dialect: str) -> Parameter | None:
    token = tokens[at]
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    if token.token_type is TokenType.PLACEHOLDER:
        return Parameter(token.start, token.end + 1, None)
    if after is None or after.start != token.end + 1:
        return None
    if token.text == "$" and dialect != "mysql":
        if after.token_type is TokenType.NUMBER and after.text.isdigit() and int(after.text):
            return Parameter(token.start, after.end + 1, None, int(after.text))
        if after.text.isidentifier():
            return Parameter(token.start, after.end + 1, after.text)
    operand = at and tokens[at - 1].token_type in _ENDS_AN_OPERAND
    if token.token_type is TokenType.MOD and not operand:
        if after.text == "s":
            return Parameter(token.start, after.end + 1, None)
        if sql[after.start] == "(" and sql[after.start :].partition(")")[2][:1] == "s":
            name = sql[after.start + 1 :].partition(")")[0]
            return Parameter(token.start, after.end + len(name) + 3, name)
    named = token.text == ":" and not operand and after.text.isidentifier()
    return Parameter(token.start, after.end + 1, after.text) if named else None
