"""A plugin of pytest: SQLAlchemy's own, told of the dialect."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("sqlalchemy.testing.assertions")

from sqlalchemy.dialects import registry  # noqa: E402
from sqlalchemy.testing.plugin.pytestplugin import *  # noqa: E402, F403

import lsmsql.sqlalchemy  # noqa: E402, F401
import tests.sqlalchemy.suite.provision  # noqa: E402, F401

registry.register("lsmsql.lsmsql", "lsmsql.sqlalchemy.dialect", "LsmsqlDialect")
