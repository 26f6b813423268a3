"""Files of rows (CSV, JSON lines, Parquet) as an Ibis table, read through DuckDB as a stream with a memory limit.

Every value is taken as text first, so that one odd cell is one odd cell. What DuckDB says of a file is told by line
only: its messages quote the line.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import re
import stat
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from headway.errors import ConfigError, InputError, MissingExtra, Place

if TYPE_CHECKING:
    import ibis

MEMORY_LIMIT = "1GB"
_LIMIT = re.compile(r"\d{1,6}(?:\.\d+)?\s*(?:[KMGT]i?B)", re.IGNORECASE)
_LINE = re.compile(r"\bline:? (\d+)", re.IGNORECASE)
_JSON = (".json", ".jsonl", ".ndjson")
_REJECTS = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """One file to read."""

    path: Path
    shown: str
    """Its name in messages: relative to the root where it is below."""


def found(given: Any, root: str, name: str) -> list[Found]:
    """The files that the option `path` of a connector means (a file, a glob or a list of them), each once, in order.

    Raises ConfigError for what is no path, InputError for a file that is missing, no file, or not to be read.
    """
    paths = [given] if isinstance(given, str | os.PathLike) else given
    if not paths or not isinstance(paths, list | tuple) or not all(isinstance(p, str | os.PathLike) for p in paths):
        raise ConfigError(f"option path of {name} names no file, glob or list of them", hint="path: queries.csv")
    files: dict[str, Found] = {}
    for path in map(os.fspath, paths):
        if not path or "\0" in path:
            raise ConfigError(f"option path of {name} is empty or has a zero character in it")
        whole = os.path.join(root, path)  # noqa: PTH118  (a glob is no path)
        names = [whole]
        if glob.has_magic(path) and not os.path.lexists(whole):
            fitting = os.path.join(glob.escape(root), path)  # noqa: PTH118  only `path` is a pattern
            names = sorted(glob.glob(fitting, recursive=True))  # noqa: PTH207
            if not names:
                raise InputError("no file fits this pattern", place=Place(path), hint="give a file, a glob or a list")
        for one in names:
            shown = os.path.relpath(one, root)
            shown = one if shown.startswith(os.pardir) else shown
            _readable(one, shown)
            files.setdefault(os.path.realpath(one), Found(Path(one), shown))
    return list(files.values())


def _readable(path: str, shown: str) -> None:
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise InputError("this is not a file", place=Place(shown), hint="give a file, or a glob such as logs/*.csv")
        with Path(path).open("rb") as stream:
            stream.read(1)
    except FileNotFoundError:
        raise InputError("there is no such file", place=Place(shown)) from None
    except OSError as error:
        raise InputError(f"this file cannot be read: {error.strerror}", place=Place(shown)) from None


def connect(memory_limit: Any, name: str) -> Any:
    """A DuckDB in memory, as an Ibis backend, in UTC, that spills to the temporary directory.

    Raises ConfigError for a limit that is none, MissingExtra without DuckDB.
    """
    if not isinstance(memory_limit, str) or not _LIMIT.fullmatch(memory_limit.strip()):
        raise ConfigError(f"option memory_limit of {name} is no amount of memory", hint="memory_limit: 1GB")
    if any(importlib.util.find_spec(module) is None for module in ("ibis", "duckdb")):
        raise MissingExtra("duckdb", "reading a query history from files")
    import ibis

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ibis and DuckDB warn about one another's versions
        backend = ibis.duckdb.connect()
    for setting, value in (
        ("memory_limit", memory_limit.strip()),
        ("temp_directory", str(Path(gettempdir(), f"headway-{os.getpid()}"))),
        ("TimeZone", "UTC"),
        ("preserve_insertion_order", "false"),
        ("enable_progress_bar", "false"),
    ):
        backend.con.execute(f"SET {setting} = {literal(value)}")
    return backend


def literal(text: str) -> str:
    """A text as a literal of DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as a quoted identifier of DuckDB."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def reading(file: Found) -> Iterator[None]:
    """Turns what DuckDB says about a file into an InputError that quotes nothing of it."""
    import duckdb

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except duckdb.OutOfMemoryException:
        raise InputError("there is not enough memory to read this", hint="raise memory_limit") from None
    except duckdb.Error as error:
        line = _LINE.search(str(error))
        place = Place(file.shown, int(line[1]) if line else 0)
        raise InputError(
            "this file cannot be read as rows",
            place=place,
            hint="is it whole, in UTF-8, and CSV, JSON lines or Parquet?",
        ) from None


