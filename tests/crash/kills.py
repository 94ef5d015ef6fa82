"""Real kills: a process that commits to a store is killed, and another one goes on with it.

A kill is no power cut: what the process has handed to the operating system stays. So in every mode
all commits that were acknowledged are there, and of the one under way all or nothing.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import IO

import lsmsql
from lsmsql.engine.ownership import LOCK
from tests.crash import child
from tests.crash.history import LossError, read_contents
from tests.crash.simulation import named_files
from tests.crash.workloads import MODES

NAME = "kills"

_ROOT = Path(__file__).resolve().parent.parent.parent
_LIVES = 6
_LONGEST = 0.4
"""Seconds, at most, from a child's first word to its end."""


def run(seed: int, seconds: float) -> dict[str, int]:
    """Kill children for about so many seconds; counts by kind. Raises LossError."""
    random = Random(seed)
    tried = {"stores": 0, "kills": 0, "commits": 0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tried["commits"] += kill_often(random.choice(MODES), random.randrange(1 << 32), _LIVES)
        tried["stores"] += 1
        tried["kills"] += _LIVES
    return tried


def again(what: str) -> None:
    """Do again "MODE SEED LIVES". The moments of the kills are other ones. Raises LossError."""
    mode, seed, lives = what.split()
    kill_often(mode, int(seed), int(lives))


def kill_often(mode: str, seed: int, lives: int) -> int:
    """Kill so many processes at work on one store; how many commits they made. Raises LossError."""
    random = Random(seed)
    commits = 0
    with tempfile.TemporaryDirectory(prefix="lsmsql-kills-") as directory:
        path = os.path.join(directory, "store")
        left: str | None = None
        for life in range(lives):
            lines = _live_and_die(path, mode, seed + life, random.uniform(0, _LONGEST))
            try:
                left = _judge(path, lines, left, strays=not child.uses_workers(seed + life))
            except (lsmsql.Error, LossError) as error:
                raise LossError(
                    f"life {life}, {len(lines)} lines: {type(error).__name__}: {error}\n"
                    f"again: python -m tests.stress {NAME} --again '{mode} {seed} {lives}'"
                ) from error
            commits += lines.count("done")
    return commits


def _live_and_die(path: str, mode: str, seed: int, seconds: float) -> list[str]:
    """Start a child, kill it so long after its first word, and return what it has said."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.child", path, mode, str(seed)],
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), *sys.path])},
        start_new_session=True,  # Ctrl-C is for the parent
    )
    assert process.stdout is not None
    with process.stdout as pipe:
        try:
            said = _listen(pipe, seconds)
        finally:
            process.kill()
        said += pipe.read()
    if process.wait() != -9:
        raise LossError(f"the child ended by itself, with status {process.returncode}")
    return said.decode().split("\n")[:-1]


def _listen(pipe: IO[bytes], seconds: float) -> bytes:
    """What comes until so long after the first word, or until the end."""
    said = os.read(pipe.fileno(), 65536)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            piece = os.read(pipe.fileno(), 65536)
            if not piece:
                break
            said += piece
    return said


def _judge(path: str, lines: list[str], left: str | None, *, strays: bool) -> str:
    """Check what a child has left against what it said; the digest of what is there.

    ``left`` is what it should have found. Raises LossError.
    """
    found = [line.split()[1] for line in lines if line.startswith("open")]
    if left is not None and found != [left]:
        raise LossError(f"the store held {left}; a new process found {found}")
    begun = found + [line.split()[1] for line in lines if line.startswith("begin")]
    done = lines.count("done")
    with lsmsql.open(path, background=False) as store:
        digest = child.digest_of(read_contents(store))
        if digest not in begun[done:]:
            how = f"{begun.index(digest)} are" if digest in begun else "no prefix of them is"
            raise LossError(f"{done} of {len(begun) - 1} commits were acknowledged; {how} there")
        names = set(os.listdir(path)) - {LOCK}
        if strays and names != named_files(store):
            raise LossError(f"files {names ^ named_files(store)} are strays, or missing")
    return digest
