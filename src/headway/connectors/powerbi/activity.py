"""Activity events as views: who opened which report or dashboard, through an embedding page or by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from headway.connectors.artifact import read
from headway.connectors.content import View
from headway.connectors.fields import each, text
from headway.errors import InputError, Place
from headway.graph.model import PersonClass

_MOST_BAD = 0.01


@dataclass
class Activity:
    """What a number of events tells."""

    views: list[View] = field(default_factory=list)
    first: date | None = None
    """First day of any event, in UTC; None where there is none."""
    last: date | None = None
    elsewhere: int = 0
    """Views of things that are not known."""
    undated: int = 0
    """Events without a time that can be read."""
    _seen: set[str] = field(default_factory=set)

    def add(self, events: Iterable[Mapping[str, Any]], known: Mapping[str, str]) -> None:
        """Take events in; `known` is `<kind>.<key>` by id, lower case. An event that is given twice counts once."""
        for event in events:
            ident = text(event, "Id")
            if ident and ident in self._seen:
                continue
            self._seen.add(ident)
            at = _moment(text(event, "CreationTime"))
            if at is None:
                self.undated += 1
                continue
            day = at.date()
            self.first, self.last = min(day, self.first or day), max(day, self.last or day)
            kind = _kind(event)
            if not kind or event.get("IsSuccess") is False:
                continue
            ids = (text(event, name).casefold() for name in kind)
            reference = next((known[one] for one in ids if one in known), "")
            if not reference:
                self.elsewhere += 1
                continue
            self.views.append(View(item=reference, at=at, user=text(event, "UserId"), person_class=_class(event)))


def _kind(event: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that say what was opened; none for an event that is no view."""
    activity = (text(event, "Activity") or text(event, "Operation")).casefold()
    return {
        "viewreport": ("ReportId", "ArtifactId", "AppReportId"),
        "viewdashboard": ("DashboardId", "ArtifactId", "AppDashboardId"),
        "runemailsubscription": ("ReportId", "DashboardId", "ArtifactId"),
    }.get(activity, ())


def _class(event: Mapping[str, Any]) -> PersonClass:
    """`embedded` where a page of the company's own shows it, `scheduled` for a mail; else the user's name decides."""
    if (text(event, "Activity") or text(event, "Operation")).casefold() == "runemailsubscription":
        return "scheduled"
    embedded = text(event, "EmbedTokenId") or "embed" in text(event, "ConsumptionMethod").casefold()
    return "embedded" if embedded else ""


def _moment(written: str) -> datetime | None:
    """A time; without a zone it is in UTC."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None


def of_file(path: Path, shown: str) -> list[Mapping[str, Any]]:
    """Events in a file: answers of the API (one, or a list), a list of events, or one event a line.

    Raises InputError for a file that is none of these, or has more than 1 % of lines that are no events.
    """
    data = bytes(read(path, shown))
    try:
        whole = msgspec.json.decode(data)
    except RecursionError:
        raise InputError("is nested too deeply", place=Place(shown)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _of_lines(data, shown)
    answers = whole if isinstance(whole, list) else [whole]
    if not all(isinstance(one, dict) for one in answers) or (
        isinstance(whole, dict) and not {"activityEventEntities", "CreationTime"} & whole.keys()
    ):
        raise InputError("this holds no activity events", place=Place(shown))
    return [
        event
        for one in answers
        for event in (each(one, "activityEventEntities") if "activityEventEntities" in one else [one])
    ]


def _of_lines(data: bytes, shown: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    bad, first = 0, 0
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            event = msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            event = None
        if isinstance(event, dict):
            found.append(event)
        else:
            bad, first = bad + 1, first or number
    if bad > _MOST_BAD * (bad + len(found)) or not found:
        raise InputError(
            f"{bad:,} lines are no activity events", place=Place(shown, first), hint="one JSON object a line"
        )
    return found
