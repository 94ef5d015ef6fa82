"""Commands about tables and their data, and about the store itself."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

import apsw

from lsmsql.engine.catalog import Catalog
from lsmsql.engine.counters import Stalls
from lsmsql.engine.definitions import View
from lsmsql.engine.errors import UsageError
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from lsmsql.shell.base import BaseShell
from lsmsql.shell.dump import create_text, dump, table_of, written_things
from lsmsql.shell.formats import Style, column_lines, text_width
from lsmsql.shell.imports import (
    ImportFile,
    columns_of,
    ingest_file,
    insert_file,
    temporary_columns,
)
from lsmsql.shell.layout import indented, side_by_side
from vtab.sql.names import identifier


class DataCommands(BaseShell):
    """``.tables``, ``.schema``, ``.indexes``, ``.dump``, ``.import``, ``.lsm`` and upkeep."""

    def command_tables(self, cmd: list[str]) -> None:
        """tables ?PATTERN?: Lists names of tables and views matching LIKE pattern

        Those of the store, and temporary ones.
        """
        names = [thing.name for thing in self._things(cmd) if not _is_index(thing)]
        names += [str(name) for name, kind, *_ in self._temporary(cmd) if kind in ("table", "view")]
        self.stdout.writelines(side_by_side(sorted(names, key=str.lower)))

    def command_schema(self, cmd: list[str]) -> None:
        """schema ?--indent? ?PATTERN?: Shows the CREATE statements matching LIKE pattern

        Of tables, with their indexes, and of views, as they were written. A table that was made in
        Python has a statement made up for it. --indent writes each column on a line of its own.
        """
        options, patterns = _options("schema", cmd, "indent", "nosys")
        for thing in self._things(patterns):
            text = create_text(thing)
            if isinstance(thing, View):
                text = self._with_columns(thing.name, text)
            elif "indent" in options and not _is_index(thing):
                text = indented(text)
            self.stdout.write(text + "\n")
        for *_, sql in self._temporary(patterns):
            self.stdout.write(sql.replace("CREATE ", "CREATE TEMP ", 1) + ";\n")

    def _with_columns(self, view: str, text: str) -> str:
        """The statement of a view with a comment that names its columns, if it can be read."""
        try:
            rows = self.db.execute("SELECT name FROM pragma_table_info(?, 'temp')", (view,))
            columns = ",".join(identifier(str(name)) for (name,) in rows)
        except apsw.SQLError:  # it names a table that is no more
            return text
        return f"{text.removesuffix(';').rstrip()}\n/* {identifier(view)}({columns}) */;"

    def command_indexes(self, cmd: list[str]) -> None:
        """indexes ?TABLE?: Lists names of indexes, of all tables or of those matching TABLE

        Those named sqlite_autoindex belong to a PRIMARY KEY or UNIQUE constraint.
        """
        _ = self.session.catalog  # so that the connection shows it
        sql = "SELECT name, tbl_name FROM {}.sqlite_schema WHERE type = 'index'"
        sql = f"{sql.format('main')} UNION ALL {sql.format('temp')} ORDER BY 1"
        for name, table in self.db.execute(sql).fetchall():
            if self._matches(str(table), cmd):
                self.stdout.write(f"{name}\n")

    command_indices = command_indexes

    def command_dump(self, cmd: list[str]) -> None:
        """dump ?--preserve-rowids? ?--data-only? ?PATTERN? ...: Writes the store as SQL

        Tables with their rows, indexes and views. It builds them again, in a new store or in
        SQLite:

          lsmsql STORE .dump | lsmsql OTHER

        All is as it was at one moment. Temporary tables are left out. Rows of a table without a
        PRIMARY KEY get new rowids, without --preserve-rowids. --data-only writes INSERTs alone.
        """
        options, patterns = _options("dump", cmd, "preserve-rowids", "data-only")
        catalog = self.session.catalog
        in_transaction = self.db.in_transaction
        if not in_transaction:
            self.db.execute("BEGIN")
        try:
            pieces = dump(
                self.db,
                catalog,
                lambda name: self._matches(name, patterns),
                rowids="preserve-rowids" in options,
                definitions="data-only" not in options,
            )
            self.stdout.writelines(pieces)
        finally:
            if not in_transaction and self.db.in_transaction:
                self.db.execute("ROLLBACK")

    def command_import(self, cmd: list[str]) -> None:
        """import ?--csv? ?--skip N? FILE TABLE: Puts the rows of a text file into TABLE

        Fields are divided by the separator, which is a comma in mode csv, with --csv and for files
        whose name ends with .csv. A first line with the names of columns is understood; a table
        that does not exist is made with the columns that it names. An empty field of a column for
        numbers is NULL. All rows appear at once, or none; they replace those with the same key.
        """
        source, name = self._import_arguments(cmd)
        session, check = self.session, self.signals.check
        catalog = session.catalog
        schema = catalog.find(name)
        if schema is None:
            temporary = name.lower() in self.temporary_names()
            columns = temporary_columns(self.db, name) if temporary else None
            insert_file(source, session.link, name, columns, check)
        elif self.db.in_transaction or not _is_plain(schema, catalog):
            insert_file(source, session.link, name, columns_of(schema), check)
        else:
            ingest_file(source, session.store.table(name), check)

    def _import_arguments(self, cmd: list[str]) -> tuple[ImportFile, str]:
        words, is_csv, skip, rest = [], self.mode == "csv", 0, list(cmd)
        while rest:
            word = rest.pop(0)
            if word.lstrip("-") == "csv" and word.startswith("-"):
                is_csv = True
            elif word.lstrip("-") == "skip" and rest and rest[0].isdigit():
                skip = int(rest.pop(0))
            elif word.startswith("-"):
                raise UsageError(f"unknown option {word} of .import")
            else:
                words.append(word)
        if len(words) != 2:
            raise UsageError("usage: .import ?--csv? ?--skip N? FILE TABLE")
        path, table = words
        is_csv = (is_csv or path.lower().endswith(".csv")) and self.separator == "|"
        separator = "," if is_csv else self.separator
        if len(separator) != 1:
            raise UsageError(".import takes a separator of one character")
        return ImportFile(path, separator, skip, self.encoding[0]), table

    def command_lsm(self, cmd: list[str]) -> None:
        """lsm: Shows the store: its tables level by level, its memory and its cache

        A table has rows in memory and in files on levels, 0 the newest. Records that were replaced
        or deleted are counted until a compaction drops them.
        """
        _no_arguments("lsm", cmd)
        store = self.session.store
        stats = store.stats()
        self._print_columns(["table", "level", "files", "rows", "bytes"], self._levels())
        facts = [
            ("path", os.path.abspath(store.path)),
            ("mode", "read only" if store.readonly else "read and write"),
            ("last commit", f"{stats.sequence:,}"),
            ("oldest commit kept", f"{stats.oldest_sequence:,}"),
            ("log", f"{stats.log_bytes:,} bytes"),
            ("cache", f"{stats.cache_bytes:,} bytes in {stats.cached_blocks:,} blocks"),
            ("memory budget", f"{stats.memory_budget:,} bytes"),
            ("waiting flushes", f"{stats.waiting_flushes:,}"),
            ("compaction", stats.compaction_style or "none"),
            ("write amplification", f"{stats.write_amplification:.1f}"),
        ]
        facts += [(f"stalls by {stalls.cause}", _stalls(stalls)) for stalls in stats.stalls]
        self.stdout.write("\n")
        width = max(len(name) for name, _ in facts)
        self.stdout.writelines(f"{name:<{width}}  {value}\n" for name, value in facts)

    def _levels(self) -> Iterator[tuple[str, str, int, int, int]]:
        for table in self.session.store.stats().tables:
            yield table.name, "memory", 0, table.memtable_rows, table.memtable_bytes
            for level in table.levels:
                yield table.name, str(level.level), level.files, level.rows, level.bytes

    def _print_columns(self, names: Sequence[str], rows: Iterator[Sequence[Value]]) -> None:
        """Numbers to the right, with commas."""
        texts = [[f"{v:,}" if isinstance(v, int) else str(v) for v in row] for row in rows]
        columns = zip(names, *texts, strict=True)
        widths = [max(map(text_width, column)) for column in columns]
        style = Style(header=True, widths=(*widths[:2], *(-width for width in widths[2:])))
        self.stdout.writelines(column_lines(names, texts, style))

    def command_flush(self, cmd: list[str]) -> None:
        """flush: Writes what is in memory to files

        What is committed is on the disk without it, in the log.
        """
        _no_arguments("flush", cmd)
        self.session.store.flush()

    def command_compact(self, cmd: list[str]) -> None:
        """compact ?TABLE?: Merges the files of TABLE, or of all tables, into the deepest level

        Space of rows that were replaced or deleted becomes free.
        """
        if len(cmd) > 1:
            raise UsageError("usage: .compact ?TABLE?")
        self.session.store.compact(*cmd)

    # ------------------------------------------------------------------------------- what there is

    def _things(self, patterns: Sequence[str]) -> list[TableSchema | View]:
        """Tables, with their indexes, and views of the store that match a pattern, or all."""
        catalog = self.session.catalog
        return [t for t in written_things(catalog) if self._matches(table_of(catalog, t), patterns)]

    def _temporary(self, patterns: Sequence[str]) -> list[tuple[str, str, str]]:
        """Name, kind and SQL of the user's own objects in the schema ``temp``."""
        catalog = self.session.catalog
        sql = "SELECT name, type, sql, tbl_name FROM sqlite_temp_schema WHERE sql NOT NULL"
        return [
            (str(name), str(kind), str(text))
            for name, kind, text, table in self.db.execute(sql).fetchall()
            if catalog.named(str(name)) is None
            and not str(name).startswith("sqlite_")
            and self._matches(str(table), patterns)
        ]

    def _matches(self, name: str, patterns: Sequence[str]) -> bool:
        like = "SELECT ?1 LIKE ?2 ESCAPE '\\'"
        return not patterns or any(self.db.execute(like, (name, p)).get for p in patterns)


