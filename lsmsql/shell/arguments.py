"""The command line of the shell as one value.

The rules are those of sqlite3: the first word that is no option is the store, every further one is
SQL or a dot command, options may stand anywhere and begin with one dash or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lsmsql.engine.errors import UsageError

MODES = {
    "ascii": "columns and rows divided by the control characters 1F and 1E",
    "box": "a table drawn with lines",
    "column": "columns side by side",
    "csv": "comma-separated values",
    "html": "rows of an HTML table",
    "insert": "INSERT statements",
    "json": "one JSON array",
    "jsonl": "one JSON object a line",
    "line": "one value a line",
    "list": "values divided by the separator",
    "markdown": "a Markdown table",
    "quote": "values as SQL literals",
    "table": "a table drawn with + - |",
    "tabs": "tab-separated values",
}
"""The output modes, and how a row looks in each."""

USAGE = f"""\
usage: lsmsql [OPTIONS] PATH [SQL | .COMMAND]...

PATH is the directory of a store; it is created if it does not exist. With SQL or commands they are
run, and the shell ends. Without, it reads them from the terminal or from standard input.

  -readonly          open for reading; another process may be writing
  -wait SECONDS      for a process that is writing; without, it is read what that one writes
  -history SPAN      keep the past, to be asked for: a number of commits, or 90s, 15m, 1h, 7d
  -cmd COMMAND       run COMMAND before anything else
  -init FILE         run the SQL and the commands in FILE first
  -bail              stop at the first error
  -batch             no prompt and no banner, even on a terminal
  -interactive       prompt and banner, even if this is no terminal
  -echo              print statements and commands before running them
  -[no]header        print column names or not
  -separator TEXT    what divides the columns in mode list (default |) and csv (default ,)
  -nullvalue TEXT    what stands for NULL
  -version           print the version
  -help              print this text

output modes:
{chr(10).join(f"  -{name:<16} {text}" for name, text in MODES.items())}

On a terminal the mode is box, else list. All options may begin with two dashes.
"""


@dataclass(frozen=True)
class Arguments:
    """What the command line asks for. A None leaves the choice to the shell.

    ``only`` is "version" or "help" if that is all there is to do; ``path`` is then empty.
    """

    path: str = ""
    statements: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    init_files: tuple[str, ...] = ()
    readonly: bool = False
    wait: float = 0.0
    history: int | str | None = None
    bail: bool = False
    echo: bool = False
    interactive: bool | None = None
    mode: str | None = None
    header: bool | None = None
    separator: str | None = None
    null: str | None = None
    only: str = ""


_FLAGS: dict[str, dict[str, object]] = {
    "readonly": {"readonly": True},
    "bail": {"bail": True},
    "echo": {"echo": True},
    "batch": {"interactive": False},
    "interactive": {"interactive": True},
    "header": {"header": True},
    "noheader": {"header": False},
    "version": {"only": "version"},
    "help": {"only": "help"},
    **{mode: {"mode": mode} for mode in MODES},
}


def parse(argv: Sequence[str]) -> Arguments:
    """The arguments in ``argv``, which does not contain the program's name.

    Raises UsageError for an unknown option, a missing value and a missing path.
    """
    arguments = Arguments()
    words: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        name = word.lstrip("-") if word.startswith("-") else ""
        if word == "--":
            words, rest = words + rest, []
        elif not name:
            words.append(word)
        elif name in _FLAGS:
            arguments = replace(arguments, **_FLAGS[name])  # type: ignore[arg-type]
        elif name in _WITH_VALUE:
            if not rest:
                raise UsageError(f"option -{name} needs a value")
            arguments = _with_value(arguments, name, rest.pop(0))
        else:
            raise UsageError(f"unknown option: {word}; lsmsql -help lists the options")
    if arguments.only:
        return arguments
    if not words or not words[0]:
        raise UsageError("PATH is missing: a store is a directory, there are none in memory")
    return replace(arguments, path=words[0], statements=tuple(words[1:]))


_WITH_VALUE = ("cmd", "init", "separator", "nullvalue", "wait", "history")


def _with_value(arguments: Arguments, name: str, value: str) -> Arguments:
    match name:
        case "cmd":
            return replace(arguments, commands=(*arguments.commands, value))
        case "init":
            return replace(arguments, init_files=(*arguments.init_files, value))
        case "separator":
            return replace(arguments, separator=value)
        case "wait":
            return replace(arguments, wait=_seconds(value))
        case "history":
            return replace(arguments, history=int(value) if value.isdecimal() else value)
    return replace(arguments, null=value)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"option -wait is a time in seconds, not {text}")
    return seconds
