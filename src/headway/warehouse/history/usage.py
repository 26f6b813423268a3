"""From statements to usage: one aggregation where the history lives, then a parse of each distinct statement here.

What comes back from the backend are sums per day, statement (by its fingerprint, see `fingerprint`), user, client and
tag, and one text for each fingerprint that has not been parsed before. What leaves here has neither text nor literal,
and people are keyed hashes.

- A statement that reads several relations counts as one query of each; its seconds, bytes and cost are shared equally
  between them, so that they add up to what was spent.
- A statement that builds a relation (INSERT, CREATE TABLE AS, MERGE, ...) is no use: what it took is put down to what
  it built, and what it reads counts as read by a service. A temporary table stands for what it was made from.
- What dbt ran is put down to the node it built, or to what its test or hook reads, in the class `dbt`: never use.
- Headway's own statements are left out.
"""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headway.config import Option
from headway.errors import ConfigError, HeadwayError, WarehouseError
from headway.graph.model import Coverage, Gap, Observation, Origin
from headway.people import Classes, People
from headway.warehouse.history import fingerprint, sqltext, tags
from headway.warehouse.history.relations import (
    GRAINS,
    Group,
    Reader,
    Relations,
    Series,
    Sums,
    earliest,
    summed,
    whole_numbers,
)
from headway.warehouse.history.sqltext import Parsed

if TYPE_CHECKING:
    import ibis

    from headway.connectors.protocol import Context, Progress

TABLES = "kind:source kind:seed kind:snapshot kind:model"

OPTIONS: tuple[Option, ...] = (
    Option(
        "people", dict, {}, help="patterns of login names by class: service, data_team, scheduled, executive, person"
    ),
    Option("names", bool, False, help="keep login names instead of keyed hashes of them"),
    Option("covers", str, "", help="selector of the assets whose use this history would show; empty: all tables"),
    Option("keep_days", int, 400, help="how many days to look back at most"),
)
"""Options that every history has; a connector adds its own to them."""

CACHE = ".headway"
_LOOK_BACK = timedelta(days=7)
_TEXTS_AT_ONCE = 5000
_ROWS_AT_ONCE = 1 << 16
_FIRST = re.compile(r"[_ ]")
_MEASURES = ("queries", "seconds", "bytes", "cost")
_MOST_GRAINS = 9e18
_ROWS_TOGETHER = 4_000_000
"""So many rows wait before those of the same group and day are added up."""
_SENDER_BITS = 31
"""Statement and sender share one number: there is memory for fewer of either than it has room for."""


@dataclass(frozen=True, kw_only=True)
class History:
    """What `usage` has to know about a history besides its statements."""

    name: str
    """The connector's."""
    dialect: str
    """sqlglot's name of the SQL in it."""
    cost_unit: str = ""
    """What `cost` is in; '' when the history has no cost."""
    covers: str = TABLES
    people: People
    classes: Classes = field(default_factory=Classes.of)
    cache: Path | None = None
    """Folder for what was parsed once; None keeps nothing."""
    overlap: timedelta = timedelta(days=1)
    """How long before the last sync to begin again: histories are written late."""
    keep_days: int = 400

    @staticmethod
    def of(name: str, dialect: str, options: Mapping[str, Any], context: Context, *, cost_unit: str = "") -> History:
        """From a connector's options (OPTIONS among them) and its context. Raises ConfigError, InputError."""
        names, covers = options.get("names", False), options.get("covers") or ""
        keep_days = options.get("keep_days", 400)
        if not isinstance(names, bool):
            raise ConfigError(f"option names of {name} is neither true nor false")
        if not isinstance(covers, str):
            raise ConfigError(f"option covers of {name} is to be a selector, as text")
        if not isinstance(keep_days, int) or isinstance(keep_days, bool) or not 1 <= keep_days <= 36_500:
            raise ConfigError(f"option keep_days of {name} is not a number of days", hint="keep_days: 400")
        return History(
            name=name,
            dialect=dialect,
            cost_unit=cost_unit,
            covers=covers or TABLES,
            people=People.of(context.root, context.environment, names=names),
            classes=Classes.of(options.get("people") or {}),
            cache=Path(context.root, CACHE),
            keep_days=keep_days,
        )