def _is_plain(schema: TableSchema, catalog: Catalog) -> bool:
    """Whether a row of a table is what is written, and nothing is to be looked at."""
    computed = any(c.hidden or c.default is not None or c.generated for c in schema.columns)
    return not (computed or schema.checks or schema.id in catalog.indexes)


def _is_index(thing: TableSchema | View) -> bool:
    return isinstance(thing, TableSchema) and thing.index is not None


def _options(command: str, cmd: Sequence[str], *known: str) -> tuple[set[str], list[str]]:
    """The options in front, or between, and the other words. Raises UsageError."""
    words = [word for word in cmd if not word.startswith("-")]
    options = {word.lstrip("-") for word in cmd if word.startswith("-")}
    for unknown in sorted(options - set(known)):
        options_known = ", --".join(known)
        raise UsageError(f"unknown option --{unknown} of .{command}; it knows --{options_known}")
    return options, words


def _stalls(stalls: Stalls) -> str:
    last = time.strftime("%H:%M:%S", time.localtime(stalls.last))
    return (
        f"{stalls.count:,}, {stalls.seconds:.3f} s in all, {stalls.longest * 1000:.0f} ms the"
        f" longest, {last} the last"
    )


def _no_arguments(name: str, cmd: Sequence[str]) -> None:
    if cmd:
        raise UsageError(f".{name} takes no arguments")
