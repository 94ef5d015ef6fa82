"""Values as text."""

from __future__ import annotations

import json

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.shell.values import json_text, literal, show
from vtab.sql.names import identifier

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
)


@given(VALUES)
def test_a_literal_gives_the_same_value(value):
    found = apsw.Connection(":memory:").execute("SELECT " + literal(value)).get
    assert type(found) is type(value)
    assert repr(found) == repr(value)


@given(VALUES)
def test_a_literal_holds_nothing_that_reading_lines_would_change(value):
    assert not {"\r", "\0"} & set(literal(value))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_an_identifier_names_the_column(name):
    connection = apsw.Connection(":memory:")
    connection.execute(f"CREATE TABLE t({identifier(name)})")
    assert connection.execute("SELECT name FROM pragma_table_info('t')").get == name


@pytest.mark.parametrize("name", ["city", "_a1"])
def test_plain_names_have_no_quotes(name):
    assert identifier(name) == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (1, "1"),
        (-0.5, "-0.5"),
        (float("inf"), "Inf"),
        ("x\ny", "x\ny"),
        (b"Ada", "Ada"),
        ("ü".encode(), "ü"),
        (b"\xff\x00", "x'ff00'"),
        (b"a\0b", "x'610062'"),
    ],
)
def test_values_for_people(value, text):
    assert show(value, "-") == text


@given(VALUES.filter(lambda value: not isinstance(value, bytes)))
def test_json(value):
    assert json.loads(json_text(value)) == value
