"""Random tables and random queries give what SQLite's own tables give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vtab.pair import Pair, new_pair

INTEGERS = [0, 1, -1, 2, 3, 7, 10, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]
REALS = [0.0, 1.0, 0.5, 1.5, -2.5, 3.0, 1e18, 9.3e18, -1e300, float("inf"), 2.0**53]
TEXTS = ["", "a", "ab", "b", "B", "1", "1.0", "01", " 2 ", "1e1", "7x", "a\0b", "é", "\U0001f600"]
BLOBS = [b"", b"a", b"\x00", b"\xff\xff", b"a\x00b", b"\xff"]
ANYTHING: list[object] = [*INTEGERS, *REALS, *TEXTS, *BLOBS]
POOLS: dict[str, list[Any]] = {
    "INTEGER": INTEGERS,
    "REAL": REALS,
    "TEXT": TEXTS,
    "BLOB": BLOBS,
    "ANY": ANYTHING,
}
TYPES = list(POOLS)
LAYOUTS = ["memory", "flushed", "compacted"]


@dataclass(frozen=True)
class Shape:
    """A random table: key columns (type, descending), and one value column after them."""

    key: tuple[tuple[str, bool], ...]
    value: str

    @property
    def names(self) -> list[str]:
        return [f"k{i}" for i in range(len(self.key))]

    @property
    def sql(self) -> str:
        columns = [
            f"{n} {kind} NOT NULL" for n, (kind, _) in zip(self.names, self.key, strict=True)
        ]
        key = [n + " DESC" * down for n, (_, down) in zip(self.names, self.key, strict=True)]
        return f"{', '.join(columns)}, v {self.value}, PRIMARY KEY ({', '.join(key)})"

    def row(self) -> st.SearchStrategy[tuple[object, ...]]:
        pools = [st.sampled_from(POOLS[kind]) for kind, _ in self.key]
        return st.tuples(*pools, st.none() | st.sampled_from(POOLS[self.value]))


shapes = st.builds(
    Shape,
    st.lists(st.tuples(st.sampled_from(TYPES), st.booleans()), min_size=1, max_size=3).map(tuple),
    st.sampled_from(TYPES),
)
right_sides = st.none() | st.sampled_from([*ANYTHING, -0.0])


@st.composite
def conditions(draw: st.DrawFn, names: list[str]) -> tuple[str, list[object]]:
    """A condition and its values."""
    name = draw(st.sampled_from([*names, *names, "v"]))
    kind = draw(st.sampled_from(["compare", "compare", "compare", "between", "in", "is", "row"]))
    if kind == "between":
        return f"{name} BETWEEN ? AND ?", [draw(right_sides), draw(right_sides)]
    if kind == "in":
        values = draw(st.lists(right_sides, min_size=1, max_size=4))
        return f"{name} IN ({', '.join('?' * len(values))})", list(values)
    if kind == "is":
        return f"{name} IS ?", [draw(right_sides)]
    if kind == "row" and len(names) > 1:
        op = draw(st.sampled_from(["<", "<=", ">", ">=", "="]))
        return f"({names[0]}, {names[1]}) {op} (?, ?)", [draw(right_sides), draw(right_sides)]
    op = draw(st.sampled_from(["=", "=", "<", "<=", ">", ">=", "<>"]))
    return f"{name} {op} ?", [draw(right_sides)]


@st.composite
def queries(draw: st.DrawFn, shape: Shape) -> tuple[str, list[object], bool]:
    """A query, its values, and whether the order of its rows is determined."""
    names = shape.names
    parts = draw(st.lists(conditions(names), max_size=3))
    where = f" WHERE {' AND '.join(sql for sql, _ in parts)}" if parts else ""
    values = [value for _, condition in parts for value in condition]
    columns = draw(st.sampled_from(["*", "v", names[-1], f"v, {names[0]}", "count(*)"]))
    terms = draw(st.lists(st.sampled_from([*names, "v"]), unique=True, max_size=3))
    if columns == "count(*)" or not terms:
        return f"SELECT {columns} FROM t{where}", values, False
    terms += [name for name in names if name not in terms]
    backwards = draw(st.lists(st.booleans(), min_size=len(terms), max_size=len(terms)))
    order = ", ".join(n + " DESC" * down for n, down in zip(terms, backwards, strict=True))
    sql = f"SELECT {columns} FROM t{where} ORDER BY {order}"
    limit, offset = draw(
        st.sampled_from([(-1, 0), (1, 0), (3, 0), (3, 2), (-1, 3), (0, 0), (2, -1)])
    )
    if limit >= 0 or offset > 0:
        sql += " LIMIT ? OFFSET ?"
        values += [limit, offset]
    return sql, values, True


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.data(), shapes, st.sampled_from(LAYOUTS), st.booleans())
def test_random_queries(data: st.DataObject, shape: Shape, layout: str, literal: bool) -> None:
    with new_pair() as pair:
        pair.create("t", shape.sql)
        fill(pair, data, shape, layout)
        for _ in range(12):
            sql, values, ordered = data.draw(queries(shape))
            if literal:
                sql, values = with_literals(sql, values), []
            pair.check(sql, values, ordered=ordered)


def fill(pair: Pair, data: st.DataObject, shape: Shape, layout: str) -> None:
    """Some rows, laid out, and some more that come after them."""
    slots = ", ".join("?" * (len(shape.key) + 1))
    for stage in (layout, "memory"):
        for row in data.draw(st.lists(shape.row(), max_size=25)):
            pair.check(f"INSERT OR REPLACE INTO t VALUES ({slots})", row)
        if data.draw(st.booleans()):
            pair.check("DELETE FROM t WHERE k0 = ?", [data.draw(right_sides)])
        pair.lay_out(stage)


def with_literals(sql: str, values: list[object]) -> str:
    """The values in the place of the question marks."""
    pieces = sql.split("?")
    literals = [as_literal(value) for value in values]
    return "".join(p + v for p, v in zip(pieces, [*literals, ""], strict=True))


def as_literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case str() if "\0" in value:
            return "'a' || char(0) || 'b'"
        case str():
            return f"'{value}'"
        case bytes():
            return f"x'{value.hex()}'"
        case float() if value == float("inf"):
            return "9e999"
    return repr(value)


JOINS = [
    "SELECT * FROM a JOIN b ON a.x = b.y",
    "SELECT * FROM a LEFT JOIN b ON a.x = b.y AND b.z > 2",
    "SELECT a.x, count(*), sum(b.z) FROM a, b WHERE b.y = a.w GROUP BY a.x",
    "SELECT x, (SELECT max(z) FROM b WHERE y = a.x) FROM a",
    "SELECT x FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.y = a.x AND b.z < a.w)",
    "SELECT x FROM a WHERE x IN (SELECT z FROM b)",
    "SELECT x FROM a WHERE x NOT IN (SELECT z FROM b)",
    "SELECT y, count(*) FROM b GROUP BY y",
    "SELECT z, y, count(*) FROM b GROUP BY z, y",
    "SELECT DISTINCT y FROM b",
    "SELECT DISTINCT y FROM b ORDER BY y DESC",
    "SELECT min(y), max(z) FROM b",
    "SELECT max(x), w FROM a",
    "SELECT * FROM a AS p, a AS q WHERE p.x < q.x AND q.x <= p.w",
    "SELECT y, row_number() OVER (ORDER BY y, z) FROM b",
    "SELECT x FROM a UNION SELECT z FROM b ORDER BY 1",
    "SELECT * FROM (SELECT * FROM b ORDER BY y, z LIMIT 5) ORDER BY z, y",
    "WITH RECURSIVE c(n) AS (SELECT min(x) FROM a UNION ALL SELECT (SELECT min(x) FROM a "
    "WHERE x > n) FROM c WHERE n IS NOT NULL) SELECT n FROM c",
    "SELECT * FROM a FULL JOIN b ON a.w = b.z AND a.x > b.y",
]


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, 15), st.none() | st.integers(0, 15)), max_size=15),
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 9)), max_size=30),
    st.sampled_from(LAYOUTS),
)
def test_joins_and_groups(a: list[tuple[int, int]], b: list[tuple[int, int]], layout: str) -> None:
    with new_pair() as pair:
        pair.create("a", "x INTEGER PRIMARY KEY, w INTEGER")
        pair.create("b", "y INTEGER, z INTEGER, PRIMARY KEY (y, z DESC)")
        for name, rows in (("a", a), ("b", b)):
            for row in rows:
                pair.check(f"INSERT OR IGNORE INTO {name} VALUES (?, ?)", row)
        pair.lay_out(layout)
        for sql in JOINS:
            pair.check(sql)
