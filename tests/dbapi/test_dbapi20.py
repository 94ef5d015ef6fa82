"""The compliance suite of PEP 249, the package ``dbapi-compliance``."""

from __future__ import annotations

import dbapi20
import pytest

import lsmsql


class TestCompliance(dbapi20.DatabaseAPI20Test):  # type: ignore[misc]
    """All of the suite's tests but those that the class below replaces, with the reasons."""

    driver = lsmsql

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path):
        self.connect_args = (str(tmp_path / "store"),)
        self.connect_kw_args = {"sync": "off", "background": False}
        self.connections: list[lsmsql.Connection] = []
        yield
        for connection in self.connections:  # some tests leave theirs open
            connection.close()

    def _connect(self):
        connection = super()._connect()
        self.connections.append(connection)
        return connection

    def test_non_idempotent_close(self):
        """Closing twice is harmless, as in sqlite3 and all of lsmsql: the suite itself calls it a
        question of taste."""
        connection = self._connect()
        connection.close()
        connection.close()
        with pytest.raises(lsmsql.ProgrammingError, match="closed database"):
            connection.commit()

    def test_nextset(self):
        """Optional: a statement gives one result set, so there is no such method."""
        assert not hasattr(lsmsql.Cursor, "nextset")

    def test_setoutputsize(self):
        """It may do nothing: values come whole, whatever was said."""
        connection = self._connect()
        cursor = connection.cursor()
        cursor.setoutputsize(1)
        assert cursor.execute("SELECT 'whole'").fetchone() == ("whole",)
        connection.close()


def test_the_suite_has_no_test_that_is_left_out():
    names = {name for name in dir(dbapi20.DatabaseAPI20Test) if name.startswith("test_")}
    own = {name for name in vars(TestCompliance) if name.startswith("test_")}
    assert len(names) == 36
    assert own == {"test_non_idempotent_close", "test_nextset", "test_setoutputsize"}
