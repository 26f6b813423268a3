"""Asana: from recorded answers, and from a server that holds requests and answers against a strict schema of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from goal_five import FIVE, Row, Synced, check_five, check_followed
from http_server import Answer, Request, Server

from headway.connectors.asana import Asana
from headway.connectors.protocol import Context
from headway.errors import ConfigError, ServiceError
from headway.graph.model import Gap, Node, Objective, Target
from headway.remote import Client
from headway.testing import ConnectorConformance

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TOKEN = "2/1200/77:tea"
WORKSPACE = "900"

# Fields, types and enumerations as the reference documents them; everything else is refused.
_TEXT, _NUMBER, _DAY = {"type": "string"}, {"type": ["number", "null"]}, {"type": ["string", "null"], "format": "date"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}


GOAL = {
    "type": "object",
    "additionalProperties": False,
    "required": ["gid"],
    "properties": {
        "gid": {"type": "string", "pattern": "^[0-9]+$"},
        "resource_type": {"const": "goal"},
        "name": _TEXT,
        "notes": _TEXT,
        "start_on": _DAY,
        "due_on": _DAY,
        "status": {"enum": ["green", "yellow", "red", "missed", "achieved", "partial", "dropped", None]},
        "privacy_setting": {"enum": ["public_to_workspace", "private_to_team", "private"]},
        "owner": _object(gid=_TEXT, name=_TEXT),
        "team": _object(gid=_TEXT, name=_TEXT),
        "time_period": _object(gid=_TEXT, display_name=_TEXT, start_on=_DAY, end_on=_DAY),
        "metric": _object(
            gid=_TEXT,
            unit={"enum": ["none", "currency", "percentage"]},
            currency_code={"type": ["string", "null"]},
            initial_number_value=_NUMBER,
            target_number_value=_NUMBER,
            current_number_value=_NUMBER,
            progress_source={
                "enum": [
                    "manual",
                    "subgoal_progress",
                    "project_task_completion",
                    "project_milestone_completion",
                    "task_completion",
                    "external",
                ]
            },
        ),
    },
}
RELATIONSHIP = {
    "type": "object",
    "additionalProperties": False,
    "required": ["gid", "resource_subtype", "supporting_resource"],
    "properties": {
        "gid": _TEXT,
        "resource_subtype": {"enum": ["subgoal", "supporting_work"]},
        "supporting_resource": _object(gid=_TEXT, resource_type=_TEXT),
        "contribution_weight": {"type": "number", "minimum": 0, "maximum": 1},
    },
}
PAGE = {"type": ["object", "null"], "required": ["offset", "path", "uri"]}


def goal(row: Row) -> dict[str, Any]:
    """One goal as Asana has it."""
    numbers = row.numbers
    metric = numbers and {
        "gid": f"9{row.key}",
        "unit": "currency",
        "currency_code": "EUR",
        "initial_number_value": numbers[0],
        "target_number_value": numbers[1],
        "current_number_value": numbers[2],
        "progress_source": "external",
    }
    return {
        "gid": row.key,
        "name": row.title,
        "notes": "",
        "start_on": None,
        "due_on": "2026-12-31",
        "status": "achieved" if row.closed else "green",
        "privacy_setting": "private" if row.private else "public_to_workspace",
        "owner": {"gid": "1", "name": "Harbour lead"},
        "team": {"gid": "2", "name": "Harbour team"},
        "time_period": {"gid": "3", "display_name": "Q4 FY26", "start_on": "2026-10-01", "end_on": "2026-12-31"},
        "metric": metric or None,
    }


class AsanaServer:
    """Goals and their relationships, three a page."""

    def __init__(self) -> None:
        self.rows: Sequence[Row] = ()
        self.weights: dict[str, float] = {}
        self.server = Server({"/api/1.0/goals": self.goals, "/api/1.0/goal_relationships": self.relationships})

    def set(self, rows: Sequence[Row]) -> None:
        """Asana does not archive goals: those are not there."""
        self.rows = [row for row in rows if not row.archived]

    def goals(self, request: Request) -> Any:
        if request.query.get("workspace") != WORKSPACE:
            return Answer({"errors": [{"message": "workspace: missing"}]}, status=400)
        return self.page(request, [goal(row) for row in self.rows], GOAL)

    def relationships(self, request: Request) -> Any:
        below = [row for row in self.rows if row.parent == request.query["supported_goal"]]
        found: list[dict[str, Any]] = [
            {
                "gid": f"7{row.key}",
                "resource_subtype": "subgoal",
                "supporting_resource": {"gid": row.key, "resource_type": "goal"},
                "contribution_weight": self.weights.get(row.key, 1.0),
            }
            for row in below
        ]
        found.append(
            {
                "gid": "799",
                "resource_subtype": "supporting_work",
                "supporting_resource": {"gid": "555", "resource_type": "project"},
            }
        )
        return self.page(request, found, RELATIONSHIP)

    def page(self, request: Request, all_: list[dict[str, Any]], schema: Mapping[str, Any]) -> Any:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer({"errors": [{"message": "Not Authorized"}]}, status=401)
        assert 1 <= int(request.query["limit"]) <= 100
        for one in all_:
            jsonschema.validate(one, schema)
        asked = {field.partition(".")[0] for field in request.query["opt_fields"].split(",")} | {"gid"}
        assert asked <= set(schema["properties"]), "a field is asked for that there is not"
        at = int(request.query.get("offset", "tok0").removeprefix("tok"))
        more = at + 3 < len(all_)
        following = {"offset": f"tok{at + 3}", "path": "/x", "uri": "https://x.example"} if more else None
        return {
            "data": [{k: v for k, v in one.items() if k in asked} for one in all_[at : at + 3]],
            "next_page": following,
        }


@pytest.fixture
def asana() -> Iterator[AsanaServer]:
    there = AsanaServer()
    there.set(FIVE)
    with there.server:
        yield there


def read(asana: AsanaServer, **options: Any) -> list[Any]:
    context = Context("/", NOW, {"HEADWAY_ASANA_TOKEN": TOKEN})
    return list(Asana({"url": asana.server.url, "workspace": WORKSPACE, **options}, context).records())


class TestConformance(ConnectorConformance):
    """The promises of a connector, on recorded answers."""

    connector = Asana

    def recording(self, folder: Path) -> Mapping[str, Any]:
        api = folder / "asana/api/1.0"
        api.mkdir(parents=True)
        (api / "goals.json").write_text(json.dumps({"data": [goal(r) for r in FIVE if not r.archived]}))
        for row in FIVE:
            below = [
                {"resource_subtype": "subgoal", "supporting_resource": {"gid": r.key}}
                for r in FIVE
                if r.parent == row.key
            ]
            if below:
                (api / f"goal_relationships@supported_goal={row.key}.json").write_text(json.dumps({"data": below}))
        return {"export": "asana"}

    def input_file(self, folder: Path, options: Mapping[str, Any]) -> Path:
        return folder / "asana/api/1.0/goals.json"

    def test_a_recording_gives_the_same_tree(self, tmp_path: Path) -> None:
        records = list(Asana(self.recording(tmp_path), Context(str(tmp_path), NOW)).records())
        check_five(records, "asana", archived=False)


def test_five_levels_over_pages(asana: AsanaServer) -> None:
    records = read(asana)
    check_five(records, "asana", archived=False)
    assert asana.server.asked.count("GET /api/1.0/goals") == 3
    revenue = next(r for r in records if isinstance(r, Target) and r.key_result == "asana:105")
    assert (revenue.unit, str(revenue.start), str(revenue.due)) == ("EUR", "2026-10-01", "2026-12-31")
    assert next(r for r in records if isinstance(r, Node) and r.id == "asana:105").owner == "Harbour team"


def test_goals_are_followed_by_their_id(asana: AsanaServer, tmp_path: Path) -> None:
    options = {"url": asana.server.url, "workspace": WORKSPACE}
    synced = Synced(tmp_path / "p", "asana", options, {"HEADWAY_ASANA_TOKEN": TOKEN})
    check_followed(synced, asana.set, "asana")


def test_private_goals_are_read_when_asked(asana: AsanaServer) -> None:
    records = read(asana, private=True)
    assert any(isinstance(r, Node) and r.title == "Buy out a rival" for r in records)
    assert not any("private" in r.message for r in records if isinstance(r, Gap))


def test_contribution_weights_are_weights(asana: AsanaServer) -> None:
    asana.weights = {"105": 0.25, "106": 0.75}
    weights = {r.key_result: r.weight for r in read(asana) if isinstance(r, Target)}
    assert weights == {"asana:105": 0.25, "asana:106": 0.75}


def test_no_contribution_at_all_means_equal_ones(asana: AsanaServer) -> None:
    asana.weights = {"105": 0.0, "106": 0.0}
    assert {r.weight for r in read(asana) if isinstance(r, Target)} == {1.0}


def test_a_goal_with_goals_below_has_its_own_number_beside_them(asana: AsanaServer) -> None:
    asana.set([*FIVE[:4], Row("105", "Revenue", "104", (1.0, 2.0, 1.5)), Row("109", "North", "105", (0.0, 4.0, 1.0))])
    records = read(asana)
    kinds = {r.id: r.kind for r in records if isinstance(r, Node)}
    assert (kinds["asana:105"], kinds["asana:105.number"], kinds["asana:109"]) == (
        "objective",
        "key_result",
        "key_result",
    )


def test_closed_goals_stay_and_are_ended(asana: AsanaServer) -> None:
    asana.set([Row("101", "Done", closed=True)])
    assert [r.state for r in read(asana) if isinstance(r, Objective)] == ["ended"]


def test_a_wrong_token_is_one_sentence(asana: AsanaServer) -> None:
    context = Context("/", NOW, {"HEADWAY_ASANA_TOKEN": "other"})
    with pytest.raises(ServiceError, match="credentials are wrong") as raised:
        list(Asana({"url": asana.server.url, "workspace": WORKSPACE}, context).records())
    assert "other" not in str(raised.value)


def test_a_429_is_waited_out(asana: AsanaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("headway.connectors.asana.Client", partial(Client, sleep=waited.append))
    busy = [True]

    def goals(request: Request) -> Any:
        if busy:
            busy.pop()
            return Answer({}, status=429, headers={"Retry-After": "7"})
        return asana.goals(request)

    asana.server.routes["/api/1.0/goals"] = goals
    check_five(read(asana), "asana", archived=False)
    assert 7.0 in waited


def test_a_list_without_an_end_is_noticed(asana: AsanaServer) -> None:
    asana.server.routes["/api/1.0/goals"] = {"data": [], "next_page": {"offset": "again"}}
    with pytest.raises(ServiceError, match="never comes to an end"):
        read(asana)


@pytest.mark.parametrize("options", [{}, {"workspace": 900}, {"workspace": "1", "time_periods": [{}]}, {"space": "1"}])
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Asana(options, Context("/", NOW))
