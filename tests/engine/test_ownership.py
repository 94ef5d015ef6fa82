"""One process writes at a time; processes that are forked off cannot harm a store."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import lsmsql

HOLDER = """
import os, sys, lsmsql
store = lsmsql.open(sys.argv[1], sync="off")
store["held"] = os.getpid()
print("open", flush=True)
sys.stdin.readline()
store.close()
print("closed", flush=True)
sys.stdin.readline()
"""


class Holder:
    """Another process that has the store open for writing."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.expect("open")

    def expect(self, line: str) -> bool:
        assert self.process.stdout is not None
        return self.process.stdout.readline() == f"{line}\n"

    def close_store(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def holder(path):
    holder = Holder(path)
    yield holder
    holder.end()


def test_the_error_names_the_process_that_writes_and_a_way_to_read(path, holder):
    with pytest.raises(lsmsql.BusyError) as caught:
        lsmsql.open(path, busy_timeout=0.1)
    assert caught.value.owner == str(holder.process.pid)
    assert str(caught.value) == (
        f"process {holder.process.pid} has the store {path} open for writing; waited for 0.1 s;"
        ' mode "r" reads beside it'
    )
    with lsmsql.open(path, "r") as reader:
        assert reader["held"] == holder.process.pid


def test_a_second_writer_waits_until_the_first_one_has_closed_the_store(path, holder):
    threading.Timer(0.2, holder.close_store).start()
    with lsmsql.open(path, busy_timeout=30.0) as store:
        assert store["held"] == holder.process.pid
        assert holder.expect("closed")


def test_without_a_timeout_nobody_waits(path, holder):
    began = time.monotonic()
    with pytest.raises(lsmsql.BusyError, match=r"for writing; mode"):
        lsmsql.open(path, busy_timeout=0)
    assert time.monotonic() - began < 4


def test_a_holder_that_is_killed_blocks_nobody(path, holder):
    holder.process.send_signal(signal.SIGKILL)
    holder.process.wait()
    with lsmsql.open(path, busy_timeout=0) as store:
        assert store["held"] == holder.process.pid
        store["held"] = "again"


def test_within_a_process_a_second_opening_is_refused_at_once(path):
    with (
        lsmsql.open(path) as store,
        pytest.raises(
            lsmsql.BusyError, match="this process .[0-9]+. has the store .* open for writing"
        ),
    ):
        lsmsql.open(path, busy_timeout=1000.0)
    assert store.core.closed
    lsmsql.open(path).close()


@pytest.mark.parametrize("timeout", [-1, "5", None, float("nan")])
def test_a_timeout_is_a_time(path, timeout):
    with pytest.raises(lsmsql.UsageError, match="option busy_timeout is a time in seconds"):
        lsmsql.open(path, busy_timeout=timeout)


# ------------------------------------------------------------------------------------------- forks

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")


FORKER = """
import os, sys, threading
import lsmsql

store = lsmsql.open(sys.argv[1], memtable_bytes=20_000, compaction_process=False)
for i in range(1000):
    store[i] = b"x" * 100
table = store.create_table("t", {"a": "INTEGER"}, "a")
rows = store.range()
next(rows)
reader = lsmsql.open(sys.argv[1], "r")

def refused(use):
    try:
        use()
    except lsmsql.ClosedError as error:
        return "before this process was forked off" in str(error)
    return False

stop = threading.Event()
def write():
    number = 0
    while not stop.is_set():
        store[number % 1000] = b"y" * 100
        number += 1
writer = threading.Thread(target=write)
writer.start()
for _ in range(5):
    child = os.fork()
    if child == 0:
        uses = [
            lambda: store.put(1, 2), lambda: store.get(1), lambda: list(store.range()),
            lambda: list(rows), lambda: store.flush(), lambda: store.compact(), store.batch,
            lambda: table.put({"a": 1}), lambda: table.ingest([(1,)]), store.stats,
            lambda: store.create_table("u", {"a": "INTEGER"}, "a"), lambda: store.table("t"),
            lambda: reader.get(1), lambda: list(reader.range()), store.__enter__,
        ]
        wrong = [i for i, use in enumerate(uses) if not refused(use)]
        store.close()
        reader.close()
        del store, table, rows, reader
        import gc; gc.collect()
        try:
            lsmsql.open(sys.argv[1], busy_timeout=0)
            wrong.append("opened")
        except lsmsql.BusyError as error:
            if error.owner != str(os.getppid()):
                wrong.append(error)
        print(wrong, flush=True) if wrong else None
        os._exit(1 if wrong else 0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
stop.set()
writer.join()
store.compact()
assert len(store) == 1000
assert len(reader) == 1000
child = os.fork()
if child == 0:
    print("forked", flush=True)
    sys.stdin.readline()
    os._exit(0)
sys.stdin.readline()
"""


@forks
def test_a_process_that_is_forked_off_cannot_use_the_store_nor_harm_it(path):
    process = subprocess.Popen(
        [sys.executable, "-c", FORKER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline()
    if line != "forked\n":
        process.kill()
        raise AssertionError(line + process.stderr.read())
    # Its child lives on and has a copy of the lock's handle.
    process.kill()
    process.wait()
    with lsmsql.open(path, busy_timeout=0) as store:
        assert len(store) == 1000
    process.communicate()


def test_a_store_that_was_closed_removes_no_files_of_the_one_that_took_its_place(path):
    with lsmsql.open(path, sync="off", background=False) as store:
        store.update((i, i) for i in range(1000))
        store.flush()
        reading = store.range()
        next(reading)
        store.compact()
        files = set(os.listdir(path))
    assert set(os.listdir(path)) == files
    del reading
    gc.collect()
    assert set(os.listdir(path)) == files
    with lsmsql.open(path, sync="off", background=False) as store:
        assert len(store) == 1000
        assert len([name for name in os.listdir(path) if name.endswith(".sst")]) == 1
