"""Commands about the shell: where it reads and writes, how it prints, what it says about itself."""

from __future__ import annotations

import os
import sys

import apsw

from lsmsql import __version__
from lsmsql.engine.errors import UsageError
from lsmsql.shell.arguments import MODES
from lsmsql.shell.reading import ReadingShell
from lsmsql.shell.session import open_session

_WIDTH = 14


class SettingCommands(ReadingShell):
    """``.open``, ``.read``, ``.output``, ``.mode``, ``.show`` and such."""

    def command_open(self, cmd: list[str]) -> None:
        """open ?--readonly? PATH: Closes the store and opens the one at PATH

        What is not committed is rolled back.
        """
        readonly = any(word.lstrip("-") == "readonly" for word in cmd if word.startswith("-"))
        words = [word for word in cmd if not word.startswith("-")]
        if len(words) != 1 or len(cmd) > 1 + readonly:
            raise UsageError("usage: .open ?--readonly? PATH")
        old = self.session
        if os.path.isdir(words[0]) and os.path.samefile(old.path, words[0]):
            old.close()
        self.session = open_session(words[0], readonly)
        old.close()

    def command_databases(self, cmd: list[str]) -> None:
        """databases: Lists the store and attached databases"""
        mode = "r/o" if self.session.store.readonly else "r/w"
        self.stdout.write(f"main: {os.path.abspath(self.session.path)} {mode}\n")
        for _, name, path in self.db.execute("PRAGMA database_list"):
            if name not in ("main", "temp"):
                self.stdout.write(f"{name}: {path or '(in memory)'}\n")

    def command_read(self, cmd: list[str]) -> None:
        """read FILENAME: Runs the SQL and the commands in FILENAME"""
        if len(cmd) != 1:
            raise UsageError("usage: .read FILENAME")
        self.read_file(cmd[0])

    def command_output(self, cmd: list[str]) -> None:
        """output ?FILENAME?: Sends output to FILENAME, or back to where it went at the start"""
        super().command_output(cmd or ["stdout"])
        self.once = False

    def command_once(self, cmd: list[str]) -> None:
        """once FILENAME: Sends the output of the next SQL to FILENAME"""
        super().command_output(cmd)
        self.once = True

    def command_mode(self, cmd: list[str]) -> None:
        """mode ?MODE?: Sets output mode to one of

        Without a MODE it prints the one there is. The mode insert takes the name of a table.
        """
        if not cmd:
            self.stdout.write(f"current output mode: {self.mode}\n")
            return
        mode = cmd[0].lower()
        if mode not in MODES or len(cmd) > 1 + (mode == "insert"):
            raise UsageError(f"unknown mode {' '.join(cmd)}; the modes are {', '.join(MODES)}")
        self.mode = mode
        if mode == "insert":
            self.insert_table = cmd[1] if len(cmd) > 1 else "table"

    def command_parameter(self, cmd: list[str]) -> None:
        """parameter CMD ...: Sets values for names such as $x in SQL

        list              shows the values
        clear             forgets all of them
        unset NAME        forgets one
        set NAME VALUE    sets one; VALUE is an SQL expression

        Example:

          .parameter set $x 10.99
          SELECT * FROM sales WHERE price > $x;
        """
        if len(cmd) > 1:
            cmd = [cmd[0], cmd[1].lstrip("$:@"), *cmd[2:]]
        super().command_parameter(cmd)

    def command_eqp(self, cmd: list[str]) -> None:
        """eqp ON|OFF: Shows the query plan of each statement before running it (default OFF)"""
        self.eqp = self._boolean_command("eqp", cmd)

    def command_stats(self, cmd: list[str]) -> None:
        """stats ON|OFF: Shows what the store did for each statement (default OFF)

        Blocks read, blocks found in the cache, columns decoded, bytes written and so on.
        """
        self.stats = self._boolean_command("stats", cmd)

    def command_timer(self, cmd: list[str]) -> None:
        """timer ON|OFF: Shows the time that each statement took (default OFF)

        In seconds: on the clock, and of the processor in the program and in the system.
        """
        self.timer = self._boolean_command("timer", cmd)

    def command_exit(self, cmd: list[str], name: str = "exit") -> None:
        """exit ?CODE?: Closes the store and ends the shell"""
        if len(cmd) > 1 or (cmd and not cmd[0].isdigit()):
            raise UsageError(f"usage: .{name} ?CODE?")
        raise SystemExit(int(cmd[0]) if cmd else None)

    def command_quit(self, cmd: list[str], name: str = "quit") -> None:
        """quit ?CODE?: Closes the store and ends the shell"""
        self.command_exit(cmd, name)

    def command_show(self, cmd: list[str]) -> None:
        """show: Shows the settings"""
        settings = {
            "store": self.session.path,
            "mode": self.mode,
            "headers": self.header,
            "separator": repr(self.separator),
            "nullvalue": repr(self.nullvalue),
            "output": getattr(self.stdout, "name", "stdout"),
            "width": " ".join(map(str, self.widths)),
            "bail": self.bail,
            "changes": self.changes,
            "echo": self.echo,
            "eqp": self.eqp,
            "stats": self.stats,
            "timer": self.timer,
        }
        for name, value in settings.items():
            text = ("off", "on")[value] if isinstance(value, bool) else value
            self.stdout.write(f"{name:>{_WIDTH}}: {text}\n")

    def command_version(self, cmd: list[str]) -> None:
        """version: Shows the versions of lsmsql, SQLite, apsw and Python"""
        versions = {
            "lsmsql": __version__,
            "SQLite": f"{apsw.sqlite_lib_version()} {apsw.sqlite3_sourceid()}",
            "apsw": apsw.apsw_version(),
            "Python": sys.version.split()[0],
        }
        for name, version in versions.items():
            self.stdout.write(f"{name:>{_WIDTH}}: {version}\n")

    def command_help(self, cmd: list[str]) -> None:
        """help ?COMMAND?: Shows the commands, or one of them in detail

        .help all shows all of them in detail.
        """
        stderr, self.stderr = self.stderr, self.stdout
        try:
            super().command_help([self.full_name(word) for word in cmd])
        finally:
            self.stderr = stderr

    def full_name(self, word: str) -> str:
        """The command that ``word`` stands for, which is its name or an unambiguous beginning."""
        raise NotImplementedError