def usage(
    statements: ibis.Table,
    history: History,
    *,
    now: datetime,
    since: datetime | None,
    progress: Progress,
) -> Iterator[Observation | Coverage | Gap]:
    """What was read, by whom, with what, at which cost: by day, in UTC.

    `statements` has the columns of `statements.COLUMNS` (see `shaped`). `now` and `since` have a time zone; `since` is
    when the last sync began. Whole days are read, from a little before it to the day of `now`.

    Yields Observations sorted: of relations (measures queries, seconds, bytes, cost), of their columns (queries; `*`
    where any column may have been read), of dbt's nodes (class `dbt`) and of dashboards (`<tool>:dashboard.<id>`); then
    one Coverage of the days that were read, unless the history holds nothing; then Gaps. Raises WarehouseError when the
    backend refuses.
    """
    window = _Window.of(history, now, since)
    fold = _Fold(history)
    with reading(history.name):
        inside = _inside(statements, window)
        progress("adding up the query history", 0, 0)
        for batch in _batches(_grouped(_keyed(inside, history)), _ROWS_AT_ONCE):
            fold.add(batch)
        first = _first_day(statements, fold, window, since)
    sums = fold.sums()
    cache = sqltext.Cache(history.cache, history.dialect)
    parsed = {key: known for key in fold.firsts if (known := cache.get(key)) is not None}
    missing = sorted((when, key) for key, when in fold.firsts.items() if key not in parsed)
    for start in range(0, len(missing), _TEXTS_AT_ONCE):
        chunk = missing[start : start + _TEXTS_AT_ONCE]
        with reading(history.name):
            texts = list(_texts(inside, history, chunk))
        for done, (key, text, reads, kind) in enumerate(texts, start):
            progress("reading statements", done, len(missing))
            parsed[key] = _understood(text, reads, kind, history.dialect)
            cache.put(key, parsed[key])
    cache.save()
    origin = Origin(connector=history.name)
    yield from _observations(Relations(sums, parsed).series(first), history, origin)
    if first is not None:
        yield Coverage(covers=history.covers, start=first, end=now.astimezone(UTC).date(), origin=origin)
    yield from _gaps(fold, parsed, history, origin)


# --- What is read ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Window:
    """Whole days, as naive UTC: from `start` up to and without `end`."""

    start: datetime
    end: datetime

    @staticmethod
    def of(history: History, now: datetime, since: datetime | None) -> _Window:
        today = now.astimezone(UTC).date()
        start = today - timedelta(days=history.keep_days)
        if since is not None:
            start = max(start, (since - history.overlap).astimezone(UTC).date())
        return _Window(datetime.combine(min(start, today), time()), datetime.combine(today + timedelta(days=1), time()))


