"""The examples in docs/formats/keys.md are what the codec gives."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from lsmsql.engine.keys import KeyCodec, KeyPart
from lsmsql.engine.values import ColumnType

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "formats" / "keys.md"
EXAMPLE = re.compile(r"^\| ([A-Z, ]+) \| (.+) \| `([0-9a-f ]+)` \|$", re.MULTILINE)


def examples() -> list[tuple[str, str, str]]:
    return EXAMPLE.findall(DOCUMENT.read_text(encoding="utf-8"))


def parse_part(text: str) -> KeyPart:
    kind, *more = text.split()
    return KeyPart(ColumnType(kind), "DESC" in more, "NULL" in more)


def test_there_are_examples_of_every_type():
    kinds = {part.split()[0] for key, _, _ in examples() for part in key.split(", ")}
    assert kinds == set(ColumnType)


@pytest.mark.parametrize(("key", "values", "encoded"), examples())
def test_an_example_is_what_the_codec_gives(key, values, encoded):
    codec = KeyCodec([parse_part(part) for part in key.split(", ")])
    row = sqlite3.connect(":memory:").execute(f"SELECT {values}").fetchone()
    assert codec.encode(row).hex(" ") == encoded
    assert codec.decode(bytes.fromhex(encoded)) == row
