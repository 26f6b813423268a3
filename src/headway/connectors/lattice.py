"""The connector `lattice`: goals of Lattice, with owners, states and how they hang together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from headway.config import Option
from headway.connectors import given
from headway.connectors.api import Recording, answers
from headway.connectors.fields import below, day, each, number, text, truth
from headway.connectors.goal_tree import Goal, LeftOut, Sort, records
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, Place, ServiceError
from headway.graph.model import AnyRecord, Gap, Origin
from headway.remote import Api, Client, Refused, checked_url

NAME = "lattice"
URL = "https://api.latticehq.com"
MOST_PAGES = 10_000
_PAGE = 100
_SORTS: Mapping[str, Sort] = {"objective": "objective", "key_result": "key_result"}
_STATES: Mapping[str, Literal["draft", "active", "ended"]] = {"draft": "draft", "active": "active", "ended": "ended"}
_UNITS = {"percent": "percent", "dollar": "USD", "digit": ""}


class Lattice:
    """Reads the goals of Lattice through its Talent API, or recorded answers from a folder.

    Yields objectives, key results with their targets and current values, and deliverables for goals that are done or
    not; then gaps for archived and private goals and those without a number. Private goals are never read unless
    `private` says so.

    Raises ConfigError for options that cannot be, InputError for a folder without answers, MissingExtra without the
    extra `bi`, ServiceError when Lattice cannot be reached or refuses.
    """

    name: ClassVar[str] = NAME
    sync_only: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help=f"where the API is, if not {URL}: https://api.emea.latticehq.com"),
        Option("token", str, help="API key", env="HEADWAY_LATTICE_TOKEN", secret=True),
        Option("state", str, "", help="only goals in this state: Draft, Active or Ended"),
        Option("private", bool, False, help="read private goals too, as far as the key sees them"),
        Option("owners", bool, True, help="ask who owns each goal: one more request a goal"),
        Option("per_minute", int, 240, help="most requests a minute"),
        Option("export", str, "", help="folder with recorded answers, such as v1/goals.json"),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._context = context
        values = given.checked(NAME, self.options, options)
        self._export: str = values["export"]
        self._url = checked_url("Lattice", values["url"] or URL)
        self._state: str = values["state"]
        if self._state and self._state not in {"Draft", "Active", "Ended"}:
            raise ConfigError(f"option state of {NAME} is Draft, Active or Ended, not {self._state[:40]!r}")
        self._private: bool = values["private"]
        self._owners: bool = values["owners"]
        self._per_minute: int = values["per_minute"]
        if not 1 <= self._per_minute <= 100_000:
            raise ConfigError(f"option per_minute of {NAME} is not a number of requests", hint="per_minute: 240")

    def records(self) -> Iterator[AnyRecord]:
        """Every goal, and what could not be had."""
        left_out = LeftOut()
        with answers(NAME, self._context.root, self._export, self._client) as api:
            apart = 0.0 if isinstance(api, Recording) else 60.0 / self._per_minute
            reader = _Reader(api, self._url, apart)
            found = [one for one in reader.goals(self._state) if self._seen(one, left_out)]
            goals = []
            for done, one in enumerate(found):
                self._context.progress("goals of Lattice", done, len(found))
                goals.append(_goal(one, reader.owner(one) if self._owners else "", self._context))
        yield from records(NAME, "Lattice", goals, left_out, hint_private="private: true reads them")
        yield from reader.gaps()

    def _seen(self, one: Mapping[str, Any], left_out: LeftOut) -> bool:
        if not text(one, "id"):
            left_out.broken.append("a goal of Lattice has no id and is left out")
            return False
        if not self._private and one.get("isPrivate") is not False:
            left_out.private += 1  # a goal that does not say that it is open is not read either
            return False
        if text(one, "state").casefold() == "archived":
            left_out.archived.append(text(one, "name"))
            return False
        return True

    def _client(self) -> Client:
        token = given.secret(NAME, self.options, "token", self._context)
        headers = {"authorization": f"Bearer {token}"}
        return Client("Lattice", self._url, headers=headers, progress=self._context.progress)


@dataclass
class _Reader:
    """Asks for goals and their owners, not faster than it may."""

    api: Api
    base: str
    apart: float
    """Seconds between two requests."""
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    asked: float = float("-inf")
    refused: int = 0

    def goals(self, state: str) -> list[Mapping[str, Any]]:
        """All goals, page by page. A recording holds them whole."""
        if isinstance(self.api, Recording):
            answer = self.api.get("v1/goals")
            if not isinstance(below(answer).get("data"), list):
                raise InputError(
                    "is no answer of Lattice: it has no list called data",
                    place=Place(f"{self.api.shown}/v1/goals.json"),
                )
            return each(answer, "data")
        found: list[Mapping[str, Any]] = []
        query: dict[str, str | int] = {"limit": _PAGE, **({"state": state} if state else {})}
        cursors: set[str] = set()
        for _ in range(MOST_PAGES):
            answer = self.get("v1/goals", query)
            if not isinstance(below(answer).get("data"), list):
                raise ServiceError("Lattice: v1/goals gave something that is no list")
            found += each(answer, "data")
            cursor = text(answer, "endingCursor")
            if not truth(answer, "hasMore"):
                return found
            if not cursor or cursor in cursors:
                break
            cursors.add(cursor)
            query["startingAfter"] = cursor
        raise ServiceError("Lattice: v1/goals never comes to an end")

    def owner(self, goal: Mapping[str, Any]) -> str:
        """Who owns a goal; '' where nobody does, or it may not be known."""
        path = f"v1/goal/{text(goal, 'id')}/owners"
        if isinstance(self.api, Recording):
            return _names(self.api.get(path)) if self.api.find(path) else ""
        url = urlsplit(text(goal, "owners", "url"))
        if url.netloc and url.netloc == urlsplit(self.base).netloc:  # the key goes nowhere else
            path = url.path.lstrip("/")
        try:
            return _names(self.get(path))
        except Refused as error:
            if error.status not in {403, 404}:
                raise
            self.refused += 1
            return ""

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """One answer, once enough time has passed since the one before."""
        wait = self.apart - (self.monotonic() - self.asked)
        if wait > 0:
            self.sleep(wait)
        self.asked = self.monotonic()
        return self.api.get(path, query)

    def gaps(self) -> Iterator[Gap]:
        """What was not to be had."""
        if self.refused:
            message = f"Lattice does not say who owns {self.refused:,} of its goals"
            yield Gap(topic="owners", message=message, hint="may the key read users?", origin=Origin(NAME))


def _names(answer: Any) -> str:
    names = [text(one, "name") for one in each(answer, "data")]
    return ", ".join(dict.fromkeys(name for name in names if name))


def _goal(one: Mapping[str, Any], owner: str, context: Context) -> Goal:
    measure = text(one, "amountType").casefold()
    binary = measure == "binary"
    current = None if binary else number(one, "currentAmount")
    status = text(one, "status")
    completed = _day(one, "completedAt")
    sort = _SORTS.get(text(one, "okrType"), "")
    return Goal(
        key=text(one, "id"),
        title=text(one, "name") or text(one, "id"),
        sort="deliverable" if binary and sort != "objective" else sort,
        parent=text(one, "parentGoal", "id"),
        description=text(one, "description"),
        owner=text(one, "department", "name") or owner,
        url=text(one, "url") if text(one, "url").startswith(("https://", "http://")) else "",
        tags=tuple(tag for tag in (status, text(one, "goalType")) if tag),
        start=day(one, "startDate"),
        end=day(one, "dueDate"),
        state=_STATES.get(text(one, "state").casefold(), ""),
        baseline=None if binary else number(one, "startingAmount"),
        target=None if binary else number(one, "endingAmount"),
        current=current,
        read=None if current is None else _day(one, "updatedAt") or context.now.date(),
        unit=_UNITS.get(measure, ""),
        done=completed is not None,
        done_on=completed,
    )


def _day(one: Mapping[str, Any], name: str) -> date | None:
    """The day of a time in seconds since 1970."""
    seconds = number(one, name)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).date()
    except (OverflowError, ValueError, OSError):
        return None
