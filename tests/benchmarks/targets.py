"""What lsmsql wants to reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Faster:
    """At least ``bound`` times as fast as ``peer`` at a workload."""

    workload: str
    peer: str
    bound: float


@dataclass(frozen=True)
class Smaller:
    """At most ``bound`` of the bytes of ``peer``."""

    workload: str
    peer: str
    bound: float


@dataclass(frozen=True)
class Within:
    """A figure of lsmsql itself that is at most ``bound`` seconds; no figure: the time of one."""

    workload: str
    bound: float
    figure: str = ""


@dataclass(frozen=True)
class Steady:
    """A figure at most ``bound`` times another of the same workload."""

    workload: str
    figure: str
    other: str
    bound: float


Target = Faster | Smaller | Within | Steady

TARGETS: tuple[Target, ...] = (
    Faster("put-one-by-one", "plyvel", 1.0),
    Faster("put-one-by-one", "rocksdict", 1.4),
    Faster("put-batches", "plyvel", 1.5),
    Faster("put-batches", "rocksdict", 2.5),
    Faster("bulk-ingest", "plyvel", 5.0),
    Faster("bulk-ingest", "sqlite", 10.0),
    Faster("get-warm", "plyvel", 2.0),
    Faster("get-warm", "rocksdict", 2.0),
    Faster("get-warm", "lmdb", 0.5),
    Faster("get-miss", "plyvel", 4.0),
    Faster("scan", "plyvel", 3.0),
    Faster("scan", "rocksdict", 3.0),
    Faster("scan", "lmdb", 1.5),
    Faster("range-50", "plyvel", 1.5),
    Faster("compaction", "plyvel", 2.0),
    Faster("sql-upsert", "sqlite", 5.0),
    Faster("sql-point", "sqlite", 1.0),
    Faster("sql-range-50", "sqlite", 0.6),
    Smaller("disk-flights", "sqlite", 0.35),
    Smaller("disk-flights", "plyvel", 0.6),
    Steady("put-latency", "busy_p99", "idle_p99", 3.0),
    Within("recovery", 1.0),
    Within("process", 0.06, "import"),
    Within("process", 0.5, "query"),
)
