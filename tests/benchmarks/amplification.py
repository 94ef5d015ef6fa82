"""What the strategies of compaction cost: ``python -m tests.benchmarks.amplification [--rows N]``.

Prints a table in Markdown. Flush and compaction run in the calling thread, so the figures do not
depend on the speed of the machine:

    writes   bytes written by flush and compaction, for each byte flushed
    space    bytes on the disk, for each byte that is left after a full compaction; the most that
             was seen, at ten moments of the load
    files    files whose key range covers a random key, after the load: each costs a point read
             of a key that is not there a look into its filter
    blocks   blocks that a range of 50 reads from files, after the load
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import lsmsql
from lsmsql.engine.options import STRATEGIES

MIB = 1 << 20
SAMPLES = 10
READS = 500

Operation = tuple[bool, int]
"""Whether it is a put or else a get, and the number of the key."""


@dataclass(frozen=True)
class Figures:
    """One strategy under one workload."""

    writes: float
    space: float
    files: float
    blocks: float


def uniform(rows: int, chance: random.Random) -> Iterator[Operation]:
    """Puts of random keys, hardly any of them twice."""
    return ((True, chance.getrandbits(60)) for _ in range(rows))


def overwrite(rows: int, chance: random.Random) -> Iterator[Operation]:
    """Puts of an eighth as many keys, by Zipf's law with exponent 0.99."""
    keys = max(1, rows // 8)
    weights = list(accumulate(1 / rank**0.99 for rank in range(1, keys + 1)))
    ranks = chance.choices(range(keys), cum_weights=weights, k=rows)
    return ((True, rank * 2654435761 % (1 << 60)) for rank in ranks)


def mixed(rows: int, chance: random.Random) -> Iterator[Operation]:
    """First only puts; then as many gets as puts, of half as many keys."""
    keys = max(1, rows // 2)
    for n in range(rows):
        key = chance.randrange(keys) * 2654435761 % (1 << 60)
        yield (n < rows // 2 or n % 2 == 0), key


WORKLOADS: dict[str, Callable[[int, random.Random], Iterator[Operation]]] = {
    "random": uniform,
    "overwrite": overwrite,
    "mixed": mixed,
}


def measure(strategy: str, workload: str, rows: int) -> Figures:
    """Load a store of ``rows`` operations, with 400 flushes, and read it."""
    chance = random.Random(1)
    values = [chance.randbytes(50) + bytes(50) for _ in range(1000)]
    settings: dict[str, Any] = {
        "memtable_bytes": max(4000, rows * 416 // 400),
        "level1_bytes": max(8000, rows * 90 // 50),
        "table_bytes": max(2000, rows * 90 // 200),
        "compaction_bytes": max(25_000, rows * 90 // 16),
    }
    with (
        tempfile.TemporaryDirectory() as path,
        lsmsql.open(path, compaction=strategy, sync="off", background=False, **settings) as store,
    ):
        sizes = []
        written: list[bytes] = []
        for n, (puts, number) in enumerate(WORKLOADS[workload](rows, chance), 1):
            key = number.to_bytes(16, "big")
            if puts:
                store.put(key, values[n % 1000])
                written.append(key)
            else:
                store.get(key)
            if n % (rows // SAMPLES) == 0:
                sizes.append((len(written), store.stats().table("kv").bytes))
        writes = store.stats().write_amplification
        files, blocks = reads(store, written, chance)
        store.compact()
        least = store.stats().table("kv").bytes / len(set(written))
        live = [least * len(set(written[:count])) for count, _ in sizes]
    space = max(size / least for (_, size), least in zip(sizes, live, strict=True))
    return Figures(writes, space, files, blocks)


def reads(store: lsmsql.Store, keys: list[bytes], chance: random.Random) -> tuple[float, float]:
    """Files that cover a key, and blocks that a range of 50 reads."""
    version = store.core.version
    covering = 0
    for _ in range(READS):
        key = store.kv.encode_key(chance.choice(keys))
        covering += sum(f.meta.overlaps(key, key) for _, f in version.files())
    before = store.stats()
    for _ in range(READS):
        assert sum(1 for _ in store.range(chance.choice(keys), limit=50)) > 0
    after = store.stats()
    blocks = sum(after[name] - before[name] for name in ("blocks_read", "cache_hits"))
    return covering / READS, blocks / READS


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Amplification of the compaction strategies.")
    parser.add_argument("--rows", type=int, default=400_000)
    rows = parser.parse_args().rows
    print("| workload | strategy | writes | space | files for a key | blocks for a range of 50 |")
    print("|---|---|---|---|---|---|")
    for workload in WORKLOADS:
        for strategy in STRATEGIES:
            f = measure(strategy, workload, rows)
            print(
                f"| {workload} | {strategy} | {f.writes:.1f} | {f.space:.2f} | {f.files:.1f}"
                f" | {f.blocks:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
