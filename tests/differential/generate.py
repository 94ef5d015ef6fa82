"""A whole program from a number."""

from __future__ import annotations

from random import Random

from tests.differential.changes import Changes
from tests.differential.definitions import Definitions
from tests.differential.draw import Draw
from tests.differential.programs import Does, Program, Step
from tests.differential.queries import Queries
from tests.differential.schemas import Table

_FIRST_ROWS = 6


def program(seed: int, length: int = 120) -> Program:
    """Tables, rows, and then about ``length`` statements and other events in any order."""
    draw = Draw(Random(seed))
    tables: list[Table] = []
    definitions = Definitions(draw, tables)
    changes, queries = Changes(draw, tables), Queries(draw, tables, definitions.views)
    steps = [definitions.table() for _ in range(draw.number(2, 3))]
    steps += [definitions.index(draw.pick(tables)) for _ in range(draw.number(0, 3))]
    steps += [changes.insert(table) for table in tables for _ in range(_FIRST_ROWS)]
    steps += [changes.many(table) for table in tables if draw.chance(60)]
    while len(steps) < length:
        dice = draw.number(1, 100)
        if dice <= 48:
            steps.append(queries.query())
        elif dice <= 82:
            steps.append(changes.change())
            if draw.chance(25):
                steps.append(Step(f"SELECT * FROM {draw.pick(tables).name}"))
        elif dice <= 87:
            steps.append(definitions.definition())
        elif dice <= 96:
            steps.append(Step(_transaction(draw)))
        else:
            steps.append(Step(does=draw.pick([Does.FLUSH, Does.COMPACT, Does.REOPEN])))
    return steps + [Step(f"SELECT * FROM {table.name}") for table in tables]


def _transaction(draw: Draw) -> str:
    """Mostly of meaning only where another one goes before; else it fails, in both."""
    name = draw.pick(["x", "y"])
    return draw.pick(
        [
            "BEGIN", "BEGIN", "BEGIN IMMEDIATE", "COMMIT", "COMMIT", "ROLLBACK",
            f"SAVEPOINT {name}", f"SAVEPOINT {name}", f"RELEASE {name}", f"ROLLBACK TO {name}",
        ]
    )  # fmt: skip
