"""The layers of the source: imports go down only.

A *room* is a module or a package together with everything in it. A module may import from its own
room and from rooms on lower lines; rooms on one line know nothing of each other.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

LAYERS = """
    lsmsql.engine.errors lsmsql.engine.counters lsmsql.engine.together lsmsql.engine.turns
    lsmsql.engine.place lsmsql.engine.claims
    lsmsql.engine.ragged
    lsmsql.engine.values lsmsql.engine.order
    lsmsql.engine.affinity
    lsmsql.engine.column
    lsmsql.engine.collation
    lsmsql.engine.schema lsmsql.engine.options lsmsql.engine.checksum
    lsmsql.engine.filesystem
    lsmsql.engine.columns
    lsmsql.engine.keys
    lsmsql.engine.wal lsmsql.engine.memtable
    lsmsql.engine.replay
    lsmsql.engine.tail
    lsmsql.engine.sstable.format lsmsql.engine.sstable.column
    lsmsql.engine.sstable.getter lsmsql.engine.sstable.uniform
    lsmsql.engine.sstable.encoding
    lsmsql.engine.sstable.block
    lsmsql.engine.cache
    lsmsql.engine.sstable
    lsmsql.engine.conditions
    lsmsql.engine.projection
    lsmsql.engine.slices
    lsmsql.engine.rows lsmsql.engine.indexes
    lsmsql.engine.readset
    lsmsql.engine.merge
    lsmsql.engine.output
    lsmsql.engine.background
    lsmsql.engine.manifest
    lsmsql.engine.recent
    lsmsql.engine.view
    lsmsql.engine.registry lsmsql.engine.writeset
    lsmsql.engine.history
    lsmsql.engine.window lsmsql.engine.zones
    lsmsql.engine.short lsmsql.engine.scan
    lsmsql.engine.definitions
    lsmsql.engine.catalog
    lsmsql.engine.live
    lsmsql.engine.writing
    lsmsql.engine.core
    lsmsql.engine.ownership
    lsmsql.engine.readview lsmsql.engine.cleanup lsmsql.engine.validation
    lsmsql.engine.flush lsmsql.engine.compaction lsmsql.engine.recovery
    lsmsql.engine.following lsmsql.engine.backup
    lsmsql.engine.backpressure lsmsql.engine.verify
    lsmsql.engine.admission
    lsmsql.engine.scheduler
    lsmsql.engine.upkeep
    lsmsql.engine.sources lsmsql.engine.ingest
    lsmsql.engine.tables
    lsmsql.engine.database lsmsql.engine.table
    lsmsql.engine.verbs
    lsmsql.engine.snapshot
    lsmsql.engine.transaction
    lsmsql.engine.batch lsmsql.engine.building
    lsmsql.engine.stats
    lsmsql.engine.store
    lsmsql.engine.repair
    lsmsql.engine
    vtab.sql
    vtab lsmsql.dialects
    lsmsql
"""
"""From lowest to highest."""

ENGINE_DEPENDENCIES = {"pyarrow", "numpy", "xxhash", "msgspec"}
TOP_LEVEL_FOLDERS = {"lsmsql", "vtab", "tests", "examples", "docs", ".ci"}
DISK_CALLS = {
    "open", "os.open", "os.remove", "os.unlink", "os.rename", "os.replace", "os.mkdir",
    "os.makedirs", "os.listdir", "os.scandir", "os.truncate", "os.fsync", "os.fdatasync",
}  # fmt: skip

ROOT = Path(__file__).resolve().parent.parent
LEVELS = {room: i for i, line in enumerate(LAYERS.split("\n")) for room in line.split()}


@cache
def source_modules() -> dict[str, ast.Module]:
    """Every module of the source by its dotted name."""
    found = {}
    for package in ("lsmsql", "vtab"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def imported_names(tree: ast.Module) -> list[str]:
    """Dotted names that a module imports anywhere in it, inside functions and for types too."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def own_module(name: str, modules: dict[str, ast.Module]) -> str | None:
    """The module of ours that a dotted name lives in: `a.b.f` is found in `a.b`."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


@cache
def import_graph() -> dict[str, set[str]]:
    modules = source_modules()
    graph = {}
    for module, tree in modules.items():
        targets = {own_module(name, modules) for name in imported_names(tree)}
        graph[module] = {target for target in targets if target and target != module}
    return graph


def room_of(module: str) -> str | None:
    """The longest entry of the table that `module` is, or lies in."""
    room = module
    while room and room not in LEVELS:
        room = room.rpartition(".")[0]
    # The engine itself is its __init__ alone: a new part of it takes a line of its own.
    return None if room == "lsmsql.engine" != module else room or None


def test_every_module_has_its_place_in_the_table() -> None:
    assert [module for module in source_modules() if room_of(module) is None] == []


def test_imports_go_down_only() -> None:
    wrong = []
    for module, targets in import_graph().items():
        room = room_of(module)
        for target in sorted(targets):
            other = room_of(target)
            if room and other and room != other and LEVELS[other] >= LEVELS[room]:
                wrong.append(f"{module} imports {target}")
    assert wrong == []


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of a cycle of imports; none if there is no cycle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def test_a_cycle_would_be_found() -> None:
    assert set(find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}


def test_no_module_imports_itself_by_a_detour() -> None:
    assert find_cycle(import_graph()) == []


def test_the_engine_runs_on_its_own_dependencies() -> None:
    allowed = ENGINE_DEPENDENCIES | sys.stdlib_module_names | {"lsmsql"}
    wrong = [
        f"{module} imports {name}"
        for module, tree in source_modules().items()
        if module.startswith("lsmsql.engine")
        for name in imported_names(tree)
        if name.partition(".")[0] not in allowed
    ]
    assert wrong == []


def test_only_the_filesystem_touches_the_disk() -> None:
    wrong = [
        f"{module}, line {node.lineno}: {ast.unparse(node.func)}"
        for module, tree in source_modules().items()
        if module.startswith("lsmsql.engine.") and not module.startswith("lsmsql.engine.filesystem")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in DISK_CALLS
    ]
    assert wrong == []


def test_top_level_folders_are_the_known_ones() -> None:
    try:
        listing = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    folders = {line.partition("/")[0] for line in listing.splitlines() if "/" in line}
    assert folders <= TOP_LEVEL_FOLDERS
