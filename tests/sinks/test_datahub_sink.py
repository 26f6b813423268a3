"""What arrives in DataHub, checked by its own SDK: only our parts, none of what people wrote, whole after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datahub.specific.aspect_helpers.domains", reason="needs the extra datahub", exc_type=ImportError)
pytest.importorskip("httpx")

from tests.shop import GOALS, SETTINGS, manifest, write_shop
from tests.sinks.gms import Gms, patched, timeless

from headway.cli.main import run
from headway.errors import ConfigError, ServiceError
from headway.graph.model import Node
from headway.project import Project
from headway.project.catalog_send import in_file, send
from headway.remote import Client
from headway.sinks.catalog import CatalogAsset, CatalogGoal, Change, Head
from headway.sinks.datahub import DataHub
from headway.sinks.datahub_proposals import ACTOR, SOURCE, on_the_wire, proposals
from headway.sinks.datahub_proposals import in_file as as_file
from headway.sinks.datahub_settings import Settings
from headway.sinks.datahub_urns import urns_of
from headway.sinks.protocol import Setting

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TERM = "urn:li:glossaryTerm:headway.grow"
MRR = "urn:li:glossaryTerm:headway.grow.revenue"
ORDERS = "urn:li:dataset:(urn:li:dataPlatform:dbt,wh.main.orders,PROD)"
RAW = "urn:li:dataset:(urn:li:dataPlatform:dbt,wh.raw.raw_orders,PROD)"
BOARD = "urn:li:dashboard:(dbt,exposure.shop.sales_board)"
STAMP = {"time": 1, "actor": "urn:li:corpuser:datahub"}
ENDED = GOALS.replace("2026-12-31", "2026-11-01")
SECRET = "s3cret-tok3n"


@pytest.fixture
def gms() -> Iterator[Gms]:
    with Gms() as there:
        there.token = SECRET
        for urn in (ORDERS, RAW, BOARD):
            there.put(urn, status={"removed": False})
        yield there


def shop(folder: Path, gms: Gms, more: str = "", goals: str = GOALS, token: str = SECRET) -> Project:
    folder.mkdir(exist_ok=True)
    settings = SETTINGS + f"catalogs: {{datahub: {{server: '{gms.url}'{more}}}}}\n"
    found = Project.open(write_shop(folder, goals=goals, settings=settings), environment={"DATAHUB_GMS_TOKEN": token})
    found.now = NOW
    return found


def sent(there: Project, **how: Any) -> dict[str, str]:
    return {one.key: one.outcome for one in send(there, "datahub", **{"write": True, **how})}


def terms(gms: Gms, urn: str) -> list[str]:
    return [one["urn"] for one in gms.things[urn].get("glossaryTerms", {}).get("terms", [])]


def properties(gms: Gms, urn: str) -> dict[str, Any]:
    found = gms.things[urn].get("structuredProperties", {}).get("properties", [])
    return {one["propertyUrn"].removeprefix("urn:li:structuredProperty:"): one["values"] for one in found}


def test_goals_are_terms_and_assets_have_those_they_serve(gms: Gms, tmp_path: Path) -> None:
    outcomes = sent(shop(tmp_path, gms))
    assert set(outcomes.values()) == {"sent"}
    info = gms.things[TERM]["glossaryTermInfo"]
    assert (info["name"], info["parentNode"]) == ("Grow sales", "urn:li:glossaryNode:headway.goals")
    assert "key results measured" in info["definition"]
    assert info["customProperties"] == {
        "id": "grow", "kind": "objective", "status": "not measured", "period": "2026-Q4",
    }  # fmt: skip
    assert gms.things[TERM]["glossaryRelatedTerms"]["hasRelatedTerms"] == [
        MRR,
        "urn:li:glossaryTerm:headway.grow.happiness",
    ]
    (owner,) = gms.things[TERM]["ownership"]["owners"]
    assert (owner["owner"], owner["type"]) == ("urn:li:corpGroup:sales-team", "BUSINESS_OWNER")
    assert gms.things[TERM]["deprecation"]["deprecated"] is False
    assert gms.things[MRR]["glossaryTermInfo"]["parentNode"] == "urn:li:glossaryNode:headway.key_results"
    for urn in (ORDERS, RAW, BOARD):
        assert terms(gms, urn) == [TERM, MRR]
        assert properties(gms, urn) == {
            "headway.objectives": [{"string": "grow"}], "headway.key_results": [{"string": "grow.revenue"}],
        }  # fmt: skip
    entities = gms.things["urn:li:structuredProperty:headway.objectives"]["propertyDefinition"]["entityTypes"]
    assert entities == [f"urn:li:entityType:datahub.{name}" for name in ("dataset", "dashboard", "chart")]
    # Definitions come before what refers to them.
    assert gms.posts.index(TERM) < gms.posts.index(ORDERS)
    assert not [urn for urn in gms.things if "forgotten" in urn]


def test_a_dry_run_says_what_would_change_and_writes_nothing(gms: Gms, tmp_path: Path) -> None:
    sentences = {one.key: one.sentence for one in send(shop(tmp_path, gms), "datahub", write=False)}
    assert sentences[TERM] == "Grow sales: term made"
    assert sentences[ORDERS] == "orders (dbt): gets the terms headway.grow and headway.grow.revenue"
    assert sentences[BOARD].startswith("Sales board (dbt): gets")
    assert gms.posts == []
    assert not (tmp_path / ".headway").exists()


def test_sent_again_nothing_is_sent_and_all_again_changes_nothing(gms: Gms, tmp_path: Path) -> None:
    sent(shop(tmp_path, gms))
    before, count = gms.plain(), len(gms.posts)
    assert set(sent(shop(tmp_path, gms)).values()) == {"same"}
    assert len(gms.posts) == count
    assert set(sent(shop(tmp_path, gms), everything=True).values()) == {"sent"}
    assert gms.plain() == before


def theirs(gms: Gms) -> None:
    """What people wrote: among it the very term and owner that Headway adds."""
    gms.put(
        ORDERS,
        glossaryTerms={"terms": [{"urn": "urn:li:glossaryTerm:pii"}, {"urn": TERM, "actor": "urn:li:corpuser:jo"}]},
        globalTags={"tags": [{"tag": "urn:li:tag:gold"}]},
        ownership={"owners": [{"owner": "urn:li:corpuser:jo", "type": "DATAOWNER"}], "lastModified": STAMP},
        structuredProperties={
            "properties": [{"propertyUrn": "urn:li:structuredProperty:tier", "values": [{"string": "1"}]}]
        },
        editableDatasetProperties={"description": "Every order.", "created": STAMP, "lastModified": STAMP},
        domains={"domains": ["urn:li:domain:sales"]},
    )
    link = {"url": "https://wiki.example/a~b/c", "description": "why", "createStamp": STAMP}
    gms.put(
        TERM,
        ownership={"owners": [{"owner": "urn:li:corpGroup:sales-team", "type": "DATAOWNER"}], "lastModified": STAMP},
        institutionalMemory={"elements": [link]},
        glossaryRelatedTerms={
            "hasRelatedTerms": ["urn:li:glossaryTerm:sales"],
            "isRelatedTerms": ["urn:li:glossaryTerm:x"],
        },
    )


@pytest.mark.parametrize("kind", ["glossary", "tags", "domains"])
def test_what_people_wrote_stays_before_during_and_after(gms: Gms, tmp_path: Path, kind: str) -> None:
    theirs(gms)
    before = timeless(gms.things)
    sent(shop(tmp_path, gms, f", as: {kind}"))
    during = gms.plain()
    for urn, aspects in before.items():
        for name, said in aspects.items():
            _holds(during[urn][name], said)
    sent(shop(tmp_path, gms, f", as: {kind}", goals=ENDED))
    for urn in (ORDERS, RAW, BOARD):
        assert _without_empty(gms.plain()[urn]) == _without_empty(before[urn])


def _without_empty(aspects: dict[str, Any]) -> dict[str, Any]:
    found = {name: {key: value for key, value in said.items() if value != []} for name, said in aspects.items()}
    return {name: said for name, said in found.items() if said}


def _holds(now: Any, before: Any) -> None:
    """Everything that stood there stands there still."""
    if isinstance(before, dict):
        for key, value in before.items():
            _holds(now[key], value)
    elif isinstance(before, list):
        assert all(one in now for one in before)
    else:
        assert now == before


def test_an_ended_objective_is_deprecated_and_taken_off_and_comes_back(gms: Gms, tmp_path: Path) -> None:
    sent(shop(tmp_path, gms))
    was = gms.plain()
    outcomes = sent(shop(tmp_path, gms, goals=ENDED))
    assert outcomes[TERM] == outcomes[ORDERS] == "sent"
    assert gms.things[TERM]["deprecation"]["deprecated"] is True
    assert "ended" in gms.things[TERM]["deprecation"]["note"]
    assert gms.things[TERM]["glossaryTermInfo"]["name"] == "Grow sales"  # what people linked to it is not lost
    assert terms(gms, ORDERS) == []
    assert properties(gms, ORDERS) == {}
    sent(shop(tmp_path, gms))
    assert gms.things[TERM]["deprecation"]["deprecated"] is False
    assert gms.plain() == was


def test_a_term_that_people_took_off_can_be_taken_back(gms: Gms, tmp_path: Path) -> None:
    sent(shop(tmp_path, gms))
    for urn in (ORDERS, TERM):
        for name in ("glossaryTerms", "structuredProperties", "ownership", "glossaryRelatedTerms"):
            gms.things[urn].pop(name, None)
    assert set(sent(shop(tmp_path, gms, goals=ENDED)).values()) <= {"sent", "same"}
    assert terms(gms, ORDERS) == []


def test_a_changed_link_owner_and_parent_replace_only_ours(gms: Gms, tmp_path: Path) -> None:
    goals = GOALS.replace("    owner: sales-team\n", "    owner: sales-team\n    url: 'https://a.example/x/~1?q=1'\n")
    sent(shop(tmp_path, gms, goals=goals))
    theirs_too = {"url": "https://wiki.example/", "description": "ours", "createStamp": STAMP}
    gms.things[TERM]["institutionalMemory"]["elements"].append(theirs_too)
    sent(
        shop(tmp_path, gms, goals=goals.replace("a.example", "b.example").replace("owner: sales-team", "owner: growth"))
    )
    links = [one["url"] for one in gms.things[TERM]["institutionalMemory"]["elements"]]
    assert sorted(links) == ["https://b.example/x/~1?q=1", "https://wiki.example/"]
    assert gms.things[TERM]["glossaryTermInfo"]["sourceUrl"] == "https://b.example/x/~1?q=1"
    assert [one["owner"] for one in gms.things[TERM]["ownership"]["owners"]] == ["urn:li:corpGroup:growth"]


def test_a_link_or_a_key_result_that_is_gone_is_taken_off_the_goal(gms: Gms, tmp_path: Path) -> None:
    sent(shop(tmp_path, gms, goals=GOALS.replace("    owner: sales-team\n", "    url: 'https://a.example/'\n")))
    link = {"url": "https://wiki.example/", "description": "why", "createStamp": STAMP}
    gms.things[TERM]["institutionalMemory"]["elements"].append(link)
    gms.things[TERM]["glossaryRelatedTerms"]["hasRelatedTerms"].append("urn:li:glossaryTerm:sales")
    sent(shop(tmp_path, gms, goals=GOALS.partition("      - id: happiness")[0]))
    assert gms.things[TERM]["institutionalMemory"]["elements"] == [link]
    assert sorted(gms.things[TERM]["glossaryRelatedTerms"]["hasRelatedTerms"]) == [MRR, "urn:li:glossaryTerm:sales"]
    assert gms.things["urn:li:glossaryTerm:headway.grow.happiness"]["deprecation"]["deprecated"] is True


def test_another_way_of_telling_takes_the_first_one_off(gms: Gms, tmp_path: Path) -> None:
    sent(shop(tmp_path, gms))
    sent(shop(tmp_path, gms, ", as: tags, key_results: false"))
    assert terms(gms, ORDERS) == []
    assert [one["tag"] for one in gms.things[ORDERS]["globalTags"]["tags"]] == ["urn:li:tag:headway.grow"]
    assert gms.things["urn:li:tag:headway.grow"]["tagProperties"]["name"] == "Grow sales"
    assert gms.things[TERM]["deprecation"]["deprecated"] is True


def test_assets_that_datahub_does_not_have_are_left_and_named(gms: Gms, tmp_path: Path) -> None:
    del gms.things[RAW]
    found = {one.key: one for one in send(shop(tmp_path, gms), "datahub", write=True)}
    assert found[RAW].outcome == "left alone"
    assert RAW in found[RAW].sentence
    assert RAW not in gms.things  # no empty thing of that name was made
    gms.put(RAW)
    assert sent(shop(tmp_path, gms))[RAW] == "sent"


def test_what_is_gone_there_needs_nothing_taken_off(gms: Gms, tmp_path: Path) -> None:
    sent(shop(tmp_path, gms))
    del gms.things[RAW]
    assert sent(shop(tmp_path, gms, goals=ENDED))[RAW] == "same"
    assert RAW not in gms.things
    assert RAW not in sent(shop(tmp_path, gms, goals=ENDED))  # nor is it asked for again


def test_what_is_no_metadata_service_is_told_from_one_that_knows_no_asset(gms: Gms, tmp_path: Path) -> None:
    shop(tmp_path, gms)
    project = Project.open(tmp_path, environment={"DATAHUB_GMS_TOKEN": SECRET})
    project.config.catalogs["datahub"]["server"] = gms.url + "/elsewhere"  # type: ignore[index]
    with pytest.raises(ServiceError, match="no metadata service of DataHub"):
        sent(project, write=False)


def test_one_that_fails_does_not_stop_the_others_and_is_tried_again(gms: Gms, tmp_path: Path) -> None:
    gms.refuse = {TERM: 400, ORDERS: 403}
    found = {one.key: one for one in send(shop(tmp_path, gms), "datahub", write=True)}
    assert {key for key, one in found.items() if one.outcome == "failed"} == {TERM, ORDERS}
    assert "older than 1.7" in found[TERM].sentence
    assert "may not change" in found[ORDERS].sentence
    assert terms(gms, BOARD) == [TERM, MRR]
    gms.refuse = {}
    outcomes = sent(shop(tmp_path, gms))
    assert {key for key, outcome in outcomes.items() if outcome == "sent"} == {TERM, ORDERS}


def test_a_refused_token_stops_all_and_is_in_no_sentence(
    gms: Gms, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ServiceError, match="credentials") as caught:
        sent(shop(tmp_path, gms, token="wrong-one"))
    assert "wrong-one" not in str(caught.value)
    monkeypatch.setenv("DATAHUB_GMS_TOKEN", SECRET)
    gms.refuse = {TERM: 400}
    assert run(["export", "datahub", "--send", "--project-dir", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "failed" in said.out
    assert "1 failed" in said.err
    assert SECRET not in said.out + said.err
    kept = (tmp_path / ".headway" / "headway.db").read_bytes()
    assert SECRET.encode() not in kept
    assert f"Bearer {SECRET}" in gms.tokens


def test_a_service_that_fails_is_asked_again_and_then_left(
    gms: Gms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(Client, "sleep", waits.append, raising=False)
    monkeypatch.setattr("headway.sinks.datahub.Client", lambda *a, **k: Client(*a, **k, sleep=waits.append))
    gms.refuse = {"*": 503}
    outcomes: list[str] = []
    with pytest.raises(ServiceError, match="503"):
        outcomes.extend(one.outcome for one in send(shop(tmp_path, gms), "datahub", write=True))
    assert len(waits) == 5 * 3  # five things, each tried four times; the rest was not tried
    gms.refuse = {}
    assert set(sent(shop(tmp_path, gms)).values()) == {"sent"}


def test_things_that_fail_here_and_there_stop_nothing(
    gms: Gms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headway.sinks.datahub.Client", lambda *a, **k: Client(*a, **k, sleep=lambda _: None))
    keys = [one.key for one in send(shop(tmp_path, gms), "datahub", write=False)]
    gms.refuse = dict.fromkeys(keys[::2], 500)
    outcomes = sent(shop(tmp_path, gms))
    assert [outcomes[key] for key in keys] == ["failed", "sent"] * 5


def test_without_a_server_it_says_where_to_put_it(tmp_path: Path) -> None:
    project = Project.open(write_shop(tmp_path, settings=SETTINGS + "catalogs: {datahub: {}}\n"), environment={})
    with pytest.raises(ConfigError, match="not known where DataHub is"):
        sent(project)
    assert in_file(project, "datahub")[0].startswith("[")
    with pytest.raises(ConfigError, match="has credentials"):
        _ = DataHub({"server": "https://a:b@x.example"}, Setting(".", NOW, {})).place


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_run_that_is_killed_is_finished_by_the_next(gms: Gms, tmp_path: Path, after: int) -> None:
    with Gms() as other:
        other.token = SECRET
        for urn in (ORDERS, RAW, BOARD):
            other.put(urn, status={"removed": False})
        sent(shop(tmp_path / "whole", other))
        wanted = other.plain()
    shop(tmp_path / "cut", gms)
    gms.slow = 0.15
    command = [sys.executable, "-m", "headway", "export", "datahub", "--send", "--project-dir", str(tmp_path / "cut")]
    running = subprocess.Popen(command, env={**os.environ, "DATAHUB_GMS_TOKEN": SECRET}, stdout=subprocess.DEVNULL)
    begun = time.monotonic()
    while len(gms.posts) < after:
        assert time.monotonic() - begun < 60
        time.sleep(0.005)
    running.send_signal(signal.SIGKILL)
    assert running.wait(30) == -signal.SIGKILL
    assert len(set(gms.posts)) < 10
    gms.slow = 0.0
    sent(shop(tmp_path / "cut", gms))
    assert gms.plain() == wanted
    assert set(sent(shop(tmp_path / "cut", gms)).values()) == {"same"}


# --- the file --------------------------------------------------------------------------------------------------------


def test_the_file_is_what_datahubs_own_sink_writes_and_its_source_reads(gms: Gms, tmp_path: Path) -> None:
    from datahub.ingestion.sink.file import write_metadata_file
    from datahub.ingestion.source.file import read_metadata_file

    project = shop(tmp_path, gms)
    text, changes = in_file(project, "datahub")
    told = [one for change in changes for one in proposals(change, NOW)]
    write_metadata_file(tmp_path / "theirs.json", told)
    assert json.loads(text) == json.loads((tmp_path / "theirs.json").read_text()) == as_file(told)
    (tmp_path / "ours.json").write_text(text)
    read = [one.make_mcp() if hasattr(one, "make_mcp") else one for one in read_metadata_file(tmp_path / "ours.json")]
    assert [(r.entityUrn, r.aspectName, r.changeType) for r in read] == [
        (t.entityUrn, t.aspectName, t.changeType) for t in told
    ]
    assert [json.loads(r.aspect.value) for r in read] == [json.loads(t.aspect.value) for t in told]
    gms.take(on_the_wire(read))
    by_file = gms.plain()
    with Gms() as other:
        for urn in (ORDERS, RAW, BOARD):
            other.put(urn, status={"removed": False})
        sent(shop(tmp_path / "sent", other))
        assert other.plain() == by_file


def test_datahubs_own_ingestion_takes_the_file_to_the_same_end(gms: Gms, tmp_path: Path) -> None:
    sent(shop(tmp_path, gms))
    wanted = gms.plain()
    (tmp_path / "goals.json").write_text(in_file(shop(tmp_path / "other", gms), "datahub")[0])
    with Gms() as other:
        for urn in (ORDERS, RAW, BOARD):
            other.put(urn, status={"removed": False})
        recipe = {
            "source": {"type": "file", "config": {"path": str(tmp_path / "goals.json")}},
            "sink": {"type": "datahub-rest", "config": {"server": other.url, "mode": "SYNC"}},
        }
        (tmp_path / "recipe.yml").write_text(json.dumps(recipe))
        environment = {**os.environ, "HOME": str(tmp_path), "DATAHUB_TELEMETRY_ENABLED": "false"}
        command = [sys.executable, "-m", "datahub", "ingest", "-c", str(tmp_path / "recipe.yml")]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        assert {urn: said for urn, said in other.plain().items() if urn in wanted} == wanted


def test_our_requests_say_what_the_sdks_own_client_says(gms: Gms, tmp_path: Path) -> None:
    from datahub.emitter.rest_emitter import DatahubRestEmitter

    changes = in_file(shop(tmp_path, gms), "datahub")[1]
    told = [one for change in changes for one in proposals(change, NOW)]
    gms.take(on_the_wire(told))
    ours = gms.plain()
    with Gms() as other:
        other.token = SECRET
        for urn in (ORDERS, RAW, BOARD):
            other.put(urn, status={"removed": False})
        client = DatahubRestEmitter(other.url, token=SECRET, openapi_ingestion=False)
        client.emit_mcps(told)
        client.emit_mcp(told[0])
        client.close()
        assert other.plain() == ours


def test_the_command_writes_the_file_and_remembers_it(gms: Gms, tmp_path: Path) -> None:
    shop(tmp_path, gms)
    out = tmp_path / "goals.json"
    assert run(["export", "datahub", "--output", str(out), "--project-dir", str(tmp_path)]) == 0
    assert len([one for one in json.loads(out.read_text()) if one["aspectName"] == "glossaryTerms"]) == 3
    shop(tmp_path, gms, goals=ENDED)
    assert run(["export", "datahub", "--output", str(out), "--project-dir", str(tmp_path)]) == 0
    told = json.loads(out.read_text())
    removed = [one["entityUrn"] for one in told if one["aspectName"] == "glossaryTerms"]
    assert sorted(removed) == sorted([ORDERS, RAW, BOARD])
    assert {one["aspect"]["json"]["deprecated"] for one in told if one["aspectName"] == "deprecation"} == {True}


def test_using_the_sdk_does_not_load_its_usage_reporting(gms: Gms, tmp_path: Path) -> None:
    shop(tmp_path, gms)
    code = (
        "import sys; from headway.cli.main import run; "
        f"run(['export', 'datahub', '--output', '-', '--project-dir', {str(tmp_path)!r}]); "
        "sys.exit(any('telemetry' in m or m in {'mixpanel', 'sentry_sdk'} for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"glossaryTermInfo" in done.stdout


# --- urns ------------------------------------------------------------------------------------------------------------


def asset(node_id: str, *ids: str, kind: str = "dashboard", **more: Any) -> CatalogAsset:
    return CatalogAsset(node=Node(id=node_id, kind=kind, name="x", **more), ids=(node_id, *ids))


D = "dataset:(urn:li:dataPlatform:"
TABLE = asset("dbt:model.shop.orders", kind="model", relation="DB.Main.Orders")


@pytest.mark.parametrize(
    ("given", "options", "wanted"),
    [
        (TABLE, {}, [D + "dbt,db.main.orders,PROD)"]),
        (
            TABLE,
            {
                "platform": "bigquery",
                "platform_instance": "eu",
                "instances": {"dbt": "core"},
                "env": "DEV",
                "lowercase": False,
            },
            [D + "dbt,core.DB.Main.Orders,DEV)", D + "bigquery,eu.DB.Main.Orders,DEV)"],
        ),
        (
            asset("dbt:model.shop.orders", kind="model", relation="a.b"),
            {"platform": "mysql", "urns": "warehouse"},
            [D + "mysql,a.b,PROD)"],
        ),
        (asset("dbt:model.shop.ephemeral", kind="model"), {}, []),
        (asset("dbt:metric.shop.revenue", kind="metric"), {}, []),
        (
            asset("dbt:semantic_model.shop.Orders", kind="semantic_model"),
            {},
            [D + "dbt,semantic_model.shop.orders,PROD)"],
        ),
        (
            asset("dbt:exposure.shop.board", "superset:dashboard.7"),
            {"instances": {"superset": "main", "dbt": "core"}},
            ["dashboard:(dbt,core.exposure.shop.board)", "dashboard:(superset,main.7)"],
        ),
        (
            asset("superset:dashboard.0a1b", url="https://bi.example/superset/dashboard/12/?x=1"),
            {},
            ["dashboard:(superset,12)"],
        ),
        (asset("superset:dashboard.0a1b", url="https://bi.example/superset/dashboard/sales/"), {}, []),
        (
            asset("superset:chart.0a1b", kind="chart", url="https://bi.example/explore/?slice_id=33"),
            {},
            ["chart:(superset,33)"],
        ),
        (asset("superset:dataset.7", kind="dataset"), {}, []),
        (asset("metabase:chart.41", kind="chart"), {}, ["chart:(metabase,41)"]),
        (asset("looker:dashboard.12"), {}, ["dashboard:(looker,dashboards.12)"]),
        (asset("looker:chart.look.5", kind="chart"), {}, ["chart:(looker,dashboard_elements.5)"]),
        (asset("looker:chart.12.99", kind="chart"), {}, ["chart:(looker,dashboard_elements.99)"]),
        (
            asset("powerbi:dashboard.ab-1", url="https://app.powerbi.example/w/reports/ab-1"),
            {},
            ["dashboard:(powerbi,reports.ab-1)"],
        ),
        (
            asset("powerbi:dashboard.ab-1", url="https://app.powerbi.example/w/dashboards/ab-1"),
            {},
            ["dashboard:(powerbi,dashboards.ab-1)"],
        ),
        (asset("tableau:dashboard.0f"), {}, []),
        (asset("dbt:model.shop.x", kind="model", relation="a." + "b" * 600), {}, []),
    ],
)
def test_assets_are_called_as_datahubs_own_sources_call_them(
    given: CatalogAsset, options: dict[str, Any], wanted: list[str]
) -> None:
    assert list(urns_of(given, Settings.of(options, {}))) == [f"urn:li:{name}" for name in wanted]


def test_two_nodes_that_are_one_table_there_get_the_terms_of_both() -> None:
    grow, keep = (
        CatalogGoal(id=f"goal:objective.{name}", kind="objective", name=name, title=name, description=name)
        for name in ("grow", "keep")
    )
    one = replace(TABLE, objectives=(grow.id,))
    other = replace(
        asset("dbt:model.other.orders", kind="model", relation="db.main.orders"), objectives=(keep.id, grow.id)
    )
    (said,) = DataHub({}, Setting(".", NOW, {})).statements(Head((grow, keep), (one, other)))[-1:]
    assert said.title == "x (dbt)"
    assert said.said["terms"] == ["urn:li:glossaryTerm:headway.grow", "urn:li:glossaryTerm:headway.keep"]
    assert said.said["properties"] == {"headway.objectives": ["grow", "keep"]}


def test_what_is_patched_is_attributed_to_headway() -> None:
    said = {"is": "asset", "terms": [TERM], "properties": {"headway.objectives": ["grow"]}}
    for one in proposals(Change(ORDERS, "orders", said), NOW):
        patch = json.loads(one.aspect.value)
        assert one.changeType == "PATCH"
        assert [op["value"]["attribution"]["source"] for op in patch["patch"]] == [SOURCE]
        assert patch["patch"][0]["value"]["attribution"]["actor"] == ACTOR
        assert patched({}, patch)


def test_a_title_cannot_steer_the_terminal(gms: Gms, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gms.token = ""
    shop(tmp_path, gms)
    told = manifest()
    told["exposures"]["exposure.shop.sales_board"]["label"] = "Sales\x1b[2J board"
    (tmp_path / "target" / "manifest.json").write_text(json.dumps(told))
    assert run(["export", "datahub", "--project-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "[2J board (dbt): gets the terms" in said
