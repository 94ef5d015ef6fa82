"""lsmsql verify, and what the commands have in common."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

import lsmsql
from lsmsql.cli import main
from lsmsql.commands import COMMANDS


def run(*argv: str) -> tuple[int, str, str]:
    """Exit status, output and errors of a command line."""
    out, err = io.StringIO(), io.StringIO()
    return main(argv, io.StringIO(), out, err), out.getvalue(), err.getvalue()


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = str(tmp_path / "store")
    with lsmsql.open(path, sync="off", background=False) as store:
        store.update((i, i) for i in range(10))
        store.flush()
    return path


def damage(path: str) -> str:
    """Change the first byte of the SSTable; its name."""
    file = next(Path(path).glob("*.sst"))
    data = file.read_bytes()
    file.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    return file.name


def test_a_sound_store(path):
    status, out, err = run("verify", path)
    assert (status, err) == (0, "")
    assert out.startswith(f"{path}: ok (full: 4 files, 1 blocks, 10 rows, ")


def test_a_damaged_store(path):
    name = damage(path)
    status, out, err = run("verify", path, "--level", "checksums")
    assert (status, err) == (1, "")
    first, second = out.splitlines()
    assert first.startswith(f"{path}: 1 error (checksums: ")
    assert second.startswith(f"error: {name}, offset 0 (table kv): ")
    assert run("verify", "-level=quick", path)[0] == 0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["verify"], "it takes 1 path"),
        (["verify", ""], "it takes 1 path"),
        (["verify", "a", "b"], "it takes 1 path"),
        (["verify", "a", "--fast"], "unknown option: --fast"),
        (["verify", "a", "--level"], "option --level needs a value"),
        (["verify", "a", "--level", "deep"], "level is one of quick, checksums, full"),
        (["repair", "a"], "it takes 2 paths"),
    ],
)
def test_wrong_command_lines(argv, message):
    status, out, err = run(*argv)
    assert (status, out) == (2, "")
    assert message in err and f"usage: {COMMANDS[argv[0]].usage}\n" in err


def test_a_place_without_a_store_is_no_damage(tmp_path):
    status, out, err = run("verify", str(tmp_path / "absent"))
    assert (status, out) == (2, "")
    assert err == f"lsmsql verify: there is no store at {tmp_path / 'absent'}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name):
    status, out, err = run(name, "-help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: lsmsql {name} ")
    assert COMMANDS[name].usage in run("-help")[1]


def test_a_store_in_a_directory_named_as_a_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run(f".{os.sep}verify", "SELECT count(*) FROM kv")
    assert (status, out) == (0, "0\n")
    assert run("verify", "verify")[0] == 0
