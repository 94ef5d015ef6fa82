"""What SQL from strangers may do: the list of it. All that is not on it is refused.

SQLite asks about each thing that a statement does while it prepares it, in the words of
https://sqlite.org/c3ref/c_alter_table.html; ``refusal`` gives the answer.
"""

from __future__ import annotations

from typing import Final

import apsw

_FUNCTIONS = """
    -> ->> abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling changes char coalesce concat
    concat_ws cos cosh count cume_dist current_date current_time current_timestamp date datetime
    degrees dense_rank exp first_value floor format glob group_concat hex if ifnull iif instr json
    json_array json_array_insert json_array_length json_error_position json_extract json_group_array
    json_group_object json_insert json_object json_pretty json_quote json_remove json_replace
    json_set json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_extract
    jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_remove jsonb_replace
    jsonb_set julianday lag last_insert_rowid last_value lead length like likelihood likely ln log
    log10 log2 lower ltrim max median min mod nth_value ntile nullif octet_length percent_rank
    percentile percentile_cont percentile_disc pi pow power printf quote radians random randomblob
    rank replace round row_number rtrim sign sin sinh sqlite_version sqrt strftime string_agg substr
    substring subtype sum tan tanh time timediff total total_changes trim trunc typeof unhex unicode
    unistr unistr_quote unixepoch unlikely upper zeroblob
"""
FUNCTIONS: Final = frozenset(_FUNCTIONS.split())
"""Functions of SQLite that only compute. ``json_patch`` is not among them: its time grows with the
square of what it is given."""

PRAGMAS: Final = frozenset(
    {"collation_list", "compile_options", "database_list", "foreign_key_list", "function_list"}
    | {"index_info", "index_list", "index_xinfo", "pragma_list"}
    | {"table_info", "table_list", "table_xinfo"}
)
"""Those that tell something, whatever their argument."""

READ_PRAGMAS: Final = frozenset(
    {"application_id", "encoding", "foreign_keys", "read_uncommitted", "user_version"}
)
"""Those that tell something without an argument, and set it with one."""

_ALWAYS: Final = frozenset(
    {
        apsw.SQLITE_SELECT,
        apsw.SQLITE_READ,
        apsw.SQLITE_RECURSIVE,
        apsw.SQLITE_TRANSACTION,
        apsw.SQLITE_SAVEPOINT,
    }
)
_CHANGES: Final = frozenset({apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE})

_NEVER: Final = frozenset({apsw.SQLITE_ATTACH, apsw.SQLITE_DETACH})
"""Not even for statements that are not the stranger's."""


def refusal(
    action: int,
    first: str | None,
    second: str | None,
    schema: str | None,
    *,
    functions: frozenset[str],
    ours: bool,
) -> str | None:
    """What is refused, in words; None if it is allowed.

    ``functions``: the names that are refused. ``ours``: it is no statement of the stranger, but one
    by which the connection shows the tables of the store.
    """
    if action in _ALWAYS:
        return None
    if action == apsw.SQLITE_FUNCTION:
        return f"the function {second}" if (second or "").lower() in functions else None
    if action == apsw.SQLITE_PRAGMA:
        return None if _tells(first or "", second) else f"PRAGMA {first}"
    if ours and action not in _NEVER:
        return None
    if action in _CHANGES and schema == "temp" and not (first or "").startswith("sqlite_"):
        return None
    words = str(apsw.mapping_authorizer_function[action])
    return words.removeprefix("SQLITE_").replace("_", " ").replace("VTABLE", "VIRTUAL TABLE")


def _tells(name: str, argument: str | None) -> bool:
    name = name.lower()
    return name in PRAGMAS or (name in READ_PRAGMAS and argument is None)
