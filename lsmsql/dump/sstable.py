"""``lsm-dump FILE``: prints an SSTable.

The reading is in ``sstable_contents``; here are the program and the two forms it prints.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from lsmsql.dump.literals import json_value, sql_literal
from lsmsql.dump.sstable_contents import Contents, DataBlock, Entry, read_table
from lsmsql.dump.tables import load_console, print_facts, print_table, run

PROGRAM = "lsm-dump"
BLOCK_COLUMNS = ("block", "offset", "length", "rows", "first key", "last key", "state")
ZONE_COLUMNS = ("block", "slot", "minimum", "maximum", "nulls")
STORAGE_COLUMNS = ("column", "type", "encodings (blocks)", "bytes", "share")


def main(arguments: Sequence[str] | None = None) -> int:
    """The program. Returns its exit status."""
    options = _parse(arguments)
    return run(PROGRAM, lambda: _dump(options))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(PROGRAM, description="Print an SSTable.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--summary", action="store_true", help="footer and properties only")
    parts.add_argument("--blocks", action="store_true", help="the index and what it stores only")
    parts.add_argument("--entries", action="store_true", help="the records only")
    parser.add_argument(
        "--limit",
        metavar="N",
        type=_count,
        default=50,
        help="blocks and entries to show, 0 for all (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of entries")
    return int(text)


def _dump(options: argparse.Namespace) -> int:
    contents = read_table(options.file)
    limit = options.limit or contents.row_count
    with_blocks = not (options.summary or options.entries)
    with_entries = not (options.summary or options.blocks)
    blocks = contents.blocks[: options.limit or None] if with_blocks else []
    entries = contents.entries(limit) if with_entries else []
    if options.json:
        print(json.dumps(_document(contents, blocks, entries, with_entries), indent=2))
    else:
        _print(contents, options, blocks, entries, with_entries)
    if contents.damage:
        raise contents.damage
    return 0


# ------------------------------------------------------------------------------------------ JSON


def _document(
    contents: Contents, blocks: Sequence[DataBlock], entries: Sequence[Entry], with_entries: bool
) -> dict[str, Any]:
    damage = str(contents.damage) if contents.damage else None
    left_out = max(0, contents.row_count - len(entries)) if with_entries else 0
    return {
        "file": contents.path,
        "bytes": contents.size,
        "footer": _footer(contents),
        "properties": _properties(contents),
        "blocks": [_block_document(block) for block in blocks],
        "entries": [_entry_document(entry) for entry in entries],
        "entries_left_out": left_out,
        "damage": damage,
    }


def _footer(contents: Contents) -> dict[str, Any]:
    footer = contents.footer
    sections = {"bloom": footer.bloom, "properties": footer.properties, "index": footer.index}
    return {
        "number": footer.number,
        "version": footer.version,
        **{name: {"offset": s.offset, "length": s.length} for name, s in sections.items()},
    }


def _properties(contents: Contents) -> dict[str, Any] | None:
    if contents.properties is None:
        return None
    properties: dict[str, Any] = msgspec.to_builtins(contents.properties, builtin_types=(bytes,))
    for name in ("smallest", "largest"):
        key = properties[name]
        properties[name] = contents.key_text(key)
        properties[f"{name}_hex"] = key.hex()
    return properties


def _block_document(block: DataBlock) -> dict[str, Any]:
    return {
        "block": block.number,
        "offset": block.offset,
        "length": block.length,
        "rows": block.rows,
        "first": block.first_text,
        "first_hex": block.first.hex(),
        "last": block.last_text,
        "last_hex": block.last.hex(),
        "zones": [
            {
                "slot": slot,
                "minimum": json_value(zone.minimum),
                "maximum": json_value(zone.maximum),
                "nulls": zone.nulls,
            }
            for slot, zone in enumerate(block.zones)
        ],
        "columns": [
            {"column": c.name, "type": c.type, "encoding": c.encoding, "bytes": c.size}
            for c in block.columns
        ],
        "damage": block.damage,
    }


def _entry_document(entry: Entry) -> dict[str, Any]:
    key = None if entry.key_values is None else [json_value(v) for v in entry.key_values]
    return {
        "block": entry.block,
        "key": key,
        "key_hex": entry.key.hex(),
        "sequence": entry.sequence,
        "type": entry.type,
        "values": [json_value(value) for value in entry.values],
    }


# ---------------------------------------------------------------------------------------- tables


def _print(
    contents: Contents,
    options: argparse.Namespace,
    blocks: Sequence[DataBlock],
    entries: Sequence[Entry],
    with_entries: bool,
) -> None:
    console = load_console()
    if not (options.blocks or options.entries):
        print_facts(console, _facts(contents))
    if blocks:
        _print_blocks(console, contents, blocks)
    if entries:
        slots = contents.slot_names
        columns = ("block", "key", "sequence", "type", *slots)
        rows = [_entry_row(entry, len(slots)) for entry in entries]
        print_table(console, "Entries", columns, rows)
    left_out = contents.row_count - len(entries)
    if with_entries and left_out > 0 and not contents.damage:
        console.print(f"{left_out:,} more entries; --limit 0 shows all")


def _facts(contents: Contents) -> dict[str, object]:
    footer = contents.footer
    facts: dict[str, object] = {"file": contents.path, "bytes": contents.size}
    facts |= {"format version": footer.version, "file number": footer.number}
    for name, section in (
        ("bloom filter", footer.bloom),
        ("properties", footer.properties),
        ("index", footer.index),
    ):
        facts[name] = f"{section.length:,} bytes at offset {section.offset:,}"
    for name, value in (_properties(contents) or {}).items():
        if name in ("smallest_hex", "largest_hex"):
            continue
        shown = ", ".join(value) if isinstance(value, list) else value
        facts[name.replace("_", " ")] = shown
    return facts


def _print_blocks(console: Any, contents: Contents, blocks: Sequence[DataBlock]) -> None:
    rows = [
        (b.number, b.offset, b.length, b.rows, b.first_text, b.last_text, b.damage or "ok")
        for b in blocks
    ]
    print_table(console, "Blocks", BLOCK_COLUMNS, rows)
    left_out = len(contents.blocks) - len(blocks)
    if left_out:
        console.print(f"{left_out:,} more blocks; --limit 0 shows all")
    zones = [
        (block.number, slot, sql_literal(zone.minimum), sql_literal(zone.maximum), zone.nulls)
        for block in blocks
        for slot, zone in enumerate(block.zones)
    ]
    if zones:
        print_table(console, "Zone maps (NULL: not known)", ZONE_COLUMNS, zones)
    storage = [(s.name, s.type, s.encodings, s.size, f"{s.share:.1%}") for s in contents.storage()]
    print_table(console, "Columns, all blocks", STORAGE_COLUMNS, storage)


def _entry_row(entry: Entry, slots: int) -> tuple[object, ...]:
    key = entry.key.hex()
    if entry.key_values is not None:
        key = ", ".join(map(sql_literal, entry.key_values))
    values = [""] * slots if entry.type == "DELETE" else [*map(sql_literal, entry.values)]
    return (entry.block, key, entry.sequence, entry.type, *values)
