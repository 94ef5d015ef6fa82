"""The shell as a process of its own: pipes, signals, what it imports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

import lsmsql

SHELL = [sys.executable, "-m", "lsmsql.cli"]
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n;"


def start(*arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*SHELL, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8"
    )


def begin_endless(process: subprocess.Popen[str]) -> None:
    """Start a query without an end, and return when its first row has come."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(ENDLESS + "\n")
    process.stdin.flush()
    while not process.stdout.readline().endswith("1\n"):
        assert process.poll() is None


def finish(process: subprocess.Popen[str], text: str = "") -> tuple[str, str]:
    try:
        return process.communicate(text, timeout=30)
    finally:
        process.kill()


def pipe(path: str, sql: bytes) -> tuple[int, bytes, bytes]:
    done = subprocess.run([*SHELL, path], input=sql, capture_output=True)
    return done.returncode, done.stdout, done.stderr


def test_a_pipe(path):
    assert pipe(path, "SELECT 'ü', 1;".encode()) == (0, "ü|1\n".encode(), b"")


def test_input_that_is_not_utf8(path):
    message = b"Error: near line 1: input is not valid UTF-8: invalid start byte\n"
    assert pipe(path, b"SELECT '\xff';") == (1, b"", message)


def test_carriage_returns_in_a_pipe_stay(path):
    sql = "SELECT length('a\r\nb\rc');\r\n.print x\r\n"
    assert pipe(path, sql.encode()) == (0, b"6\nx\n", b"")


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_an_interrupt_ends_the_query_and_not_the_shell(path):
    with start("-interactive", path) as process:
        begin_endless(process)
        process.send_signal(signal.SIGINT)
        out, err = finish(process, "SELECT 'alive';\n.quit\n")
    assert process.returncode == 0
    assert err == "Error: interrupted\n"
    assert "alive" in out


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_an_interrupt_ends_a_script(path):
    with start(path) as process:
        begin_endless(process)
        process.send_signal(signal.SIGINT)
        out, err = finish(process, "SELECT 'alive';\n")
    assert process.returncode == 130
    assert err == "Error: near line 1: interrupted\n"
    assert "alive" not in out


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_terminate_closes_the_store(path):
    with start(path) as process:
        begin_endless(process)
        process.terminate()
        finish(process)
    assert process.returncode == 128 + signal.SIGTERM
    with lsmsql.open(path) as store:
        assert len(store) == 0


@pytest.mark.skipif(os.name != "posix", reason="needs a closed pipe")
def test_a_reader_that_has_seen_enough(path):
    with start(path, ENDLESS) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "1\n"
        process.stdout.close()
        assert process.stderr.read() == ""


def test_version_and_help_import_nothing_heavy():
    code = (
        "import sys; from lsmsql.cli import main; main(['-version']); main(['-help']);"
        "assert not {'apsw', 'pyarrow', 'numpy', 'sqlglot'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"lsmsql {lsmsql.__version__}\n")
