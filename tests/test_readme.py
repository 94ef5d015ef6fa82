"""The README's examples, run as they stand, one after the other in one directory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def run(command: list[str], folder: Path) -> str:
    """What a command prints, its errors included."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
    )
    return done.stdout


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """For each example what it printed and what the README says it prints."""
    folder = tmp_path_factory.mktemp("readme")
    pairs = []
    for (language, text), (next_language, following) in zip(
        BLOCKS, [*BLOCKS[1:], ("", "")], strict=True
    ):
        if language == "python":
            assert next_language == "text"
            pairs.append((run([sys.executable, "-c", text], folder), following))
        elif language == "console":
            for example in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, shown = example.partition("\n")
                pairs.append((run(["sh", "-c", command], folder), shown))
    return pairs


def test_the_examples_print_what_the_readme_says(outputs):
    printed, shown = zip(*outputs, strict=True)
    assert len(outputs) >= 7
    assert list(printed) == list(shown)


def test_the_commands_of_the_makefile_exist():
    makefile = (Path(__file__).resolve().parent.parent / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)
    assert commands
    assert [name for name in commands if f"\n{name}:" not in makefile] == []
