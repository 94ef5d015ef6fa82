"""lsm-wal-dump shows what is in a log, whatever its state."""

from __future__ import annotations

import json
import sys

import msgspec
import pytest

from lsmsql.dump.log import main
from lsmsql.dump.tables import bytes_text, unpack_value, value_text
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.wal.format import (
    Kind,
    delete_record,
    edit_record,
    encode_frame,
    put_record,
    table_record,
)
from lsmsql.engine.wal.writer import LogWriter

pack = msgspec.msgpack.encode
fs = OsFileSystem()


@pytest.fixture
def log(tmp_path) -> str:
    """A log of two frames and four records, synced between them."""
    path = str(tmp_path / "000007.log")
    writer = LogWriter.create(fs, path, Kind.LOG, 7)
    first = put_record(b"user:1", pack(["[red]Ann", None])) + put_record(b"\x80\x02", pack([b"\1"]))
    writer.append(41, 2, first)
    writer.sync()
    second = delete_record(b"user:1") + table_record(5) + put_record(b"five", pack([2.5]))
    writer.append(42, 3, second)
    writer.close()
    return path


def document(capsys, *arguments: str):
    main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def patch(path: str, offset: int, data: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def test_tables_show_header_frames_and_records(log, capsys):
    assert main([log]) == 0
    lines = capsys.readouterr().out.splitlines()
    words = [line.split() for line in lines]
    assert ["number", "7"] in words
    assert ["tail", "clean"] in words
    assert ["32", "73", "41", "2", "0", "ok"] in words
    assert ["105", "83", "42", "3", "105", "ok"] in words
    assert any("user:1" in line and '["[red]Ann", null]' in line for line in lines)
    assert any("8002" in line and '[{"hex": "01"}]' in line for line in lines)
    assert ["105", "DELETE", "1", "user:1"] in words
    assert ["105", "PUT", "5", "five", "[2.5]"] in words


def test_json_holds_the_same(log, capsys):
    shown = document(capsys, log)
    assert shown["summary"] == {
        "file": log,
        "bytes": 188,
        "kind": "log",
        "version": 1,
        "number": 7,
        "frames": 2,
        "records": 4,
        "records_by_type": {"DELETE": 1, "PUT": 3},
        "records_by_table": {"1": 3, "5": 1},
        "first_sequence": 41,
        "last_sequence": 42,
        "end": 188,
        "tail": "clean",
    }
    assert [frame["sequence"] for frame in shown["frames"]] == [41, 42]
    assert shown["frames"][0]["records"][0] == {
        "type": "PUT",
        "table": 1,
        "key": "user:1",
        "key_hex": "757365723a31",
        "value": ["[red]Ann", None],
    }
    assert shown["records_left_out"] == 0
    assert shown["damage"] is None


@pytest.mark.parametrize(("limit", "shown"), [(1, 1), (2, 2), (3, 3), (4, 4), (99, 4), (0, 4)])
def test_limit_counts_records_and_says_what_it_leaves_out(log, capsys, limit, shown):
    result = document(capsys, log, "--limit", str(limit))
    assert sum(len(frame["records"]) for frame in result["frames"]) == shown
    assert result["records_left_out"] == 4 - shown
    main([log, "--limit", str(limit)])
    note = f"{4 - shown} more records; --limit 0 shows all"
    assert (note in capsys.readouterr().out) == (shown < 4)


def test_summary_shows_totals_only(log, capsys):
    assert main([log, "--summary"]) == 0
    output = capsys.readouterr().out
    assert "DELETE: 1, PUT: 3" in output
    assert "five" not in output


def test_a_manifest_shows_its_edits(tmp_path, capsys):
    path = str(tmp_path / "manifest")
    writer = LogWriter.create(fs, path, Kind.MANIFEST, 1)
    writer.append(0, 1, edit_record(pack({"added": [3]})))
    writer.close()
    shown = document(capsys, path)
    assert shown["summary"]["kind"] == "manifest"
    assert shown["frames"][0]["records"][0]["value"] == {"added": [3]}


def test_a_torn_tail_is_reported_and_no_error(log, capsys):
    fs.truncate(log, 187)
    assert main([log, "--summary"]) == 0
    assert "torn: 82 bytes from offset 105 are no sound frame" in capsys.readouterr().out


def test_a_log_without_a_header_is_torn(tmp_path, capsys):
    (tmp_path / "new").write_bytes(b"lsm")
    assert document(capsys, str(tmp_path / "new"))["summary"]["tail"].startswith("torn: 3 bytes")


def test_a_short_file_that_is_no_log_is_an_error(tmp_path, capsys):
    (tmp_path / "CURRENT").write_bytes(b"lsmsql 1\nMANIFEST-000001\n")
    assert main([str(tmp_path / "CURRENT")]) == 1
    assert "offset 0: not a log: it begins with b'lsmsql 1'" in capsys.readouterr().err


def test_damage_is_an_error_after_what_can_be_read(log, capsys):
    patch(log, 40, b"\xff")
    assert main([log, "--json"]) == 1
    captured = capsys.readouterr()
    assert "later frame proves" in json.loads(captured.out)["damage"]
    assert captured.err.startswith(f"lsm-wal-dump: {log}, offset 32: no sound frame")
    assert len(captured.err.splitlines()) == 1


def test_records_that_make_no_sense_are_damage(log, capsys):
    size = len(fs.read_all(log))
    file = fs.append_to(log)
    file.write(encode_frame(7, 43, 1, b"\0" * 9, 0))
    file.close()
    assert main([log, "--summary"]) == 1
    assert f"offset {size + 32}: a record of type 0" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"SQLite format 3\0" + bytes(100)])
def test_a_bad_file_is_one_line_on_stderr(tmp_path, capsys, content):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("lsm-wal-dump: ")
    assert len(captured.err.splitlines()) == 1


def test_without_rich_tables_say_what_to_install_and_json_works(log, capsys, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    assert main([log]) == 1
    assert "pip install 'lsmsql[cli]'" in capsys.readouterr().err
    assert main([log, "--json"]) == 0


def test_a_limit_that_is_no_number_is_refused(log, capsys):
    with pytest.raises(SystemExit):
        main([log, "--limit", "-1"])
    assert "not a number of records" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"user:1", "user:1"), ("ö".encode(), "ö"), (b"a\x1b[2J", "611b5b324a"), (b"\xff", "ff")],
)
def test_bytes_are_text_only_if_printable(data, text):
    assert bytes_text(data) == text


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (pack([1, "a", b"\xff", None, 1.5]), [1, "a", {"hex": "ff"}, None, 1.5]),
        (pack([float("inf"), float("-inf")]), ["inf", "-inf"]),
        (pack({1: [b"x"]}), {"1": [{"hex": "78"}]}),
        (b"\xc1", {"hex": "c1"}),
        (b"\x92\x01", {"hex": "9201"}),
        (b"\x91" * 100_000, {"hex": "91" * 100_000}),
    ],
)
def test_values_are_what_json_can_hold(data, value):
    assert unpack_value(data) == value
    assert json.loads(json.dumps(value)) == value


def test_no_control_character_reaches_the_terminal():
    text = value_text(pack(["\x9b2J\x1b[2J\u202e"]))
    assert text.isprintable()
    assert json.loads(text) == ["\x9b2J\x1b[2J\u202e"]
