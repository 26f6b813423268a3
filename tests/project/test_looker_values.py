"""A key result bound to a measure that only Looker can compute: from LookML and a server to its reading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.connectors import looker_site
from tests.connectors.http_server import Answer, Request, Server
from tests.shop import GOALS, SETTINGS, write_shop

from headway.graph.model import Reading
from headway.project.workspace import Project

VIEW = """
view: orders {
  sql_table_name: main.orders ;;
  dimension_group: ordered { type: time timeframes: [date, month] sql: ${TABLE}.ordered_at ;; }
  measure: margin { type: number sql: {% if orders.ordered_date._in_query %} 1 {% else %} 2 {% endif %} ;; }
  measure: amount { type: sum sql: ${TABLE}.amount ;; }
}
explore: orders {}
"""
EXPLORE = {
    "name": "orders",
    "view_name": "orders",
    "fields": {
        "dimensions": [
            {"name": "orders.ordered_date", "type": "date_date", "dimension_group": "orders.ordered"},
            {"name": "orders.ordered_month", "type": "date_month", "dimension_group": "orders.ordered"},
        ],
        "measures": [{"name": "orders.margin", "type": "number"}, {"name": "orders.amount", "type": "sum"}],
    },
}
CONNECTORS = """
connectors:
  - {{name: lookml, path: looker}}
  - {{name: looker, url: "{url}", lookml: true{more}}}
"""
GOAL = "goal:key_result.grow.revenue"


@pytest.fixture
def server() -> Iterator[Server]:
    """A Looker that answers 4 for September, 5 for October and 6 for November, or 42 for all of it."""
    routes = looker_site.routes()
    activity = routes[f"POST {looker_site.API}/queries/run/json"]

    def run(request: Request) -> Answer:
        if request.json["model"] == "system__activity":
            found: Answer = activity(request)
            return found
        measure = request.json["fields"][-1]
        if len(request.json["fields"]) == 1:
            return Answer([{measure: 42}])
        months = {"2026-11": 6, "2026-10": 5, "2026-09": 4}
        return Answer([{"orders.ordered_month": month, measure: value} for month, value in months.items()])

    routes[f"POST {looker_site.API}/queries/run/json"] = run
    routes[f"{looker_site.API}/lookml_models/tea/explores/orders"] = EXPLORE
    with Server(routes) as running:
        yield running


def shop(folder: Path, server: Server, binding: str, more: str = "") -> Path:
    connectors = CONNECTORS.format(url=server.url, more=more)
    goals = GOALS.replace("metric: revenue\n", f"{binding}\n").replace("[sales_board]", "[]")
    write_shop(folder, goals=goals, settings=f"{SETTINGS}{connectors}")
    (folder / "looker").mkdir(exist_ok=True)
    (folder / "looker" / "tea.model.lkml").write_text(VIEW)
    return folder


def synced(folder: Path, **environment: str) -> tuple[list[Reading], list[str]]:
    """Readings of the key result, and what was said about values."""
    keys = {
        "HEADWAY_LOOKER_CLIENT_ID": "id",
        "HEADWAY_LOOKER_CLIENT_SECRET": "secret",
        "HEADWAY_PEOPLE_KEY": "a-key-for-tests-only",
    }
    project = Project.open(folder, environment={**keys, **environment})
    (values,) = (r for r in project.sync() if r.connector == "values")
    assert not values.error
    graph = Project.open(folder).graph()
    assert "secret" not in repr(graph.readings)
    return list(graph.readings.get(graph.index[GOAL], ())), [gap.message for gap in values.gaps]


def test_a_measure_with_liquid_has_a_reading_per_month(tmp_path: Path, server: Server) -> None:
    # there is no dbt profile here: a warehouse that nothing is asked of is not connected to
    folder = shop(tmp_path, server, "metric: orders.margin\n        grain: month")
    readings, said = synced(folder)
    assert said == []
    assert [(str(r.day), r.value, r.complete, r.source) for r in readings] == [
        ("2026-09-01", 4.0, True, "looker"),
        ("2026-10-01", 5.0, True, "looker"),
        ("2026-11-01", 6.0, False, "looker"),
    ]
    query = json.loads(readings[-1].proof)
    assert (query["model"], query["view"]) == ("tea", "orders")
    assert query["fields"] == ["orders.ordered_month", "orders.margin"]
    assert query["filters"] == {"orders.ordered_date": "2025-10-01 to 2026-11-23"}


def test_the_value_to_date_is_that_of_the_days_of_the_key_result(tmp_path: Path, server: Server) -> None:
    readings, said = synced(shop(tmp_path, server, "metric: orders.margin"))
    assert said == []
    assert [(str(r.day), r.value, r.grain) for r in readings] == [("2026-11-22", 42.0, "")]
    assert json.loads(readings[0].proof)["filters"] == {"orders.ordered_date": "2026-10-01 to 2026-11-23"}


def test_the_warehouse_goes_first_unless_looker_is_preferred(tmp_path: Path, server: Server) -> None:
    readings, said = synced(shop(tmp_path, server, "metric: orders.amount"))
    assert readings == []
    assert "the key results could not be evaluated" in said[0], "without a profile there is no warehouse"
    readings, said = synced(shop(tmp_path, server, "metric: orders.amount", more=", evaluate: true"))
    assert [r.value for r in readings] == [42.0]
    assert said == []


def test_a_looker_that_cannot_be_asked_is_a_gap(tmp_path: Path, server: Server) -> None:
    readings, said = synced(shop(tmp_path, server, "metric: orders.margin"), HEADWAY_LOOKER_CLIENT_SECRET="")
    assert readings == []
    assert said == [
        "looker could not be asked for key results: looker needs HEADWAY_LOOKER_CLIENT_SECRET in the environment"
    ]


def test_a_condition_that_looker_cannot_be_told_is_a_gap(tmp_path: Path, server: Server) -> None:
    binding = 'metric: orders.margin\n        where: ["orders.amount > 3"]'
    readings, (said,) = synced(shop(tmp_path, server, binding))
    assert readings == []
    assert "a condition is not `field = value`" in said
