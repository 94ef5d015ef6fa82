"""SQL of other databases, for SQLite: ``translate`` is the way in, ``register`` what it needs."""
