"""PostgreSQL's log brought to the shape of every query history: one row per statement that ran to its end.

What PostgreSQL writes depends on its settings, and all of these are read:

- `log_min_duration_statement = 0`: `duration: 0.5 ms  statement: SELECT ...`, or `execute <name>: SELECT ...` for a
  prepared statement. The `parse` and `bind` before it are steps of the same statement and not counted.
- `log_statement = 'all'` with `log_duration = on`: `statement: SELECT ...`, and later in the same session
  `duration: 0.5 ms` alone. The two are paired by session and line; a statement that an error follows has failed.
- a cursor that is declared and fetched from is one statement, and so is a portal that is executed in pieces.
- `EXECUTE name` stands for the statement that was prepared, which PostgreSQL adds as detail; `PREPARE` reads nothing.
- What a backup reads is no use of it.

Parameters are never read. A line that a function raised to look like one of these has a context and is left out.
Times are taken to UTC by the session's id, which holds its start in seconds since 1970 beside the start as written.
"""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headway.warehouse.history.postgres_files import (
    CSV_FIELDS,
    FIELDS,
    JSON_FIELDS,
    LONGEST_RECORD,
    LogFile,
    Record,
    Trouble,
    records,
)
from headway.warehouse.history.statements import COLUMNS

if TYPE_CHECKING:
    import ibis

_GIVEN = ("started", "text", "user", "application", "seconds", "database", "schema", "kind")
MEMORY = "1GB"
"""What DuckDB may hold; more goes, encrypted, to a folder that is gone afterwards."""
_BATCH = 8 << 20
"""Bytes of records read one by one that are handed over at once."""

_LINES = """
CREATE TABLE lines (
    session VARCHAR, line BIGINT, logged TIMESTAMP, zone VARCHAR, away BIGINT, away_zone VARCHAR, "user" VARCHAR,
    database VARCHAR, application VARCHAR, tag VARCHAR, event VARCHAR, ms DOUBLE, name VARCHAR, text VARCHAR
)
"""

_SHAPE = r"^(?:duration: (\d+(?:\.\d+)?) ms)?(?:  )?(?:(statement|execute|parse|bind) ?(.*?): (.*))?$"
_FOREIGN = r"^[^:\n]{1,30}: \d+[.,]\d{3} \S"
"""A duration in another language: a word, and a number to the thousandth."""

_LEAD = r"^((?:\s|--[^\n]*\n|/\*.*?\*/)*)"
_NAME = r"""(?:"[^"]+"|[\w$]+)"""
_PREPARE = rf"{_LEAD}PREPARE\s+{_NAME}\s*(?:\((?:[^()]|\([^()]*\))*\)\s*)?AS\s+"
_DECLARE = (
    rf"{_LEAD}DECLARE\s+({_NAME})\s+(?:(?:BINARY|INSENSITIVE|ASENSITIVE|NO|SCROLL)\s+)*CURSOR\s+"
    rf"(?:WITH(?:OUT)?\s+HOLD\s+)?FOR\s+"
)
_FETCH = rf"^\s*FETCH\s(?:.*\s)?({_NAME})\s*;?\s*$"
_PATH = r"""^\s*SET\s+(?:SESSION\s+)?search_path\s*(?:TO\s|=)\s*(?:"([^"]+)"|'([^']+)'|([\w$]+))"""

_BACKUPS = "('pg_dump', 'pg_dumpall', 'pg_basebackup')"

_TEXT = f"""CASE
    WHEN application IN {_BACKUPS} THEN 'COPY'
    WHEN tag = 'DECLARE CURSOR' THEN regexp_replace(text, '{_DECLARE}', '\\1', 'is')
    WHEN COALESCE(tag IN ('PREPARE', 'idle'), true) AND regexp_matches(text, '{_PREPARE}', 'is') THEN 'PREPARE'
    ELSE text END"""

