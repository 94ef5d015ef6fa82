"""The type that SQLite has and SQLAlchemy has not."""

from __future__ import annotations

from typing import Any

from sqlalchemy.types import UserDefinedType


class ANY(UserDefinedType[Any]):
    """Values of every type, each kept as it is, as in ``kv(key ANY, value ANY)``."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """What stands in a CREATE TABLE."""
        return "ANY"
