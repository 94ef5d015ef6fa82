"""The output modes."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsmsql.shell.formats import FORMATS, Style

NAMES = ["n", "text"]
ROWS = [(1, "a"), (-20, None), (3.5, b"\xff")]

EXPECTED = {
    "ascii": "1\x1fa\x1e-20\x1f\x1e3.5\x1fx'ff'\x1e",
    "box": """\
╭─────┬───────╮
│ n   │ text  │
╞═════╪═══════╡
│   1 │ a     │
│ -20 │       │
│ 3.5 │ x'ff' │
╰─────┴───────╯
""",
    "column": """\
1    a
-20
3.5  x'ff'
""",
    "csv": "1|a\n-20|\n3.5|x'ff'\n",
    "html": """\
<TR><TD>1</TD>
<TD>a</TD>
</TR>
<TR><TD>-20</TD>
<TD></TD>
</TR>
<TR><TD>3.5</TD>
<TD>x&#x27;ff&#x27;</TD>
</TR>
""",
    "insert": """\
INSERT INTO "table" VALUES(1,'a');
INSERT INTO "table" VALUES(-20,NULL);
INSERT INTO "table" VALUES(3.5,x'ff');
""",
    "json": """\
[{"n":1,"text":"a"},
{"n":-20,"text":null},
{"n":3.5,"text":"x'ff'"}]
""",
    "jsonl": """\
{"n":1,"text":"a"}
{"n":-20,"text":null}
{"n":3.5,"text":"x'ff'"}
""",
    "line": """\
    n = 1
 text = a

    n = -20
 text =\N{SPACE}

    n = 3.5
 text = x'ff'
""",
    "list": "1|a\n-20|\n3.5|x'ff'\n",
    "markdown": """\
| n   | text  |
|-----|-------|
|   1 | a     |
| -20 |       |
| 3.5 | x'ff' |
""",
    "quote": "1,'a'\n-20,NULL\n3.5,x'ff'\n",
    "table": """\
+-----+-------+
| n   | text  |
+-----+-------+
|   1 | a     |
| -20 |       |
| 3.5 | x'ff' |
+-----+-------+
""",
    "tabs": "1\ta\n-20\t\n3.5\tx'ff'\n",
}


def render(mode, names, rows, **style):
    return "".join(FORMATS[mode](names, rows, Style(**style)))


@pytest.mark.parametrize("mode", FORMATS)
def test_rows_as_each_mode_has_them(mode):
    assert render(mode, NAMES, ROWS) == EXPECTED[mode]


@pytest.mark.parametrize("mode", FORMATS)
def test_no_rows(mode):
    assert render(mode, NAMES, []) == ""


def test_header_and_null_in_list():
    assert render("list", NAMES, ROWS[1:2], header=True, null="-") == "n|text\n-20|-\n"


def test_column_with_widths_and_header():
    text = render("column", NAMES, [("long", "b")], header=True, widths=(3, -6))
    assert text == "n      text\n---  ------\nlon       b\n"


def test_insert_with_names_and_another_table():
    text = render("insert", NAMES, ROWS[:1], header=True, table="my table")
    assert text == "INSERT INTO \"my table\"(n,text) VALUES(1,'a');\n"


def test_box_wraps_wide_cells_and_shows_control_characters():
    assert render("box", ["a"], [("abcdef\x07\nx",)], wrap=4) == (
        "╭──────╮\n│ a    │\n╞══════╡\n│ abcd │\n│ ef␇  │\n│ x    │\n╰──────╯\n"
    )


def test_box_knows_wide_and_combining_characters():
    lines = render("box", ["a"], [("日本",), ("e\u0301",), ("abcd",)]).splitlines()
    assert lines[3:6] == ["│ 日本 │", "│ e\u0301    │", "│ abcd │"]


def test_markdown_keeps_a_row_on_one_line():
    assert render("markdown", ["a"], [("x|y\nz",)]).splitlines()[2] == "| x\\|y<br>z |"


CELLS = st.lists(st.tuples(st.text("a,|\"'\n;", max_size=5), st.integers()), max_size=5)


@given(CELLS, st.sampled_from(",;|\t"))
def test_csv_reads_back(rows, separator):
    text = render("csv", NAMES, rows, separator=separator)
    found = list(csv.reader(io.StringIO(text), delimiter=separator))
    assert found == [[text, str(number)] for text, number in rows]


@given(CELLS.filter(bool))
def test_json_reads_back(rows):
    found = json.loads(render("json", NAMES, rows))
    assert found == [dict(zip(NAMES, row, strict=True)) for row in rows]
