"""The output modes: rows in, text out.

A mode is a generator of pieces of text. Those that need no more than one row at a time keep none;
the tables hold all of them, because a column is as wide as its widest value.
"""

from __future__ import annotations

import csv
import html
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lsmsql.engine.values import Value
from lsmsql.shell.values import json_text, literal, show
from vtab.sql.names import identifier

Names = Sequence[str]
Rows = Iterable[Sequence[Value]]


@dataclass(frozen=True)
class Style:
    """What a mode may need to know.

    ``wrap`` is the number of characters after which a cell of a table goes on in its next line (0:
    never), ``widths`` what the user asked for in mode column, negative for right-justified.
    """

    header: bool = False
    separator: str = "|"
    null: str = ""
    table: str = "table"
    wrap: int = 0
    widths: tuple[int, ...] = ()


Format = Callable[[Names, Rows, Style], Iterator[str]]


def _texts(names: Names, rows: Rows, style: Style) -> Iterator[list[str]]:
    if style.header:
        yield list(names)
    null = style.null
    for row in rows:
        yield [show(value, null) for value in row]


def list_lines(names: Names, rows: Rows, style: Style, end: str = "\n") -> Iterator[str]:
    """Values divided by the separator."""
    for texts in _texts(names, rows, style):
        yield style.separator.join(texts) + end


def tab_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """Tab-separated values."""
    return list_lines(names, rows, _with_separator(style, "\t"))


def ascii_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """Columns and rows divided by the control characters that ASCII has for it."""
    return list_lines(names, rows, _with_separator(style, "\x1f"), "\x1e")


def _with_separator(style: Style, separator: str) -> Style:
    return Style(style.header, separator, style.null)


