"""The engines by name. Each is imported only when it is used: its package may be missing."""

from __future__ import annotations

import importlib

from tests.benchmarks.engines.base import Engine

CLASSES = {
    "lsmsql": "Lsmsql",
    "plyvel": "LevelDB",
    "rocksdict": "RocksDB",
    "lsmdb": "LsmDB",
    "lmdb": "Lmdb",
    "sqlite": "SQLite",
}
SUBJECT = "lsmsql"


def load_engine(name: str) -> type[Engine]:
    """The adapter class of an engine. Raises ImportError if its package is not installed."""
    module = importlib.import_module(f"{__name__}.{name}")
    engine: type[Engine] = getattr(module, CLASSES[name])
    return engine
