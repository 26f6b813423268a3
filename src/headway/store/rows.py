"""Records as rows: keys, digests, and what cannot be kept."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec.structs import replace

from headway.errors import StoreError
from headway.graph.model import (
    AnyRecord,
    Check,
    ColumnLineage,
    Coverage,
    Decision,
    Deliverable,
    Edge,
    Facets,
    Gap,
    Node,
    Objective,
    Observation,
    Origin,
    Reading,
    Target,
)

Row = dict[str, Any]

# What makes a record the same record in the next sync.
_KEYS: Mapping[type, tuple[str, Callable[[Any], object]]] = {
    Node: ("node", lambda r: r.id),
    Edge: ("edge", lambda r: (r.upstream, r.downstream, r.role, r.evidence)),
    Check: ("check", lambda r: (r.node, r.id)),
    Target: ("target", lambda r: (r.key_result, r.objective)),
    Objective: ("objective", lambda r: r.objective),
    Deliverable: ("deliverable", lambda r: r.deliverable),
    ColumnLineage: ("columns", lambda r: r.node),
    Facets: ("facets", lambda r: r.node),
    Coverage: ("coverage", lambda r: (r.covers, r.start, r.end, r.origin)),
    Reading: ("reading", lambda r: (r.key_result, r.day, r.grain, r.source)),
    Decision: ("decision", lambda r: (r.upstream, r.downstream, r.role)),
    Gap: ("gap", lambda r: r),
}
_LONGEST_KEY = 400
_SHORTEST_SERIES = 5
_LARGEST_LINE = 2**31 - 1
_SURROGATE = re.compile("[\ud800-\udfff]")
_encode = msgspec.json.Encoder().encode


def digest(data: bytes) -> int:
    """64 bits of BLAKE2b, signed: tells versions of one record apart, and the series of one connector."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True)


def clean(text: str) -> str:
    """The text with lone surrogates, which no database takes, replaced by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def aware(moment: datetime) -> datetime:
    """The time in UTC; one without a time zone is taken to be UTC already. Raises OverflowError at the ends of time."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _series_of(seen: Observation) -> tuple[str, ...]:
    """What was measured on what; the parts that are most often empty last, and left out there."""
    what = (seen.node, seen.relation, seen.measure, seen.unit, seen.person_class, seen.tool, seen.column, seen.person)
    count = len(what)
    while count > _SHORTEST_SERIES and not what[count - 1]:
        count -= 1
    return what[:count]


def record_key(*, of: object) -> str:
    """A key as JSON text, readable where it is short; a digest ends it where it would be too long for an index."""
    text = _encode(of).decode()
    if len(text) <= _LONGEST_KEY:  # in characters; four bytes each still fit the index
        return text
    return f"{text[:80]}... {blake2b(text.encode(), digest_size=16).hexdigest()}"


@dataclass(slots=True)
class Batch:
    """Rows for the staging tables. A row given twice is there once: the last one counts."""

    records: dict[tuple[str, str], Row] = field(default_factory=dict)
    results: dict[tuple[str, datetime], Row] = field(default_factory=dict)
    series: dict[int, Row] = field(default_factory=dict)
    origins: dict[int, Row] = field(default_factory=dict)
    observations: dict[tuple[int, date], Row] = field(default_factory=dict)


