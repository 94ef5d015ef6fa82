"""A shell that runs in this process, on a store of its own."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lsmsql.cli import main


@dataclass(frozen=True)
class Outcome:
    """What one run of the shell left."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def run(path: str) -> Run:
    """Runs the shell with arguments after the path, and options and input if there are any."""

    def run(*arguments: str, options: str = "", stdin: str = "") -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        argv = [*options.split(), path, *arguments]
        status = main(argv, io.StringIO(stdin), out, err)
        return Outcome(status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def ok(run: Run) -> Callable[..., str]:
    """As ``run``, for what must succeed: gives the output."""

    def ok(*arguments: str, options: str = "", stdin: str = "") -> str:
        outcome = run(*arguments, options=options, stdin=stdin)
        assert (outcome.status, outcome.err) == (0, "")
        return outcome.out

    return ok


@pytest.fixture
def wrong(run: Run) -> Callable[..., str]:
    """As ``run``, for what must fail: gives the error, without a Python traceback in it."""

    def wrong(*arguments: str, options: str = "", stdin: str = "") -> str:
        outcome = run(*arguments, options=options, stdin=stdin)
        assert outcome.status == 1
        assert outcome.err.startswith("Error: ")
        assert "Traceback" not in outcome.err
        return outcome.err

    return wrong
