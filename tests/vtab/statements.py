"""Random statements that change tables, most of them to succeed, many to fail half-way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

TABLES = {
    "kv": "key ANY PRIMARY KEY, value ANY",
    "one": "id INTEGER PRIMARY KEY, a TEXT, b REAL NOT NULL",
    "two": "x INTEGER, y TEXT, b INTEGER NOT NULL, PRIMARY KEY (x DESC, y)",
    "log": "id INTEGER PRIMARY KEY, v ANY",
}
KEYS = {"kv": "key", "one": "id", "two": "x DESC, y", "log": "id"}
COLUMNS = {"kv": ("key", "value"), "one": ("id", "a", "b"), "two": ("x", "y", "b")}
NATIVE = {"numbers": "n INTEGER PRIMARY KEY", "beside": "n INTEGER PRIMARY KEY, v ANY NOT NULL"}
"""Tables of SQLite's own in both connections."""

NUMBERS = [1, 2, 3, 4, 5, 6]
GOOD: dict[str, list[Any]] = {
    "key": [*NUMBERS, "a", "b", b"a", 2.5],
    "value": [None, 1, "a", b""],
    "id": [None, *NUMBERS],
    "a": [None, "a", 7],
    "b": [1, 2, "3"],
    "x": NUMBERS,
    "y": ["a", "b", 1],
}
WRONG: dict[str, list[Any]] = {
    "id": ["a", b"a", 2.5],
    "a": [b"a"],
    "b": ["a", b"3"],
    "x": ["a", 2.5],
    "y": [b"a"],
}
"""Values of wrong types."""

STRICT = ["", " OR ABORT", " OR REPLACE"]
CONFLICTS = [*STRICT, " OR IGNORE", " OR FAIL", " OR ROLLBACK"]
KILLING = ["boom", "overflow", "stop", "late", "fail"]
WRITING = ["note", "retry"]

# What a progress handler is called in: some steps of work for each row.
BUSY = (
    "(WITH RECURSIVE c(i) AS (SELECT {0} UNION ALL SELECT i FROM c LIMIT 30) SELECT max(i) FROM c)"
)


@dataclass(frozen=True)
class Statement:
    """``calls``: at which call a killing function of it kills."""

    sql: str
    values: tuple[Any, ...] = ()
    calls: int = 0

    @property
    def watched(self) -> bool:
        """Whether it is killed by way of a progress handler."""
        return "late(" in self.sql or "fail(" in self.sql


tables = st.sampled_from(list(COLUMNS))
conflicts = st.sampled_from(CONFLICTS)
calls = st.integers(1, 6)


def bad(name: str, conflict: str) -> st.SearchStrategy[Any]:
    """Values that a column may refuse. With OR IGNORE, FAIL and ROLLBACK none of a wrong type."""
    return st.sampled_from([None, *(WRONG.get(name, ()) if conflict in STRICT else ())])


@st.composite
def insert(draw: st.DrawFn) -> Statement:
    """INSERT of one to four rows."""
    table, conflict, count = draw(tables), draw(conflicts), draw(st.integers(1, 4))
    names = COLUMNS[table]
    rows = [[draw(st.sampled_from(GOOD[name])) for name in names] for _ in range(count)]
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(names))
        rows[draw(st.integers(0, count - 1))][names.index(name)] = draw(bad(name, conflict))
    row = f"({', '.join('?' * len(names))})"
    sql = f"INSERT{conflict} INTO {table} VALUES {', '.join([row] * count)}"
    return Statement(sql, tuple(value for row in rows for value in row))


@st.composite
def killing(draw: st.DrawFn, argument: str, writes: bool = True) -> str:
    """An expression that is as its argument, if it does not kill. It may write to ``log`` first."""
    if writes and draw(st.integers(0, 3)) == 0:
        argument = f"{draw(st.sampled_from(WRITING))}({argument})"
    function = draw(st.sampled_from(KILLING))
    call = f"{function}({argument})"
    if function == "overflow":
        return f"abs({call})"
    if function in ("late", "fail"):
        return BUSY.format(call)
    return call


@st.composite
def insert_from_numbers(draw: st.DrawFn) -> Statement:
    """INSERT of several rows, which are made by a killing function."""
    table, conflict = draw(tables), draw(conflicts)
    n = draw(killing("n"))
    row = {
        "kv": f"{n}, n * 10",
        "one": f"{n}, 'n' || n, n + 0.5",
        "two": f"{n}, 'n', n",
    }[table]
    shift = draw(st.sampled_from(["n", "n + 2", "n + 10", "7 - n"]))
    source = f"(SELECT {shift} AS n FROM numbers)"
    return Statement(f"INSERT{conflict} INTO {table} SELECT {row} FROM {source}", (), draw(calls))


