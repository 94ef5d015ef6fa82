"""Commands about tables and their data, and about the store itself."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from lsmsql.engine.counters import Stalls
from lsmsql.engine.errors import UsageError
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from lsmsql.shell.base import BaseShell
from lsmsql.shell.dump import create_text, dump_table
from lsmsql.shell.formats import Style, column_lines, text_width
from lsmsql.shell.imports import ImportFile, import_file

_LINE = 80


class DataCommands(BaseShell):
    """``.tables``, ``.schema``, ``.indexes``, ``.dump``, ``.import``, ``.lsm`` and upkeep."""

    def command_tables(self, cmd: list[str]) -> None:
        """tables ?PATTERN?: Lists names of tables matching LIKE pattern

        Tables of the store, and temporary tables and views.
        """
        names = [schema.name for schema in self._schemas(cmd)]
        names += [name for name, kind, _ in self._temporary(cmd) if kind in ("table", "view")]
        self.stdout.writelines(_side_by_side(sorted(names, key=str.lower)))

    def command_schema(self, cmd: list[str]) -> None:
        """schema ?PATTERN?: Shows the CREATE statements matching LIKE pattern

        Tables of the store are shown as they were written. A table that was made in Python has a
        statement made up for it.
        """
        for schema in self._schemas(cmd):
            self.stdout.write(create_text(schema) + "\n")
        for _, _, sql in self._temporary(cmd):
            self.stdout.write(sql.replace("CREATE ", "CREATE TEMP ", 1) + ";\n")

    def command_indexes(self, cmd: list[str]) -> None:
        """indexes ?TABLE?: Lists names of indexes

        Temporary tables can have indexes. A table of the store is ordered by its primary key and
        has no other index.
        """
        sql = "SELECT name, tbl_name FROM sqlite_temp_schema WHERE type = 'index' ORDER BY 1"
        for name, table in self.db.execute(sql):
            if self._matches(str(table), cmd):
                self.stdout.write(f"{name}\n")

    command_indices = command_indexes

    def command_dump(self, cmd: list[str]) -> None:
        """dump ?PATTERN? ...: Writes tables of the store and their rows as SQL

        What it writes builds the tables again, in a new store or in SQLite:

          lsmsql STORE .dump | lsmsql OTHER

        All tables are as they were at one moment. Temporary tables are left out.
        """
        in_transaction = self.db.in_transaction
        if not in_transaction:
            self.db.execute("BEGIN")
        try:
            for schema in self._schemas(cmd):
                self.stdout.writelines(dump_table(self.db, schema))
        finally:
            if not in_transaction and self.db.in_transaction:
                self.db.execute("ROLLBACK")

    def command_import(self, cmd: list[str]) -> None:
        """import ?--csv? ?--skip N? FILE TABLE: Puts the rows of a text file into TABLE

        Fields are divided by the separator, which is a comma in mode csv, with --csv and for files
        whose name ends with .csv. A first line with the names of columns is understood. An empty
        field of an INTEGER or REAL column is NULL. All rows appear at once, or none; they replace
        those with the same key.
        """
        source, name = self._import_arguments(cmd)
        stored = {schema.name.lower() for schema in self.session.store.tables()}
        if name.lower() not in stored and name.lower() in self.temporary_names():
            self._import_temporary(source, name)
            return
        if self.db.in_transaction:
            raise UsageError(".import is a transaction of its own; COMMIT or ROLLBACK first")
        import_file(source, self.session.store.table(name), self.signals.check)

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

    def _import_temporary(self, source: ImportFile, name: str) -> None:
        if source.skip:
            raise UsageError("--skip is for tables of the store")
        separator, self.separator = self.separator, source.separator
        try:
            super().command_import([source.path, name])
        finally:
            self.separator = separator

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

    # ------------------------------------------------------------------------------- which tables

    def _schemas(self, patterns: Sequence[str]) -> list[TableSchema]:
        """Tables of the store whose names match one of the patterns, or all."""
        return [s for s in self.session.store.tables() if self._matches(s.name, patterns)]

    def _temporary(self, patterns: Sequence[str]) -> list[tuple[str, str, str]]:
        """Name, kind and SQL of the user's own objects in the schema ``temp``."""
        stored = {schema.name.lower() for schema in self.session.store.tables()}
        sql = "SELECT name, type, sql, tbl_name FROM sqlite_temp_schema WHERE sql NOT NULL"
        return [
            (str(name), str(kind), str(text))
            for name, kind, text, table in self.db.execute(sql)
            if str(name).lower() not in stored
            and not str(name).startswith("sqlite_")
            and self._matches(str(table), patterns)
        ]

    def _matches(self, name: str, patterns: Sequence[str]) -> bool:
        like = "SELECT ?1 LIKE ?2 ESCAPE '\\'"
        return not patterns or any(self.db.execute(like, (name, p)).get for p in patterns)


def _stalls(stalls: Stalls) -> str:
    last = time.strftime("%H:%M:%S", time.localtime(stalls.last))
    return (
        f"{stalls.count:,}, {stalls.seconds:.3f} s in all, {stalls.longest * 1000:.0f} ms the"
        f" longest, {last} the last"
    )


def _no_arguments(name: str, cmd: Sequence[str]) -> None:
    if cmd:
        raise UsageError(f".{name} takes no arguments")


def _side_by_side(names: Sequence[str]) -> Iterator[str]:
    """Names in columns that fill a line, downwards first, as ls and sqlite3 do."""
    if not names:
        return
    width = max(map(text_width, names)) + 2
    height = -(-len(names) // max(1, _LINE // width))
    for top in range(height):
        row = names[top::height]
        yield "".join(name + " " * (width - text_width(name)) for name in row).rstrip() + "\n"
