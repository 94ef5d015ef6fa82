"""Pieces of a statement, run alone, see the values that the whole statement gives them."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.errors import UsageError
from tests.vtab.sql.soup import SOUP
from vtab.sql.parameters import bindings_for, compose, read_variables
from vtab.sql.reader import Slice

NAMES = ["a", "b"]
VARIABLES = st.sampled_from(["?", "?1", "?2", "?5", "?007", ":a", ":b", "@a", "$a"])
EXPRESSIONS = st.lists(
    st.lists(st.one_of(VARIABLES, st.sampled_from(["1", "'?'", "'it''s :a'"])), min_size=1).map(
        " || '-' || ".join
    ),
    min_size=1,
    max_size=5,
)


def only_row(sql: str, bindings: object = None) -> tuple[object, ...]:
    connection = apsw.Connection(":memory:")
    (row,) = connection.execute(sql, bindings).fetchall()  # type: ignore[arg-type]
    return tuple(row)


def slices(expressions: list[str]) -> tuple[str, list[Slice]]:
    """A SELECT of them all, and where each is."""
    pieces, start = [], len("SELECT ")
    for expression in expressions:
        pieces.append(Slice(expression, start))
        start += len(expression) + 2
    return "SELECT " + ", ".join(expressions), pieces


@given(EXPRESSIONS)
def test_each_alone_is_as_in_the_whole(expressions: list[str]) -> None:
    sql, pieces = slices(expressions)
    variables = read_variables(sql)
    values = [f"value {number}" for number in range(1, variables.count + 1)]
    whole = only_row(sql, values)  # which is an error if ``count`` is wrong
    for piece, expected in zip(pieces, whole, strict=True):
        part = compose(variables, "SELECT ", piece)
        assert only_row(part.text, bindings_for(part, values)) == (expected,)


@given(EXPRESSIONS, st.randoms(use_true_random=False))
def test_some_in_another_order_too(expressions: list[str], random) -> None:
    sql, pieces = slices(expressions)
    variables = read_variables(sql)
    values = [f"value {number}" for number in range(1, variables.count + 1)]
    whole = only_row(sql, values)
    chosen = random.choices(range(len(pieces)), k=3)
    first, second, third = (pieces[at] for at in chosen)
    part = compose(variables, "SELECT ", first, ", ", second, ", ", third)
    assert only_row(part.text, bindings_for(part, values)) == tuple(whole[at] for at in chosen)


@given(
    st.lists(
        st.sampled_from([":a", "@a", "$a", ":b", "?1"]).map("{} || 'x'".format), min_size=1
    ).map(lambda drawn: [":a", *drawn])
)
def test_values_by_name_are_found_by_name(expressions: list[str]) -> None:
    sql, pieces = slices(expressions)
    values = {"a": "A", "b": "B"}
    whole = only_row(sql, values)
    for piece, expected in zip(pieces, whole, strict=True):
        part = compose(read_variables(sql), "SELECT ", piece)
        assert bindings_for(part, values) is values
        assert only_row(part.text, values) == (expected,)


@pytest.mark.parametrize(
    ("sql", "numbers", "count"),
    [
        ("?, ?, ?", [1, 2, 3], 3),
        ("?3, ?, ?1", [3, 4, 1], 4),
        (":a, ?, :a, @a", [1, 2, 1, 3], 3),
        ("?1, :a, ?2", [1, 2, 2], 2),
        ("'?', -- ?\n[?], ?", [1], 1),
        ("1", [], 0),
    ],
)
def test_numbers(sql: str, numbers: list[int], count: int) -> None:
    variables = read_variables(sql)
    assert [use.number for use in variables.uses] == numbers
    assert variables.count == count


def test_a_piece_that_begins_the_statement_stays_as_it_is() -> None:
    sql = "INSERT INTO t VALUES (?, :a, ?, :a) RETURNING ?"
    part = compose(read_variables(sql), Slice(sql[: sql.index(" RETURNING")], 0))
    assert part.text == "INSERT INTO t VALUES (?, :a, ?, :a)"
    assert bindings_for(part, (1, 2, 3, 4)) == (1, 2, 3)
    assert bindings_for(part, None) is None


def test_a_number_that_has_a_name_is_written_by_it() -> None:
    sql = "SELECT :a, ?1IS NULL"
    part = compose(read_variables(sql), "SELECT ", Slice("?1IS NULL", 11))
    assert part.text == "SELECT :a IS NULL"
    assert only_row(part.text, {"a": None}) == (1,)


@pytest.mark.parametrize("given", [(), (1,), (1, 2, 3)])
def test_too_few_and_too_many_values_are_refused(given: tuple[int, ...]) -> None:
    sql = "SELECT ?, ?"
    part = compose(read_variables(sql), Slice("?", 10))
    with pytest.raises(UsageError, match=f"has 2 parameters, and {len(given)} values were given"):
        bindings_for(part, given)


@given(SOUP)
def test_any_text_can_be_read(sql: str) -> None:
    variables = read_variables(sql)
    assert compose(variables, Slice(sql, 0)).count == variables.count


@given(EXPRESSIONS)
def test_what_was_in_the_statement_is_found_there(expressions: list[str]) -> None:
    sql, pieces = slices(expressions)
    part = compose(read_variables(sql), "VALUES (", *reversed(pieces), ")")
    origins = [part.origin(at) for at in range(len(part.text))]
    assert origins[: len("VALUES (")] == [None] * len("VALUES (")
    assert origins[-1] is None
    found = {at for at in origins if at is not None}
    starts = {use.start for use in read_variables(sql).uses} | {piece.start for piece in pieces}
    assert starts <= found
