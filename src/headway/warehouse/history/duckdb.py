"""DuckDB's own query log: `CALL enable_logging('QueryLog', storage='file', storage_config={'path': '<folder>'})`.

The log knows no user, no duration and no cost: what it gives is which relations were read on which day, and with what,
where a comment in the statement says so. From 2.0 on DuckDB drops comments that lead a statement before it logs it, so
that dbt's own statements are only told from others with `query-comment: {append: true}` in dbt_project.yml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from headway.config import Option
from headway.errors import InputError, Place
from headway.graph.model import AnyRecord
from headway.warehouse.history import rowfiles, storage, views
from headway.warehouse.history.file import STARTED, checked, known_options, text_option
from headway.warehouse.history.statements import shaped
from headway.warehouse.history.usage import OPTIONS, History, usage

if TYPE_CHECKING:
    from headway.connectors.protocol import Context

ENTRIES = "duckdb_log_entries.csv"
_NEEDED = ("timestamp", "type", "message")
_STORAGE = Option("storage", bool, False, help="read what the tables in the DuckDB file of the dbt profile occupy")


class DuckdbHistory:
    """Reads the folder (or the one file) that DuckDB writes its query log to, as 1.4 and 2.0 write it.

    With `storage` it also opens the file that the dbt profile names, for the bytes that each table occupies. Raises
    ConfigError for options that cannot be, InputError for a log that cannot be used, MissingExtra without DuckDB.
    """

    name: ClassVar[str] = "duckdb_history"
    sync_only: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("path", str, required=True, help="the folder that DuckDB logs to, its entries file, or a glob of those"),
        Option("database", str, "", help="database of names that have none: the name of the DuckDB file"),
        Option("schema", str, "main", help="schema of names that have none"),
        Option("memory_limit", str, rowfiles.MEMORY_LIMIT, help="how much memory reading may take"),
        _STORAGE,
        *views.PROFILE,
        *OPTIONS,
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        known_options(self.name, self.options, options)
        own = (_STORAGE, *views.PROFILE)
        given = {option.name: options[option.name] for option in own if option.name in options}
        self._options = views.checked(self.name, own, given)
        self._context = context
        self._given = options
        self._defaults = {
            "database": text_option(self.name, options, "database"),
            "schema": text_option(self.name, {"schema": "main", **options}, "schema"),
        }

    def records(self) -> Iterator[AnyRecord]:
        """Use by day, sorted; the days it covers; and what is not known."""
        history = History.of(self.name, "duckdb", self._given, self._context)
        context = self._context
        profile = views.profile(context, self._options, self.name, "duckdb") if self._options["storage"] else None
        files = rowfiles.found(self._path(), context.root, self.name)
        backend = rowfiles.connect(self._given.get("memory_limit", rowfiles.MEMORY_LIMIT), self.name)
        try:
            rows = rowfiles.Rows(backend, files)
            names = {column.lower(): rowfiles.identifier(column) for column in rows.columns}
            for column in _NEEDED:
                if column not in names:
                    raise InputError(
                        f"there is no column called {column!r} in this log",
                        place=Place(files[0].shown),
                        hint="it is to be a file that enable_logging('QueryLog', storage='file') wrote",
                    )
            queries = f"{names['type']} = 'QueryLog'"
            table = rows.select(
                {
                    "started": STARTED.format(f"{names['timestamp']}::VARCHAR"),
                    "text": f"CASE WHEN {queries} THEN {names['message']}::VARCHAR END",
                    **{name: rowfiles.literal(value) for name, value in self._defaults.items() if value},
                }
            )
            yield from checked(rows, self.name)
            statements = shaped(table.filter(table["text"].notnull()))
            yield from usage(statements, history, now=context.now, since=context.since, progress=context.progress)
        finally:
            backend.disconnect()
        if profile:
            yield from storage.stored_beside(profile, storage.duckdb_rows, name=self.name, now=context.now)

    def _path(self) -> Any:
        """The option `path`, with the entries file in place of a folder."""
        path = self._given["path"]
        if isinstance(path, str) and path and "\0" not in path and Path(self._context.root, path).is_dir():
            return str(Path(path, ENTRIES))
        return path
