"""Any part of the test suite with one mutation applied, to see which tests fail.

    python -m pytest -p tests.mutations.plugin --mutation NAME [...]

The environment variable LSMSQL_MUTATION does the same as the option. Other processes that a test
starts (workers, killed children, readers beside a writer) are not broken.
"""

from __future__ import annotations

import contextlib
import os

import pytest

from tests.mutations.mutation import VARIABLE
from tests.mutations.registry import MUTATIONS


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option, which pytest passes on to the processes of xdist."""
    parser.addoption(
        "--mutation",
        choices=list(MUTATIONS),
        default=os.environ.get(VARIABLE),
        help="break the engine on purpose; see tests/mutations",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Apply it until the end."""
    name = config.getoption("--mutation")
    if name is not None:
        if name not in MUTATIONS:
            raise pytest.UsageError(f"{VARIABLE}={name}: choose from {', '.join(MUTATIONS)}")
        stack = contextlib.ExitStack()
        stack.enter_context(MUTATIONS[name].applied())
        config.add_cleanup(stack.close)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say so."""
    name = config.getoption("--mutation")
    return [] if name is None else [f"mutation: {name}: {MUTATIONS[name].breaks}"]