@contextmanager
def reading(name: str) -> Iterator[None]:
    """While a backend is asked: what a driver raises becomes one sentence, and its warnings are its own business.

    The sentence has not even the first line of the driver's message, which may hold a value of a row.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ibis and drivers warn about one another's versions
            yield
    except HeadwayError:
        raise
    except Exception as error:  # each driver has its own tree of errors; all of them mean the same here
        raise WarehouseError(
            f"the query history of {name} could not be read: {type(error).__name__}",
            hint="is it there, complete, and allowed to be read?",
        ) from None


def _inside(statements: ibis.Table, window: _Window) -> ibis.Table:
    """The statements of the window."""
    import ibis

    return statements.filter(
        statements["started"] >= ibis.literal(window.start), statements["started"] < ibis.literal(window.end)
    )


def _keyed(statements: ibis.Table, history: History) -> ibis.Table:
    """The statements with their keys, comments and days."""
    import ibis

    flavour = fingerprint.flavour(statements.get_backend().name)
    labelled = statements.mutate(label=fingerprint.stable(ibis.coalesce(statements["label"], "")))
    keyed = fingerprint.keyed(labelled, history.dialect, flavour)
    return keyed.mutate(day=keyed["started"].date())


def _batches(expression: ibis.Table, rows: int) -> Iterator[Any]:
    """The rows of an expression as Arrow batches."""
    backend = expression.get_backend()
    if backend.name != "duckdb":
        yield from expression.to_pyarrow_batches(chunk_size=rows)
        return
    # not every release of Ibis knows what the method that gives batches is called in every release of DuckDB
    cursor = backend.raw_sql(backend.compile(expression))
    reader = cursor.to_arrow_reader if hasattr(cursor, "to_arrow_reader") else cursor.fetch_record_batch
    yield from reader(rows)


_SENDER = ("user", "application", "label", "comment", "database", "schema")
_KEYS = ("day", "key", *_SENDER)


def _grouped(table: ibis.Table) -> ibis.Table:
    """Sums by day, key, user, client, tag and defaults, in GRAINS; `first` finds a statement of each again."""
    sums = {name: _exact_sum(table[name], grains) for name, grains in GRAINS.items()}
    return table.group_by(*_KEYS).aggregate(first=table["started"].min(), queries=table.count(), **sums)


def _exact_sum(amounts: Any, grains: int) -> Any:
    """The sum of amounts, each taken to whole grains: engines add doubles in whatever order their threads finish.

    Rounded by hand, because engines round ties to either side. An amount that nothing can take (below zero, not a
    number, more than 285 years of seconds) is not known.
    """
    import ibis

    whole = (amounts * float(grains) + 0.5).floor().cast("decimal(38, 9)")
    known = (amounts > 0) & (amounts < _MOST_GRAINS / grains)
    return ibis.ifelse(known, whole, ibis.null("decimal(38, 9)")).sum().cast("float64")


def _texts(
    inside: ibis.Table, history: History, wanted: Sequence[tuple[datetime, str]]
) -> Iterator[tuple[str, str, str, str]]:
    """Key, text, reads and kind of one statement of each wanted key."""
    keys = {key for _, key in wanted}
    near = _keyed(inside.filter(inside["started"].isin(sorted({when for when, _ in wanted}))), history)
    near = near.filter(near["key"].notnull())
    one = near.group_by("key").aggregate(text=near["text"].max(), reads=near["reads"].max(), kind=near["kind"].max())
    for batch in _batches(one, 500):
        for key, text, reads, kind in zip(*(batch.column(n).to_pylist() for n in one.columns), strict=True):
            if key in keys:
                yield key, text or "", reads or "", kind or ""


def _understood(text: str, reads: str, kind: str, dialect: str) -> Parsed:
    """What a statement reads and builds; what the warehouse says of its reads goes before the text."""
    parsed = sqltext.parse(text, dialect) if text else Parsed(problem="syntax")
    said = sqltext.warehouse_reads(reads) if reads else None
    if said is None:
        return parsed
    building = _FIRST.split(kind)[0] in {"INSERT", "CREATE", "MERGE", "UPDATE", "DELETE", "COPY", "CTAS"}
    builds, temporary = parsed.builds, parsed.temporary
    if not text or parsed.problem:
        builds, temporary = (("",) if building else ()), ()
    found = {sqltext.key_of(parts): columns for parts, columns in said.items()}
    return Parsed(kind=kind or parsed.kind, reads=found, builds=builds, temporary=temporary)


def _first_day(statements: ibis.Table, fold: _Fold, window: _Window, since: datetime | None) -> date | None:
    """The first day that the history shows as a whole, as far as it can tell; None when it holds nothing at all.

    A history that began before the window shows all of it. One that begins inside it may begin in the middle of a day:
    if an earlier sync saw that day to its end, what it saw is kept.
    """
    import ibis

    start = window.start.date()
    if since is not None:
        before = window.start - _LOOK_BACK
        older = statements.filter(
            statements["started"] >= ibis.literal(before), statements["started"] < ibis.literal(window.start)
        )
        if any(batch.num_rows for batch in _batches(older.select("started").limit(1), 1)):
            return start
    if fold.first is None:
        return None
    if since is not None and fold.first < since.astimezone(UTC).date():
        return fold.first + timedelta(days=1)
    return fold.first


# --- What is added up here -------------------------------------------------------------------------------------------


class _Fold:
    """Batches of sums, folded by what records can tell apart. Memory grows with the distinct groups and days."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._keys: dict[str, int] = {}
        self._whos: dict[tuple[str, ...], tuple[Reader, str, str, str] | None] = {}
        self._senders: dict[tuple[Reader, str, str, str, str, str], int] = {}
        self._readers: dict[tuple[str, ...], Reader] = {}
        self._rows: list[tuple[Any, Any, Any, list[Any]]] = []
        """Key and sender as one number; day; first moment; amounts."""
        self._waiting = 0
        self._moments: Any = None
        """The Arrow type of moments."""
        self.firsts: dict[str, Any] = {}
        """A moment at which each statement ran whose text is to be known."""
        self.queries = 0.0
        self.wordless = 0.0
        """Statements of which the history has neither text nor hash."""
        self.by_key: dict[str, float] = {}
        """Queries of each statement, without those of dbt."""
        self.first: date | None = None

    def add(self, batch: Any) -> None:
        """Take in one batch of `_grouped`. Texts are looked up by number: most rows share theirs with others."""
        import numpy as np
        import pyarrow as pa

        if not batch.num_rows:
            return
        day = batch.column("day").cast(pa.date32()).cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
        day += date(1970, 1, 1).toordinal()
        earliest = date.fromordinal(int(day.min()))
        self.first = min(earliest, self.first or earliest)
        key = _places([batch.column("key")], lambda key: self._keys.setdefault(key, len(self._keys)))
        sender = _places([batch.column(name) for name in _SENDER], self._sender)
        amounts = [whole_numbers(_doubles(batch.column(name))) for name in _MEASURES]
        moments = batch.column("first")
        self._moments = moments.type
        first = moments.cast(pa.int64()).to_numpy(zero_copy_only=False)
        others = sender >= 0
        code = (key << _SENDER_BITS) | sender
        self._rows.append((code[others], day[others], first[others], [amount[others] for amount in amounts]))
        self._waiting += len(code)
        if self._waiting > _ROWS_TOGETHER:
            self._together()

    def _together(self) -> tuple[Any, Any, Any, list[Any]]:
        """All rows so far as one, with one row for each pair of number and day."""
        import numpy as np

        code, day, first = (np.concatenate([np.empty(0, np.int64), *(row[n] for row in self._rows)]) for n in range(3))
        measured = [[row[3][n] for row in self._rows] for n in range(len(_MEASURES))]
        amounts = [np.concatenate([np.empty(0, np.int64), *each]) for each in measured]
        firsts = earliest(code, day, first)
        code, day, amounts = summed(code, day, amounts)
        self._rows, self._waiting = [(code, day, firsts, amounts)], 0
        return self._rows[0]

    def sums(self) -> Sums:
        """What was added so far, by group and day; `firsts`, `queries`, `wordless` and `by_key` are known then."""
        import numpy as np
        import pyarrow as pa

        code, day, first, amounts = self._together()
        keys, senders = list(self._keys), list(self._senders)
        codes, group = np.unique(code, return_inverse=True)
        queries = np.zeros(len(codes), np.int64)
        np.add.at(queries, group, amounts[0].astype(np.int64))
        moments = np.full(len(codes), np.iinfo(np.int64).max)
        np.minimum.at(moments, group, first)
        groups: list[Group] = []
        worded = np.ones(len(codes), bool)
        found: dict[str, int] = {}
        for place, (each, asked, moment) in enumerate(
            zip(codes.tolist(), queries.tolist(), moments.tolist(), strict=True)
        ):
            key = keys[each >> _SENDER_BITS]
            reader, session, node, dashboard, database, schema = senders[each & ((1 << _SENDER_BITS) - 1)]
            groups.append(Group(key, reader, database, schema, session, node, dashboard))
            self.queries += asked
            if not key:
                self.wordless += asked
                worded[place] = False
                continue
            if reader.person_class != "dbt":
                self.by_key[key] = self.by_key.get(key, 0.0) + asked
            if not node:  # what a node of dbt is built from is known: its text is not asked for
                found[key] = min(moment, found.get(key, moment))
        if found:
            told = pa.array(list(found.values()), pa.int64()).cast(self._moments).to_pylist()
            self.firsts = dict(zip(found, told, strict=True))
        kept = worded[group]
        return Sums(groups, group[kept], day[kept], [amount[kept] for amount in amounts])

    def _sender(self, user: str, application: str, label: str, comment: str, database: str, schema: str) -> int:
        """A number for who sent a statement, and from where; below zero for Headway itself."""
        told = (user, application, label, comment)
        if told not in self._whos:
            self._whos[told] = self._who(*told)
        who = self._whos[told]
        return -1 if who is None else self._senders.setdefault((*who, database, schema), len(self._senders))

    def _who(self, user: str, application: str, label: str, comment: str) -> tuple[Reader, str, str, str] | None:
        """Reader, session, dbt's node and dashboard of those who share a tag; None for Headway itself."""
        people, classes = self._history.people, self._history.classes
        tag = tags.read(comment, label, application)
        if tag.ours:
            return None
        session = people.hashed(user)
        if tag.tool == "dbt":
            return self._reader("dbt", "dbt", ""), session, tag.node, ""
        person = f"{tag.tool}:{tag.user}" if tag.user.isdigit() else tag.user
        person_class = classes.of_person(tag.user) if tag.user else classes.of_person(user)
        if tag.scheduled:
            person_class, person = "scheduled", ""
        elif not tag.user:
            person = user
        reader = self._reader(person_class, tag.tool, people.known_as(person))
        return reader, session, tag.node, f"{tag.tool}:dashboard.{tag.dashboard}" if tag.dashboard else ""

    def _reader(self, *told: str) -> Reader:
        """The one Reader there is of these."""
        found = self._readers.get(told)
        if found is None:
            found = self._readers[told] = Reader(*told)
        return found


