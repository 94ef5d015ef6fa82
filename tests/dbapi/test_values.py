"""Values: adapters, converters, the types of columns, and numpy's scalars."""

from __future__ import annotations

import datetime
import decimal
import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lsmsql
from lsmsql.dbapi import adapters


@pytest.fixture(scope="module")
def shared():
    """For queries that need no table."""
    types = lsmsql.PARSE_DECLTYPES | lsmsql.PARSE_COLNAMES
    connection = lsmsql.connect(":memory:", detect_types=types)
    connection.execute(
        "CREATE TEMP TABLE u(day DATE, at timestamp, noon time, price DECIMAL(9, 2))"
    )
    yield connection
    connection.close()


@pytest.fixture
def registered(monkeypatch):
    """What a test registers is forgotten after it."""
    for name in ("_native", "_adapters", "_converters"):
        monkeypatch.setattr(adapters, name, getattr(adapters, name).copy())


@given(
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, datetime.UTC])),
    st.times(),
)
def test_dates_and_times_come_back(shared, day, at, noon):
    shared.execute("DELETE FROM u")
    shared.execute("INSERT INTO u VALUES (?, :at, ?, 1)", (day, at, noon))
    assert shared.execute("SELECT day, at, noon FROM u").fetchone() == (day, at, noon)
    row = shared.execute('SELECT day || \'\' AS "d [date]", at AS "a [TIMESTAMP]" FROM u')
    assert [column[0] for column in row.description] == ["d", "a"]
    assert row.fetchone() == (day, at)


def test_dates_are_stored_as_iso_texts(shared):
    values = datetime.date(2024, 5, 1), datetime.datetime(2024, 5, 1, 12, 30, 0, 5)
    row = shared.execute("SELECT ?, ?", values).fetchone()
    assert row == ("2024-05-01", "2024-05-01 12:30:00.000005")
    assert shared.execute("SELECT date(?)", (values[1],)).fetchone() == ("2024-05-01",)


@pytest.mark.usefixtures("registered")
def test_adapters_and_converters_of_the_program(connect, module):
    kind = type("Money", (), {"__init__": lambda self, cents: setattr(self, "cents", cents)})
    module.register_adapter(kind, lambda money: money.cents)
    module.register_converter("money", lambda data: kind(int(data)))
    types = module.PARSE_DECLTYPES | module.PARSE_COLNAMES
    connection = connect(detect_types=types)
    connection.execute("CREATE TEMP TABLE prices(price MONEY(9), name TEXT)")
    connection.execute("INSERT INTO prices VALUES (?, 'a'), (NULL, 'b')", (kind(125),))
    first, second = connection.execute("SELECT price, name FROM prices").fetchall()
    assert (first[0].cents, first[1], second) == (125, "a", (None, "b"))
    row = connection.execute('SELECT 7 AS "p [Money]", 8 AS "p [unknown]"').fetchone()
    assert (row[0].cents, row[1]) == (7, 8)
    assert connect().execute("SELECT 7 AS 'p [money]'").fetchone() == (7,)


@pytest.mark.usefixtures("registered")
def test_columns_of_the_store_have_the_types_they_were_declared_with(connect, module):
    connection = connect(detect_types=module.PARSE_DECLTYPES)
    connection.execute("CREATE TABLE d(id INTEGER PRIMARY KEY, day DATE, name VARCHAR(9))")
    connection.execute("INSERT INTO d VALUES (1, '2024-05-01', 'a')")
    module.register_converter("date", lambda data: datetime.date.fromisoformat(data.decode()))
    row = connection.execute("SELECT * FROM d").fetchone()
    assert row == (1, datetime.date(2024, 5, 1), "a")


@pytest.mark.usefixtures("registered")
def test_an_adapter_may_be_for_a_class_that_sqlite_has(shared):
    lsmsql.register_adapter(str, str.upper)
    assert shared.execute("SELECT ?, :b", ("a", b"b")).fetchone() == ("A", b"b")


