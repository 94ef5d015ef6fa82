"""Secondary indexes: what an index holds of the rows of its table.

An index is a table whose key is (terms, key of the table), so equal terms stand side by side and
each entry leads to its row. Entries have no payload, but for the real mask.

    key of an entry    term | term | ... | key of the row, byte for byte as in the table

The terms are inner parts of a key, which no other begins with: so what follows the last one is the
row's key. Two rows of a UNIQUE index that agree in all terms differ behind them; that there are no
two is seen by a look at the range of the terms. NULL is equal to nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from lsmsql.engine.collation import fold_of, folded
from lsmsql.engine.column import BINARY, Column
from lsmsql.engine.errors import LimitError, SchemaError
from lsmsql.engine.keys import key_parts, successor
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.schema import IndexDefinition, IndexTerm, TableSchema
from lsmsql.engine.slices import Range
from lsmsql.engine.values import MAX_KEY_BYTES, ColumnType, Row, Value


def index_schema(
    table: TableSchema, name: str, definition: IndexDefinition, sql: str | None = None
) -> TableSchema:
    """The definition of an index as something that has rows.

    Raises SchemaError for a collation that cannot be kept.
    """
    taken: set[str] = set()
    columns = [_term_column(table, term, taken) for term in definition.terms]
    for position in table.key:
        column = table.columns[position]
        columns.append(
            Column(_free(column.name, taken), column.type, True, declared=column.declared)
        )
    down = [term.descending for term in definition.terms]
    index = TableSchema(
        0, name, tuple(columns), tuple(range(len(columns))), (*down, *table.descending), sql
    )
    return replace(
        index,
        slots=1 if index.has_real_mask else 0,
        strict=table.strict,
        index=replace(definition, table_id=table.id),
    )


def _term_column(table: TableSchema, term: IndexTerm, taken: set[str]) -> Column:
    fold_of(term.collation)
    if term.position is None:
        return Column(_free(term.expression or "", taken), ColumnType.ANY)
    column = table.columns[term.position]
    return Column(_free(column.name, taken), column.type, column.not_null, declared=column.declared)


def _free(name: str, taken: set[str]) -> str:
    while name.lower() in taken:
        name += "_"
    taken.add(name.lower())
    return name


def covered_columns(index: TableSchema, table: TableSchema) -> Mapping[int, int]:
    """The columns of the table that an entry has, and where in the index they are.

    A text that is kept in the form of a collation is not the text of the row.
    """
    definition = index.index
    assert definition is not None
    count = len(definition.terms)
    found = {position: count + part for part, position in enumerate(table.key)}
    for place, term in enumerate(definition.terms):
        if term.position is not None and term.position not in found:
            numbers = index.columns[place].type in (ColumnType.INTEGER, ColumnType.REAL)
            if term.collation.upper() == BINARY or numbers:
                found[term.position] = place
    return found


class Terms(NamedTuple):
    """The terms of a row as an index keeps them, and as the beginning of the entry's key."""

    values: list[Value]
    prefix: bytes


class IndexEntries:
    """Makes the entries of one index from rows of its table."""

    def __init__(self, index: TableSchema, table: TableSchema) -> None:
        definition = index.index
        assert definition is not None
        self.schema = index
        self.definition = definition
        self._table = table
        self._codec = key_codec(index)
        self.keys_only = Projection(index, self._codec, ())
        self._positions = [term.position for term in definition.terms]
        self._folds = [fold_of(term.collation) for term in definition.terms]
        self._folding = any(fold is not None for fold in self._folds)
        self.expressions = [t.expression for t in definition.terms if t.expression is not None]
        """Those of the terms whose values must be computed, in their order."""

    @property
    def needs_sql(self) -> bool:
        """Whether SQL tells what the entry of a row is, or if it has one."""
        return bool(self.expressions) or self.definition.where is not None

    @property
    def keeps_values(self) -> bool:
        """Whether the terms are columns of the table as they are."""
        return not (self.needs_sql or self._folding)

    def terms(self, values: Sequence[Value], computed: Sequence[Value] = ()) -> Terms:
        """The terms of a row; ``computed`` are the values of ``expressions``."""
        if self.expressions:
            rest = iter(computed)
            found = [next(rest) if at is None else values[at] for at in self._positions]
        else:
            found = [values[at] for at in self._positions]  # type: ignore[index]
        if self._folding:
            found = [folded(fold, value) for fold, value in zip(self._folds, found, strict=True)]
        return Terms(found, self._codec.encode_prefix(found))

    def terms_of(self, rows: Sequence[Sequence[Value]]) -> list[Terms]:
        """The terms of several rows, if SQL need not compute any."""
        return [self.terms(values) for values in rows]

    def entry(self, terms: Terms, key: bytes, values: Sequence[Value]) -> tuple[bytes, Row]:
        """Key and payload of the entry of a row with that key.

        Raises LimitError if the entry's key is too long.
        """
        entry = terms.prefix + key
        if len(entry) > MAX_KEY_BYTES:
            raise LimitError(
                f"{len(entry)} bytes in a key of index {self.schema.name};"
                f" the limit is {MAX_KEY_BYTES}"
            )
        if not self.schema.slots:
            return entry, ()
        mask = self._codec.real_mask(terms.values + [values[at] for at in self._table.key])
        return entry, (mask,)

    def prefix_of(self, entry: bytes) -> bytes:
        """What the keys of all entries with the same terms begin with."""
        return entry[: self._codec.end_of(entry, len(self.definition.terms))]

    def has_null(self, entry: bytes) -> bool:
        """Whether a term of an entry is NULL."""
        return None in self._codec.decode(entry)[: len(self.definition.terms)]

    def equals(self, terms: Terms) -> Range | None:
        """Where entries with these terms are, if there may be only one of them; None if not."""
        if not self.definition.unique or None in terms.values:
            return None
        return Range(terms.prefix, successor(terms.prefix))

    def row_key(self, entry: bytes) -> bytes:
        """The key of the row that an entry leads to."""
        return entry[self._codec.end_of(entry, len(self.definition.terms)) :]


def fits(index: TableSchema, table: TableSchema | None) -> bool:
    """Whether an index is one of the columns that the table has."""
    definition = index.index
    if definition is None or table is None or table.index is not None:
        return False
    positions = {term.position for term in definition.terms} - {None}
    if not definition.terms or not positions <= set(range(len(table.columns))):
        return False
    try:
        return key_parts(index_schema(table, index.name, definition)) == key_parts(index)
    except SchemaError:
        return False


def check_indexable(table: TableSchema) -> None:
    """Raise SchemaError for a table that can have no index."""
    if table.index is not None or table.name == "kv":
        raise SchemaError(
            f"{table.name} cannot have an index; CREATE TABLE one whose columns can be indexed"
        )
