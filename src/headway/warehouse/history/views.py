"""A warehouse's own history views: opened through the dbt profile, declared rather than inspected, asked with care.

Views are declared because inspecting them costs a statement each, needs more rights than reading them, and some
backends create objects to do it. What is declared wrong is refused by the warehouse with a sentence that names it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.config import Option
from headway.errors import ConfigError, WarehouseError
from headway.warehouse.connection import Connection, connect
from headway.warehouse.profile import Profile, load_profile

if TYPE_CHECKING:
    import ibis

    from headway.connectors.protocol import Context
    from headway.warehouse.history.usage import History

PROFILE: tuple[Option, ...] = (
    Option("project_dir", str, "", help="folder of the dbt project whose profile is used; empty: where headway.yml is"),
    Option("profiles_dir", str, "", help="folder of profiles.yml, when dbt would not find it by itself"),
    Option("target", str, "", help="target of the dbt profile; empty: its default"),
)
"""Options of every history that is read from a warehouse of the dbt profile."""

LOOK_BACK = timedelta(days=7)
"""How far before the days that are counted `usage` looks for anything at all."""
SECONDS = 3600.0
"""Time limit of one statement. Some warehouses keep the limit of one for all that follow in the session."""

_PERSON = re.compile(r"[^\s'\"<>()]+@[^\s'\"<>()]+")

_PART = re.compile(r"""([A-Za-z_][\w$-]*)|["`]([^"`]+)["`]""")
_NAME = re.compile(rf"(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))*")


@dataclass(frozen=True, slots=True)
class View:
    """One view of a history: where it is, which of its columns are read, and who may read it."""

    name: tuple[str, ...]
    """Its parts, outermost first: one to three."""
    columns: Mapping[str, str]
    """Ibis type of each column that is read."""
    moment: str
    """The column it is partitioned by, or sorted by: every statement is windowed on it."""
    needs: str
    """What a login needs to read it, as the end of a sentence."""

    def __str__(self) -> str:
        return ".".join(self.name)

    def table(self, backend: Any = None) -> ibis.Table:
        """The view as an Ibis table: bound to a backend, or to none, to be compiled only. Nothing is run."""
        import ibis
        from ibis.expr import operations as ops

        *outer, name = self.name
        catalog, database = [None, None, *outer][-2:]
        schema = ibis.schema(self.columns)
        if backend is None:
            return ibis.table(schema, name=name, catalog=catalog, database=database)
        namespace = ops.Namespace(catalog=catalog, database=database)
        return ops.DatabaseTable(name=name, schema=schema, source=backend, namespace=namespace).to_expr()

    def since(self, start: datetime, backend: Any = None) -> ibis.Table:
        """Its rows from `start` on, an aware moment."""
        import ibis

        table = self.table(backend)
        column = table[self.moment]
        zoned = column.type().timezone is not None
        moment = start if zoned else start.astimezone(UTC).replace(tzinfo=None)
        return table.filter(column >= ibis.literal(moment, type=column.type()))


def checked(name: str, known: Sequence[Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of a connector, with its default where it is not given.

    Raises ConfigError for one that does not exist, is of another type, or is required and missing.
    """
    names = [option.name for option in known]
    for said in given:
        if said not in names:
            near = difflib.get_close_matches(str(said), names, n=1) or [", ".join(names)]
            raise ConfigError(f"{name} has no option {str(said)[:60]!r}", hint=f"did you mean {near[0]}?")
    values: dict[str, Any] = {}
    for option in known:
        value = given.get(option.name)
        value = option.default if value is None else value
        wrong = isinstance(value, bool) and option.type is not bool
        if value is not None and (wrong or not isinstance(value, option.type)):
            found = type(value).__name__
            raise ConfigError(f"option {option.name} of {name} is to be {option.type.__name__}, not {found}")
        if option.required and value in (None, "", [], {}):
            raise ConfigError(f"{name} needs the option {option.name}", hint=option.help)
        values[option.name] = value
    return values


def parts(name: str, option: str, text: str) -> tuple[str, ...]:
    """The parts of `catalog.schema.table`, one to three, quotes removed. Raises ConfigError for anything else."""
    found = tuple(bare or quoted for bare, quoted in _PART.findall(text)) if _NAME.fullmatch(text) else ()
    if not 1 <= len(found) <= 3:
        raise ConfigError(f"option {option} of {name} is not the name of a view: {text[:60]!r}")
    return found