@st.composite
def insert_from_table(draw: st.DrawFn) -> Statement:
    """INSERT of what a table of ours holds, often the table itself."""
    table, source, conflict = draw(tables), draw(tables), draw(conflicts)
    key = {"kv": "CAST(key AS INTEGER)", "one": "id", "two": "x"}[source]
    shift = draw(st.sampled_from(["", " + 1", " + 3", " * -1"]))
    order = KEYS[source]
    row = {
        "kv": f"{key}{shift}, '{source}'",
        "one": f"{key}{shift}, 'x', 1",
        "two": f"{key}{shift}, 'x', 1",
    }[table]
    return Statement(f"INSERT{conflict} INTO {table} SELECT {row} FROM {source} ORDER BY {order}")


@st.composite
def insert_an_aggregate(draw: st.DrawFn) -> Statement:
    """INSERT of the result of an aggregate of the user, which may fail."""
    table = draw(tables)
    row = {"kv": "x, 1", "one": "x, 'agg', 1", "two": "x, 'agg', 1"}[table]
    source = "(SELECT total(n) AS x FROM numbers GROUP BY n % 3)"
    return Statement(f"INSERT OR REPLACE INTO {table} SELECT {row} FROM {source}", (), draw(calls))


@st.composite
def move_keys(draw: st.DrawFn) -> Statement:
    """UPDATE that changes keys, of some rows or of all."""
    table, conflict = draw(tables), draw(conflicts)
    key = {"kv": "key", "one": "id", "two": "x"}[table]
    value = draw(st.sampled_from([f"{key} + 1", f"{key} - 1", f"-{key}", f"7 - {key}"]))
    where = draw(st.sampled_from(["", f" WHERE {key} > 2", f" WHERE {key} < 4"]))
    return Statement(f"UPDATE{conflict} {table} SET {key} = {value}{where}")


@st.composite
def update(draw: st.DrawFn) -> Statement:
    """UPDATE of a column to one value."""
    table, conflict = draw(tables), draw(conflicts)
    name = draw(st.sampled_from(COLUMNS[table]))
    good = draw(st.integers(0, 3)) > 0
    value = draw(st.sampled_from(GOOD[name]) if good else bad(name, conflict))
    key = COLUMNS[table][0]
    where = f"{key} {draw(st.sampled_from(['=', '>', '<=']))} ?"
    number = draw(st.sampled_from(NUMBERS))
    return Statement(f"UPDATE{conflict} {table} SET {name} = ? WHERE {where}", (value, number))


@st.composite
def update_and_kill(draw: st.DrawFn) -> Statement:
    """UPDATE with a killing function, in SET or in WHERE."""
    table = draw(tables)
    key, column = COLUMNS[table][0], COLUMNS[table][-1]
    call = draw(killing(key, writes=False))
    if draw(st.booleans()):
        sql = f"UPDATE {table} SET {column} = {call}"
    else:
        sql = f"UPDATE {table} SET {column} = 9 WHERE {call} > 0"
    return Statement(sql, (), draw(calls))


@st.composite
def delete(draw: st.DrawFn) -> Statement:
    """DELETE of one row, of a range or of all."""
    table = draw(tables)
    key = COLUMNS[table][0]
    number = draw(st.sampled_from(NUMBERS))
    where = draw(st.sampled_from(["", f" WHERE {key} = ?", f" WHERE {key} BETWEEN ? AND ? + 2"]))
    return Statement(f"DELETE FROM {table}{where}", (number,) * where.count("?"))


@st.composite
def delete_and_kill(draw: st.DrawFn) -> Statement:
    """DELETE with a killing function."""
    table = draw(tables)
    call = draw(killing(COLUMNS[table][0]))
    return Statement(f"DELETE FROM {table} WHERE {call} > 0", (), draw(calls))


@st.composite
def change_beside(draw: st.DrawFn) -> Statement:
    """A change to a table of SQLite's own, in the same transaction."""
    number, conflict = draw(st.sampled_from(NUMBERS)), draw(conflicts)
    sql = draw(
        st.sampled_from(
            [
                f"INSERT{conflict} INTO beside VALUES (?, 1)",
                f"INSERT{conflict} INTO beside SELECT n + ?, boom(n) FROM numbers",
                f"UPDATE{conflict} beside SET n = n + ?",
                "DELETE FROM beside WHERE n = ?",
            ]
        )
    )
    return Statement(sql, (number,), draw(calls))


@st.composite
def select(draw: st.DrawFn) -> Statement:
    """A query, which may be killed too, or write to the table ``log``."""
    table = draw(tables)
    call = draw(killing(COLUMNS[table][0]))
    return Statement(f"SELECT {call} FROM {table} ORDER BY {KEYS[table]}", (), draw(calls))


changes = st.one_of(
    insert(),
    insert_from_numbers(),
    insert_from_table(),
    insert_an_aggregate(),
    move_keys(),
    update(),
    update_and_kill(),
    delete(),
    delete_and_kill(),
    change_beside(),
    select(),
)
