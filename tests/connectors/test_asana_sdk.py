"""Asana's own Python client as the oracle: it is made from Asana's OpenAPI, with its paths, types and enumerations.

Version 4 of it, the last whose answers are typed. What the test server says must be what the client can read, what
Headway asks must be what the client would ask, and both must see the same goals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asana as sdk
import pytest
from goal_five import FIVE
from http_server import Request, Server
from test_asana import TOKEN, WORKSPACE, AsanaServer, goal

from headway.connectors.asana import _FIELDS, _LINKS, Asana
from headway.connectors.protocol import Context
from headway.graph.model import Node, Target
from headway.sinks.asana_values import _FIELDS as METRIC_FIELDS
from headway.sinks.asana_values import AsanaValues
from headway.sinks.protocol import Setting
from headway.sinks.values import Value

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
NEWER = {"privacy_setting"}
"""In the API, and not yet in the client's version."""


def client(url: str) -> Any:
    """Asana's client, asking the test's server."""
    settings = sdk.Configuration()
    settings.host = f"{url}/api/1.0"
    settings.access_token = TOKEN
    return sdk.ApiClient(settings)


@pytest.fixture
def server() -> Iterator[AsanaServer]:
    there = AsanaServer()
    there.set(FIVE)
    with there.server:
        yield there


def headway(server: AsanaServer) -> list[Any]:
    options = {"url": server.server.url, "workspace": WORKSPACE, "private": True}
    return list(Asana(options, Context("/", NOW, {"HEADWAY_ASANA_TOKEN": TOKEN})).records())


def theirs(server: AsanaServer) -> list[Any]:
    """All goals, page by page, by Asana's client."""
    found: list[Any] = []
    more: dict[str, Any] = {}
    while True:
        page = sdk.GoalsApi(client(server.server.url)).get_goals(
            workspace=WORKSPACE, limit=100, opt_fields=_FIELDS.split(","), **more
        )
        found += page.data
        if not page.next_page:
            return found
        more = {"offset": page.next_page.offset}


def typed(fields: str, model: str) -> Iterator[str]:
    """The fields that a model does not have, each with the place where it ends."""
    for path in fields.split(","):
        name = model
        for step in path.split("."):
            types = getattr(sdk, name).swagger_types
            if step not in types:
                yield path
                break
            name = types[step]


@pytest.mark.parametrize(
    ("fields", "model"),
    [(_FIELDS, "GoalResponse"), (_LINKS, "GoalRelationshipResponse"), (METRIC_FIELDS, "GoalResponse")],
)
def test_every_field_that_is_asked_for_is_one_of_the_api(fields: str, model: str) -> None:
    assert set(typed(fields, model)) <= NEWER
    assert set(typed("name,metric.colour,hue", "GoalResponse")) == {"metric.colour", "hue"}


def test_what_the_server_of_the_tests_says_fits_the_api() -> None:
    """Field by field; the client itself passes over what it does not know."""

    def unknown(data: Any, model: str) -> Iterator[str]:
        for key, value in data.items():
            types = getattr(sdk, model).swagger_types
            if key not in types:
                yield key
            elif isinstance(value, dict):
                yield from unknown(value, types[key])

    for row in FIVE:
        assert set(unknown(goal(row), "GoalResponse")) <= NEWER


def test_both_read_the_same_goals(server: AsanaServer) -> None:
    seen = {one.gid: one for one in theirs(server)}
    records = headway(server)
    names = {r.id.removeprefix("asana:"): r.title for r in records if isinstance(r, Node)}
    assert len(seen) > 5
    assert {key: names[key] for key in seen} == {key: one.name for key, one in seen.items()}
    targets = {r.key_result.removeprefix("asana:"): r for r in records if isinstance(r, Target)}
    measured = {key: one.metric for key, one in seen.items() if one.metric}
    assert measured
    for key, metric in measured.items():
        target = targets.get(key) or targets[f"{key}.number"]
        assert (target.baseline, target.target) == (metric.initial_number_value, metric.target_number_value)


def asked(server: Server) -> list[tuple[str, str, dict[str, Any]]]:
    """What was asked: fields as a set, since their order is free."""
    return [
        (r.method, r.path, {k: set(v.split(",")) if k == "opt_fields" else v for k, v in r.query.items()})
        for r in server.seen
    ]


def test_both_ask_for_the_same(server: AsanaServer) -> None:
    theirs(server)
    links = sdk.GoalRelationshipsApi(client(server.server.url))
    for row in FIVE:
        links.get_goal_relationships(row.key, limit=100, opt_fields=_LINKS.split(","))
    wanted = asked(server.server)
    server.server.seen.clear()
    headway(server)
    ours = asked(server.server)
    assert [one for one in ours if one[1].endswith("/goals")] == [one for one in wanted if one[1].endswith("/goals")]
    assert all(one in wanted for one in ours)


def test_a_value_is_written_as_the_client_writes_it() -> None:
    seen: list[tuple[str, str, Any]] = []

    def take(request: Request) -> Any:
        seen.append((request.method, request.path, json.loads(request.body)))
        return there(request)

    def there(_: Request) -> Any:
        metric = {"progress_source": "external", "can_manage": True, "current_number_value": 1.0}
        return {"data": {"gid": "7", "metric": metric}}

    routes = {"/api/1.0/goals/7": there, "POST /api/1.0/goals/7/setMetricCurrentValue": take}
    with Server(routes) as server:
        value = sdk.GoalMetricCurrentValueRequest(current_number_value=4.5)
        sdk.GoalsApi(client(server.url)).update_goal_metric(sdk.GoalGidSetMetricCurrentValueBody(value), "7")
        sink = AsanaValues({"url": server.url}, Setting("/", NOW, {"HEADWAY_ASANA_TOKEN": TOKEN}))
        item = Value("asana:7", "7", "Revenue", 4.5, NOW.date(), "", ours=(1.0,))
        assert [done.outcome for done in sink.deliver([item], dry_run=False)] == ["sent"]
    assert len(seen) == 2
    assert seen[0] == seen[1]
