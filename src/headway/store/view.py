"""The view: what all connectors said last, or had said at some time, as records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain, pairwise
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select

from headway.collector import paused_collector
from headway.graph.model import (
    SYNCS,
    AnyRecord,
    Change,
    Check,
    Coverage,
    Gap,
    Node,
    Observation,
    Origin,
    Record,
    Target,
)
from headway.store.schema import Moment, check_result, observation, origin, record, series, sync

_CHANGES = ("baseline", "target", "commit", "stretch", "due")
_MANY = 500
_PART = 10_000
_NEVER = literal(datetime.min.replace(tzinfo=UTC), Moment)

_one: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)
_all: msgspec.json.Decoder[list[AnyRecord]] = msgspec.json.Decoder(list[AnyRecord])
_texts = msgspec.json.Decoder(list[tuple[str, ...]])


@dataclass(frozen=True, slots=True)
class Loaded:
    """The records of a view, in the order in which they were first yielded."""

    records: list[AnyRecord]
    synced_at: datetime | None
    """When the newest successful sync began; None when there was none."""
    per_connector: Mapping[str, datetime]
    """When the successful sync began whose records are in view, per connector."""


@dataclass(frozen=True, slots=True)
class _State:
    """Ids of syncs of one connector; 0 where there is none."""

    first: int
    """Its first successful one."""
    shown: int
    """Its last successful one."""
    ended: int
    """The last that does not run any more, as far as it could say so."""
    last: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """Which syncs of which connectors are in view at a time."""

    at: datetime | None
    states: Mapping[str, _State]
    shown: Mapping[str, _State]
    """Of those whose records are in view."""
    syncs: dict[int, Any]

    @staticmethod
    def of(connection: Connection, at: datetime | None) -> _Seen:
        states = _states(connection, at)
        syncs = _rows_of(connection, {i for s in states.values() for i in (s.first, s.shown, s.ended, s.last) if i})
        shown = {name: s for name, s in states.items() if s.shown and syncs[s.shown].status != "removed"}
        return _Seen(at, states, shown, syncs)

    def moments(self) -> dict[str, datetime]:
        """When the sync began of each connector in view."""
        return {name: self.syncs[state.shown].started for name, state in self.shown.items()}

    def loaded(self, records: list[AnyRecord], is_held: Callable[[str], bool]) -> Loaded:
        """The view with these records, and a gap for every connector whose last sync did not end well."""
        moments = self.moments()
        failures = _failures(self.states, self.syncs, is_held)
        return Loaded([*records, *failures], max(moments.values(), default=None), moments)


def synced(connection: Connection) -> Mapping[str, datetime]:
    """`load(...).per_connector` of now, without reading a single record."""
    return _Seen.of(connection, None).moments()


def load(connection: Connection, at: datetime | None, is_held: Callable[[str], bool]) -> Loaded:
    """The view now, or as it was at a time (aware). A sync counts from the moment it began.

    Observations are facts about days: at a time means those of the days up to it, as far as they are known now.
    """
    seen = _Seen.of(connection, at)
    if not seen.shown:
        return seen.loaded([], is_held)
    with paused_collector():
        records = _told(connection, seen, _read(connection, _VERSION.where(_visible(at, seen.shown))))
        records += [one for _, one in _observations(connection, at, seen.shown)]
    return seen.loaded(records, is_held)


def load_each(
    connection: Connection, times: Sequence[datetime], is_held: Callable[[str], bool], without: Collection[type[Record]]
) -> Iterator[Loaded]:
    """`load` at each of some times, without records of some types. What several of them show is read once."""
    found = [_Seen.of(connection, at) for at in times]
    names = sorted({name for seen in found for name in seen.shown})
    with paused_collector():
        versions = _versions(connection, names, without) if names else []
        observations = _observations(connection, max(times), names) if names else []
    for at, seen in zip(times, found, strict=True):
        shown = {name: state.shown for name, state in seen.shown.items()}
        day = at.date()
        with paused_collector():
            visible = [v for v in versions if v.since <= shown.get(v.connector, 0) < v.until]
            records = _told(connection, seen, visible)
            records += [one for connector, one in observations if one.day <= day and connector in shown]
        yield seen.loaded(records, is_held)


def gone_nodes(connection: Connection, connector: str) -> list[tuple[Node, datetime]]:
    """Nodes of a connector that are in view no more, as they were last, with when the first sync without them began."""
    now = record.alias("now")
    still = select(now.c.id).where(
        now.c.connector == connector, now.c.type == "node", now.c.key == record.c.key, now.c.to_sync.is_(None)
    )
    query = (
        select(record.c.key, record.c.body, sync.c.started)
        .join(sync, sync.c.id == record.c.to_sync)
        .where(record.c.connector == connector, record.c.type == "node", ~still.exists())
        .order_by(record.c.to_sync)
    )
    last = {key: (body, started) for key, body, started in connection.execute(query)}
    nodes = _decoded([body for body, _ in last.values()])
    return [(n, started) for n, (_, started) in zip(nodes, last.values(), strict=True) if isinstance(n, Node)]


def _states(connection: Connection, at: datetime | None) -> dict[str, _State]:
    done = case((sync.c.status.in_(("done", "removed")), sync.c.id))
    ended = case((sync.c.status != "running", sync.c.id))
    query = select(sync.c.connector, func.min(done), func.max(done), func.max(ended), func.max(sync.c.id))
    if at is not None:
        query = query.where(sync.c.started <= at)
    rows = connection.execute(query.group_by(sync.c.connector).order_by(sync.c.connector))
    return {name: _State(*(number or 0 for number in numbers)) for name, *numbers in rows}


def _rows_of(connection: Connection, ids: set[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    wanted = sorted(ids)
    for start in range(0, len(wanted), _MANY):
        query = select(sync).where(sync.c.id.in_(wanted[start : start + _MANY]))
        found.update((row.id, row) for row in connection.execute(query))
    return found


def _visible(at: datetime | None, shown: Mapping[str, _State]) -> ColumnElement[bool]:
    if at is None:
        return and_(record.c.to_sync.is_(None), record.c.connector.in_(list(shown)))
    return or_(
        *(
            and_(
                record.c.connector == name,
                record.c.from_sync <= state.shown,
                or_(record.c.to_sync.is_(None), record.c.to_sync > state.shown),
            )
            for name, state in shown.items()
        )
    )


class _Version(NamedTuple):
    """A record as it was in view from a sync on, until another."""

    record: AnyRecord | None
    """None where this version of Headway does not understand it."""
    type: str
    connector: str
    key: str
    first: int
    """The sync that first yielded something under its key."""
    since: int
    until: int


_EVER = 1 << 62
_r = record.c
_VERSION = select(_r.body, _r.type, _r.connector, _r.key, _r.first_sync, _r.from_sync, _r.to_sync)


def _read(connection: Connection, query: Select[Any]) -> list[_Version]:
    rows = connection.execute(query.order_by(_r.first_sync, _r.seat)).all()
    records = _decoded([row[0] for row in rows])
    return [
        _Version(one, kind, connector, key, first, since, until or _EVER)
        for (_, kind, connector, key, first, since, until), one in zip(rows, records, strict=True)
    ]


def _versions(connection: Connection, names: Sequence[str], without: Collection[type[Record]]) -> list[_Version]:
    """Everything that some connectors ever said, without records of some types."""
    tags = [str(kind.__struct_config__.tag) for kind in without]
    return _read(connection, _VERSION.where(_r.connector.in_(names), _r.type.not_in(tags)))


def _told(connection: Connection, seen: _Seen, versions: Sequence[_Version]) -> list[AnyRecord]:
    """Records in view, with what only their history knows."""
    shown = seen.shown
    types = {v.type for v in versions}
    results = _results(connection, seen.at, shown) if "check" in types else {}
    targets = _target_versions(connection, shown) if "target" in types else {}
    spans = _spans(connection, shown) if "coverage" in types else {}
    # A node has a day of birth when it was not there the first time its connector was synced.
    born = {v.first for v in versions if v.type == "node" and v.first != shown[v.connector].first}
    born.update(sync_id for earlier in targets.values() for sync_id, _ in earlier)
    born.update(v.since for v in versions if v.type == "target")
    syncs = seen.syncs | _rows_of(connection, born - seen.syncs.keys())
    days = {sync_id: row.started.date() for sync_id, row in syncs.items()}

    kept: list[AnyRecord] = []
    unreadable: Counter[tuple[str, str]] = Counter()
    for one, kind, connector, key, first, since, _ in versions:
        if one is None:
            unreadable[connector, kind] += 1
        elif type(one) is Node and one.created is None and days.get(first, date.min) > days[shown[connector].first]:
            kept.append(replace(one, created=days[first]))
        elif type(one) is Check and (connector, key) in results:
            kept.append(_with_result(one, results[connector, key]))
        elif type(one) is Coverage:
            kept.append(_with_days_before(one, spans[connector, one.covers, one.origin]))
        elif type(one) is Target and (connector, key) in targets:
            kept.append(_with_changes(one, [*targets[connector, key], (since, one)], days))
        else:
            kept.append(one)
    return kept + [_unreadable(*what, count) for what, count in sorted(unreadable.items())]


_Span = tuple[date, date]


def _spans(connection: Connection, shown: Mapping[str, _State]) -> dict[tuple[str, str, Origin], list[_Span]]:
    """The days that each source ever said it covers, sync by sync: what it saw then is still kept."""
    r = record.c
    query = select(r.connector, r.body, r.from_sync).where(r.type == "coverage", r.connector.in_(list(shown)))
    spans: dict[tuple[str, str, Origin], list[_Span]] = defaultdict(list)
    for connector, body, sync_id in connection.execute(query):
        one = _decoded_one(body)
        if type(one) is Coverage and sync_id <= shown[connector].shown:
            spans[connector, one.covers, one.origin].append((one.start, one.end))
    return spans


def _with_days_before(coverage: Coverage, spans: Sequence[_Span]) -> Coverage:
    """With the days that earlier syncs covered, back to the first gap: histories are read piece by piece."""
    start = coverage.start
    for first, last in sorted(spans, key=lambda span: span[1], reverse=True):
        if first < start <= last + timedelta(days=1):
            start = first
    return coverage if start == coverage.start else replace(coverage, start=start)


def _decoded(bodies: Sequence[str]) -> list[AnyRecord | None]:
    """The records; None where a body was written by a Headway that this one does not understand."""
    try:
        return list(_all.decode("[" + ",".join(bodies) + "]"))  # several times faster than one by one
    except (msgspec.MsgspecError, RecursionError):
        return [_decoded_one(body) for body in bodies]


def _decoded_one(body: str) -> AnyRecord | None:
    try:
        return _one.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _unreadable(connector: str, kind: str, count: int) -> Gap:
    what = f"{count:,} stored records of type {kind}" if count > 1 else f"one stored record of type {kind}"
    message = f"{what} cannot be read by this version of Headway and {'are' if count > 1 else 'is'} left out"
    return Gap(topic=connector, message=message, hint=f"sync {connector} again", origin=Origin(connector=connector))


def _results(
    connection: Connection, at: datetime | None, shown: Mapping[str, _State]
) -> dict[tuple[str, str], tuple[str, datetime, str, datetime | None]]:
    """Per check: its last status, when, the message, and since when it has not passed (None when it passes)."""

    def of_check(table: Any) -> ColumnElement[bool]:
        known = and_(table.c.connector == record.c.connector, table.c.key == record.c.key)
        return known if at is None else and_(known, table.c.at <= at)

    newest, passed, broken = (check_result.alias(name) for name in ("newest", "passed", "broken"))
    last = select(func.max(newest.c.at)).where(of_check(newest)).scalar_subquery()
    good = select(passed.c.at).where(of_check(passed), passed.c.status == "pass")
    last_good = good.order_by(passed.c.at.desc()).limit(1).correlate(record).scalar_subquery()
    since_good = broken.c.at > func.coalesce(last_good, _NEVER)
    run_start = select(func.min(broken.c.at)).where(of_check(broken), since_good).correlate(record).scalar_subquery()
    r = check_result.c
    query = (
        select(
            record.c.connector, record.c.key, r.status, r.at, r.message, r.since, case((r.status != "pass", run_start))
        )
        .select_from(record)
        .join(check_result, and_(of_check(check_result), r.at == last))
        .where(record.c.connector.in_(list(shown)), record.c.type == "check", _visible(at, shown))
    )
    found = {}
    for connector, key, status, when, message, said, start in connection.execute(query):
        since = None if status == "pass" else min(filter(None, (said, start)), default=when)
        found[connector, key] = (status, when, message, since)
    return found


def _with_result(check: Check, result: tuple[str, datetime, str, datetime | None]) -> Check:
    status, at, message, since = result
    return replace(check, status=status, at=at, message=message, since=since)


def _target_versions(
    connection: Connection, shown: Mapping[str, _State]
) -> dict[tuple[str, str], list[tuple[int, Target]]]:
    """Earlier versions of targets, oldest first, each with the sync that brought it."""
    r = record.c
    of_view = or_(*(and_(r.connector == name, r.to_sync <= state.shown) for name, state in shown.items()))
    query = (
        select(r.connector, r.key, r.from_sync, r.body)
        .where(r.type == "target", r.to_sync.is_not(None), of_view)
        .order_by(r.from_sync)
    )
    versions: dict[tuple[str, str], list[tuple[int, Target]]] = defaultdict(list)
    for connector, key, since, body in connection.execute(query):
        target = _decoded_one(body)
        if isinstance(target, Target):
            versions[connector, key].append((since, target))
    return versions


def _with_changes(target: Target, versions: Sequence[tuple[int, Target]], days: Mapping[int, date]) -> Target:
    """The target with the changes that syncs have seen, beside those its file writes down itself."""
    written = Counter((c.field, c.before, c.after) for c in target.changes)
    seen = []
    for (_, before), (since, after) in pairwise(versions):
        for name in _CHANGES:
            old, new = _number(getattr(before, name)), _number(getattr(after, name))
            if old == new:
                continue
            if written[name, old, new]:
                written[name, old, new] -= 1  # the same change, as the file tells it
            else:
                seen.append(Change(at=days[since], field=name, before=old, after=new))
    if not seen:
        return target
    return replace(target, changes=tuple(sorted((*target.changes, *seen), key=lambda c: c.at)))


def _number(value: float | date | None) -> float | None:
    """A date as its proleptic ordinal (`date.fromordinal` reads it back): a Change holds numbers."""
    return float(value.toordinal()) if isinstance(value, date) else value


def _observations(connection: Connection, at: datetime | None, shown: Collection[str]) -> list[tuple[str, Observation]]:
    """Observations of the days up to a time, with the connector that brought them."""
    what = _dictionary(connection, series, shown)
    files = _dictionary(connection, origin, shown)
    o = observation.c
    query = select(o.series, o.day, o.amount, o.origin, o.line)
    if at is not None:
        query = query.where(o.day <= at.date())
    found: list[tuple[str, Observation]] = []
    origins: dict[tuple[int, int], Origin] = {}
    rows = chain.from_iterable(connection.execute(query).partitions(_PART))  # one by one is slow, all at once is large
    for name, day, amount, file, line in rows:
        if name not in what:  # a connector that had not been synced at that time
            continue
        place = origins.get((file, line))
        if place is None:
            _, (connector, path) = files[file]
            place = origins[file, line] = Origin(connector=connector, file=path, line=line)
        source, (node, relation, measure, unit, person_class, *rest) = what[name]
        tool, column, person = (*rest, "", "", "")[:3]
        one = Observation(
            day=day,
            measure=measure,
            amount=amount,
            node=node,
            relation=relation,
            unit=unit,
            person_class=person_class,
            tool=tool,
            column=column,
            person=person,
            origin=place,
        )
        found.append((source, one))
    return found


def _dictionary(connection: Connection, table: Any, names: Collection[str]) -> dict[int, tuple[str, tuple[str, ...]]]:
    """What ids of a table stand for, with the connector that each is of."""
    query = select(table.c.id, table.c.connector, table.c.body).where(table.c.connector.in_(list(names)))
    rows = connection.execute(query).all()
    texts = _texts.decode("[" + ",".join(row[2] for row in rows) + "]")
    return {row[0]: (row[1], text) for row, text in zip(rows, texts, strict=True)}


def _failures(states: Mapping[str, _State], syncs: Mapping[int, Any], is_held: Callable[[str], bool]) -> Iterator[Gap]:
    """A gap for every connector whose last sync did not end well."""
    for name, state in states.items():
        last = syncs[state.last]
        if last.status == "running" and is_held(name):  # how it ends is not known yet; how the one before did is
            last = syncs.get(state.ended)
        if last is None or last.status in ("done", "removed"):
            continue
        if last.status == "failed":
            ended = f"failed at {moment(last.started)}: {'; '.join(last.message.splitlines())}"
        else:
            ended = f"was interrupted (it began at {moment(last.started)})"
        known = f"what is shown is from {moment(syncs[state.shown].started)}" if state.shown else "nothing is shown"
        yield Gap(
            topic=SYNCS,
            message=f"the last sync of {name} {ended}; {known}",
            hint=f"sync {name} again",
            origin=Origin(connector=name),
        )


def moment(when: datetime) -> str:
    """A time as people read it: to the minute, in UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
