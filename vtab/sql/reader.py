"""A reader that goes through the tokens of one statement."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from vtab.sql.tokens import NAMES, Kind, Token, capitals, tokenize, unquoted


class UnreadableError(Exception):
    """The text is not what it was read as. Never leaves the package: its functions return None."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A piece of a statement as it was written: ``sql[start:end]`` is ``text``."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the piece ends in the statement."""
        return self.start + len(self.text)

    @property
    def span(self) -> tuple[int, int]:
        """Where the piece begins and ends in the statement."""
        return self.start, self.end


class Reader:
    """The tokens of a statement that are no blanks, and a place among them.

    ``at`` is the number of the next token, ``last`` that of the one after the end: the semicolon,
    if there is one. ``words`` are the tokens' texts in capitals; no identifier in quotes is equal
    to a keyword there, because it has its quotes. Raises UnreadableError if a parenthesis is not
    closed.
    """

    def __init__(self, sql: str, up_to: Container[str] = ()) -> None:
        """With ``up_to``, the tokens end with the first one, in no parentheses, that is in it."""
        self.sql = sql
        self.tokens: list[Token] = []
        self._closings: dict[int, int] = {}
        open_ones: list[int] = []
        for token in tokenize(sql):
            if token.kind is Kind.BLANK:
                continue
            if token.text != ";" or token.depth:
                self.tokens.append(token)
            elif self.tokens:
                break
            if token.text == "(":
                open_ones.append(len(self.tokens) - 1)
            elif token.text == ")" and open_ones:
                self._closings[open_ones.pop()] = len(self.tokens) - 1
            if not token.depth and token.kind is Kind.WORD and capitals(token.text) in up_to:
                break
        self.words = [capitals(token.text) for token in self.tokens]
        if open_ones:
            raise UnreadableError("a parenthesis is not closed")
        self.at = 0
        self.last = len(self.tokens)

    def within(self, first: int, last: int) -> Reader:
        """A reader of the same statement that goes from token ``first`` to before ``last``."""
        part = Reader.__new__(Reader)
        part.sql, part.tokens, part.words = self.sql, self.tokens, self.words
        part._closings = self._closings
        part.at, part.last = first, last
        return part

    # --------------------------------------------------------------------------- the next tokens

    @property
    def ended(self) -> bool:
        """Whether there is no next token."""
        return self.at >= self.last

    def peek(self, offset: int = 0) -> str:
        """The next word, or the one ``offset`` later; "" after the end."""
        at = self.at + offset
        return self.words[at] if at < self.last else ""

    def follows(self, *phrase: str) -> bool:
        """Whether these words are the next ones."""
        return self.stands(self.at, phrase)

    def stands(self, at: int, phrase: tuple[str, ...]) -> bool:
        """Whether these words begin at token ``at``."""
        end = at + len(phrase)
        return end <= self.last and tuple(self.words[at:end]) == phrase

    def accept(self, *phrase: str) -> bool:
        """Go past these words, if they are the next ones; whether they were."""
        if not self.stands(self.at, phrase):
            return False
        self.at += len(phrase)
        return True

    def expect(self, *phrase: str) -> None:
        """Go past these words. Raises UnreadableError if others are next."""
        if not self.accept(*phrase):
            raise UnreadableError(f"{' '.join(phrase)} expected, not {self.peek() or 'the end'}")

    def choose(self, *words: str) -> str:
        """Go past one of these words, and return it. Raises UnreadableError if another is next."""
        word = self.peek()
        if word not in words:
            raise UnreadableError(f"one of {', '.join(words)} expected, not {word or 'the end'}")
        self.at += 1
        return word

    def token(self) -> Token:
        """Go past the next token. Raises UnreadableError at the end."""
        if self.ended:
            raise UnreadableError("the text ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def name(self) -> str:
        """Go past a name, and return it without quotes. Raises UnreadableError if none is next."""
        token = self.token()
        if token.kind not in NAMES:
            raise UnreadableError(f"a name expected, not {token.text}")
        return unquoted(token.text)

    def qualified(self) -> tuple[str | None, str, Slice]:
        """Go past ``schema.name`` or ``name``: the schema or None, the name, and where they are.

        Raises UnreadableError if none is next.
        """
        first = self.at
        schema, name = None, self.name()
        if self.accept("."):
            schema, name = name, self.name()
        return schema, name, self.slice(first, self.at)

    def parentheses(self) -> Reader:
        """Go past a pair of parentheses: a reader of what is in it.

        Raises UnreadableError if none is next.
        """
        opening = self.at
        self.expect("(")
        closing = self.closing(opening)
        self.at = closing + 1
        return self.within(opening + 1, closing)

    # --------------------------------------------------------------------------- further on

    def closing(self, opening: int) -> int:
        """The number of the token that closes the parenthesis at ``opening``."""
        return self._closings[opening]

    def find(self, first: int, *phrases: tuple[str, ...], depth: int | None = None) -> int:
        """The number of the first token from ``first`` on, at the given depth, where one of these
        phrases begins; ``last`` if there is none. Without a depth, that of the first token counts.
        """
        if first >= self.last:
            return self.last
        if depth is None:
            depth = self.tokens[first].depth
        heads = {phrase[0] for phrase in phrases}
        for at in range(first, self.last):
            if (
                self.words[at] in heads
                and self.tokens[at].depth == depth
                and any(self.stands(at, phrase) for phrase in phrases)
            ):
                return at
        return self.last

    def until(self, *phrases: tuple[str, ...]) -> Reader:
        """Go to where one of these phrases begins, or to the end: a reader of what lies between.

        Raises UnreadableError if nothing does.
        """
        first, self.at = self.at, self.find(self.at, *phrases)
        if first == self.at:
            raise UnreadableError("something is missing")
        return self.within(first, self.at)

    def items(self) -> list[Reader]:
        """Go to the end: a reader for each piece between commas. Raises UnreadableError if one is
        empty.
        """
        found = [self.until((",",))]
        while self.accept(","):
            found.append(self.until((",",)))
        return found

    def slice(self, first: int, last: int) -> Slice:
        """The text from token ``first`` to before ``last``. Raises UnreadableError if empty."""
        if first >= last:
            raise UnreadableError("something is missing")
        start = self.tokens[first].start
        return Slice(self.sql[start : self.tokens[last - 1].end], start)

    def rest(self) -> Slice:
        """Go to the end: the text up to there. Raises UnreadableError if empty."""
        first, self.at = self.at, self.last
        return self.slice(first, self.last)
