"""Statements with words changed, added and taken away: translated or refused, nothing else."""

from __future__ import annotations

import random
import re

import pytest

from lsmsql.dialects.errors import DialectError
from lsmsql.dialects.translation import translate
from tests.dialects.pairs import read_pairs

DIALECTS = ("postgres", "mysql", "duckdb")
STATEMENTS = [pair.before for dialect in DIALECTS for pair in read_pairs(dialect)]
WORD = re.compile(r"\w+|'[^']*'|\s+|\S")


def spoil(statement: str, chance: random.Random) -> str:
    """The statement with up to three words changed, added or taken away."""
    words = WORD.findall(statement)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(words))
        other = chance.choice(WORD.findall(chance.choice(STATEMENTS)))
        words[at : at + chance.randint(0, 1)] = chance.choice([[], [f" {other} "]])
        words = words or ["SELECT"]
    return "".join(words)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_wrong_sql_is_refused_with_our_error(dialect):
    chance = random.Random(dialect)
    refused = 0
    for _ in range(700):
        try:
            translate(spoil(chance.choice(STATEMENTS), chance), dialect)
        except DialectError as error:
            refused += bool(error.construct)
    assert refused > 200


@pytest.mark.parametrize(
    "sql",
    [
        "{",
        "SELECT DATE_ADD(, INTERVAL 1 HOUR)",
        "SELECT split_part(, 'd', 1)",
        "INSERT INTO u(id) VALUES (1) ON DUPLICATE KEY UPDATE n = VALUES()",
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    ],
)
def test_what_the_parser_stumbles_over(sql):
    for dialect in DIALECTS:
        with pytest.raises(DialectError):
            translate(sql, dialect)
