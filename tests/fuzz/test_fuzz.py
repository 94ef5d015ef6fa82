"""Each format with right checksums and wrong bytes: CorruptionError, and no memory to speak of."""

from __future__ import annotations

import subprocess
import sys

import pyarrow as pa
import pytest

from lsmsql.engine.wal.format import HEADER_SIZE, LOG
from tests.damage.samples import SAMPLES, sample
from tests.fuzz.corpus import seeds
from tests.fuzz.sealing import sealed_log, sealed_table
from tests.fuzz.targets import TARGETS

MUTATIONS = {"log": 2000, "block": 4000, "index": 4000, "footer": 4000, "manifest": 5000}


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_in_a_process_with_little_memory(name):
    arguments = ["tests.fuzz", name, "--mutations", str(MUTATIONS[name])]
    done = subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "nothing found" in done.stdout


@pytest.mark.parametrize("name", TARGETS)
def test_there_is_a_corpus(name):
    corpus = seeds(name)
    assert len(corpus) >= 3
    assert len(set(corpus)) == len(corpus)


def test_sealing_reaches_what_is_behind_the_checksums():
    files = sample(SAMPLES[0]).files
    table = next(data for name, data in files.items() if name.endswith(".sst"))
    assert sealed_table(sealed_table(table)) == sealed_table(table) != table  # another number
    log = bytearray(files[sample(SAMPLES[0]).newest_log])
    sealed = sealed_log(bytes(log), LOG)
    log[HEADER_SIZE] ^= 0xFF  # a checksum: it is made right again
    assert sealed_log(bytes(log), LOG) == sealed


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 7, bytes(100), b"\xff" * 100])
def test_what_is_nothing_like_the_format_is_refused_without_memory_for_it(name, data):
    before = pa.total_allocated_bytes()
    TARGETS[name](data)
    assert pa.total_allocated_bytes() - before < 1 << 16