def _places(columns: Sequence[Any], number: Callable[..., int]) -> Any:
    """For each row of Arrow columns of texts the number of what stands there, asked for once for each combination."""
    import numpy as np

    encoded = [column.dictionary_encode(null_encoding="encode") for column in columns]
    code = np.zeros(len(columns[0]), np.int64)
    firsts = np.zeros(1, np.int64)
    for column in encoded:  # made dense again after each column, so that the product fits a word
        code = code * len(column.dictionary) + column.indices.to_numpy(zero_copy_only=False)
        _, firsts, code = np.unique(code, return_index=True, return_inverse=True)
    texts = [column.take(firsts).to_pylist() for column in columns]
    numbers = [number(*(text or "" for text in row)) for row in zip(*texts, strict=True)]
    return np.array(numbers, np.int64)[code]


def _doubles(column: Any) -> Any:
    """An Arrow column of numbers as doubles, 0 for NULL."""
    import pyarrow as pa

    return column.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)


# --- What is told ----------------------------------------------------------------------------------------------------


def _observations(found: Iterable[Series], history: History, origin: Origin) -> Iterator[Observation]:
    """One observation per series, day and measure that has an amount."""
    units = {"queries": "count", "seconds": "seconds", "bytes": "bytes", "cost": history.cost_unit}
    for node, relation, column, reader, days, amounts in found:
        given = [
            (measure, units[measure], each)
            for measure, each in zip(_MEASURES, amounts, strict=True)
            if units[measure] and any(each)
        ]
        for place, day in enumerate(days):
            for measure, unit, each in given:
                if each[place]:
                    yield Observation(
                        day=day,
                        measure=measure,
                        amount=each[place],
                        node=node,
                        relation=relation,
                        unit=unit,
                        person_class=reader.person_class,
                        column=column,
                        tool=reader.tool,
                        person=reader.person,
                        origin=origin,
                    )


