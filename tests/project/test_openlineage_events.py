"""OpenLineage events: what the official client makes of a project, and what is said without it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.shop import GOALS, write_shop

from headway.cli.main import run
from headway.project import Project
from headway.project.openlineage_events import events


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    more = "      - {id: q, title: Q, sql: \"select count(*) from wh.main.forgotten where name = 'Zoe'\"}\n"
    return write_shop(tmp_path, goals=GOALS + more)


def test_without_the_client_it_says_what_to_install(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openlineage.client.event_v2", None)
    assert run(["export", "openlineage", "--project-dir", str(shop)]) == 2
    said = capsys.readouterr()
    assert "headway[openlineage]" in said.err
    assert said.out == ""


def test_models_and_key_results_are_jobs_with_tables_tags_and_owners(shop: Path) -> None:
    pytest.importorskip("openlineage.client.event_v2")
    lines = list(events(Project.open(shop), namespace="postgres://db.example:5432"))
    jobs = {(e := json.loads(line))["job"]["name"]: e for line in lines}
    assert list(jobs) == ["model.shop.orders", "model.shop.forgotten", "key_result.grow.revenue", "key_result.grow.q"]
    orders, revenue = jobs["model.shop.orders"], jobs["key_result.grow.revenue"]
    assert orders["inputs"][0]["name"] == "wh.raw.raw_orders"
    assert (orders["outputs"][0]["namespace"], orders["outputs"][0]["name"]) == (
        "postgres://db.example:5432",
        "wh.main.orders",
    )
    assert orders["job"]["facets"]["tags"]["tags"] == [{"key": "objective", "value": "grow", "source": "HEADWAY"}]
    # A key result reads the tables below its metric, not the metric, and writes none.
    assert [i["name"] for i in revenue["inputs"]] == ["wh.main.orders"]
    assert revenue["outputs"] == []
    assert revenue["job"]["facets"]["ownership"]["owners"] == [{"name": "team:sales-team", "type": "OWNER"}]
    assert [i["name"] for i in jobs["key_result.grow.q"]["inputs"]] == ["wh.main.forgotten"]
    assert "Zoe" not in "".join(lines)


def test_every_event_and_facet_names_its_schema_and_the_same_project_gives_the_same_events(shop: Path) -> None:
    pytest.importorskip("openlineage.client.event_v2")
    first, second = (list(events(Project.open(shop))) for _ in range(2))
    assert first == second
    for line in first:
        event = json.loads(line)
        assert event["schemaURL"].endswith("#/$defs/JobEvent")
        assert event["eventTime"] == "2026-11-22T00:00:00Z"
        for facet in event["job"]["facets"].values():
            assert facet["_schemaURL"].startswith("https://openlineage.io/spec/")
            assert facet["_producer"] == event["producer"]
    assert "\n" not in "".join(first)
