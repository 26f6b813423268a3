"""Censuses that are kept: what the past held, so that nobody needs to read it again.

One row per origin and day. One from git holds for every day from its commit to its day, one from syncs for its day.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection, delete, insert, select

from headway.graph.census import Census
from headway.store.rows import clean
from headway.store.schema import census as census_table

Origin = Literal["sync", "git"]

_LARGEST = 1 << 28
_decoder: msgspec.json.Decoder[Census] = msgspec.json.Decoder(Census)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A census with what it was made from."""

    census: Census
    since: date
    """First day it holds for."""
    key: str
    """What it was made from: when that is another today, it is made again."""
    taken: datetime
    """When it was made, with time zone."""


def keep(connection: Connection, kept: Kept) -> None:
    """Write a census in the place of the one of its origin and day. The caller holds the write transaction."""
    c = census_table.c
    one = kept.census
    connection.execute(delete(census_table).where(c.origin == one.origin, c.day == one.day))
    row = {
        "origin": one.origin,
        "day": one.day,
        "since": kept.since,
        "key": kept.key,
        "taken": kept.taken,
        "body": zlib.compress(_encoded(one)),
    }
    connection.execute(insert(census_table).values(**row))


def keys(connection: Connection, origin: Origin) -> dict[date, str]:
    """The days of which a census is kept, with what each was made from."""
    c = census_table.c
    rows = connection.execute(select(c.day, c.key).where(c.origin == origin).order_by(c.day))
    return {day: key for day, key in rows}  # noqa: C416 - a row is no tuple to the type checker


def read(connection: Connection, origin: Origin, days: Sequence[date]) -> dict[date, Kept]:
    """The kept censuses that hold for some days; one that this version cannot read is as good as none."""
    c = census_table.c
    found: dict[date, Kept] = {}
    spans = connection.execute(select(c.since, c.day).where(c.origin == origin).order_by(c.day)).all()
    wanted: dict[date, list[date]] = {}
    for day in days:
        end = next((end for since, end in spans if since <= day <= end), None)
        if end is not None:
            wanted.setdefault(end, []).append(day)
    for end, asked in wanted.items():
        row = connection.execute(select(census_table).where(c.origin == origin, c.day == end)).one_or_none()
        one = _decoded(row.body) if row is not None else None
        if row is not None and one is not None:
            kept = Kept(census=one, since=row.since, key=row.key, taken=row.taken)
            found.update(dict.fromkeys(asked, kept))
    return found


def _encoded(one: Census) -> bytes:
    try:
        return msgspec.json.encode(one)
    except UnicodeEncodeError:  # a lone surrogate in some name
        return clean(json.dumps(msgspec.to_builtins(one), ensure_ascii=False)).encode()


def _decoded(body: bytes) -> Census | None:
    try:
        unpacked = zlib.decompressobj().decompress(body, _LARGEST)
        return _decoder.decode(unpacked)
    except (zlib.error, msgspec.MsgspecError, RecursionError):
        return None