_PROBLEMS = {
    "syntax": "not understood by the parser",
    "deep": "nested too deeply",
    "long": "too long",
    "unknown": "of a kind the parser does not know",
    "gone": "gone from the history while it was read",
}


def _gaps(fold: _Fold, parsed: Mapping[str, Parsed], history: History, origin: Origin) -> Iterator[Gap]:
    """What could not be told: how many statements, their share, and a few of them by fingerprint and kind."""
    if not fold.queries:
        yield Gap(topic="usage", message=f"{history.name} holds no statements of these days", origin=origin)
        return
    lost: dict[str, list[tuple[float, str, str]]] = defaultdict(list)
    for key, queries in fold.by_key.items():
        known = parsed.get(key, Parsed(problem="gone"))
        if known.problem:
            lost[known.problem].append((queries, key, known.kind))
    if lost:
        whole = sum(queries for rows in lost.values() for queries, _, _ in rows)
        number = sum(map(len, lost.values()))
        reasons = ", ".join(f"{len(rows):,} {_PROBLEMS[why]}" for why, rows in sorted(lost.items()))
        worst = sorted((row for rows in lost.values() for row in rows), key=lambda row: (-row[0], row[1]))[:3]
        samples = ", ".join(f"{kind or 'unknown kind'} {key[:13]} ({queries:,.0f})" for queries, key, kind in worst)
        yield Gap(
            topic="usage",
            message=f"{whole:,.0f} of {fold.queries:,.0f} queries ({_share(whole, fold.queries)}), "
            f"{number:,} distinct {'statement' if number == 1 else 'statements'}, could not be read: {reasons}; "
            f"what they read is not counted. Most often: {samples}",
            hint=f"is the dialect {history.dialect or 'SQL'} right?",
            origin=origin,
        )
    if fold.wordless:
        yield Gap(
            topic="usage",
            message=f"{fold.wordless:,.0f} of {fold.queries:,.0f} queries ({_share(fold.wordless, fold.queries)}) "
            "have no text in the history; what they read is not counted",
            origin=origin,
        )


def _share(part: float, whole: float) -> str:
    share = 100 * part / whole
    return f"{share:.1f} %" if share >= 0.1 else "less than 0.1 %"
