"""Small workloads that between them make the engine do all that it does to a disk.

Each is deterministic for its seed. Memtables, files and levels are so small that a few dozen
commits rotate logs, flush, and compact several times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.crash.session import Session

MODES = ("full", "normal", "off")

TINY: Mapping[str, Any] = {
    "memtable_bytes": 1500,
    "block_rows": 256,
    "block_bytes": 16_000,
    "table_bytes": 2000,
    "level1_bytes": 2000,
    "level0_files": 2,
    "level0_slow": 1000,
    "level0_stop": 1000,
    "memory_budget": 20_000,
    "background": False,
    "sync_interval": 1e6,
}
"""Options under which little does much, and nothing happens by itself."""


@dataclass(frozen=True)
class Workload:
    """What is done to a store. ``rotate_bytes``: a manifest of so many is begun anew."""

    name: str
    run: Callable[[Session, Random], None]
    options: Mapping[str, Any] = field(default_factory=dict)
    rotate_bytes: int = 1 << 20


def _key(random: Random) -> str:
    return f"key{random.randrange(30):02}"


def _value(random: Random) -> str | bytes | int:
    size = random.choice((3, 10, 40, 200))
    return random.choice((random.randbytes(size), random.randbytes(size).hex(), size))


def _row(random: Random) -> tuple[str, object]:
    return random.randbytes(random.choice((2, 20, 60))).hex(), _value(random)


def _rows(random: Random, count: int) -> dict[int, tuple[str, object]]:
    return {random.randrange(4 * count): _row(random) for _ in range(count)}


def _entries(random: Random, count: int) -> dict[str, object]:
    return {f"key{random.randrange(4 * count):04}": _value(random) for _ in range(count)}


# ------------------------------------------------------------------------------------------ steps


def _put(session: Session, random: Random) -> None:
    session.put(_key(random), _value(random))


def _delete(session: Session, random: Random) -> None:
    session.delete(_key(random))


def _batch(session: Session, random: Random) -> None:
    """A commit in all tables at once."""
    changes: dict[str, dict[Any, Any]] = {"kv": dict(_entries(random, 2))}
    for name in session.tables():
        changes[name] = dict(_rows(random, random.randrange(1, 4)))
        changes[name][random.randrange(12)] = None
    session.change(changes)


def _many(session: Session, random: Random) -> None:
    """A commit whose rows are written column by column."""
    names = session.tables()
    changes: dict[str, dict[Any, Any]] = {"kv": dict(_entries(random, random.choice((5, 130))))}
    if names:
        changes[random.choice(names)] = dict(_rows(random, 150))
    session.change(changes)


def _ingest(session: Session, random: Random) -> None:
    name = random.choice(["kv", *session.tables()])
    count = random.choice((1, 5, 30))
    session.ingest(name, _entries(random, count) if name == "kv" else _rows(random, count))


def _create(session: Session, random: Random) -> None:
    name = random.choice("stuv")
    if name not in session.tables():
        session.create_table(name)


def _drop(session: Session, random: Random) -> None:
    names = session.tables()
    if names:
        session.drop_table(random.choice(names))


def _sync(session: Session, random: Random) -> None:
    session.sync()


def _flush(session: Session, random: Random) -> None:
    session.flush()


def _rotate(session: Session, random: Random) -> None:
    session.rotate()


def _compact(session: Session, random: Random) -> None:
    session.compact()


def _reopen(session: Session, random: Random) -> None:
    session.reopen()


Step = Callable[[Session, Random], None]


def _steps(count: int, weights: Mapping[Step, int], first: int = 0) -> Step:
    """So many steps drawn by weight, after ``first`` tables are made."""

    def run(session: Session, random: Random) -> None:
        for name in "stuv"[:first]:
            session.create_table(name)
        for step in random.choices(list(weights), list(weights.values()), k=count):
            step(session, random)
        session.store.close()

    return run


_LATER = {_flush: 1, _sync: 1}

WORKLOADS = (
    Workload("creation", _steps(2, {_put: 1})),
    Workload("puts", _steps(50, {_put: 40, _delete: 8, **_LATER})),
    Workload("leveled", _steps(60, {_put: 20, _flush: 4, _compact: 1}), {"memtable_bytes": 500}),
    Workload(
        "tiered",
        _steps(60, {_put: 20, _flush: 4, _delete: 2}),
        {
            "compaction": "tiered",
            "tiered_runs": 2,
            "memtable_bytes": 700,
            "compaction_bytes": 1600,
            "table_bytes": 700,
        },
    ),
    Workload("manifest", _steps(30, {_put: 4, _flush: 3, _ingest: 1}), rotate_bytes=600),
    Workload(
        "batches", _steps(20, {_batch: 12, _put: 2, **_LATER}, first=2), {"memtable_bytes": 3000}
    ),
    Workload(
        "ddl",
        _steps(35, {_create: 6, _drop: 4, _batch: 6, _put: 3, _rotate: 1, **_LATER}, first=1),
        {"memtable_bytes": 4000},
    ),
    Workload("ingest", _steps(20, {_ingest: 4, _put: 6, _delete: 1, _sync: 1}, first=1)),
    Workload("rows", _steps(8, {_many: 3, _put: 4, _sync: 1}, first=1), {"memtable_bytes": 30_000}),
    Workload("reopening", _steps(30, {_put: 6, _batch: 1, _reopen: 3, _flush: 1}, first=1)),
    Workload(
        "mixed",
        _steps(
            40,
            {
                _put: 12,
                _delete: 3,
                _batch: 4,
                _many: 1,
                _ingest: 3,
                _create: 3,
                _drop: 2,
                _rotate: 1,
                _compact: 1,
                _reopen: 2,
                **_LATER,
            },
            first=1,
        ),
        {"memtable_bytes": 6000, "table_bytes": 8000, "level1_bytes": 20_000},
        rotate_bytes=1500,
    ),
)


def aftermath(session: Session, random: Random) -> None:
    """What the next process does, once it has recovered the store."""
    steps = random.choices((_put, _batch, _flush, _ingest, _rotate, _sync), k=4)
    for step in (_put, *steps, _put):
        step(session, random)
    session.store.close()


def commits(random: Random) -> Iterator[tuple[Step, Random]]:
    """Commits of every kind without end, most of them small."""
    weights: dict[Step, int] = {
        _put: 60,
        _delete: 5,
        _batch: 10,
        _many: 4,
        _ingest: 2,
        _create: 2,
        _drop: 1,
        _flush: 1,
        _reopen: 1,
    }
    while True:
        for step in random.choices(list(weights), list(weights.values()), k=100):
            yield step, random
