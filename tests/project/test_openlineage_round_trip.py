"""Events out and in again: what Headway exports, and what dbt-ol sends, adds nothing that is known already."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

pytest.importorskip("openlineage.client.event_v2")

import msgspec
from openlineage.client.event_v2 import InputDataset, Job, JobEvent, OutputDataset
from openlineage.client.serde import Serde
from tests.connectors.openlineage.dbt_ol_events import dbt_ol_events
from tests.connectors.openlineage.lineage_events import dataset, everything, lines, load_orders, quality_check
from tests.connectors.openlineage.official_schema import Official
from tests.shop import GOALS, SETTINGS, write_shop

from headway.project import Project
from headway.project.openlineage_events import events
from headway.questions.registry import questions
from headway.render import as_json
from headway.render.options import RenderOptions

PG = "postgres://db.example:5432"


def answers(folder: Path) -> dict[str, str]:
    """Everything that can be asked without naming something, and the graph itself."""
    project = Project.open(folder)
    graph = project.graph()
    found = {
        name: as_json.render(project.ask(name), RenderOptions())
        for name, question in questions().items()
        if not any(p.required for p in question.parameters.values()) and not question.parameters.keys() & {"against"}
    }
    assert len(found) > 25
    found["nodes"] = msgspec.json.encode(graph.nodes).decode()
    found["edges"] = str([list(ends) for ends in graph.edges])
    found["gaps"] = msgspec.json.encode(graph.gaps).decode()
    return found


def beside(folder: Path, text: str) -> dict[str, str]:
    """The answers with a file of events beside the manifest."""
    (folder / "events.jsonl").write_text(text)
    settings = SETTINGS + "connectors:\n  - {name: openlineage, path: events.jsonl}\n"
    (folder / "headway.yml").write_text(settings)
    return answers(folder)


@pytest.mark.parametrize("namespace", ["", PG])
def test_what_headway_exports_changes_no_answer_when_it_is_read_beside_the_manifest(
    tmp_path: Path, namespace: str
) -> None:
    shop = write_shop(tmp_path)
    alone = answers(shop)
    exported = "\n".join(events(Project.open(shop), namespace=namespace)) + "\n"
    assert exported.count("\n") > 2
    assert beside(shop, exported) == alone
    # The same events of somebody else would say something.
    foreign = exported.replace("urn:headway:", "urn:other:").replace('"DBT"', '"AIRFLOW"').replace('"HEADWAY"', '"X"')
    now = datetime.now(UTC).isoformat()
    fresh = "".join(json.dumps(json.loads(line) | {"eventTime": now}) + "\n" for line in foreign.splitlines())
    assert beside(shop, fresh)["nodes"] != alone["nodes"]


def test_what_dbt_ol_sends_changes_no_answer(tmp_path: Path) -> None:
    shop = write_shop(tmp_path)
    alone = answers(shop)
    now = datetime.now(UTC).isoformat()
    sent = [event | {"eventTime": now} for event in dbt_ol_events()]
    assert beside(shop, "".join(json.dumps(event) + "\n" for event in sent)) == alone
    loose = [json.loads(json.dumps(e).replace('"DBT"', '"SPARK"').replace("integration/dbt", "x")) for e in sent]
    assert beside(shop, "".join(json.dumps(event) + "\n" for event in loose)) != alone


def test_the_export_is_the_same_with_and_without_the_events_of_an_orchestrator(tmp_path: Path) -> None:
    """Jobs outside dbt are told of by whoever runs them."""
    shop = write_shop(tmp_path)
    alone = list(events(Project.open(shop)))
    now = datetime.now(UTC).isoformat()
    told = lines(*everything()).splitlines()
    with_jobs = beside(shop, "".join(json.dumps(json.loads(line) | {"eventTime": now}) + "\n" for line in told))
    assert "shop_load.orders" in with_jobs["nodes"]
    assert list(events(Project.open(shop))) == alone


def test_tables_of_other_databases_are_never_named_as_tables_of_the_warehouse(tmp_path: Path) -> None:
    """A job mends a model's table from another database, and a key result is read from a table of that database."""
    number = '      - {id: q, title: Q, sql: "select count(*) from crm.public.accounts"}\n'
    shop = write_shop(tmp_path, goals=GOALS + number)
    crm = "postgres://crm.example:5432"
    mended = load_orders(
        name="mend",
        inputs=[InputDataset(crm, "crm.public.fixes"), InputDataset(crm, "crm.public.accounts")],
        outputs=[OutputDataset(PG, "wh.main.orders")],
    )
    sent = json.loads(lines(mended)) | {"eventTime": datetime.now(UTC).isoformat()}
    assert "mend" in beside(shop, json.dumps(sent) + "\n")["nodes"]
    told = {(e := json.loads(line))["job"]["name"]: e for line in events(Project.open(shop), namespace=PG)}
    inputs = {name: [(d["namespace"], d["name"]) for d in event["inputs"]] for name, event in told.items()}
    assert inputs["model.shop.orders"] == [(PG, "wh.raw.raw_orders")]
    assert inputs["key_result.grow.q"] == [(crm, "crm.public.accounts")]


