"""From a command line to a command, and from errors to an exit status."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from lsmsql.engine.errors import Error, UsageError

GOOD, BAD, NOT_DONE = 0, 1, 2
"""Exit statuses: all is well; damage was found; it could not be done at all."""


@dataclass(frozen=True)
class Command:
    """What the command line of a command has: so many words, and options with a value."""

    usage: str
    summary: str
    words: int
    options: tuple[str, ...] = ()


COMMANDS = {
    "backup": Command(
        "lsmsql backup PATH TARGET",
        "make TARGET a store as PATH is now, or bring it up to date; others may write meanwhile",
        words=2,
    ),
    "verify": Command(
        "lsmsql verify PATH [--level quick|checksums|full]",
        "look for damage in a store; changes nothing",
        words=1,
        options=("level",),
    ),
    "repair": Command(
        "lsmsql repair SOURCE TARGET",
        "save what is undamaged in SOURCE as a new store in TARGET; SOURCE is not changed",
        words=2,
    ),
}
"""By name. The module of a command has the same name."""


def run_command(argv: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Run the command that ``argv[0]`` names; return the exit status."""
    name, *rest = argv
    command = COMMANDS[name]
    try:
        words, options = parse(command, rest)
        if "help" in options:
            stdout.write(f"usage: {command.usage}\n\n{_sentence(command.summary)}\n")
            return GOOD
        module = importlib.import_module(f"lsmsql.commands.{name}")
        status: int = module.run(words, options, stdout)
        stdout.flush()
        return status
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        return GOOD
    except Error as error:
        stderr.write(f"lsmsql {name}: {error}\n")
        if isinstance(error, UsageError):
            stderr.write(f"usage: {command.usage}\n")
        return NOT_DONE


def parse(command: Command, argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Words and options of a command. Options have one dash or two, and may stand anywhere.

    Raises UsageError for an unknown option, a missing value, and too few or too many words.
    """
    words: list[str] = []
    options: dict[str, str] = {}
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        if word == "--":
            words, rest = words + rest, []
        elif not word.startswith("-"):
            words.append(word)
        elif name in ("help", "h"):
            return [], {"help": ""}
        elif name not in command.options:
            raise UsageError(f"unknown option: {word}")
        elif not equals and not rest:
            raise UsageError(f"option {word} needs a value")
        else:
            options[name] = value if equals else rest.pop(0)
    if len(words) != command.words or not all(words):
        raise UsageError(f"it takes {command.words} path{'s' * (command.words > 1)}")
    return words, options


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
