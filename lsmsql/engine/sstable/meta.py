"""What the manifest keeps of an SSTable."""

from __future__ import annotations

import msgspec


class FileMeta(msgspec.Struct, frozen=True):
    """An SSTable as the rest of the engine sees it. Keys are encoded keys, size is in bytes.

    ``keys`` counts the distinct keys: fewer than ``rows`` when some have several versions.
    ``assigned``: the blocks say nothing of sequence numbers, all records have ``max_sequence``.
    """

    number: int
    table_id: int
    size: int
    rows: int
    keys: int
    tombstones: int
    smallest: bytes
    largest: bytes
    min_sequence: int
    max_sequence: int
    assigned: bool = False

    def overlaps(self, smallest: bytes, largest: bytes) -> bool:
        """Whether the file may hold a key between the two, both inclusive."""
        return self.smallest <= largest and smallest <= self.largest


def file_name(number: int) -> str:
    """The name of the SSTable with that number."""
    return f"{number:06d}.sst"
