"""Where in a definition its error is.

SQLite tells the place in the text that it was given. For a definition in the store that is another
text than the user's, or none at all; so SQLite is asked again, with the empty twins in ``main``.
"""

from __future__ import annotations

import apsw

from lsmsql.dbapi.link import Link
from lsmsql.dbapi.statements import Statement, details_of, in_main


def tell_place(error: Exception, link: Link, statement: Statement) -> None:
    """Have an error of a definition tell its place, if SQLite says the same of it in ``main``."""
    head = statement.definition
    part = None if head is None else in_main(statement.sql, head)
    if part is None:
        return
    try:
        details_of(link.raw, part, statement.sql)
    except apsw.Error as found:
        if str(found) == str(error):
            vars(error)["error_offset"] = vars(found).get("error_offset", -1)
