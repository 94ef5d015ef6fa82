"""The shell as a whole: which commands there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from lsmsql.engine.errors import UsageError
from lsmsql.shell.arguments import MODES
from lsmsql.shell.data_commands import DataCommands
from lsmsql.shell.session import Session
from lsmsql.shell.setting_commands import SettingCommands

_COPY = "a store is a directory: copy it while it is closed, or use .dump"
_FILES = "it is about SQLite files, and a store is none"
_NOT_HERE = "this shell does not have it"

ABSENT = {
    "backup": _COPY,
    "clone": _COPY,
    "restore": _COPY,
    "save": _COPY,
    "archive": _FILES,
    "close": _FILES,
    "connection": _FILES,
    "dbconfig": _FILES,
    "dbinfo": _FILES,
    "dbtotxt": _FILES,
    "pages": _FILES,
    "pages_svg": _FILES,
    "recover": _FILES,
    "timeout": _FILES,
    "vfsinfo": _FILES,
    "vfslist": _FILES,
    "vfsname": _FILES,
    "autoimport": "create the table with its PRIMARY KEY and use .import",
    "exceptions": _NOT_HERE,
    "find": _NOT_HERE,
    "ftsq": _NOT_HERE,
    "log": _NOT_HERE,
    "py": _NOT_HERE,
}
"""Commands of apsw's shell and of sqlite3 that would mislead, and what to say instead."""

_ALIASES = {"indices": "indexes", "headers": "header", "color": "colour"}


class Shell(DataCommands, SettingCommands):
    """The shell for one store at a time; ``.open`` changes it."""

    def __init__(self, session: Session, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> None:
        super().__init__(session, stdin, stdout, stderr)
        self._output_modes = list(MODES)
        self._output_modes_detail = [f"{mode}: {text}" for mode, text in MODES.items()]

    def __dir__(self) -> Iterable[str]:
        """Without the absent commands: help and completion list what is here."""
        hidden = {f"command_{name}" for name in (*ABSENT, *_ALIASES)}
        return [name for name in super().__dir__() if name not in hidden]

    def process_command(self, command: str) -> None:
        """Run a dot command. Its name may be cut short as long as it is clear what is meant."""
        word, *_ = command[1:].split(maxsplit=1) or [""]
        super().process_command("." + self.full_name(word) + command[1 + len(word) :])

    def full_name(self, word: str) -> str:
        """The command that ``word`` stands for. Raises UsageError if there is none, or several."""
        word = word.lstrip(".").replace("-", "_")
        word = _ALIASES.get(word, word)
        names = [name.removeprefix("command_") for name in dir(self) if name.startswith("command_")]
        if word in names or word == "all":
            return word
        if word in ABSENT:
            raise UsageError(f"there is no .{word}: {ABSENT[word]}")
        matches = [name for name in names if word and name.startswith(word)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise UsageError(f".{word} could be .{', .'.join(matches)}")
        raise UsageError(f'unknown command .{word}; enter ".help" for the commands')
