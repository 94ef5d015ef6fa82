"""Where statements come from: the terminal with its history, files, and pipes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

import apsw

from lsmsql import __version__
from lsmsql.shell.base import BaseShell
from vtab.sql.split import is_blank

_WORDS = {"exit", "quit", "help"}
"""Commands that beginners type without the dot."""


class ReadingShell(BaseShell):
    """The shell as a reader of statements and commands."""

    first_line = 0
    """Line number of the first line of the statement; 0 if it came from the command line."""

    def where(self) -> str:
        """The place of the statement in what is read, for a file or a pipe."""
        if self.interactive or not self.first_line:
            return ""
        nested = len(self._input_stack) > 1
        name = f" of {self.stdin.name}" if nested else ""
        return f"near line {self.first_line}{name}: "

    def cmdloop(self, intro: str | None = None, transient: str | None = None) -> None:
        """Read from the terminal or from standard input until there is no more."""
        if self.interactive:
            sqlite = apsw.sqlite_lib_version()
            self.stdout.write(intro or f"lsmsql {__version__} (SQLite {sqlite})\n")
            self.stdout.write('Enter ".help" for usage hints.\n')
            if self.session.writer:
                problem = f"Process {self.session.writer} writes to the store"
                self.stdout.write(f"{problem}: it is open for reading here, and followed.\n")
        with self._terminal():
            self.read_all()
        if self.interactive:
            self.stdout.write("\n")

    def read_all(self) -> None:
        """Run what the input holds; ``failed`` tells whether something was wrong.

        The first error is the end with -bail, and an interrupt if nobody sits at a terminal.
        """
        while (text := self._next_input()) is not None:
            good = self.run_input(text)
            if self.bail and self.failed:
                break
            if not good and not self.interactive:
                self.signals.check()

    def _next_input(self) -> str | None:
        """The next statements or command; "" if there is nothing to do, None at the end."""
        try:
            return self.get_complete_line()
        except KeyboardInterrupt:
            if not self.interactive:
                raise
            self.stderr.write("^C\n")
            return ""
        except UnicodeDecodeError as error:  # the rest cannot be read either
            self.first_line = self.input_line_number + 1
            self.report(error)
            return None

    def get_complete_line(self) -> str | None:
        """Lines up to the semicolon that ends a statement, or one command.

        None at the end of the input; a statement without its end is given to SQLite all the same.
        """
        self._completion_first = True
        self._completion_cache = None
        text: str | None = self.get_line(self.prompt)
        self.first_line = self.input_line_number
        if text is None:
            return None
        word = text.strip().lower()
        if not word or word.startswith(("#", ".")):
            return "" if word.startswith("#") else text
        if self.interactive and word in _WORDS:
            return "." + word
        while not is_blank(text) and not apsw.complete(text + "\n"):
            self._completion_first = False
            line = self.get_line(self.moreprompt)
            if line is None:
                break
            text += "\n" + line
        return text

    @contextlib.contextmanager
    def _terminal(self) -> Iterator[None]:
        """History and completion by readline, where there is a terminal and a readline."""
        try:
            if not self.interactive or self.stdin is not sys.stdin or not sys.stdin.isatty():
                raise ImportError
            import readline
        except ImportError:
            yield
            return
        history = os.path.expanduser(self.history_file)
        completer = readline.get_completer()
        readline.set_completer(self.complete)
        readline.parse_and_bind("tab: complete")
        self._using_readline = True
        with contextlib.suppress(OSError):
            readline.read_history_file(history)
        try:
            yield
        finally:
            readline.set_completer(completer)
            readline.set_history_length(1000)
            with contextlib.suppress(OSError):
                readline.write_history_file(history)

    def read_file(self, path: str) -> None:
        """Run the statements and commands in a file. Raises OSError if it cannot be read."""
        with open(path, encoding=self.encoding[0], newline="\n") as file:
            self.push_input()
            self.stdin, self.interactive, self.input_line_number = file, False, 0
            try:
                self.read_all()
            finally:
                self.pop_input()
