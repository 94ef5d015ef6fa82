"""Names in another schema."""

from __future__ import annotations

from collections.abc import Collection

from vtab.sql.tokens import NAMES, Kind, tokenize, unquoted


def requalified(sql: str, names: Collection[str], old: str = "main", new: str = "temp") -> str:
    """The text with ``new.NAME`` for each ``old.NAME``, for the given names in small letters.

    All else stays as it is, quotes too, so nothing moves if the two are as long as each other. An
    alias ``old`` in the statement itself, of a table with a column of such a name, cannot be told
    from the schema.
    """
    if old not in sql.lower():
        return sql
    tokens = [token for token in tokenize(sql) if token.kind is not Kind.BLANK]
    texts: list[str] = []
    copied = 0
    for at in range(len(tokens) - 2):
        schema, dot, name = tokens[at : at + 3]
        if (
            dot.text == "."
            and schema.kind in NAMES
            and name.kind in NAMES
            and unquoted(schema.text).lower() == old
            and unquoted(name.text).lower() in names
            and not (at and tokens[at - 1].text == ".")
        ):
            quotes = (schema.text[0], schema.text[-1]) if schema.kind is not Kind.WORD else ("", "")
            texts += [sql[copied : schema.start], quotes[0], new, quotes[1]]
            copied = schema.end
    return "".join(texts) + sql[copied:]
