"""Where in a definition its error is.

SQLite tells the place in the text that it was given. For a definition in the store that is another
text than the user's, or none at all; so SQLite is asked again, with the empty twins in ``main``.
"""

from __future__ import annotations

import apsw

from lsmsql.dbapi.link import Link
from lsmsql.dbapi.statements import Statement, details_of
from vtab.sql.parameters import Part, compose, read_variables
from vtab.sql.reader import Slice


def tell_place(error: Exception, link: Link, statement: Statement) -> None:
    """Have an error of a definition tell its place, if SQLite says the same of it in ``main``."""
    part = _in_main(statement)
    if part is None:
        return
    try:
        details_of(link.raw, part, statement.sql)
    except apsw.Error as found:
        if str(found) == str(error):
            vars(error)["error_offset"] = vars(found).get("error_offset", -1)


def _in_main(statement: Statement) -> Part | None:
    """The statement with the schema before its name; None if it defines nothing."""
    head, sql = statement.definition, statement.sql
    if head is None or head.temporary or head.place is None or head.written is None:
        return None
    before, after = Slice(sql[: head.place.start], 0), Slice(sql[head.place.end :], head.place.end)
    return compose(read_variables(sql), before, "main.", head.written, after)
