"""docs/dialects.md: its examples run, and what it lists as refused is."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from lsmsql.dialects.errors import DialectError
from lsmsql.dialects.translation import translate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "dialects.md"


def test_the_examples_run():
    source = "".join(
        re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    )
    examples = doctest.DocTestParser().get_doctest(source, {}, PAGE.name, str(PAGE), 0)
    report: list[str] = []
    results = doctest.DocTestRunner().run(examples, out=report.append)
    assert results.attempted >= 10
    assert results.failed == 0, "".join(report)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("postgres", "SELECT a FROM t GROUP BY CUBE (a)"),
        ("postgres", "SELECT a = ANY (SELECT a FROM u) FROM t"),
        ("postgres", "SELECT a > ALL (SELECT a FROM u) FROM t"),
        ("postgres", "SELECT a FROM t INTERSECT ALL SELECT a FROM u"),
        ("postgres", "SELECT to_char(d, 'YYYY') FROM t"),
        ("postgres", "SELECT now() - INTERVAL '1 day' * 2"),
        ("postgres", "CREATE TABLE w(id INT PRIMARY KEY, r INT4RANGE)"),
        ("duckdb", "SELECT a FROM t ANTI JOIN u USING (a)"),
        ("duckdb", "SELECT * EXCLUDE (a) FROM t QUALIFY row_number() OVER () = 1"),
        ("duckdb", "SELECT MAP {'a': 1}"),
        ("mysql", "DELETE FROM t LIMIT 1"),
        ("mysql", "DELETE t FROM t JOIN u ON t.a = u.a"),
        ("mysql", "UPDATE t, u SET t.a = u.a WHERE t.id = u.id"),
    ],
)
def test_refused(dialect, sql):
    with pytest.raises(DialectError):
        translate(sql, dialect)
