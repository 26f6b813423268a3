"""Who opened what, from an export of the data source TS Events of Tableau Cloud's Admin Insights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from headway.connectors import delimited
from headway.connectors.content import View
from headway.errors import InputError, Place

COLUMNS = ("event type", "item type", "item luid", "event date", "actor user name")
_CLOCK = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?(?:\.\d+)?\s*(?:Z|UTC|\+00:?00)?)?"
    r"|(\d{1,2})/(\d{1,2})/(\d{4}),? (\d{1,2}):(\d\d)(?::(\d\d))?\s*([AP]M)",
    re.IGNORECASE,
)
_MOST_BAD = 0.01


@dataclass
class Events:
    """What an export tells."""

    views: list[View] = field(default_factory=list)
    first: date | None = None
    """First day of any event, in UTC; None when there is none."""
    last: date | None = None
    elsewhere: int = 0
    """Views of things that are not known."""
    bad: int = 0
    """Rows that cannot be read."""


def read(path: Path, shown: str, known: Mapping[str, str]) -> Events:
    """The views in the export; `known` is `<kind>.<key>` by luid. The columns are those of COLUMNS, in any order.

    Times are in UTC, as Tableau keeps them: `2026-11-20 13:52:45`, or `11/20/2026 1:52:45 PM` as an export in English
    writes them. Raises InputError for a file that is none, or has more than 1 % of rows that cannot be read.
    """
    found, rows = Events(), 0
    with delimited.rows(path, shown, lambda cells: len(_places(cells))) as sheet:
        places = _places(sheet.header)
        missing = [name for name in COLUMNS if name not in places]
        if missing:
            raise InputError(
                f"there is no column {', '.join(missing)}",
                place=Place(shown, sheet.line),
                hint="export TS Events with Event Type, Item Type, Item LUID, Event Date and Actor User Name",
            )
        kind, item_type, luid, moment, actor = (places[name] for name in COLUMNS)
        for _, row in sheet:
            rows += 1
            at = _moment(row[moment]) if not isinstance(row, str) and len(row) == len(sheet.header) else None
            if at is None or isinstance(row, str):
                found.bad += 1
                continue
            day = at.date()
            found.first = min(day, found.first or day)
            found.last = max(day, found.last or day)
            if row[kind].strip().casefold() != "access" or row[item_type].strip().casefold() != "view":
                continue
            reference = known.get(row[luid].strip().casefold())
            if reference is None:
                found.elsewhere += 1
            else:
                found.views.append(View(item=reference, at=at, user=row[actor].strip()))
    if found.bad > _MOST_BAD * rows and found.bad > 0:
        raise InputError(
            f"{found.bad:,} of {rows:,} rows cannot be read",
            place=Place(shown),
            hint="are the times written as 2026-11-20 13:52:45?",
        )
    return found


def _places(cells: list[str]) -> dict[str, int]:
    return {name.strip().casefold(): i for i, name in enumerate(cells) if name.strip().casefold() in COLUMNS}


def _moment(written: str) -> datetime | None:
    match = _CLOCK.fullmatch(written.strip())
    if match is None:
        return None
    groups = match.groups()
    if groups[0]:
        year, month, day, hour, minute, second = (int(g or 0) for g in groups[:6])
    else:
        month, day, year, hour, minute, second = (int(g or 0) for g in groups[6:12])
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if groups[12].upper() == "PM" else 0)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