# Events: `timed` has text and duration, `text` and `time` have one of them, `failed` is an error, `foreign` a duration
# in another language, `torn` what has no time. Of errors the text is kept, until the pairing below is over, to tell
# whose error it was. `away` is how many seconds the clock of the log is ahead of UTC: the session's start as written,
# less the same moment as its id has it.
_TAKE = f"""
INSERT INTO lines
SELECT session, TRY_CAST(line AS BIGINT), local, zone, CAST(epoch(started) AS BIGINT) - epoch, away_zone, "user",
    database, application, CASE WHEN prepared THEN NULL ELSE tag END, event,
    CASE WHEN length(said.ms) < 15 THEN TRY_CAST(said.ms AS DOUBLE) END, said.name,
    CASE WHEN event = 'failed' THEN query WHEN event IN ('foreign', 'torn') THEN NULL
        WHEN prepared THEN regexp_replace(substr(detail, 10), '{_PREPARE}', '\\1', 'is') ELSE said.text END
FROM (
    SELECT *,
        COALESCE(starts_with(detail, 'prepare: '), false) AS prepared,
        TRY_CAST(substr(logged, 1, 23) AS TIMESTAMP) AS local,
        substr(logged, 25) AS zone,
        TRY_CAST(substr(session_start, 1, 19) AS TIMESTAMP) AS started,
        substr(session_start, 21) AS away_zone,
        TRY_CAST('0x' || right('00000000' || split_part(session, '.', 1), 10) AS BIGINT) AS epoch,
        CASE
            WHEN local IS NULL THEN 'torn'
            WHEN substr(state, 1, 2) NOT IN ('00', '01', '02') THEN 'failed'
            WHEN NULLIF(context, '') IS NOT NULL THEN NULL
            WHEN said.part IN ('parse', 'bind') THEN NULL
            WHEN said.ms <> '' AND said.part <> '' THEN 'timed'
            WHEN said.ms <> '' AND COALESCE(tag, '') NOT IN ('PARSE', 'BIND') THEN 'time'
            WHEN said.part <> '' THEN 'text'
            WHEN regexp_matches(message, '{_FOREIGN}') AND NOT starts_with(message, 'duration: ') THEN 'foreign'
        END AS event
    FROM (SELECT *, regexp_extract(message, '{_SHAPE}', ['ms', 'part', 'name', 'text'], 's') AS said FROM raw)
)
WHERE event IS NOT NULL AND (local >= $since OR event = 'torn')
"""  # noqa: S608

_ZONES = """
CREATE TABLE zones AS
SELECT zone, arg_max(away, sessions) AS away FROM (
    SELECT away_zone AS zone, away, count(DISTINCT session) AS sessions FROM lines
    WHERE abs(away) <= 57600 AND away % 900 = 0 GROUP BY ALL
) GROUP BY zone
"""
"""How far each zone that the log names is from UTC. No list of abbreviations would do: IST is three of them."""

_ONE_OF_EACH = """
DELETE FROM lines WHERE rowid IN (
    SELECT rowid FROM (SELECT rowid, row_number() OVER (PARTITION BY session, line, logged, event) AS n FROM lines)
    WHERE n > 1
)
"""

_RUNS = """
CREATE TABLE runs AS
SELECT session, line, logged - to_microseconds(CAST(round(COALESCE(ms, 0) * 1000) AS BIGINT)) AS began,
    zone, away, away_zone, "user", database, application, tag, ms, name, text
FROM lines WHERE event = 'timed'
"""

_PAIRED = """
INSERT INTO runs
SELECT session, line, logged, zone, away, away_zone, "user", database, application,
    CASE WHEN next = 'time' THEN next_tag END, CASE WHEN next = 'time' THEN next_ms END, name, text
FROM (
    SELECT *, lead(event) OVER w AS next, lead(ms) OVER w AS next_ms, lead(tag) OVER w AS next_tag,
        lead(text) OVER w AS next_text
    FROM lines WHERE event <> 'foreign' WINDOW w AS (PARTITION BY session ORDER BY line)
)
WHERE event = 'text' AND NOT COALESCE(next = 'failed' AND (next_text IS NULL OR next_text = text OR tag IS NULL), false)
"""

_PIECES = f"""
CREATE TABLE pieces AS
SELECT *, sum(CASE WHEN more THEN 0 ELSE 1 END) OVER (
    PARTITION BY session, cursor ORDER BY line ROWS UNBOUNDED PRECEDING) AS island
FROM (
    SELECT session, line, ms, false AS more,
        'cursor ' || trim(regexp_extract(text, '{_DECLARE}', 2, 'is'), '"') AS cursor
    FROM runs WHERE tag = 'DECLARE CURSOR'
    UNION ALL
    SELECT session, line, ms, true, 'cursor ' || trim(regexp_extract(text, '{_FETCH}', 1, 'is'), '"')
    FROM runs WHERE tag = 'FETCH'
    UNION ALL
    SELECT session, line, ms, starts_with(name, 'fetch from '), 'portal ' || regexp_replace(name, '^fetch from ', '')
    FROM runs WHERE name <> ''
)
"""  # noqa: S608

