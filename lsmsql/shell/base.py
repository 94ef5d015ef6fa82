"""The shell without its commands: how statements run, how rows and errors are printed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import apsw
import apsw.shell

from lsmsql.dbapi.statements import Statement
from lsmsql.engine.errors import UsageError
from lsmsql.engine.values import Value
from lsmsql.shell.formats import FORMATS, Style
from lsmsql.shell.messages import describe, show_place
from lsmsql.shell.places import tell_place
from lsmsql.shell.queryplan import draw
from lsmsql.shell.session import Session
from lsmsql.shell.signals import Signals
from vtab.sql.split import is_blank, split_explain

_WITH_PLAN = {"SELECT", "WITH", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE"}
_WRAP = 60
"""Characters of a table cell on a terminal before it goes on in the next line."""


_ApswShell: Any = apsw.shell.Shell
"""Its methods have no types."""


class BaseShell(_ApswShell):  # type: ignore[misc]
    """apsw's shell with a store behind it. Its attributes keep the names they have there."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    interactive: bool
    bail: bool
    echo: bool
    timer: bool
    changes: bool
    header: bool
    separator: str
    nullvalue: str
    widths: list[int]

    def __init__(self, session: Session, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> None:
        self.session = session
        self.signals = Signals()
        self.mode = "list"
        self.insert_table = "table"
        self.eqp = False
        self.stats = False
        self.failed = False
        self.failed_text = ""
        self.once = False
        super().__init__(stdin, stdout, stderr)
        if self._using_a_terminal():
            self.mode = "box"
        self.prompt, self.moreprompt = "lsmsql> ", "   ...> "
        self.history_file = os.environ.get("LSMSQL_HISTORY", "~/.lsmsql_history")
        self.bindings: dict[str, Value] = {}

    @property
    def db(self) -> apsw.Connection:
        """The connection that shows the store."""
        return self.session.connection

    @db.setter
    def db(self, value: object) -> None:
        """Nothing: apsw's shell would open a database of its own."""

    # ------------------------------------------------------------------------------- statements

    def process_sql(
        self, sql: str, bindings: Any = None, internal: bool = False, summary: object = None
    ) -> None:
        """Run statements one after the other. Raises what the first wrong one raises."""
        link = self.session.link
        while not is_blank(sql):
            self.failed_text = sql
            link.ready()
            statement, rest = link.first_statement(sql)
            if self.echo:
                self.stderr.write(sql.removesuffix(rest).strip() + "\n")
            if self.eqp and statement.verb in _WITH_PLAN:
                plan, _ = link.first_statement("EXPLAIN QUERY PLAN " + statement.sql)
                self._run(plan)
            with self._measured():
                self._run(statement)
            sql = rest

    def _run(self, statement: Statement) -> None:
        """Run a statement, and print what it gives."""
        link = self.session.link
        try:
            rows, changes = link.run(self.db.cursor(), statement, self._values(statement))
        except Exception as error:
            tell_place(error, link, statement)
            raise
        if statement.plan:
            self.stdout.writelines(draw(rows or ()))
        elif rows is not None and statement.description is not None:
            explains = split_explain(statement.sql)[0] != ""
            names = [column[0] for column in statement.description]
            self.print_rows(names, rows, "column" if explains else self.mode)
        if self.changes and changes >= 0:
            self.stdout.write(f"changes: {changes}   total_changes: {link.changes}\n")

    def _values(self, statement: Statement) -> dict[str, Value]:
        """The values of the parameters. Raises UsageError if one has none."""
        for name in statement.names:
            if name is None:
                raise UsageError("parameters need names, such as $x; .parameter set x VALUE")
            if name not in self.bindings:
                raise UsageError(f"${name} has no value; .parameter set {name} VALUE")
        return self.bindings

    def temporary_names(self) -> set[str]:
        """Lower-case names in the schema ``temp``: what the user put there, and tables of ours."""
        return {name.lower() for (name,) in self.db.execute("SELECT name FROM sqlite_temp_schema")}

    def print_rows(
        self, names: Sequence[str], rows: Iterable[Sequence[Value]], mode: str | None = None
    ) -> None:
        """Print rows as the mode has it."""
        mode = mode or self.mode
        style = Style(
            header=self.header or mode == "column",
            separator="," if mode == "csv" and self.separator == "|" else self.separator,
            null=self.nullvalue,
            table=self.insert_table,
            wrap=_WRAP if self.interactive else 0,
            widths=tuple(self.widths),
        )
        write = self.stdout.write
        for piece in FORMATS[mode](names, rows, style):
            write(piece)

    def _measured(self) -> _Measured:
        return _Measured(self)

    # ------------------------------------------------------------------------------- errors

    def run_input(self, text: str) -> bool:
        """Run statements or a command; print what goes wrong, and return whether nothing did."""
        try:
            with self.signals.running(self.db):
                self.process_complete_line(text)
        except BrokenPipeError:
            raise
        except (Exception, KeyboardInterrupt) as error:
            self.report(error)
            return False
        return True

    def process_complete_line(self, command: str) -> None:
        """Run statements, or a command if it begins with a dot."""
        if command.lstrip().startswith("."):
            self.process_command(command.strip())
        else:
            self.process_sql(command)
            if self.once:
                self.command_output(["stdout"])

    def report(self, error: BaseException) -> None:
        """Print an error. Its line number is printed when it comes from a file or a pipe."""
        self.failed = True
        self.stdout.flush()
        if isinstance(error, apsw.InterruptError) and self.stderr.isatty():
            self.stderr.write("\n")  # the terminal has echoed ^C
        place = show_place(self.failed_text, getattr(error, "error_offset", -1))
        text = describe(error, self.session.writer)
        self.stderr.write(f"Error: {self.where()}{text}\n{place}")
        self.stderr.flush()

    def where(self) -> str:
        """The place of the statement in what is read."""
        return ""


class _Measured:
    """Prints what a statement took (.timer) and what the store did for it (.stats)."""

    def __init__(self, shell: BaseShell) -> None:
        self._shell = shell

    def __enter__(self) -> None:
        self._real, self._times = time.perf_counter(), os.times()
        if self._shell.stats:
            self._counters = dict(self._shell.session.store.stats().counters)

    def __exit__(self, *error: object) -> None:
        shell = self._shell
        if shell.timer:
            now = os.times()
            shell.stdout.write(
                f"Run Time: real {time.perf_counter() - self._real:.3f}"
                f" user {now.user - self._times.user:.3f}"
                f" sys {now.system - self._times.system:.3f}\n"
            )
        if shell.stats and hasattr(self, "_counters"):
            shell.stdout.writelines(self._changed())

    def _changed(self) -> Iterator[str]:
        for name, value in self._shell.session.store.stats().counters.items():
            difference = value - self._counters.get(name, 0)
            if difference:
                yield f"{name.replace('_', ' ')}: {difference:,}\n"
