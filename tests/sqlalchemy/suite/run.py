"""Run SQLAlchemy's suite for dialects, in a process and a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.sqlalchemy.suite.outcomes import OUTCOMES

ROOT = Path(__file__).resolve().parents[3]
CASES = Path(__file__).with_name("cases.py")
SETTINGS = """
[sqla_testing]
requirement_cls = tests.sqlalchemy.suite.requirements:Requirements
profile_file = profiles.txt
"""
URLS = {
    "sqlite": "sqlite:///suite.db",
    "lsmsql": "lsmsql:///suite.store?sync=off&background=false",
}


@dataclass(frozen=True)
class Run:
    """What became of each test, by its name, and what pytest printed."""

    outcomes: dict[str, str]
    output: str

    def named(self, outcome: str) -> set[str]:
        """The tests that "passed", "failed" or were "skipped"."""
        return {name for name, found in self.outcomes.items() if found == outcome}

    def counts(self) -> Counter[str]:
        """How many there are of each outcome."""
        return Counter(self.outcomes.values())


def run(dialect: str, arguments: Sequence[str] = ()) -> Run:
    """Run the suite on "sqlite" or "lsmsql"; ``arguments`` are for pytest."""
    with tempfile.TemporaryDirectory(prefix="suite-", ignore_cleanup_errors=True) as folder:
        outcomes = Path(folder, "outcomes.json")
        Path(folder, "setup.cfg").write_text(SETTINGS, encoding="utf-8")
        command = [
            *(sys.executable, "-m", "pytest", str(CASES)),
            *("-p", "tests.sqlalchemy.suite.plugin", "-p", "tests.sqlalchemy.suite.outcomes"),
            *("-c", os.devnull, "--rootdir", folder, "-q", "-p", "no:cacheprovider"),
            *("--dburi", URLS[dialect], "--tb=short", "--maxfail=100000", *arguments),
        ]
        environment = os.environ | {"PYTHONPATH": str(ROOT), OUTCOMES: str(outcomes)}
        ended = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True)
        if not outcomes.exists():
            raise RuntimeError(f"the suite did not run:\n{ended.stdout}{ended.stderr}")
        return Run(json.loads(outcomes.read_text(encoding="utf-8")), ended.stdout)
