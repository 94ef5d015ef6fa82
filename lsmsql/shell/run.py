"""One run of the shell, from the opened store to the exit status."""

from __future__ import annotations

import contextlib
import io
import os
from typing import TextIO

from lsmsql.engine.errors import Error
from lsmsql.shell.arguments import Arguments
from lsmsql.shell.messages import describe
from lsmsql.shell.session import open_session
from lsmsql.shell.shell import Shell

_INTERRUPTED = 130


def run(arguments: Arguments, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    """Do what the command line says; return the exit status. The store is closed in any case."""
    try:
        session = open_session(
            arguments.path, arguments.readonly, arguments.wait, arguments.history
        )
    except (Error, OSError) as error:
        stderr.write(f"Error: {describe(error)}\n")
        return 1
    shell = Shell(session, stdin, stdout, stderr)
    try:
        with shell.signals.handled():
            return _run(shell, arguments)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _forget_output(stdout)
        return 0
    finally:
        shell.session.close()


def _run(shell: Shell, arguments: Arguments) -> int:
    _set_up(shell, arguments)
    status: int | None = None
    try:
        _work(shell, arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else None
    except KeyboardInterrupt:
        status = _INTERRUPTED
    shell.command_output(["stdout"])
    shell.stdout.flush()
    if status is None:
        status = 1 if shell.failed and not shell.interactive else 0
    return status


def _set_up(shell: Shell, arguments: Arguments) -> None:
    shell.bail, shell.echo = arguments.bail, arguments.echo
    if isinstance(shell.stdin, io.TextIOWrapper) and not shell.stdin.isatty():
        # SQL is UTF-8 in every locale, and carriage returns in texts stay what they are.
        shell.stdin.reconfigure(encoding="utf-8", errors="strict", newline="\n")
    if arguments.interactive is not None:
        shell.interactive = arguments.interactive
    elif arguments.statements:
        shell.interactive = False
    if arguments.mode is not None:
        shell.mode = arguments.mode
    if arguments.header is not None:
        shell.header = arguments.header
    if arguments.separator is not None:
        shell.separator = shell.fixup_backslashes(arguments.separator)
    if arguments.null is not None:
        shell.nullvalue = shell.fixup_backslashes(arguments.null)


def _work(shell: Shell, arguments: Arguments) -> None:
    """Files first, then commands, then the statements, up to the first wrong one, or the input."""
    for path in arguments.init_files:
        _read(shell, path)
    for text in arguments.commands:
        if not (shell.bail and shell.failed):
            shell.run_input(text)
    if shell.bail and shell.failed:
        return
    if not arguments.statements:
        shell.cmdloop()
        return
    for text in arguments.statements:
        if not shell.run_input(text) or (shell.bail and shell.failed):
            return


def _read(shell: Shell, path: str) -> None:
    try:
        shell.read_file(path)
    except OSError as error:
        shell.report(error)


def _forget_output(stdout: TextIO) -> None:
    """Python would complain at its end about what it could not write."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