@pytest.mark.usefixtures("registered")
def test_an_error_in_an_adapter_or_converter_is_seen(shared):
    lsmsql.register_adapter(complex, lambda value: 1 / 0)
    lsmsql.register_converter("broken", lambda data: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shared.execute("SELECT ?", (1j,))
    with pytest.raises(ZeroDivisionError):
        shared.execute("SELECT 1 AS 'a [broken]'").fetchone()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(-5), -5),
        (np.uint8(200), 200),
        (np.float64(1.5), 1.5),
        (np.float32(0.5), 0.5),
        (np.bool_(True), 1),
        (np.str_("a"), "a"),
        (np.bytes_(b"a"), b"a"),
        (np.datetime64("2024-05-01"), "2024-05-01"),
        (np.datetime64("2024-05-01T12:00:00"), "2024-05-01 12:00:00"),
    ],
    ids=repr,
)
def test_scalars_of_numpy_are_what_they_are_in_python(shared, value, expected):
    assert shared.execute("SELECT ?", (value,)).fetchone() == (expected,)


@pytest.mark.parametrize("value", [decimal.Decimal("1.1"), np.longdouble(1), 1j, [1]], ids=repr)
def test_values_without_an_adapter_are_refused(shared, value):
    with pytest.raises(lsmsql.ProgrammingError, match="Error binding parameter 2: type"):
        shared.execute("SELECT ?, ?", (1, value))


def test_a_part_of_a_buffer_is_a_blob(shared):
    assert shared.execute("SELECT ?", (memoryview(b"abcd")[::2],)).fetchone() == (b"ac",)


def test_a_mapping_may_make_up_what_is_missing(shared):
    class Default(dict[str, object]):
        def __missing__(self, key):
            return f"no {key}"

    row = shared.execute("SELECT :a, :b", Default(a=1)).fetchone()
    assert row == (1, "no b")


# ------------------------------------------------------------------------------- type objects


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("VARCHAR(20)", "STRING"),
        ("text", "STRING"),
        ("INTEGER", "NUMBER"),
        ("bigint", "NUMBER"),
        ("double precision", "NUMBER"),
        ("DECIMAL(9, 2)", "NUMBER"),
        ("Boolean", "NUMBER"),
        ("BLOB", "BINARY"),
        ("varbinary(8)", "BINARY"),
        ("date", "DATETIME"),
        ("TIMESTAMP", "DATETIME"),
        ("ROWID", "ROWID"),
        ("geometry", None),
        ("ANY", None),
    ],
)
def test_a_declared_type_equals_one_type_object(declared, kind):
    kinds = ["STRING", "NUMBER", "BINARY", "DATETIME", "ROWID"]
    equal = [name for name in kinds if declared == getattr(lsmsql, name)]
    assert equal == ([] if kind is None else [kind])


def test_the_description_has_declared_types(ours):
    ours.execute("CREATE TEMP TABLE u(a VARCHAR(20), b TIMESTAMP, c)")
    kinds = [c[1] for c in ours.execute("SELECT a, b, c, a || b, id, t.name FROM u, t").description]
    assert kinds[2:4] == [None, None]
    objects = [lsmsql.STRING, lsmsql.DATETIME, None, None, lsmsql.NUMBER, lsmsql.STRING]
    assert kinds == objects
    assert len({lsmsql.STRING, lsmsql.NUMBER, lsmsql.STRING}) == 2


@pytest.mark.parametrize("name", ["Date", "Time", "Timestamp", "Binary"])
def test_constructors_are_those_of_sqlite3(name):
    assert getattr(lsmsql, name) is getattr(sqlite3, name)


@pytest.mark.parametrize("name", ["DateFromTicks", "TimeFromTicks", "TimestampFromTicks"])
def test_constructors_from_ticks_agree_with_sqlite3(name):
    for ticks in (0, 1_700_000_000.5):
        assert getattr(lsmsql, name)(ticks) == getattr(sqlite3, name)(ticks)
