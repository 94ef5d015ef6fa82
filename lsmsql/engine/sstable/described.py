"""What an SSTable says of itself, without a manifest."""

from __future__ import annotations

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.filesystem import ReadFile
from lsmsql.engine.sstable.format import FOOTER_SIZE, decode_footer, decode_properties, unseal
from lsmsql.engine.sstable.meta import FileMeta


def described_file(file: ReadFile, path: str, number: int) -> FileMeta:
    """What a file says of itself, as if the manifest said so.

    Raises CorruptionError, also if it is not file ``number``, and FormatError.
    """
    size = file.size()
    footer = decode_footer(file.read_at(max(0, size - FOOTER_SIZE), FOOTER_SIZE), size, path)
    if footer.number != number:
        problem = f"this is file {footer.number}, not {number}"
        raise CorruptionError(path, size - FOOTER_SIZE, problem)
    section = footer.properties
    data = file.read_at(section.offset, section.length)
    payload = unseal(data, section.offset, path, "properties")
    properties = decode_properties(payload, path, section.offset)
    return FileMeta(
        number=number,
        table_id=properties.table_id,
        size=size,
        rows=properties.rows,
        keys=properties.keys,
        tombstones=properties.tombstones,
        smallest=properties.smallest,
        largest=properties.largest,
        min_sequence=properties.min_sequence,
        max_sequence=properties.max_sequence,
    )