_JOINED = """
UPDATE runs SET ms = total FROM (
    SELECT session, min(line) AS line, sum(ms) AS total FROM pieces GROUP BY session, cursor, island HAVING count(*) > 1
) AS whole WHERE runs.session = whole.session AND runs.line = whole.line;
DELETE FROM runs USING (
    SELECT session, cursor, island, min(line) AS opened FROM pieces GROUP BY ALL HAVING count(*) > 1
) AS whole JOIN pieces USING (session, cursor, island)
WHERE runs.session = pieces.session AND runs.line = pieces.line AND pieces.line > opened;
"""


@dataclass(slots=True)
class Found:
    """What a log held besides the statements themselves."""

    trouble: dict[str, Trouble] = field(default_factory=dict)
    """By file, where there was any."""
    statements: int = 0
    untimed: int = 0
    """Statements whose duration is not in the log."""
    foreign: int = 0
    """Durations in another language than English."""
    quickest: float | None = None
    """Milliseconds of the quickest statement."""
    adrift: int = 0
    """Statements whose time zone the log does not place; taken to be where their session began."""


@contextmanager
def workspace() -> Iterator[Any]:
    """A DuckDB of its own, as an Ibis backend, that leaves nothing on disk and asks nothing of the network."""
    import ibis

    with tempfile.TemporaryDirectory(prefix="headway-log-") as folder:  # for its owner alone
        backend = ibis.duckdb.connect(
            ":memory:",
            memory_limit=MEMORY,
            temp_directory=folder,
            temp_file_encryption="true",
            autoinstall_known_extensions="false",
            preserve_insertion_order="false",
            TimeZone="UTC",
        )
        try:
            yield backend
        finally:
            backend.disconnect()


def load(
    backend: Any, files: Sequence[LogFile], *, since: datetime, schema: str, progress: Callable[[str, int, int], None]
) -> tuple[ibis.Table, Found]:
    """The statements of some log files that were written at `since` or later, with the columns of a history.

    `schema` is what names without one are taken to be in, unless their session says otherwise (`SET search_path`).
    Raises InputError when the disk fails while reading.
    """
    found = Found()
    backend.con.execute(_LINES)
    for number, file in enumerate(files):
        progress(f"reading {file.shown}", number, len(files))
        trouble = _read(backend.con, file, since)
        if trouble:
            found.trouble[file.shown] = trouble
    backend.con.execute(_ZONES)
    _runs(backend.con, both=len({file.format for file in files}) > 1)
    _counted(backend.con, found)
    backend.con.execute("DROP TABLE lines")
    _statements(backend.con, schema)
    return declared(backend, _GIVEN), found


def declared(backend: Any, columns: Sequence[str]) -> ibis.Table:
    """What is called `statements`, as an Ibis table with these of a history's columns; declared, not looked up."""
    import ibis
    from ibis.expr import operations as ops

    schema = ibis.schema({name: COLUMNS[name] for name in columns})
    return ops.DatabaseTable(name="statements", schema=schema, source=backend, namespace=ops.Namespace()).to_expr()


# --- from files to lines ---------------------------------------------------------------------------------------------


def _read(connection: Any, file: LogFile, since: datetime) -> Trouble:
    """Read one file at once where DuckDB can, and record by record where it cannot."""
    import duckdb

    trouble = Trouble()
    whole = bool(file.first) and not glob.has_magic(str(file.path)) and (file.format == "json" or file.width >= 23)
    if whole:
        raw = _whole_csv(file) if file.format == "csv" else _whole_json()
        take = _TAKE.replace("FROM raw", f"FROM ({raw})")
        try:
            connection.execute(take, {"file": str(file.path), "since": since})
        except duckdb.Error:  # nothing of the file has been kept
            whole = False
    if not whole:
        for batch in _batches(file, trouble):
            connection.register("raw", batch)
            connection.execute(_TAKE, {"since": since})
            connection.unregister("raw")
    torn = _one(connection, "SELECT count(*) FROM lines WHERE event = 'torn'")
    if torn:
        trouble.broken += torn
        connection.execute("DELETE FROM lines WHERE event = 'torn'")
    return trouble


def _whole_csv(file: LogFile) -> str:
    names = dict(zip(CSV_FIELDS, FIELDS, strict=True))
    columns = ", ".join(f"'{names.get(n, f'other{n}')}': 'VARCHAR'" for n in range(file.width))
    chosen = ", ".join(f'"{name}"' for name in FIELDS)
    # in one thread: several guess where a record begins, and the text of a statement can be made to look like one
    return (
        f"SELECT {chosen} "  # noqa: S608 - names of this module
        "FROM read_csv($file, auto_detect=false, header=false, delim=',', quote='\"', escape='\"', "
        f"strict_mode=true, null_padding=false, nullstr='', parallel=false, compression='{_compression(file)}', "
        f"max_line_size={LONGEST_RECORD}, buffer_size={2 * LONGEST_RECORD}, columns={{{columns}}})"
    )


