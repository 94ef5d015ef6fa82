"""The program ``lsmsql``.

Nothing but the command line is looked at before it is clear what to do, so that ``-version``,
``-help`` and mistakes are answered at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

from lsmsql import __version__
from lsmsql.engine.errors import UsageError
from lsmsql.shell.arguments import USAGE, parse


def main(
    argv: Sequence[str] | None = None,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Run the shell and return its exit status: 0, 1 after an error, 2 for a wrong command line."""
    stdin, stdout, stderr = stdin or sys.stdin, stdout or sys.stdout, stderr or sys.stderr
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
    except UsageError as error:
        stderr.write(f"lsmsql: {error}\n")
        stderr.write("usage: lsmsql [OPTIONS] PATH [SQL | .COMMAND]...\n")
        return 2
    if arguments.only:
        stdout.write(f"lsmsql {__version__}\n" if arguments.only == "version" else USAGE)
        return 0
    from lsmsql.shell.run import run

    return run(arguments, stdin, stdout, stderr)


if __name__ == "__main__":
    sys.exit(main())