def csv_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """Values with a separator between them, in quotes where it is needed."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=style.separator, lineterminator="\n")
    for texts in _texts(names, rows, style):
        writer.writerow(texts)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def json_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """One array of objects; nothing at all without rows, as in sqlite3."""
    start = "["
    for text in _objects(names, rows):
        yield start + text
        start = ",\n"
    if start != "[":
        yield "]\n"


def jsonl_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """One object a line."""
    for text in _objects(names, rows):
        yield text + "\n"


def _objects(names: Names, rows: Rows) -> Iterator[str]:
    keys = [json_text(name) + ":" for name in names]
    for row in rows:
        pairs = [key + json_text(value) for key, value in zip(keys, row, strict=True)]
        yield "{" + ",".join(pairs) + "}"


def value_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """One value a line, an empty line between two rows."""
    width = max([5, *map(text_width, names)])
    start = ""
    for row in rows:
        pairs = zip(names, row, strict=True)
        lines = [f"{_pad(name, -width)} = {show(value, style.null)}\n" for name, value in pairs]
        yield start + "".join(lines)
        start = "\n"


def insert_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """INSERT statements for a table whose name ``style`` gives."""
    start = f"INSERT INTO {identifier(style.table)}"
    if style.header:
        start += f"({','.join(map(identifier, names))})"
    for row in rows:
        yield f"{start} VALUES({','.join(map(literal, row))});\n"


def quote_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """Values as SQL literals."""
    if style.header:
        yield ",".join(map(literal, names)) + "\n"
    for row in rows:
        yield ",".join(map(literal, row)) + "\n"


def html_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """Rows of an HTML table."""
    tag = "TH" if style.header else "TD"
    for texts in _texts(names, rows, style):
        cells = "".join(f"<{tag}>{html.escape(text)}</{tag}>\n" for text in texts)
        yield f"<TR>{cells}</TR>\n"
        tag = "TD"


# ----------------------------------------------------------------------------------- tables


@dataclass(frozen=True)
class _Frame:
    """The lines of a table: left, fill, between and right, for top, below the header and bottom."""

    top: str
    middle: str
    bottom: str
    bar: str


_BOX = _Frame("╭─┬╮", "╞═╪╡", "╰─┴╯", "│")
_ASCII = _Frame("+-++", "+-++", "+-++", "|")
_MARKDOWN = _Frame("", "|-||", "", "|")


def box_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """A table drawn with lines."""
    return _framed(names, rows, style, _BOX)


def table_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """A table drawn with ASCII characters."""
    return _framed(names, rows, style, _ASCII)


def markdown_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """A table as Markdown has it, each row on one line."""
    return _framed(names, rows, Style(null=style.null), _MARKDOWN)


def _framed(names: Names, rows: Rows, style: Style, frame: _Frame) -> Iterator[str]:
    single_line = frame is _MARKDOWN
    cells, numbers = [], []
    for row in rows:
        texts = [show(value, style.null) for value in row]
        if single_line:
            texts = [_one_line(text) for text in texts]
        cells.append([_cell_lines(text, style.wrap) for text in texts])
        numbers.append([isinstance(value, int | float) for value in row])
    if not cells:
        return
    header = [_cell_lines(name, style.wrap) for name in names]
    columns = zip(header, *cells, strict=True)
    widths = [max(text_width(line) for lines in column for line in lines) for column in columns]
    if frame.top:
        yield _rule(frame.top, widths)
    yield from _line(header, [False] * len(widths), widths, frame.bar)
    yield _rule(frame.middle, widths)
    for lines, right in zip(cells, numbers, strict=True):
        yield from _line(lines, right, widths, frame.bar)
    if frame.bottom:
        yield _rule(frame.bottom, widths)


def _rule(characters: str, widths: Sequence[int]) -> str:
    left, fill, between, right = tuple(characters)
    return left + between.join(fill * (width + 2) for width in widths) + right + "\n"


def _line(
    cells: Sequence[Sequence[str]], right: Sequence[bool], widths: Sequence[int], bar: str
) -> Iterator[str]:
    """One row of a table, which is as many lines of text as its highest cell has."""
    for number in range(max(map(len, cells))):
        texts = [lines[number] if number < len(lines) else "" for lines in cells]
        padded = [
            _pad(text, -width if is_right else width)
            for text, is_right, width in zip(texts, right, widths, strict=True)
        ]
        yield f"{bar} {f' {bar} '.join(padded)} {bar}\n"


def _cell_lines(text: str, wrap: int) -> list[str]:
    """The lines of a cell; control characters, which would break the frame, made visible."""
    lines = text.expandtabs().splitlines() or [""]
    if wrap:
        lines = [line[i : i + wrap] for line in lines for i in range(0, len(line) or 1, wrap)]
    return ["".join(c if c.isprintable() else _visible(c) for c in line) for line in lines]


def _visible(character: str) -> str:
    return chr(0x2400 + ord(character)) if character < " " else "\N{REPLACEMENT CHARACTER}"


def _one_line(text: str) -> str:
    return "<br>".join(text.splitlines()).replace("|", "\\|")


def column_lines(names: Names, rows: Rows, style: Style) -> Iterator[str]:
    """Columns side by side, as wide as their widest value if the user gave no width."""
    cells = [[show(value, style.null) for value in row] for row in rows]
    if not cells:
        return
    widths = []
    for i, (name, *column) in enumerate(zip(names, *cells, strict=True)):
        asked = style.widths[i] if i < len(style.widths) else 0
        widths.append(asked or max([text_width(t) for t in column] + [text_width(name)]))
    if style.header:
        cells = [list(names), ["-" * abs(width) for width in widths], *cells]
    for texts in cells:
        padded = [
            _pad(text[: abs(width)], width) for text, width in zip(texts, widths, strict=True)
        ]
        yield "  ".join(padded).rstrip() + "\n"


def text_width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _pad(text: str, width: int) -> str:
    """``text`` in ``width`` columns, to the right if that is negative."""
    blanks = " " * (abs(width) - text_width(text))
    return blanks + text if width < 0 else text + blanks


FORMATS: dict[str, Format] = {
    "ascii": ascii_lines,
    "box": box_lines,
    "column": column_lines,
    "csv": csv_lines,
    "html": html_lines,
    "insert": insert_lines,
    "json": json_lines,
    "jsonl": jsonl_lines,
    "line": value_lines,
    "list": list_lines,
    "markdown": markdown_lines,
    "quote": quote_lines,
    "table": table_lines,
    "tabs": tab_lines,
}
"""All modes; ``arguments.MODES`` says what they are."""
