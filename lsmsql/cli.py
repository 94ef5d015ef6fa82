"""The program ``lsmsql``.

Nothing but the command line is looked at before it is clear what to do, so that ``-version``,
``-help`` and mistakes are answered at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

from lsmsql import __version__
from lsmsql.commands import COMMANDS, run_command
from lsmsql.engine.errors import UsageError
from lsmsql.shell.arguments import USAGE, parse


def main(
    argv: Sequence[str] | None = None,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Run the shell, or a command, and return the exit status.

    Of the shell: 0, 1 after an error, 2 for a wrong command line.
    """
    stdin, stdout, stderr = stdin or sys.stdin, stdout or sys.stdout, stderr or sys.stderr
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        return run_command(argv, stdout, stderr)
    try:
        arguments = parse(argv)
    except UsageError as error:
        stderr.write(f"lsmsql: {error}\n")
        stderr.write("usage: lsmsql [OPTIONS] PATH [SQL | .COMMAND]...\n")
        return 2
    if arguments.only:
        stdout.write(f"lsmsql {__version__}\n" if arguments.only == "version" else _help())
        return 0
    from lsmsql.shell.run import run

    return run(arguments, stdin, stdout, stderr)


def _help() -> str:
    lines = [f"  {command.usage}\n      {command.summary}\n" for command in COMMANDS.values()]
    others = "".join(lines)
    return f"{USAGE}\nother commands (a store in a directory of such a name is ./verify):\n{others}"


if __name__ == "__main__":
    sys.exit(main())
