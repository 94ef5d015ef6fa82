"""What a repair has saved, and what it could not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lsmsql.engine.keys import KeyCodec

_MOST_TEXT = 60


@dataclass(frozen=True)
class Loss:
    """Records that could not be saved.

    ``file`` and ``offset`` say where they were (offset None: all of the file). ``keys`` tells
    which, as far as that is known, ``rows`` how many records; None: not known. ``uncovers``: an
    older version of what was lost may be in the new store now, or what was deleted be back.
    """

    file: str
    offset: int | None
    problem: str
    table: str | None = None
    keys: str = ""
    rows: int | None = None
    uncovers: bool = False

    def __str__(self) -> str:
        place = self.file if self.offset is None else f"{self.file}, offset {self.offset}"
        whose = "" if self.table is None else f" of table {self.table}"
        count = "an unknown number of" if self.rows is None else f"{self.rows:,}"
        which = f", {self.keys}" if self.keys else ""
        older = "; older versions may have come to light" if self.uncovers else ""
        return f"lost: {count} records{whose}{which} ({place}: {self.problem}){older}"


@dataclass(frozen=True)
class RepairReport:
    """The outcome of a repair. ``rows`` says how many rows each table of the new store has.

    ``notes`` are what could not be known, and what was decided then.
    """

    source: str
    target: str
    rows: Mapping[str, int]
    losses: tuple[Loss, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was lost, and nothing is in doubt."""
        return not self.losses and not self.notes

    def __str__(self) -> str:
        many = len(self.losses)
        verdict = f"{many:,} loss{'es' * (many > 1)}" if many else "nothing lost"
        if self.notes:
            verdict += ", and some doubt"
        lines = [f"{self.source}: saved in {self.target}, {verdict}"]
        lines += [f"saved: {count:,} rows of table {name}" for name, count in self.rows.items()]
        lines += map(str, self.losses)
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


def key_text(key: bytes, codec: KeyCodec) -> str:
    """A key by its values, or in hex if it has none."""
    try:
        values = codec.decode(key)
    except ValueError:
        return key.hex()
    text = repr(values[0]) if len(values) == 1 else repr(values)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}..."