def profile(context: Context, options: Mapping[str, Any], name: str, adapter: str) -> Profile:
    """The dbt profile of the project. Raises ConfigError when its target is of another type than `adapter`."""
    folder = Path(context.root, options["project_dir"])
    profiles = options["profiles_dir"]
    found = load_profile(
        folder,
        profiles_dir=str(Path(context.root, profiles)) if profiles else "",
        target=options["target"],
        environment=context.environment,
        working_directory=Path(context.root),
    )
    if found.adapter != adapter:
        hint = f"name a target of type {adapter} with `target`"
        raise ConfigError(
            f"{name} cannot read the target {found.target!r}, which is of type {found.adapter}", hint=hint
        )
    return found


def located(profile: Profile, location: str) -> Profile:
    """The profile with its statements run in another location."""
    return replace(profile, settings={**profile.settings, "location": location})


@contextmanager
def opened(profile: Profile) -> Iterator[Connection]:
    """The open warehouse, closed at the end. Raises as `connect` does, without anybody's login name."""
    try:
        connection = connect(profile)
    except WarehouseError as error:
        raise WarehouseError(nobody(profile, error.message), hint=error.hint, place=error.place) from None
    try:
        yield connection
    finally:
        if hasattr(connection.backend, "con"):
            connection.close()
        else:  # BigQuery's backend holds a client in place of a connection
            connection.backend.disconnect()


def first_moment(history: History, now: datetime, since: datetime | None) -> datetime:
    """Midnight UTC of the first day to count: a little before the last sync, and never further back than is kept.

    Whole days, because a day that was read from its middle on would replace the whole one that was known.
    """
    earliest = now - timedelta(days=history.keep_days)
    start = max(since - history.overlap, earliest) if since else earliest
    return start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def window(history: History, now: datetime, since: datetime | None) -> datetime:
    """Midnight UTC of the first day to read: the first that is counted; after a sync, a week before it.

    From that week `usage` sees that the history did not begin in the middle of the first day that is counted.
    """
    first = first_moment(history, now, since)
    return first - LOOK_BACK if since else first


def refused(connection: Connection, view: View, now: datetime) -> str:
    """Why a view cannot be read, in one sentence; '' when it can.

    Runs a statement that names every column, returns no row, and touches no more than the partition of `now`.
    """
    import ibis

    table = view.since(now)
    try:
        connection.rows(ibis.to_sql(table.select(*table.columns).limit(0), dialect=connection.dialect), SECONDS)
    except WarehouseError as error:
        return f"{view} cannot be read: {nobody(connection.profile, error.message)}"
    return ""


def needed(connection: Connection, view: View, now: datetime) -> None:
    """Raises WarehouseError, with the view and the right that is missing, when a view cannot be read."""
    if why := refused(connection, view, now):
        raise WarehouseError(why, hint=view.needs)


def quoted(text: Any) -> Any:
    """An Ibis text as a JSON string, for names: quotes and backslashes escaped, control characters not looked for."""
    import ibis

    return ibis.literal('"') + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def listed(texts: Any) -> Any:
    """An Ibis array of JSON texts as a JSON array; '[]' for an empty one and for NULL."""
    import ibis

    return ibis.literal("[") + ibis.coalesce(texts.join(","), "") + "]"


def ran(failed: Any, text: Any) -> Any:
    """Ibis condition: a statement that did not fail; or that dbt ran, whose cost counts all the same."""
    return ~failed | text.contains('"node_id"')


def said(reads: Any, kind: Any, failed: Any) -> Any:
    """What the warehouse says was read, where that can stand for the text: of a SELECT. NULL where it cannot.

    What other statements build is only in their text. What failed read nothing.
    """
    import ibis

    return ibis.ifelse(failed, "[]", ibis.ifelse(kind == "SELECT", reads, ibis.null("string")))


def nobody(profile: Profile, text: str) -> str:
    """The text without the login name of the profile and without addresses of people."""
    text = _PERSON.sub("***", text)
    for key in ("user", "username", "client_id"):
        login = str(profile.settings.get(key) or "")
        if len(login) > 1:
            text = re.sub(rf"(?<!\w){re.escape(login)}(?!\w)", "***", text, flags=re.IGNORECASE)
    return text
