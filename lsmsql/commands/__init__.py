"""What ``lsmsql`` does besides the shell: ``lsmsql verify``, ``repair``, ``backup``.

Each command is a module with its USAGE and a function ``run(words, options, stdout)``, which
returns the exit status. It is imported when it is asked for.
"""

from lsmsql.commands.command import COMMANDS as COMMANDS
from lsmsql.commands.command import run_command as run_command
