"""The connector `asana`: goals of Asana with their metrics and what they support."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from headway.config import Option
from headway.connectors import given
from headway.connectors.api import Recording, answers
from headway.connectors.fields import below, day, each, number, text
from headway.connectors.goal_tree import Goal, LeftOut, records
from headway.connectors.protocol import Context
from headway.errors import ConfigError, InputError, Place, ServiceError
from headway.graph.model import AnyRecord
from headway.remote import Api, Client, checked_url

NAME = "asana"
API = "api/1.0"
URL = "https://app.asana.com"
CLOSED = frozenset({"achieved", "partial", "missed", "dropped"})
MOST_PAGES = 10_000
_PAGE = 100
_FIELDS = (
    "gid,name,notes,start_on,due_on,status,privacy_setting,owner.name,team.name,"
    "time_period.display_name,time_period.start_on,time_period.end_on,"
    "metric.unit,metric.currency_code,metric.initial_number_value,metric.target_number_value,"
    "metric.current_number_value,metric.progress_source"
)
_LINKS = "resource_subtype,supporting_resource.gid,supporting_resource.resource_type,contribution_weight"


class Asana:
    """Reads the goals of an Asana workspace, team or portfolio through its API, or recorded answers from a folder.

    Yields objectives, key results with their targets and current values, and how they support one another; then gaps
    for private goals and for those without a number.

    Raises ConfigError for options that cannot be, InputError for a folder without answers, MissingExtra without the
    extra `bi`, ServiceError when Asana cannot be reached or refuses.
    """

    name: ClassVar[str] = NAME
    sync_only: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("url", str, "", help=f"where Asana is, if not {URL}"),
        Option("token", str, help="personal access token or service account", env="HEADWAY_ASANA_TOKEN", secret=True),
        Option("workspace", str, "", help="gid of the workspace whose goals are read"),
        Option("team", str, "", help="gid of a team: only its goals"),
        Option("portfolio", str, "", help="gid of a portfolio: only the goals that it supports"),
        Option("time_periods", list, [], help="gids of time periods: only goals of these"),
        Option("private", bool, False, help="read private goals too, as far as the token sees them"),
        Option("export", str, "", help="folder with recorded answers, such as api/1.0/goals.json"),
    )

    def __init__(self, options: Mapping[str, Any], context: Context) -> None:
        self._context = context
        values = given.checked(NAME, self.options, options)
        self._export: str = values["export"]
        self._url = checked_url("Asana", values["url"] or URL)
        self._private: bool = values["private"]
        self._where = {name: values[name] for name in ("workspace", "team", "portfolio") if values[name]}
        if not self._export and not self._where:
            raise ConfigError(f"{NAME} needs workspace, team or portfolio", hint='workspace: "1200000000000001"')
        periods = values["time_periods"]
        if not all(isinstance(gid, str | int) for gid in periods):
            raise ConfigError(f"option time_periods of {NAME} is not a list of gids")
        if periods:
            self._where["time_periods"] = ",".join(str(gid) for gid in periods)

    def records(self) -> Iterator[AnyRecord]:
        """Every goal, and what could not be had."""
        with answers(NAME, self._context.root, self._export, self._client) as api:
            reader = _Reader(api, self._context)
            goals = reader.pages("goals", self._where, _FIELDS)
            left_out = LeftOut()
            seen = [goal for goal in goals if self._seen(goal, left_out)]
            links = reader.links([text(goal, "gid") for goal in seen])
        read = [_goal(goal, links, self._context) for goal in seen]
        yield from records(NAME, "Asana", read, left_out, hint_private="private: true reads them")

    def _seen(self, goal: Mapping[str, Any], left_out: LeftOut) -> bool:
        if not text(goal, "gid"):
            left_out.broken.append("a goal of Asana has no gid and is left out")
            return False
        private = text(goal, "privacy_setting").startswith("private") and not self._private
        left_out.private += private
        return not private

    def _client(self) -> Client:
        token = given.secret(NAME, self.options, "token", self._context)
        headers = {"authorization": f"Bearer {token}"}
        return Client("Asana", self._url, headers=headers, progress=self._context.progress)


class _Reader:
    """Lists, page by page."""

    def __init__(self, api: Api, context: Context) -> None:
        self._api = api
        self._context = context

    def pages(self, path: str, query: Mapping[str, str], fields: str) -> list[Mapping[str, Any]]:
        """Everything in a list. A recording holds it whole."""
        if isinstance(self._api, Recording):
            return self._recorded(self._api, path, query)
        found: list[Mapping[str, Any]] = []
        asked: dict[str, str | int] = {**query, "limit": _PAGE, "opt_fields": fields}
        offsets: set[str] = set()
        for _ in range(MOST_PAGES):
            answer = self._api.get(f"{API}/{path}", asked)
            if not isinstance(below(answer).get("data"), list):
                raise ServiceError(f"Asana: {path} gave something that is no list")
            found += each(answer, "data")
            offset = text(answer, "next_page", "offset")
            if not offset:
                return found
            if offset in offsets:
                break
            offsets.add(offset)
            asked["offset"] = offset
        raise ServiceError(f"Asana: {path} never comes to an end")

    def _recorded(self, recording: Recording, path: str, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """Goals in `goals.json`; goals below one in `goal_relationships@supported_goal=GID.json`, if there are any."""
        which = {"supported_goal": query["supported_goal"]} if "supported_goal" in query else None
        if which and recording.find(f"{API}/{path}", which) is None:
            return []
        answer = recording.get(f"{API}/{path}", which)
        if not isinstance(below(answer).get("data"), list):
            place = Place(f"{recording.shown}/{API}/{path}.json")
            raise InputError("is no answer of Asana: it has no list called data", place=place)
        return each(answer, "data")

    def links(self, gids: list[str]) -> Mapping[str, dict[str, float | None]]:
        """Goal -> the goals that it supports, with the weight with which it does."""
        above: dict[str, dict[str, float | None]] = defaultdict(dict)
        known = set(gids)
        for done, gid in enumerate(gids):
            self._context.progress("goals of Asana", done, len(gids))
            found = self.pages("goal_relationships", {"supported_goal": gid}, _LINKS)
            subgoals = {
                text(one, "supporting_resource", "gid"): number(one, "contribution_weight")
                for one in found
                if text(one, "resource_subtype") == "subgoal"
            }
            counted = any(subgoals.values())
            for sub, weight in subgoals.items():
                if sub in known:
                    above[sub][gid] = weight if counted else None
        return above


def _goal(one: Mapping[str, Any], links: Mapping[str, Mapping[str, float | None]], context: Context) -> Goal:
    gid, metric, period = text(one, "gid"), below(one, "metric"), below(one, "time_period")
    above = links.get(gid, {})
    first = next(iter(above), "")
    weight = above.get(first)
    status = text(one, "status")
    source = text(metric, "progress_source")
    current = number(metric, "current_number_value")
    return Goal(
        key=gid,
        title=text(one, "name") or gid,
        parent=first,
        further=tuple(above)[1:],
        description=text(one, "notes"),
        owner=text(one, "team", "name") or text(one, "owner", "name"),
        tags=(status,) if status else (),
        period=text(period, "display_name"),
        start=day(one, "start_on") or day(period, "start_on"),
        end=day(one, "due_on") or day(period, "end_on"),
        weight=1.0 if weight is None or weight < 0 else weight,
        state=_state(status),
        baseline=number(metric, "initial_number_value"),
        target=number(metric, "target_number_value"),
        current=current,
        read=None if current is None else context.now.date(),
        unit=_unit(metric),
        rolled_up=source == "subgoal_progress",
        done=status in CLOSED,
    )


def _state(status: str) -> Literal["", "ended"]:
    return "ended" if status in CLOSED else ""


def _unit(metric: Mapping[str, Any]) -> str:
    unit = text(metric, "unit")
    if unit == "currency":
        return text(metric, "currency_code")
    return "percent" if unit == "percentage" else ""