class Stager:
    """Turns the records of one sync into batches of rows."""

    def __init__(self, connector: str, at: datetime) -> None:
        self._connector = connector
        self._at = at
        self._seat = 0
        self._series: dict[tuple[str, ...], int] = {}
        self._origins: dict[tuple[str, str], int] = {}
        self.days: set[tuple[date, date]] = set()
        """Spans of days whose observations this sync yields completely."""

    def batch(self, records: Iterable[AnyRecord]) -> Batch:
        """The rows of some records. A record that cannot be kept becomes a Gap that says why.

        Raises StoreError when something among them is not a record at all.
        """
        batch = Batch()
        for record in records:
            if type(record) is not Observation and type(record) not in _KEYS:
                message = f"{self._connector} yielded something of type {type(record).__name__}, which is no record"
                raise StoreError(message)
            try:
                self._add(batch, record)
            except UnicodeEncodeError:
                self._add_cleaned(batch, record)
            except (TypeError, ValueError, OverflowError, RecursionError, AttributeError) as error:
                self._add(batch, self._refused(record, str(error)))
        return batch

    def _add_cleaned(self, batch: Batch, record: AnyRecord) -> None:
        try:
            plain = _cleaned(msgspec.to_builtins(record))
            self._add(batch, msgspec.convert(plain, type(record)))
        except (TypeError, ValueError, OverflowError, RecursionError, AttributeError) as error:
            self._add(batch, self._refused(record, str(error)))

    def _refused(self, record: AnyRecord, reason: str) -> Gap:
        kind = type(record).__name__.lower()
        # Only plain parts of the record are used: any other may be what could not be kept.
        where = Origin(connector=self._connector, file=clean(str(record.origin)))
        return Gap(topic=self._connector, message=f"one {kind} could not be kept: {clean(reason)}", origin=where)

    def _add(self, batch: Batch, record: AnyRecord) -> None:
        if type(record) is Observation:
            self._observe(batch, record)
            return
        if type(record) is Check and record.status != "not run":
            self._result(batch, record)
            record = replace(record, status="not run", at=None, since=None, message="")
        if type(record) is Coverage:
            self.days.add((_day(record.start), _day(record.end)))
        kind, identity = _KEYS[type(record)]
        body = _encode(record)
        # When a reading was taken does not make it another reading: an unchanged value costs nothing.
        same = _encode(replace(record, at=None)) if type(record) is Reading else body
        key = record_key(of=identity(record))
        self._seat += 1
        batch.records[kind, key] = {
            "type": kind,
            "key": key,
            "hash": digest(same),
            # Readings add up over syncs; those written by hand are all written in the same file every time.
            "kept": type(record) is Reading and record.source != "manual",
            "seat": self._seat,
            "body": body.decode(),
        }

    def _result(self, batch: Batch, check: Check) -> None:
        key = record_key(of=(check.node, check.id))
        at = aware(check.at) if check.at else self._at
        _encode(check.message)  # refuses lone surrogates here, where they can still be replaced
        batch.results[key, at] = {
            "key": key,
            "at": at,
            "dated": check.at is not None,
            "status": check.status,
            "since": aware(check.since) if check.since else None,
            "message": check.message,
        }

    def _observe(self, batch: Batch, seen: Observation) -> None:
        amount = float(seen.amount)
        if not math.isfinite(amount):
            message = f"the {seen.measure} of {seen.node or seen.relation} on {seen.day} is {amount}, not a number"
            raise ValueError(message)
        day = _day(seen.day)
        what = _series_of(seen)
        series = self._series.get(what)
        if series is None:
            body = _encode(what)
            series = digest(_encode((self._connector, body.decode())))
            batch.series[series] = {"id": series, "body": body.decode()}
            self._series[what] = series
        file = (seen.origin.connector, seen.origin.file)
        origin = self._origins.get(file)
        if origin is None:
            body = _encode(file)
            origin = digest(_encode((self._connector, body.decode())))
            batch.origins[origin] = {"id": origin, "body": body.decode()}
            self._origins[file] = origin
        batch.observations[series, day] = {
            "series": series,
            "day": day,
            "amount": amount,
            "origin": origin,
            "line": min(int(seen.origin.line), _LARGEST_LINE),
        }


def _day(value: object) -> date:
    if isinstance(value, datetime):  # a datetime is a date to Python, but not to a database
        return value.date()
    if not isinstance(value, date):
        message = f"{value!r} is not a day"
        raise TypeError(message)
    return value


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {_cleaned(k): _cleaned(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(v) for v in value]
    return value
