"""lsm-dump shows what is in an SSTable, whatever its state."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from lsmsql.dump.literals import json_value, sql_literal
from lsmsql.dump.sstable import main
from lsmsql.engine.columns import run_from_records
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.keys import KeyPart, parse_part
from lsmsql.engine.options import Options
from lsmsql.engine.projection import key_codec
from lsmsql.engine.schema import KV_SCHEMA, TableSchema, make_schema
from lsmsql.engine.sstable.writer import TableWriter
from lsmsql.engine.values import ColumnType

SCHEMA = make_schema(
    "trips",
    {"day": "INTEGER", "who": "ANY", "city": "TEXT", "cost": "REAL"},
    ("day", "who"),
    descending=["day"],
    table_id=5,
)
fs = OsFileSystem()


def write(path: str, schema: TableSchema, rows, **settings) -> str:
    """A file of (sequence, key values, payload after the real mask or None) in key order."""
    codec = key_codec(schema)
    records = sorted((codec.encode(key), sequence, key, rest) for sequence, key, rest in rows)
    payloads = [
        None if rest is None else (codec.real_mask(key), *rest) for _, _, key, rest in records
    ]
    keys, sequences = [r[0] for r in records], [r[1] for r in records]
    writer = TableWriter(fs, path, 7, schema, Options(**settings), bottom=False)
    writer.add(run_from_records(keys, sequences, payloads, schema.slot_types))
    writer.finish()
    return path


@pytest.fixture
def table(tmp_path) -> str:
    """Three blocks of two records: days 6 to 1, since the key descends."""
    rows: list[Any] = [
        (10 + day, (day, f"o'{day}"), (f"[red]city {day}", day / 2)) for day in range(1, 6)
    ]
    rows.append((16, (6, 1.0), None))
    return write(str(tmp_path / "000007.sst"), SCHEMA, rows, block_rows=2)


def document(capsys, *arguments: str):
    main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def patch(path: str, offset: int) -> None:
    """Flip a byte."""
    with open(path, "r+b") as file:
        file.seek(offset)
        old = file.read(1)
        file.seek(offset)
        file.write(bytes([old[0] ^ 0xFF]))


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_tables_show_properties_blocks_and_entries(table, capsys):
    assert main([table]) == 0
    output = capsys.readouterr().out
    lines = words(output)
    assert ["table", "trips"] in lines
    assert ["file", "number", "7"] in lines
    assert ["rows", "6"] in lines
    assert ["key", "day", "INTEGER", "DESC,", "who", "ANY"] in lines
    assert any(
        line[:1] == ["0"] and line[3:] == ["2", "6,", "1", "5,", "'o''5'", "ok"] for line in lines
    )
    assert ["1", "1", "'[red]city", "3'", "'[red]city", "4'", "0"] in lines
    assert ["1", "4,", "'o''4'", "14", "PUT", "NULL", "'[red]city", "4'", "2.0"] in lines
    assert ["0", "6,", "1", "16", "DELETE"] in lines
    assert "Columns, all blocks" in output


def test_json_holds_the_same(table, capsys):
    shown = document(capsys, table)
    assert shown["footer"]["number"] == 7
    assert shown["properties"]["table"] == "trips"
    assert shown["properties"]["smallest"] == "6, 1"
    assert shown["bytes"] == len(fs.read_all(table))
    block = shown["blocks"][2]
    assert (block["rows"], block["first"], block["last"]) == (2, "2, 'o''2'", "1, 'o''1'")
    assert block["zones"][2] == {"slot": 2, "minimum": 0.5, "maximum": 1.0, "nulls": 0}
    assert {"column": "slot 0", "type": "INTEGER", "encoding": "nulls", "bytes": 0} in block[
        "columns"
    ]
    entry = shown["entries"][1]
    assert entry.pop("key_hex") == key_codec(SCHEMA).encode((5, "o'5")).hex()
    assert entry == {
        "block": 0,
        "key": [5, "o'5"],
        "sequence": 15,
        "type": "PUT",
        "values": [None, "[red]city 5", 2.5],
    }
    assert (shown["entries_left_out"], shown["damage"]) == (0, None)


@pytest.mark.parametrize(("limit", "shown"), [(1, 1), (3, 3), (6, 6), (99, 6), (0, 6)])
def test_limit_counts_entries_and_says_what_it_leaves_out(table, capsys, limit, shown):
    result = document(capsys, table, "--limit", str(limit))
    assert len(result["entries"]) == shown
    assert result["entries_left_out"] == 6 - shown
    main([table, "--limit", str(limit)])
    note = f"{6 - shown} more entries; --limit 0 shows all"
    assert (note in capsys.readouterr().out) == (shown < 6)


@pytest.mark.parametrize(
    ("option", "parts"),
    [
        ("--summary", {"format version"}),
        ("--blocks", {"Blocks", "Zone maps"}),
        ("--entries", {"Entries"}),
    ],
)
def test_parts_are_shown_alone(table, capsys, option, parts):
    assert main([table, option]) == 0
    output = capsys.readouterr().out
    for part in ("format version", "Blocks", "Zone maps", "Entries"):
        assert (part in output) == (part in parts)


def test_values_of_every_type_are_literals(tmp_path, capsys):
    values = [1, 1.0, 2.5, "a", b"\xff", None, "bell \a", float("inf")]
    rows = [
        (1, (value,), (other,)) for value, other in zip([1.0, "k", b"\0"], values, strict=False)
    ]
    rows += [(1, (f"v{i}",), (value,)) for i, value in enumerate(values)]
    path = write(str(tmp_path / "kv"), KV_SCHEMA, rows)
    shown = document(capsys, path)
    found = {tuple(map(str, e["key"])): e["values"][1] for e in shown["entries"]}
    assert found["1.0",] == 1
    assert found["{'hex': '00'}",] == 2.5
    assert found["v4",] == {"hex": "ff"}
    assert found["v7",] == "inf"
    main([path, "--entries"])
    lines = words(capsys.readouterr().out)
    assert ["0", "1.0", "1", "PUT", "1", "1"] in lines
    assert ["0", "X'00'", "1", "PUT", "NULL", "2.5"] in lines
    assert ["0", "'v6'", "1", "PUT", "NULL", "CAST(X'62656c6c2007'", "AS", "TEXT)"] in lines


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (None, "NULL"),
        (-7, "-7"),
        (0.1, "0.1"),
        (1e100, "1.0e+100"),
        (float("-inf"), "-9e999"),
        ("it's", "'it''s'"),
        ("\x1b[2J", "CAST(X'1b5b324a' AS TEXT)"),
        (b"\x01", "X'01'"),
    ],
)
def test_a_literal_is_sql(value, literal):
    assert sql_literal(value) == literal
    assert json.dumps(json_value(value))


@pytest.mark.parametrize(
    ("text", "name", "part"),
    [
        ("k INTEGER", "k", KeyPart(ColumnType.INTEGER)),
        ("a b TEXT DESC", "a b", KeyPart(ColumnType.TEXT, True)),
        ("x DESC ANY", "x DESC", KeyPart(ColumnType.ANY)),
        ("x NULL ANY NULL DESC", "x NULL", KeyPart(ColumnType.ANY, True, True)),
    ],
)
def test_the_types_of_the_key_are_read(text, name, part):
    assert parse_part(text) == (name, part)
    assert part.described(name) == text


def offset_of(document, block: int):
    return document["blocks"][block]["offset"]


def test_a_damaged_block_is_named_and_the_others_are_shown(table, capsys):
    at = offset_of(document(capsys, table), 1)
    patch(table, at + 30)
    assert main([table]) == 1
    captured = capsys.readouterr()
    assert "'o''1'" in captured.out
    assert "'[red]city 4', 2.0" not in captured.out
    assert f"offset {at}: the checksum" in " ".join(captured.out.split())
    assert captured.err == (
        f"lsm-dump: {table}, offset {at}: the checksum of the block does not match\n"
    )
    shown = document(capsys, table)
    assert [entry["key"][0] for entry in shown["entries"]] == [6, 5, 2, 1]
    assert f"offset {at}" in shown["damage"]
    assert [bool(block["damage"]) for block in shown["blocks"]] == [False, True, False]


@pytest.mark.parametrize("section", ["bloom", "properties", "index"])
def test_a_damaged_section_leaves_what_stands_before_it(table, capsys, section):
    shown = document(capsys, table)
    offset = shown["footer"][section]["offset"]
    patch(table, offset + 5)
    assert main([table, "--summary"]) == 1
    captured = capsys.readouterr()
    assert "file number" in captured.out
    assert captured.err.startswith(f"lsm-dump: {table}, offset {offset}: ")
    damaged = document(capsys, table)
    assert (damaged["properties"] is None) == (section == "properties")
    assert len(damaged["entries"]) == (6 if section == "bloom" else 0)


def test_no_damage_at_all_gives_a_traceback(table, capsys):
    data = fs.read_all(table)
    for at in range(0, len(data), 3):
        patch(table, at)
        assert main([table]) == 1
        captured = capsys.readouterr()
        assert captured.err.startswith("lsm-dump: ")
        assert len(captured.err.splitlines()) == 1
        patch(table, at)
    assert fs.read_all(table) == data


@pytest.mark.parametrize("content", [None, b"", b"SQLite format 3\0" + bytes(100)])
def test_a_bad_file_is_one_line_on_stderr(tmp_path, capsys, content):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("lsm-dump: ")
    assert len(captured.err.splitlines()) == 1


def test_without_rich_tables_say_what_to_install_and_json_works(table, capsys, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    assert main([table]) == 1
    assert "pip install 'lsmsql[cli]'" in capsys.readouterr().err
    assert main([table, "--json"]) == 0


def test_a_limit_that_is_no_number_is_refused(table, capsys):
    with pytest.raises(SystemExit):
        main([table, "--limit", "-1"])
    assert "not a number of entries" in capsys.readouterr().err


def test_the_program_runs(table):
    code = "import sys; from lsmsql.dump.sstable import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, table, "--entries", "--limit", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"6, 1\s+16\s+DELETE", done.stdout)
    assert "5 more entries" in done.stdout
