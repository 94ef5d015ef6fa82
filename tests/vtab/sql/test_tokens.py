"""Tokens are those that SQLite sees."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vtab.sql.soup import SIGNS, SOUP
from vtab.sql.tokens import Kind, first_word, tokenize, unquoted


def shown(sql: str) -> list[tuple[str, Kind]]:
    return [(t.text, t.kind) for t in tokenize(sql) if t.kind is not Kind.BLANK]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (" \t\r\n\f\v", Kind.BLANK), ("-- to the end; (", Kind.BLANK), ("/* a * ( */", Kind.BLANK),
        ("/* unterminated", Kind.BLANK), ("/*/ */", Kind.BLANK), ("\ufeff", Kind.BLANK),
        ("a", Kind.WORD), ("_a$1", Kind.WORD), ("städte", Kind.WORD), ("x", Kind.WORD),
        ("\u00a0", Kind.WORD), ("a\ufeffb", Kind.WORD),
        ('"a""b"', Kind.QUOTED), ("`a``b`", Kind.QUOTED), ("[a [b]", Kind.QUOTED),
        ("'it''s'", Kind.STRING), ("''", Kind.STRING), ("x'4142'", Kind.BLOB), ("X''", Kind.BLOB),
        ("1", Kind.NUMBER), ("1_000", Kind.NUMBER), ("0xFf", Kind.NUMBER), ("1.", Kind.NUMBER),
        (".5", Kind.NUMBER), ("1.5e-3", Kind.NUMBER), ("1e+9", Kind.NUMBER), ("1.e2", Kind.NUMBER),
        ("?", Kind.VARIABLE), ("?12", Kind.VARIABLE), (":a", Kind.VARIABLE),
        ("@ä$1", Kind.VARIABLE),
        ("$a::b(c)", Kind.VARIABLE), ("$::a", Kind.VARIABLE), (":1", Kind.VARIABLE),
        ("->", Kind.OPERATOR), ("->>", Kind.OPERATOR), ("||", Kind.OPERATOR), ("<>", Kind.OPERATOR),
        ("!=", Kind.OPERATOR), ("==", Kind.OPERATOR), ("<<", Kind.OPERATOR), ("~", Kind.OPERATOR),
    ],
)  # fmt: skip
def test_one_token(text: str, kind: Kind) -> None:
    assert [(t.text, t.kind) for t in tokenize(text)] == [(text, kind)]


@pytest.mark.parametrize(
    ("sql", "texts"),
    [
        ("a.b", ["a", ".", "b"]),
        ("1e", ["1", "e"]),
        ("a->>'$.x'->1", ["a", "->>", "'$.x'", "->", "1"]),
        ("a--b\nc", ["a", "c"]),
        ("a- -b", ["a", "-", "-", "b"]),
        ("?1?", ["?1", "?"]),
        (":a:b", [":a", ":b"]),
        ("xx'41'", ["xx", "'41'"]),
        ("'open", ["'open"]),
        ("a 'it''s", ["a", "'it''s"]),
        ('a["b', ["a", '["b']),
        ("$a(b c", ["$a(b", "c"]),
        (" \va\vb", ["a", "\v", "b"]),
        ("a<=b>=c", ["a", "<=", "b", ">=", "c"]),
    ],
)
def test_where_tokens_end(sql: str, texts: list[str]) -> None:
    assert [text for text, _ in shown(sql)] == texts


def test_depth_is_that_of_the_parentheses_around() -> None:
    assert [(t.text, t.depth) for t in tokenize("a(b(c)'(')[(]")] == [
        ("a", 0), ("(", 0), ("b", 1), ("(", 1), ("c", 2), (")", 1), ("'('", 1), (")", 0),
        ("[(]", 0),
    ]  # fmt: skip


@given(SOUP)
def test_nothing_of_the_text_is_lost(sql: str) -> None:
    at = 0
    for token in tokenize(sql):
        assert token.start == at and sql[token.start : token.end] == token.text
        at = token.end
    assert at == len(sql)


@given(st.lists(st.sampled_from([s for s in SIGNS if s not in ";\x00"]), max_size=5).map("".join))
def test_a_column_named_by_sqlite_ends_where_our_token_does(text: str) -> None:
    sql = f"SELECT 1 AS {text}"
    try:
        ((name, _),) = apsw.Connection(":memory:").execute(sql).get_description()
    except (apsw.Error, ValueError):
        return  # SQLite sees something else than one name, or nothing it knows
    tokens = shown(sql)
    assert len(tokens) == 4 and unquoted(tokens[3][0]) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [('"a""b"', 'a"b'), ("`a``b`", "a`b"), ("[a b]", "a b"), ("'it''s'", "it's"), ("a", "a")],
)
def test_names_without_their_quotes(text: str, name: str) -> None:
    assert unquoted(text) == name


@pytest.mark.parametrize(
    ("sql", "word"),
    [("", ""), ("-- only", ""), (" /* x */ ; insert INTO t", "INSERT"), ('"insert"', '"INSERT"')],
)
def test_first_word(sql: str, word: str) -> None:
    assert first_word(sql) == word
