"""The view: what all connectors said last, or had said at some time, as records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select

from headway.collector import paused_collector
from headway.graph.model import AnyRecord, Change, Check, Coverage, Gap, Node, Observation, Origin, Target
from headway.store.schema import Moment, check_result, observation, origin, record, series, sync

_CHANGES = ("baseline", "target", "commit", "stretch", "due")
_MANY = 500
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


def load(connection: Connection, at: datetime | None, is_held: Callable[[str], bool]) -> Loaded:
    """The view now, or as it was at a time (aware). A sync counts from the moment it began.

    Observations are facts about days: at a time means those of the days up to it, as far as they are known now.
    """
    states = _states(connection, at)
    syncs = _rows_of(connection, {i for s in states.values() for i in (s.first, s.shown, s.ended, s.last) if i})
    shown = {name: s for name, s in states.items() if s.shown and syncs[s.shown].status != "removed"}
    with paused_collector():
        records = _versioned(connection, at, shown, syncs) if shown else []
        records += _observations(connection, at, shown) if shown else []
    records += _failures(states, syncs, is_held)
    moments = {name: syncs[state.shown].started for name, state in shown.items()}
    return Loaded(records, max(moments.values(), default=None), moments)


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


def _versioned(
    connection: Connection, at: datetime | None, shown: Mapping[str, _State], syncs: dict[int, Any]
) -> list[AnyRecord]:
    r = record.c
    query = select(r.body, r.type, r.connector, r.key, r.first_sync, r.from_sync).where(_visible(at, shown))
    rows = connection.execute(query.order_by(r.first_sync, r.seat)).all()
    records = _decoded([row[0] for row in rows])
    results = _results(connection, at, shown) if any(row[1] == "check" for row in rows) else {}
    targets = _target_versions(connection, shown) if any(row[1] == "target" for row in rows) else {}
    # A node has a day of birth when it was not there the first time its connector was synced.
    born = {row[4] for row in rows if row[1] == "node" and row[4] != shown[row[2]].first}
    born.update(sync_id for versions in targets.values() for sync_id, _ in versions)
    born.update(row[5] for row in rows if row[1] == "target")
    syncs |= _rows_of(connection, born - syncs.keys())
    days = {sync_id: row.started.date() for sync_id, row in syncs.items()}

    spans = _spans(connection, shown) if any(row[1] == "coverage" for row in rows) else {}
    kept: list[AnyRecord] = []
    unreadable: Counter[tuple[str, str]] = Counter()
    for (_, kind, connector, key, first, since), one in zip(rows, records, strict=True):
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


def _observations(connection: Connection, at: datetime | None, shown: Mapping[str, _State]) -> list[AnyRecord]:
    what = _dictionary(connection, series, shown)
    files = _dictionary(connection, origin, shown)
    o = observation.c
    query = select(o.series, o.day, o.amount, o.origin, o.line)
    if at is not None:
        query = query.where(o.day <= at.date())
    found: list[AnyRecord] = []
    origins: dict[tuple[int, int], Origin] = {}
    for name, day, amount, file, line in connection.execute(query):
        if name not in what:  # a connector that had not been synced at that time
            continue
        place = origins.get((file, line))
        if place is None:
            connector, path = files[file]
            place = origins[file, line] = Origin(connector=connector, file=path, line=line)
        node, relation, measure, unit, person_class, *rest = what[name]
        tool, column, person = (*rest, "", "", "")[:3]
        found.append(
            Observation(
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
        )
    return found


def _dictionary(connection: Connection, table: Any, shown: Mapping[str, _State]) -> dict[int, tuple[str, ...]]:
    rows = connection.execute(select(table.c.id, table.c.body).where(table.c.connector.in_(list(shown)))).all()
    return dict(zip((row[0] for row in rows), _texts.decode("[" + ",".join(r[1] for r in rows) + "]"), strict=True))


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
            topic=name,
            message=f"the last sync of {name} {ended}; {known}",
            hint=f"sync {name} again",
            origin=Origin(connector=name),
        )


def moment(when: datetime) -> str:
    """A time as people read it: to the minute, in UTC."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
