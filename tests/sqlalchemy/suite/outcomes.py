"""A plugin of pytest: what becomes of each test, written to a file."""

from __future__ import annotations

import json
import os
import re

import pytest

OUTCOMES = "SUITE_OUTCOMES"
"""The environment variable with the path of that file."""

_RANK = ("passed", "skipped", "failed")
_found: dict[str, str] = {}
"""The worst outcome of the phases of each test."""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    name = re.sub(r"_sqlite\+\w+(?=::)", "", report.nodeid.partition("::")[2])
    _found[name] = max(_found.get(name, "passed"), report.outcome, key=_RANK.index)


def pytest_sessionfinish() -> None:
    with open(os.environ[OUTCOMES], "w", encoding="utf-8") as file:
        json.dump(_found, file)
