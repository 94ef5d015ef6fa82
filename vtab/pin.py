"""A read view that the cursors of a connection share."""

from __future__ import annotations

from typing import cast

from lsmsql.engine.core import Core
from lsmsql.engine.readset import ReadSet
from lsmsql.engine.readview import ReadView
from lsmsql.engine.writeset import WriteSet


class Pin(ReadView):
    """A view that is shared by cursors: how many read it, and whether a transaction keeps it.

    When nobody reads it any more it is closed, and opened anew for the next statement: that is much
    cheaper than to make another one, and most statements are short.
    """

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.users = 0
        self.kept = False

    @property
    def step(self) -> int:
        """Up to which step of a transaction's changes are seen."""
        return self._step

    def reopen(self) -> None:
        """Open it again, which has been closed, as a view of the newest commit."""
        core = self._core
        if core.alert:
            core.check_open()
        self.sequence, self._state = core.pin(self._reader)
        self._open = True

    def remember(self, reads: ReadSet) -> None:
        """Add what is read from now on to ``reads``."""
        self._reads = reads

    def advance(self, writes: WriteSet, step: int) -> None:
        """See all changes of a transaction up to ``step``. Nobody may be reading."""
        self._writes = writes
        self._step = step

    def advanced(self, writes: WriteSet, step: int) -> Pin:
        """Another pin, of the same commit, that sees all changes up to ``step``."""
        pin = cast("Pin", self.branch(writes))
        pin.users = 0
        pin.advance(writes, step)
        return pin
