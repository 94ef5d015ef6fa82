"""Jobs done in a process beside this one: the same files, the same errors, and no trace of it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine.background import executor as executor_module
from lsmsql.engine.background import process as process_module
from lsmsql.engine.background import wire
from lsmsql.engine.background.executor import Executor
from lsmsql.engine.background.failure import Failure, describe, rebuild
from lsmsql.engine.background.job import Flush, Rewrite
from lsmsql.engine.cache import BlockCache
from lsmsql.engine.columns import column_values
from lsmsql.engine.counters import Counters
from lsmsql.engine.errors import (
    CorruptionError,
    Error,
    FormatError,
    NoSuchTableError,
    StorageError,
)
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.merge import Retention
from lsmsql.engine.options import Options
from lsmsql.engine.schema import KV_SCHEMA, KV_TABLE_ID
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.reader import SSTable
from lsmsql.engine.values import Row
from lsmsql.engine.wal import changes
from lsmsql.engine.wal.changes import encode_changes
from lsmsql.engine.wal.format import LOG, log_name
from lsmsql.engine.wal.writer import LogWriter

FS = OsFileSystem()


@pytest.fixture(autouse=True)
def every_job_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_module, "MIN_BYTES", 0)


@pytest.fixture
def executor() -> Iterator[Executor]:
    made = Executor(FS, Options(), Counters())
    yield made
    made.close()


Commit = tuple[int, dict[bytes, Row | None]]
"""A sequence number, and payloads by key."""


def fields(directory: Path, **more: Any) -> dict[str, Any]:
    return {
        "path": os.fsencode(directory),
        "options": Options(block_rows=4),
        "keep": Retention(),
        "nbytes": 1,
        **more,
    }


def rewrite(directory: Path, **more: Any) -> Rewrite:
    return Rewrite(schema=KV_SCHEMA, **fields(directory, **more))


def flush(directory: Path, number: int, commits: list[Commit] | None = None, **more: Any) -> Flush:
    """A job that makes file ``number`` of the commits, for which there is a log of that number."""
    path = directory / log_name(number)
    if directory.exists() and not path.exists():
        log = LogWriter.create(FS, str(path), LOG, number)
        for sequence, records in some_commits() if commits is None else commits:
            payload, count, _ = encode_changes({KV_TABLE_ID: records})
            log.append(sequence, count, payload)
        log.close()
    logs = {"logs": (number,), "schemas": (KV_SCHEMA,), "numbers": (number,)}
    return Flush(**fields(directory, **{**logs, **more}))


def some_commits(count: int = 20) -> list[Commit]:
    keys = [b"%03d" % (i * 7 % count) for i in range(count)]
    return [(1, {key: (None, i) for i, key in enumerate(keys)})]


def names(directory: Path) -> list[str]:
    """The files in a directory but for logs."""
    return sorted(path.name for path in directory.iterdir() if path.suffix != ".log")


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended; a zombie has."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat")
        return not state.exists() or ") Z " not in state.read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


# ------------------------------------------------------------------------------- the same results

values = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary()
versions = st.lists(st.none() | st.tuples(st.none(), values), min_size=1, max_size=3)
tables = st.dictionaries(st.binary(min_size=1, max_size=4), versions, min_size=1, max_size=40)


def commits_of(table: dict[bytes, list[Any]], first: int) -> list[Commit]:
    """The n-th version of each key is of commit ``first`` + n."""
    depth = max(map(len, table.values()))
    return [
        (first + n, {key: versions[n] for key, versions in table.items() if n < len(versions)})
        for n in range(depth)
    ]


def read_back(directory: Path, files: tuple[FileMeta, ...]) -> str:
    """All records of some files, as text: NaN is like NaN then."""
    found = []
    for meta in files:
        path = str(directory / file_name(meta.number))
        table = SSTable(FS, path, meta, BlockCache(0), Counters())
        for run in table.runs(None, None, range(KV_SCHEMA.slots)):
            found.append(list(zip(*map(column_values, run.columns), strict=True)))
        table.close()
    return repr(found)


@pytest.fixture(scope="module")
def shared() -> Iterator[Executor]:
    made = Executor(FS, Options(), Counters())
    yield made
    made.close()


@given(old=tables, new=tables, rows=st.integers(1, 9), snapshots=st.sets(st.integers(1, 7)))
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_worker_writes_what_this_process_would(
    shared: Executor,
    tmp_path_factory: pytest.TempPathFactory,
    old: dict[bytes, list[Any]],
    new: dict[bytes, list[Any]],
    rows: int,
    snapshots: set[int],
) -> None:
    keep = Retention(snapshots=tuple(sorted(snapshots)))
    results = []
    for runner in (shared, Executor(FS, Options(background=False), Counters())):
        directory = tmp_path_factory.mktemp("files")
        sources: list[tuple[FileMeta, ...]] = []
        for number, first, table in ((1, 1, old), (2, 4, new)):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(changes, "WORTH_COLUMNS", rows)
                new_file = flush(directory, number, commits_of(table, first), keep=keep)
            sources.insert(0, runner.run(new_file).files)
        job = rewrite(
            directory,
            numbers=tuple(range(3, 9)),
            sources=tuple(sources),
            table_bytes=400,
            bottom=True,
            keep=Retention(snapshots=keep.snapshots, drop_tombstones=True),
        )
        files = runner.run(job).files
        written = [source[0] for source in sources if source]
        results.append((sources, files, read_back(directory, (*written, *files))))
    assert results[0] == results[1]
    assert shared._counters.worker_jobs > 0 and shared._counters.worker_failures == 0


def test_the_last_number_takes_all_that_is_left(executor: Executor, tmp_path: Path) -> None:
    source = executor.run(flush(tmp_path, 1, some_commits(200))).files
    job = rewrite(tmp_path, numbers=(2, 3), sources=(source,), table_bytes=300)
    files = executor.run(job).files
    assert [meta.number for meta in files] == [2, 3]
    assert files[0].rows < files[1].rows and files[0].rows + files[1].rows == 200


def test_flushes_and_compactions_of_a_store_go_through_workers(tmp_path: Path) -> None:
    small: dict[str, Any] = {"memtable_bytes": 40_000, "table_bytes": 4000, "level0_files": 2}
    with lsmsql.open(tmp_path / "store", sync="off", **small) as store:
        for step in range(2000):
            store.put(step % 700, f"{step:060d}")
        store.flush()
        store.compact()
        stats = store.stats()
        jobs = stats["flushes"] + stats["compactions"]
        assert stats["worker_jobs"] == jobs > 3 and stats["worker_failures"] == 0
        assert stats["blocks_read"] > 0
        assert len(store) == 700 and store[699] == f"{1399:060d}"
    live = {name for name in names(tmp_path / "store") if name.endswith(".sst")}
    assert live and not any(name.startswith("part-") for name in live)
    with lsmsql.open(tmp_path / "store", "r") as store:
        assert store[599] == f"{1999:060d}"


# ------------------------------------------------------------------------------- who gets a worker


def test_a_worker_that_is_expected_is_there_before_the_job(
    executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "MIN_BYTES", 1000)
    executor.expect(1, 999)
    assert executor._idle == []
    executor.expect(1, 1000)
    executor.expect(1, 1000)
    (worker,) = executor._idle
    executor.run(flush(tmp_path, 1, nbytes=1000))
    assert executor._idle == [worker]
    executor.expect(2, 1000)
    assert len(executor._idle) == 2 and executor._counters.worker_failures == 0


def test_a_worker_that_nobody_came_to_need_is_ended_at_once(executor: Executor) -> None:
    executor.expect(1, 1)
    (worker,) = executor._idle
    executor.close()
    assert not worker.running
    executor.expect(1, 1)
    assert executor._idle == []


def test_a_worker_has_no_use_for_pandas(executor: Executor, tmp_path: Path) -> None:
    report = tmp_path / "modules"
    program = (
        "import sys, atexit, os; from lsmsql.engine.background import worker, job\n"
        "run = job.Flush.execute\n"
        "def execute(*given):\n"
        "    done = run(*given)\n"
        f"    open({str(report)!r}, 'w').write(str('pandas' in sys.modules))\n"
        "    return done\n"
        "job.Flush.execute = execute\n"
        "worker.main()\n"
    )
    (tmp_path / "watched.py").write_text(program)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(tmp_path), *sys.path])
        patch.setattr(process_module, "_MODULE", "watched")
        executor.run(flush(tmp_path, 1))
    assert executor._counters.worker_jobs == 1
    assert report.read_text() == "False"


def test_small_jobs_start_nothing(
    executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "MIN_BYTES", 1000)
    executor.run(flush(tmp_path, 1, nbytes=999))
    assert executor._idle == []
    executor.run(flush(tmp_path, 2, nbytes=1000))
    assert len(executor._idle) == 1 and executor._counters.worker_jobs == 1


class OtherFileSystem(OsFileSystem):
    """Not the one that another process would use."""


@pytest.mark.parametrize(
    ("filesystem", "options"),
    [
        (OtherFileSystem(), Options()),
        (FS, Options(compaction_process=False)),
        (FS, Options(background=False)),
    ],
)
def test_no_worker_where_none_is_wanted_or_none_would_do(
    filesystem: OsFileSystem, options: Options, tmp_path: Path
) -> None:
    executor = Executor(filesystem, options, Counters())
    executor.run(flush(tmp_path, 1))
    assert names(tmp_path) == ["000001.sst"]
    assert executor._idle == [] and executor._counters.worker_jobs == 0


@pytest.mark.parametrize("python", ["", None, "/nowhere/python"])
def test_without_an_interpreter_the_work_is_done_here(
    python: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", python)
    executor = Executor(FS, Options(), Counters())
    executor.run(flush(tmp_path, 1))
    assert names(tmp_path) == ["000001.sst"]
    assert executor._counters.worker_failures == (1 if python else 0)


@pytest.mark.parametrize("program", ["pass", "print('good day', flush=True); input()"])
def test_what_is_no_worker_is_tried_once(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "impostor.py").write_text(program)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(process_module, "_MODULE", "impostor")
    executor = Executor(FS, Options(), Counters())
    for number in (1, 2):
        executor.run(flush(tmp_path, number))
    assert executor._counters.worker_failures == 1 and executor._counters.worker_jobs == 0
    assert names(tmp_path)[:2] == ["000001.sst", "000002.sst"]


# ------------------------------------------------------------------------------- errors


def test_damage_that_a_worker_finds_is_raised_here(executor: Executor, tmp_path: Path) -> None:
    source = executor.run(flush(tmp_path, 1)).files
    path = tmp_path / "000001.sst"
    data = bytearray(path.read_bytes())
    data[20] ^= 0xFF
    path.write_bytes(data)
    job = rewrite(tmp_path, numbers=(2,), sources=(source,))
    with pytest.raises(lsmsql.CorruptionError) as here:
        job.execute(FS)
    with pytest.raises(lsmsql.CorruptionError) as beside:
        executor.run(job)
    assert str(beside.value) == str(here.value)
    assert (beside.value.file, beside.value.offset) == (here.value.file, here.value.offset)
    assert names(tmp_path) == ["000001.sst"]
    executor.run(flush(tmp_path, 3))
    assert executor._counters.worker_jobs == 2 and executor._counters.worker_failures == 0


def test_what_the_disk_refuses_a_worker_is_raised_here_with_its_cause(
    executor: Executor, tmp_path: Path
) -> None:
    job = flush(tmp_path / "missing", 1)
    with pytest.raises(lsmsql.StorageError, match="read .*000001.log") as caught:
        executor.run(job)
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    executor.run(flush(tmp_path, 1))
    assert names(tmp_path) == ["000001.sst"] and executor._counters.worker_failures == 0


@pytest.mark.parametrize(
    "error",
    [
        CorruptionError("a file", None, "all wrong"),
        CorruptionError("a file", 12, "wrong: here"),
        FormatError("from the future"),
        NoSuchTableError("table 7 has been dropped"),
        StorageError("write to x: full"),
    ],
)
def test_errors_survive_the_journey(error: Error) -> None:
    error.__cause__ = OSError(errno.ENOSPC, "full")
    again = rebuild(msgspec.msgpack.decode(msgspec.msgpack.encode(describe(error)), type=Failure))
    assert type(again) is type(error) and str(again) == str(error)
    assert vars(again) == vars(error)
    assert isinstance(again.__cause__, OSError) and again.__cause__.errno == errno.ENOSPC


class NoNewNames(OsFileSystem):
    """Renames the first file, refuses the second."""

    def __init__(self) -> None:
        self.renamed = 0

    def rename(self, source: str, target: str) -> None:
        self.renamed += 1
        if self.renamed == 2:
            raise StorageError("no")
        super().rename(source, target)


def test_files_that_cannot_be_named_are_removed(tmp_path: Path) -> None:
    here = Executor(FS, Options(background=False), Counters())
    source = here.run(flush(tmp_path, 1, some_commits(100))).files
    executor = Executor(NoNewNames(), Options(), Counters())
    job = rewrite(tmp_path, numbers=(2, 3, 4), sources=(source,), table_bytes=300)
    with pytest.raises(StorageError, match="no"):
        executor.run(job)
    assert names(tmp_path) == ["000001.sst"]


# ------------------------------------------------------------------------------- death and the end


def test_a_job_whose_worker_dies_is_done_here_and_no_other_is_tried(
    executor: Executor, tmp_path: Path
) -> None:
    executor.run(flush(tmp_path, 1))
    (worker,) = executor._idle
    job = flush(tmp_path, 2)
    (tmp_path / f"part-{job.token}-000002.sst").write_bytes(b"half of it")
    os.kill(worker.pid, signal.SIGKILL)
    assert executor.run(job).files[0].rows == 20
    executor.run(flush(tmp_path, 3))
    assert names(tmp_path) == ["000001.sst", "000002.sst", "000003.sst"]
    assert executor._idle == [] and not worker.running
    assert executor._counters.worker_jobs == 1 and executor._counters.worker_failures == 1


def test_an_interrupt_ends_the_worker_but_not_the_use_of_workers(
    executor: Executor, tmp_path: Path
) -> None:
    executor.run(flush(tmp_path, 1))
    (worker,) = executor._idle

    def interrupted(_: object) -> tuple[bytes, bytes]:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(wire, "receive", interrupted)
        executor.run(flush(tmp_path, 2))
    assert not worker.running and names(tmp_path) == ["000001.sst"]
    executor.run(flush(tmp_path, 3))
    assert executor._counters.worker_jobs == 2 and executor._counters.worker_failures == 0


def test_jobs_at_the_same_time_have_a_worker_each(
    executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)
    receive = wire.receive

    def together(stream: IO[bytes]) -> tuple[bytes, bytes]:
        both.wait(60)
        return receive(stream)

    monkeypatch.setattr(wire, "receive", together)
    jobs = [flush(tmp_path, number) for number in (1, 2)]
    threads = [threading.Thread(target=executor.run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(executor._idle) == 2 and executor._counters.worker_jobs == 2
    assert names(tmp_path) == ["000001.sst", "000002.sst"]


def test_close_ends_the_workers_and_leaves_nothing(tmp_path: Path) -> None:
    open_before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    executor = Executor(FS, Options(), Counters())
    executor.run(flush(tmp_path, 1))
    (worker,) = executor._idle
    assert is_running(worker.pid)
    executor.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(worker.pid, 0)
    if open_before:
        assert len(os.listdir("/proc/self/fd")) == open_before
    executor.run(flush(tmp_path, 2))
    assert executor._idle == [] and executor._counters.worker_jobs == 1


def test_a_worker_is_not_of_the_terminals_foreground(executor: Executor, tmp_path: Path) -> None:
    executor.run(flush(tmp_path, 1))
    (worker,) = executor._idle
    assert os.getpgid(worker.pid) != os.getpgid(0)


PARENT = """
    import sys, threading
    from pathlib import Path
    import lsmsql
    from lsmsql.engine.background import executor
    executor.MIN_BYTES = 0
    store = lsmsql.open(sys.argv[1], sync="off")
    for key in range(1000):
        store[key] = "x" * 100
    store.flush()
    print(store.scheduler._executor._idle[0].pid, flush=True)
    threading.Event().wait()
"""


def test_a_killed_parent_leaves_no_worker_behind(tmp_path: Path) -> None:
    root = str(Path(lsmsql.__file__).parent.parent)
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(tmp_path / "store")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.kill()
    deadline = time.monotonic() + 30
    while is_running(pid):
        assert time.monotonic() < deadline, "the worker goes on"
        time.sleep(0.01)
    with lsmsql.open(tmp_path / "store") as store:
        assert len(store) == 1000


def test_what_an_orphan_leaves_is_removed_when_the_store_is_opened(tmp_path: Path) -> None:
    lsmsql.open(tmp_path / "store").close()
    (tmp_path / "store" / "part-12345678-000099.sst").write_bytes(b"half of it")
    lsmsql.open(tmp_path / "store").close()
    assert not any(name.endswith(".sst") for name in names(tmp_path / "store"))
