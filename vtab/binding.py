"""A store in a connection: ``register``."""

from __future__ import annotations

import apsw

from lsmsql.engine.store import Store


class Binding:
    """The tables of one store in one connection."""

    def refresh(self) -> None:
        """Bring the tables of the connection up to date with those of the store."""
        raise NotImplementedError


def register(connection: apsw.Connection, store: Store) -> Binding:
    """Make every table of ``store`` a virtual table of the connection."""
    raise NotImplementedError
