"""How a store bears growing: ``python -m tests.benchmarks.scale [--rows N] [--by update|ingest]``.

Puts N rows with random keys, and prints for every step of some million how long a row took (the
making of the rows is not counted, all waiting for background work is), the most memory that the
process had so far beside the rows it was about to put, how long the store took to open and to
close, the bytes written for each byte flushed, and the sorted runs at the end of the step.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import lsmsql

MILLION = 1_000_000
PART = 100_000
"""Rows that are made, and held, at a time; an ingest is of a million."""

BATCH = 1_000
KEY_BYTES, RANDOM_BYTES, PLAIN_BYTES = 16, 50, 50

Part = tuple[pa.Array, pa.Array]


def rows_of(first: int, count: int) -> Part:
    """Keys and half-compressible values of the rows from number ``first`` on."""
    chance = np.random.default_rng(first)
    keys = pa.array(np.frombuffer(chance.bytes(KEY_BYTES * count), f"V{KEY_BYTES}").tolist())
    noise = np.frombuffer(chance.bytes(RANDOM_BYTES * count), np.uint8).reshape(count, -1)
    plain = np.full((count, PLAIN_BYTES), ord("x"), np.uint8)
    both = np.ascontiguousarray(np.hstack([noise, plain]))
    values = pa.array(both.view(f"V{RANDOM_BYTES + PLAIN_BYTES}").reshape(-1).tolist())
    return keys, values


def put(store: lsmsql.Store, part: Part, by: str) -> float:
    """Seconds to put a part."""
    keys, values = part
    if by == "ingest":
        table = pa.table({"key": keys, "value": values})
        began = time.perf_counter()
        store.ingest(table)
        return time.perf_counter() - began
    pairs = list(zip(keys.to_pylist(), values.to_pylist(), strict=True))
    began = time.perf_counter()
    for start in range(0, len(pairs), BATCH):
        store.update(pairs[start : start + BATCH])
    return time.perf_counter() - began


def peak_memory() -> int:
    """Megabytes that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def load(path: str, rows: int, by: str, step: int, **settings: Any) -> Iterator[dict[str, float]]:
    """Load ``rows`` rows into a store, and give the figures after each ``step`` rows."""
    part = MILLION if by == "ingest" else PART
    rows_of(0, min(part, rows))[0].to_pylist()
    before = peak_memory()
    done = 0
    while done < rows:
        count = min(step, rows - done)
        began = time.perf_counter()
        with lsmsql.open(path, sync="normal", **settings) as store:
            next(store.range(limit=1), None)
            opened = time.perf_counter() - began
            seconds = 0.0
            for start in range(0, count, part):
                size = min(part, count - start)
                seconds += put(store, rows_of(done + start, size), by)
            stats = store.stats()
            began = time.perf_counter()
        closed = time.perf_counter() - began
        done += count
        yield {
            "rows": done,
            "us_per_row": seconds / count * 1e6,
            "open_ms": opened * 1e3,
            "close_ms": closed * 1e3,
            "memory_mb": peak_memory() - before,
            "stall_s": stats["stall_seconds"],
            "longest_stall_ms": max((s.longest for s in stats.stalls), default=0.0) * 1e3,
            "writes": stats.write_amplification,
            "runs": sum(n.files if n.level == 0 else 1 for n in stats.table("kv").levels),
            "disk_mb": sum(f.stat().st_size for f in Path(path).iterdir()) >> 20,
        }


def main() -> None:
    """Print a line of Markdown for each step."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale")
    parser.add_argument("--rows", type=int, default=10 * MILLION)
    parser.add_argument("--step", type=int, default=MILLION)
    parser.add_argument("--by", choices=["update", "ingest"], default="update")
    parser.add_argument("--compaction", choices=["leveled", "tiered", "adaptive"])
    parser.add_argument("--dir", help="where the store is made, and removed again")
    chosen = parser.parse_args()
    settings = {"compaction": chosen.compaction} if chosen.compaction else {}
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        heads: list[str] = []
        for figures in load(f"{directory}/store", chosen.rows, chosen.by, chosen.step, **settings):
            if not heads:
                heads = list(figures)
                print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
            print("| " + " | ".join(f"{figures[head]:.4g}" for head in heads) + " |", flush=True)


if __name__ == "__main__":
    main()