def _whole_json() -> str:
    names = dict(zip(JSON_FIELDS, FIELDS, strict=True))
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in JSON_FIELDS)
    chosen = ", ".join(f'"{theirs}" AS "{ours}"' for theirs, ours in names.items())
    return (
        f"SELECT {chosen} "  # noqa: S608 - names of this module
        f"FROM read_json($file, format='newline_delimited', ignore_errors=false, "
        f"maximum_object_size={LONGEST_RECORD}, columns={{{columns}}})"
    )


def _compression(file: LogFile) -> str:
    return "gzip" if file.packed else "none"


def _batches(file: LogFile, trouble: Trouble) -> Iterator[Any]:
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in FIELDS])
    rows: list[Record] = []
    size = 0
    for record, _ in records(file, trouble):
        rows.append(record)
        size += sum(len(cell) for cell in record if cell)
        if size >= _BATCH:
            yield pa.table(list(map(list, zip(*rows, strict=True))), schema=schema)
            rows, size = [], 0
    if rows:
        yield pa.table(list(map(list, zip(*rows, strict=True))), schema=schema)


# --- from lines to statements ----------------------------------------------------------------------------------------


def _runs(connection: Any, *, both: bool) -> None:
    """The table `runs`: a row per statement that ran, with its duration where the log has it."""
    if both:  # csvlog and jsonlog side by side hold the same lines
        connection.execute(_ONE_OF_EACH)
    connection.execute(_RUNS)
    if _one(connection, "SELECT count(*) FROM lines WHERE event = 'text'"):
        connection.execute(_PAIRED)
    if _one(connection, "SELECT count(*) FROM runs WHERE tag = 'FETCH' OR starts_with(name, 'fetch from ')"):
        connection.execute(_PIECES)
        connection.execute(_JOINED)
        connection.execute("DROP TABLE pieces")


def _statements(connection: Any, schema: str) -> None:
    """The table `statements` instead of `runs`, with the columns of a history."""
    default = "'" + schema.replace("'", "''") + "'"
    if _one(connection, f"SELECT count(*) FROM runs WHERE {_moves()}"):  # noqa: S608
        path = f"regexp_extract(text, '{_quoted(_PATH)}', ['a', 'b', 'c'], 'i')"
        default = f"""COALESCE(last_value(CASE WHEN {_moves()} THEN
            CASE WHEN {path}.c ILIKE 'default' OR {path}.a = '$user' THEN {default}
            ELSE {path}.a || {path}.b || lower({path}.c) END END IGNORE NULLS) OVER (
            PARTITION BY session ORDER BY line ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), {default})"""
    connection.execute(f"""
        CREATE TABLE statements AS
        SELECT began - to_seconds(CASE WHEN zone IN ('UTC', 'GMT') THEN 0 ELSE COALESCE(zones.away, runs.away, 0) END)
                AS started,
            {_TEXT} AS text,
            "user", application, ms / 1000 AS seconds, database, {default} AS schema,
            CASE WHEN tag = 'DECLARE CURSOR' THEN 'SELECT'
                WHEN contains(rtrim(text, E'; \n\t\r'), ';') OR NOT regexp_full_match(tag, '[A-Z ]+') THEN NULL
                ELSE replace(tag, ' ', '_') END AS kind
        FROM runs LEFT JOIN zones USING (zone)
    """)  # noqa: S608
    connection.execute("DROP TABLE runs")


def _moves() -> str:
    return f"regexp_matches(text, '{_quoted(_PATH)}', 'i')"


def _quoted(pattern: str) -> str:
    return pattern.replace("'", "''")


def _counted(connection: Any, found: Found) -> None:
    found.statements, found.untimed, found.quickest, found.adrift = connection.execute(
        "SELECT count(*), count(*) FILTER (ms IS NULL), min(ms),"
        " count(*) FILTER (zone NOT IN ('UTC', 'GMT') AND zone NOT IN (SELECT zone FROM zones)) FROM runs"
    ).fetchone()
    found.foreign = _one(connection, "SELECT count(*) FROM lines WHERE event = 'foreign'")


def _one(connection: Any, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])