# --- Events out, held against the client's classes and a schema of our own -------------------------------------------

_FACET = {"type": "object", "required": ["_producer", "_schemaURL"]}
_NAMED = {"namespace": {"type": "string", "minLength": 1}, "name": {"type": "string", "minLength": 1}}
_NO_FACETS = {"type": "object", "maxProperties": 0}


def _dataset(*groups: str) -> dict[str, Any]:
    properties = {**_NAMED, **dict.fromkeys(groups, _NO_FACETS)}
    return {"type": "object", "required": list(properties), "properties": properties, "additionalProperties": False}


STRICT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["eventTime", "producer", "schemaURL", "job", "inputs", "outputs"],
    "properties": {
        "eventTime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
        "producer": {"type": "string", "pattern": "^urn:headway:"},
        "schemaURL": {"type": "string", "pattern": r"^https://openlineage\.io/spec/.*#/\$defs/JobEvent$"},
        "job": {
            "type": "object",
            "additionalProperties": False,
            "required": ["namespace", "name", "facets"],
            "properties": {
                **_NAMED,
                "facets": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["jobType"],
                    "properties": dict.fromkeys(("jobType", "documentation", "ownership", "tags"), _FACET),
                },
            },
        },
        "inputs": {"type": "array", "items": _dataset("facets", "inputFacets"), "uniqueItems": True},
        "outputs": {"type": "array", "items": _dataset("facets", "outputFacets"), "maxItems": 1},
    },
}


def test_every_event_fits_a_strict_schema_of_our_own(tmp_path: Path) -> None:
    told = [json.loads(line) for line in events(Project.open(write_shop(tmp_path)), namespace=PG)]
    assert len(told) > 2
    for event in told:
        jsonschema.validate(event, STRICT)


def test_every_event_is_read_back_by_the_clients_own_classes(tmp_path: Path) -> None:
    for line in events(Project.open(write_shop(tmp_path)), namespace=PG):
        event = json.loads(line)
        job = event["job"]
        facets = {name: _facet(facet) for name, facet in job["facets"].items()}
        again = JobEvent(
            eventTime=event["eventTime"],
            producer=event["producer"],
            job=Job(job["namespace"], job["name"], facets),
            inputs=[InputDataset(d["namespace"], d["name"]) for d in event["inputs"]],
            outputs=[OutputDataset(d["namespace"], d["name"]) for d in event["outputs"]],
        )
        assert json.loads(Serde.to_json(again)) == event


def _facet(said: dict[str, Any]) -> Any:
    """A facet as an object of the class that its address names; the class refuses what does not fit."""
    name = said["_schemaURL"].rpartition("/")[2]
    stem = {"JobTypeJobFacet": "job_type_job", "TagsJobFacet": "tags_job", "OwnershipJobFacet": "ownership_job"}
    module = importlib.import_module(f"openlineage.client.generated.{stem.get(name, 'documentation_job')}")
    values = {key: value for key, value in said.items() if not key.startswith("_")}
    if name == "TagsJobFacet":
        values["tags"] = [module.TagsJobFacetFields(**tag) for tag in values["tags"]]
    if name == "OwnershipJobFacet":
        values["owners"] = [module.Owner(**owner) for owner in values["owners"]]
    return getattr(module, name)(**values, producer=said["_producer"])


def test_events_out_and_in_fit_the_official_schema(tmp_path: Path) -> None:
    official = Official.given()
    official.check(events(Project.open(write_shop(tmp_path)), namespace=PG))
    assert {"JobTypeJobFacet", "OwnershipJobFacet", "TagsJobFacet", "DocumentationJobFacet"} <= official.known
    assert not official.unknown
    official.check(lines(*everything(), quality_check(success=True), dataset(PG, "wh.raw.x")).splitlines())
