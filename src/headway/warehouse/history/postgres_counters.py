"""PostgreSQL without logs: what pg_stat_statements counted between two syncs. Much less is known than from a log.

The extension only counts up, so the first sync remembers where the counters stand and gives nothing; a later one gives
what was added since, dated by the day of the sync, for nothing says when in between it was. Statements that differ in
their literals or comments alone are one entry with the comment of the first of them: people behind a BI tool's login
cannot be told apart, and neither can dbt's runs when another client ran the same statement before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headway.errors import InputError, Place, WarehouseError
from headway.files import put_whole
from headway.graph.model import AnyRecord, Gap, Observation, Origin
from headway.warehouse.history import views
from headway.warehouse.history.postgres_log import declared, workspace
from headway.warehouse.history.statements import shaped
from headway.warehouse.history.usage import History, usage
from headway.warehouse.profile import Profile

if TYPE_CHECKING:
    from headway.connectors.protocol import Context

STATE = ".headway/history/postgres_counters_{server}.json"
"""Where the counters of a server stood at the last sync, below the root: hashes and numbers, no statement, no name."""
_MOST_BYTES = 64 << 20
_CHUNK = 1 << 20
_HIDDEN = "<insufficient privilege>"

_VERSION = "SELECT CAST(current_setting('server_version_num') AS integer)"
_COUNTERS = """
SELECT CAST(s.userid AS bigint), CAST(s.dbid AS bigint), s.queryid, r.rolname, d.datname, s.query,
    CAST(sum(s.calls) AS bigint), sum(s.{time})
FROM pg_stat_statements AS s
    LEFT JOIN pg_roles AS r ON r.oid = s.userid
    LEFT JOIN pg_database AS d ON d.oid = s.dbid
{where}GROUP BY 1, 2, 3, 4, 5, 6
"""


@dataclass(frozen=True, slots=True)
class _Added:
    """What one entry counted since the last sync."""

    user: str
    database: str
    text: str
    calls: int
    ms: float


def counted(profile: Profile, history: History, context: Context, schema: str) -> Iterator[AnyRecord]:
    """Queries and seconds since the last sync, on the day of this one; never a Coverage, and always a Gap saying why.

    Raises WarehouseError when the extension cannot be asked, InputError when the state cannot be kept.
    """
    origin = Origin(connector=history.name, file="pg_stat_statements")
    server = _hashed(history, f"{profile.settings.get('host')}:{profile.settings.get('port')}")
    path = Path(context.root, STATE.format(server=server[:16]))
    before = _remembered(path)
    with views.opened(profile) as connection:
        version = int(connection.rows(_VERSION)[0][0])
        time = "total_exec_time" if version >= 130000 else "total_time"
        where = "WHERE s.toplevel\n" if version >= 140000 else ""  # what functions run is part of the statement above
        try:
            rows = connection.rows(_COUNTERS.format(time=time, where=where))
        except WarehouseError as error:
            hint = "shared_preload_libraries = 'pg_stat_statements', CREATE EXTENSION pg_stat_statements"
            raise WarehouseError(error.message, hint=hint) from None
    now: dict[str, list[float]] = {}
    added: list[_Added] = []
    hidden = 0
    for userid, dbid, queryid, user, database, text, calls, ms in rows:
        if text is None or text == _HIDDEN:
            hidden += 1
            continue
        key = _hashed(history, f"{userid}/{dbid}/{queryid}")
        now[key] = [int(calls), float(ms)]
        known = (before or {}).get(key, (0, 0.0))
        fresh = known if known[0] <= calls else (0, 0.0)  # the counters were reset, or the entry had been dropped
        if before is not None and calls > fresh[0]:
            more = _Added(user or "", database or "", text, int(calls - fresh[0]), max(float(ms) - fresh[1], 0.0))
            added.append(more)
    if added:
        yield from _used(added, history, context, schema)
    yield from _weak(first=before is None, hidden=hidden, origin=origin)
    _remember(path, now)


def _hashed(history: History, text: str) -> str:
    return hashlib.blake2b(text.encode(), key=history.people.key[:64], digest_size=16).hexdigest()


def _used(added: list[_Added], history: History, context: Context, schema: str) -> Iterator[Observation | Gap]:
    """What `usage` makes of one row per call. How many people there were is not known, and is left out."""
    import pyarrow as pa

    rows = pa.table(
        {
            "user": [a.user for a in added],
            "database": [a.database for a in added],
            "text": [a.text for a in added],
            "calls": [a.calls for a in added],
            "ms": [a.ms for a in added],
        }
    )
    with workspace() as backend:
        connection = backend.con
        connection.register("given", rows)
        connection.execute("CREATE TABLE added AS SELECT * FROM given")
        moment = context.now.astimezone(UTC).replace(tzinfo=None)
        connection.execute("CREATE TABLE asked AS SELECT CAST($now AS TIMESTAMP) AS now, $schema AS schema",
                           {"now": moment, "schema": schema})  # fmt: skip
        # a row per call, generated in pieces that fit in memory
        connection.execute(f"""
            CREATE VIEW statements AS
            SELECT now AS started, text, "user", database, schema, seconds FROM (
                SELECT "user", database, text, ms / 1000 / calls AS seconds, unnest(range(size)) FROM (
                    SELECT *, least(calls - start, {_CHUNK}) AS size
                    FROM added JOIN range(0, (SELECT max(calls) FROM added), {_CHUNK}) AS piece(start) ON start < calls
                )
            ), asked
        """)  # noqa: S608
        table = declared(backend, ("started", "text", "user", "database", "schema", "seconds"))
        sums: dict[Observation, float] = {}
        for record in usage(shaped(table), history, now=context.now, since=context.since, progress=context.progress):
            if isinstance(record, Gap):
                yield record
            elif isinstance(record, Observation) and record.measure != "people":
                series = replace(record, amount=0.0, person="")
                sums[series] = sums.get(series, 0.0) + record.amount
    yield from (replace(series, amount=amount) for series, amount in sums.items())


def _weak(*, first: bool, hidden: int, origin: Origin) -> Iterator[Gap]:
    message = (
        "pg_stat_statements counts statements without saying when, and merges those that differ in literals or "
        "comments: queries and seconds since the sync before stand on the day of this one, by class of login; when "
        "something was last used, how many people used it, and that something is unused are not known"
    )
    hint = "logs: the server's csvlog or jsonlog, with log_min_duration_statement = 0"
    yield Gap(topic="usage", message=message, hint=hint, origin=origin)
    if first:
        message = "this is the first sync of pg_stat_statements: use is counted from here on, and shows at the next"
        yield Gap(topic="usage", message=message, origin=origin)
    if hidden:
        message = f"{hidden:,} entries of pg_stat_statements are hidden from this login, so their use is not known"
        yield Gap(topic="usage", message=message, hint="GRANT pg_read_all_stats", origin=origin)


def _remembered(path: Path) -> dict[str, tuple[float, float]] | None:
    """Calls and milliseconds by entry at the last sync; None when there was none, or what is kept is broken."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        said = json.loads(path.read_bytes())
        return {str(key): (float(calls), float(ms)) for key, (calls, ms) in said.items()}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=Place(str(path))) from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None  # as if it were the first sync, which says so


def _remember(path: Path, counters: dict[str, list[float]]) -> None:
    try:
        put_whole(path, json.dumps(counters).encode(), private=True)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", place=Place(str(path))) from None
