"""The examples of docs/shell.md."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lsmsql.cli import main
from lsmsql.shell.arguments import MODES
from lsmsql.shell.shell import Shell

TEXT = (Path(__file__).parents[2] / "docs" / "shell.md").read_text(encoding="utf-8")
PROMPTS = ("lsmsql> ", "   ...> ")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def examples(block: str) -> list[tuple[list[str], str]]:
    """Arguments and expected output of each command in a block."""
    found = []
    for part in block.split("$ lsmsql ")[1:]:
        command, _, output = part.partition("\n")
        found.append((shlex.split(command), output))
    return found


def test_the_examples(monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    (session,) = blocks("text")
    command, *lines = session.splitlines(keepends=True)
    assert command == "$ lsmsql demo\n"
    script = "".join(line[8:] for line in lines if line.startswith(PROMPTS))
    Path("script.sql").write_text(script, encoding="utf-8")
    assert main(["-box", "demo", ".read script.sql"]) == 0
    expected = "".join(line for line in lines if not line.startswith(PROMPTS))
    assert capfd.readouterr().out == expected

    for block in blocks("console"):
        for arguments, output in examples(block):
            main(arguments)
            captured = capfd.readouterr()
            expected = re.escape(output).replace(re.escape("..."), ".*")
            assert re.fullmatch(expected, captured.out + captured.err)


def test_options_and_modes_are_described():
    for mode in MODES:
        assert f"-{mode}" in TEXT


@pytest.mark.parametrize("name", re.findall(r"`\.(\w+)", TEXT))
def test_commands_exist(name):
    commands = [word for word in dir(Shell) if word.startswith(f"command_{name}")]
    assert commands