class Rows:
    """The rows of files that have the same columns, as text."""

    def __init__(self, backend: Any, files: Sequence[Found]) -> None:
        self.backend = backend
        self.files = files
        self.columns: tuple[str, ...] = ()
        self.types: dict[str, str] = {}
        """DuckDB's types of the columns, by quoted name."""
        for file in files:
            with reading(file):
                columns = self._columns(file)
            if not self.columns:
                self.columns = columns
            elif {c.lower() for c in columns} != {c.lower() for c in self.columns}:
                raise InputError(
                    f"this file has other columns than {files[0].shown}",
                    place=Place(file.shown),
                    hint="give files of one kind; use several sources for several kinds",
                )

    def _columns(self, file: Found) -> tuple[str, ...]:
        with file.path.open("rb") as stream:
            if not stream.read(1):
                raise InputError("this file is empty", place=Place(file.shown))
        asked = f"DESCRIBE SELECT * FROM {self._source(file)}"  # noqa: S608  (what is put in is quoted by literal)
        rows = self.backend.con.execute(asked).fetchall()
        types = {identifier(str(row[0])): str(row[1]) for row in rows}
        # a column that is a moment in one file and text in another is text in all
        self.types = {name: kind for name, kind in types.items() if self.types.get(name, kind) == kind}
        return tuple(str(row[0]) for row in rows)

    def _source(self, file: Found) -> str:
        """The table function that reads a file."""
        path = literal(str(file.path).replace("[", "[[]").replace("*", "[*]").replace("?", "[?]"))
        with file.path.open("rb") as stream:
            parquet = stream.read(4) == b"PAR1"
        if parquet:
            return f"read_parquet({path})"
        if file.path.name.lower().removesuffix(".gz").removesuffix(".zst").endswith(_JSON):
            text = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.columns)
            how = f"columns = {{{text}}}" if text else "maximum_depth = 1, sample_size = 1000"
            return f"read_json({path}, format = 'newline_delimited', ignore_errors = true, {how})"
        return (
            f"read_csv({path}, header = true, all_varchar = true, null_padding = false, parallel = true,"
            f" max_line_size = 16777216, store_rejects = true, rejects_limit = {_REJECTS})"
        )

    def select(self, expressions: Mapping[str, str]) -> ibis.Table:
        """An Ibis table of SQL expressions over the columns of all files. Nothing is read yet.

        Raises InputError when DuckDB cannot read the files that way.
        """
        picked = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in expressions.items())
        union = " UNION ALL ".join(f"SELECT {picked} FROM {self._source(file)}" for file in self.files)  # noqa: S608
        with reading(self.files[0]):
            self.backend.con.execute(f"CREATE OR REPLACE TEMP VIEW headway_history AS {union}")
            return self.backend.table("headway_history")

    def rejected(self) -> int:
        """How many lines could not be read as rows, in what was read so far; not more than a thousand are counted."""
        count = "SELECT count(*) FROM (SELECT DISTINCT s.file_path, e.line FROM reject_errors e JOIN reject_scans s"
        with reading(self.files[0]):
            asked = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'"
            if not self.backend.con.execute(asked).fetchall()[0][0]:
                return 0
            return int(self.backend.con.execute(f"{count} USING (scan_id, file_id))").fetchall()[0][0])
