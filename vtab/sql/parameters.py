"""The variables of a statement, and pieces of it that are run alone with their values.

SQLite numbers the variables of a statement from 1 (https://sqlite.org/lang_expr.html#varparam): a
``?`` is one more than the greatest number so far, ``?5`` is 5, and a name is one more than the
greatest at its first use. In a piece that is run alone the same variables get other numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lsmsql.engine.errors import UsageError
from vtab.sql.reader import Slice
from vtab.sql.tokens import Kind, tokenize

Bindings = Sequence[object] | Mapping[str, object]
"""What a caller gives for the variables of a statement: by number, or by name."""

_SIGNS = re.compile(r"[?$@:#]")
"""What every variable begins with."""

_DIGITS = 9
"""More than the number of any variable has."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One use of a variable: its text as written, where, and its number in the statement."""

    text: str
    start: int
    number: int


@dataclass(frozen=True, slots=True)
class Variables:
    """All uses of variables in a statement, in order.

    ``names`` are those of the numbers that have one, with their signs. ``count`` is the greatest
    number: so many values a sequence must have.
    """

    uses: tuple[Variable, ...]
    names: Mapping[int, str]
    count: int

    def within(self, piece: Slice) -> list[Variable]:
        """The uses in a piece of the statement."""
        return [use for use in self.uses if piece.start <= use.start < piece.end]


@dataclass(frozen=True, slots=True)
class Part:
    """SQL that can be run alone.

    ``numbers`` are, in the order of its own variables, their numbers in the statement that it comes
    from, which has ``count`` of them. ``origins`` tell of each stretch of the text where it begins
    and where it began in the statement, or None if it was not there.
    """

    text: str
    numbers: tuple[int, ...]
    count: int
    origins: tuple[tuple[int, int | None], ...] = ()

    def origin(self, at: int) -> int | None:
        """Where in the statement the character ``at`` of the text stood; None if it did not."""
        stretches = (stretch for stretch in reversed(self.origins) if stretch[0] <= at)
        start, before = next(stretches, (0, None))
        return None if before is None else before + at - start


def read_variables(sql: str) -> Variables:
    """The variables of one statement, numbered as SQLite does."""
    if not _SIGNS.search(sql):
        return Variables((), {}, 0)
    uses: list[Variable] = []
    numbers: dict[str, int] = {}
    count = 0
    for token in tokenize(sql):
        if token.kind is not Kind.VARIABLE:
            continue
        if token.text == "?":
            number = count + 1
        elif token.text.startswith("?"):
            number = int(token.text[1:].lstrip("0")[:_DIGITS] or 0)
        else:
            number = numbers.setdefault(token.text, count + 1)
        count = max(count, number)
        uses.append(Variable(token.text, token.start, number))
    return Variables(tuple(uses), {number: name for name, number in numbers.items()}, count)


def compose(variables: Variables, *pieces: Slice | str) -> Part:
    """Pieces of a statement, with text between them that has no variables, to be run alone.

        compose(read_variables(sql), "SELECT ", clause.where, " FROM excluded")

    Names of variables stay as they are; numbers after ``?`` change where they must.
    """
    texts: list[tuple[str, int | None]] = []
    numbers: dict[int, int] = {}
    for piece in pieces:
        if isinstance(piece, str):
            texts.append((piece, None))
        else:
            texts += _renumber(variables, piece, numbers)
    origins = []
    start = 0
    for text, before in texts:
        origins.append((start, before))
        start += len(text)
    joined = "".join(text for text, _ in texts)
    return Part(joined, tuple(numbers), variables.count, tuple(origins))


def _renumber(
    variables: Variables, piece: Slice, numbers: dict[int, int]
) -> list[tuple[str, int | None]]:
    """The texts of the piece, and where they begin in the statement. ``numbers`` leads from the
    numbers in the statement to those in the part; what is new in this piece is added there.
    """
    texts: list[tuple[str, int | None]] = []
    start = piece.start
    for use in variables.within(piece):
        is_next = use.text == "?" and use.number not in numbers
        here = numbers.setdefault(use.number, len(numbers) + 1)
        text = use.text if is_next else _written(use, variables.names.get(use.number), here)
        texts += [(piece.text[start - piece.start : use.start - piece.start], start)]
        texts += [(text, use.start)]
        start = use.start + len(use.text)
    texts.append((piece.text[start - piece.start :], start))
    return texts


def _written(use: Variable, name: str | None, here: int) -> str:
    """A variable as it must be written where its number is ``here``.

    One that has a name is written by it even if it was not, so that a dict can give the value; the
    blank keeps the name apart from a word that follows.
    """
    if name is None:
        return f"?{here}"
    return name if use.text == name else f"{name} "


def bindings_for(part: Part, bindings: Bindings | None) -> Bindings | None:
    """The values for the part, of those for the whole statement; by name they stay as they are.

    Raises UsageError if a sequence has not as many values as the statement has variables.
    """
    if bindings is None or isinstance(bindings, Mapping):
        return bindings
    if len(bindings) != part.count:
        raise UsageError(
            f"the statement has {part.count} parameters, and {len(bindings)} values were given"
        )
    return tuple(bindings[number - 1] for number in part.numbers)
