"""Files of a newer format are refused, and never read in part."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

import lsmsql
from lsmsql.engine.sstable.format import FOOTER_SIZE, decode_footer, encode_footer
from lsmsql.engine.verify.verify import verify
from lsmsql.engine.wal import format as log_format
from lsmsql.engine.wal.format import HEADER_SIZE, decode_header, encode_header
from tests.golden.make import STORES


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A copy of a golden store that has SSTables and records in logs."""
    shutil.copytree(STORES / "log", tmp_path / "log")
    return str(tmp_path / "log")


def held(path: str) -> dict[str, bytes]:
    """The files, without the zeros at the end of a log, which an opening cuts off."""
    files = (file for file in Path(path).iterdir() if not file.name.startswith("LOCK"))
    return {file.name: file.read_bytes().rstrip(b"\0") for file in files}


def refused(path: str, message: str) -> None:
    """Nobody opens the store, nothing in it changes, and verify says why."""
    before = held(path)
    for mode in ("r", "rw"):
        with pytest.raises(lsmsql.FormatError, match=message):
            lsmsql.open(path, mode)
    with pytest.raises(lsmsql.FormatError, match=message):
        lsmsql.repair(path, f"{path}-new")
    assert held(path) == before
    assert any(message in finding.problem for finding in verify(path).errors)


@pytest.mark.parametrize("pattern", ["*.log", "MANIFEST-*"])
def test_a_newer_log_or_manifest(path, pattern, monkeypatch):
    file = sorted(Path(path).glob(pattern))[-1]
    data = file.read_bytes()
    header = decode_header(data, "")
    monkeypatch.setattr(log_format, "VERSION", 2)
    newer = encode_header(header.kind, header.number)
    monkeypatch.undo()
    file.write_bytes(newer + data[HEADER_SIZE:])
    refused(path, f"{file.name}: log format 2; this release reads 1")


def test_a_newer_store(path):
    file = Path(path) / "CURRENT"
    file.write_bytes(file.read_bytes().replace(b"lsmsql 1\n", b"lsmsql 2\n"))
    refused(path, "store format 2; this release reads up to 1")


def test_a_newer_sstable(path):
    for file in Path(path).glob("*.sst"):
        data = file.read_bytes()
        footer = decode_footer(data[-FOOTER_SIZE:], len(data), "")
        newer = encode_footer(dataclasses.replace(footer, version=2))
        file.write_bytes(data[:-FOOTER_SIZE] + newer)
    refused(path, "SSTable format 2; this release reads up to 1")
