"""The ledger: what people wrote, in the order in which it was written. Rows are added, never changed or taken out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC
from hashlib import blake2b
from typing import Any, get_args

import msgspec
from sqlalchemy import Connection, insert, select

from headway.errors import Place, StoreError, UsageError
from headway.graph.ledger import Entry, Topic
from headway.store.rows import clean
from headway.store.schema import entry as entry_table

__all__ = ["LONGEST_BODY", "LONGEST_SUBJECT", "LONGEST_WORD", "TOPICS", "Entry", "append", "checked", "read"]

TOPICS: tuple[Topic, ...] = get_args(Topic)

LONGEST_WORD = 200
"""Characters of `by` and of `act` at most."""
LONGEST_SUBJECT = 1_000
"""Characters of `subject` at most."""
LONGEST_BODY = 64_000
"""Bytes of `body` as JSON at most."""
_DEEPEST = 20


class _Said(msgspec.Struct):
    """What of an entry is text from outside."""

    by: str
    subject: str
    act: str
    body: dict[str, Any]


def append(connection: Connection, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The checked entries with their ids, in the order given. The caller holds `Database.recording`."""
    if not entries:
        return ()
    rows = [
        {"at": e.at, "topic": e.topic, "subject": _digest(e.subject), "said": _Said(e.by, e.subject, e.act, e.body)}
        for e in entries
    ]
    statement = insert(entry_table).returning(entry_table.c.id, sort_by_parameter_order=True)
    ids = connection.execute(statement, rows).scalars().all()
    return tuple(msgspec.structs.replace(e, id=number) for e, number in zip(entries, ids, strict=True))


def read(connection: Connection, topic: str, subject: str, since: int, place: Place) -> tuple[Entry, ...]:
    """Entries with an id above `since`, oldest first; of one topic and subject where they are given.

    Raises StoreError, at `place`, for a row that is no entry of this version.
    """
    e = entry_table.c
    query = select(entry_table).where(e.id > since).order_by(e.id)
    if topic:
        query = query.where(e.topic == topic)
    if not subject:
        return tuple(_entry(row, place) for row in connection.execute(query))
    subject = clean(subject)
    found = (_entry(row, place) for row in connection.execute(query.where(e.subject == _digest(subject))))
    return tuple(one for one in found if one.subject == subject)


def checked(entry: Entry) -> Entry:
    """The entry as it is kept: in UTC, blanks around `by` gone, what no database takes replaced by U+FFFD.

    Raises UsageError for a time without zone, an unknown topic, a missing or too long text, and a body that is not
    plain JSON data (mappings with text keys, lists, text, whole numbers of 64 bits, finite numbers, true, false, null).
    """
    if entry.at.tzinfo is None:
        raise UsageError("the time of an entry needs a time zone")
    if entry.topic not in TOPICS:
        raise UsageError(f"an entry cannot be about {str(entry.topic)[:60]!r}", hint=f"one of {', '.join(TOPICS)}")
    by, act = clean(entry.by).strip(), clean(entry.act).strip()
    for name, text, hint in (("by", by, "say who writes it"), ("act", act, "")):
        if not text:
            raise UsageError(f"an entry needs {name!r}", hint=hint)
        if len(text) > LONGEST_WORD or not text.isprintable():
            raise UsageError(f"{name!r} of an entry is one line of at most {LONGEST_WORD} characters")
    subject = clean(entry.subject)
    if not subject.strip() or len(subject) > LONGEST_SUBJECT:
        raise UsageError(f"an entry needs a subject, of at most {LONGEST_SUBJECT:,} characters")
    if type(entry.body) is not dict:
        raise UsageError("the body of an entry is a mapping")
    body = _plain(entry.body, 0)
    size = len(msgspec.json.encode(body))
    if size > LONGEST_BODY:
        raise UsageError(f"an entry of {size:,} bytes is too long", hint=f"at most {LONGEST_BODY:,}")
    at = entry.at.astimezone(UTC)
    return msgspec.structs.replace(entry, id=0, at=at, by=by, act=act, subject=subject, body=body)


def _plain(value: Any, depth: int) -> Any:
    """The value, where JSON gives back exactly that."""
    if depth > _DEEPEST:
        raise UsageError("the body of an entry is nested too deeply", hint=f"at most {_DEEPEST} levels")
    kind = type(value)
    if kind is str:
        return clean(value)
    if kind is dict and all(type(key) is str for key in value):
        return {clean(key): _plain(one, depth + 1) for key, one in value.items()}
    if kind is list:
        return [_plain(one, depth + 1) for one in value]
    whole = kind is int and -(2**63) <= value < 2**63
    if value is None or kind is bool or whole or (kind is float and math.isfinite(value)):
        return value
    raise UsageError(f"the body of an entry cannot hold this {kind.__name__}", hint="plain JSON data only")


def _entry(row: Any, place: Place) -> Entry:
    try:
        said = msgspec.convert(row.said, _Said)
        topic = next(t for t in TOPICS if t == row.topic)
    except (msgspec.ValidationError, StopIteration):
        raise StoreError(
            f"entry {row.id} of the ledger cannot be read by this version of Headway",
            hint="upgrade Headway: pip install --upgrade headway",
            place=place,
        ) from None
    return Entry(id=row.id, at=row.at, by=said.by, topic=topic, subject=said.subject, act=said.act, body=said.body)


def _digest(subject: str) -> int:
    """64 bits of BLAKE2b, signed: what a subject is found by."""
    return int.from_bytes(blake2b(subject.encode(), digest_size=8).digest(), "big", signed=True)
