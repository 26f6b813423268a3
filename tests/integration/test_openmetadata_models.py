"""All that is sent to OpenMetadata, and what comes of it there, held against the models of OpenMetadata's own SDK.

The SDK is large (540 MB with what it wants) and lives in an environment of its own; HEADWAY_OPENMETADATA_PYTHON names
the Python of one:

    python3.11 -m venv .venv-openmetadata
    .venv-openmetadata/bin/pip install "openmetadata-ingestion~=2.0.6" "dbt-core<1.12"
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.shop import GOALS, SETTINGS, write_shop

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sinks"))

from openmetadata_server import TOKEN, Check, OpenMetadataServer

from headway.graph.model import Node
from headway.project import Project
from headway.project.catalog import head
from headway.sinks.catalog import CatalogAsset, CatalogGoal, CatalogLink, Change, Head
from headway.sinks.openmetadata import OpenMetadata
from headway.sinks.protocol import Setting

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SERVICE = {"id": "9d1c0c3e-5a3c-4f3a-9df2-0a33f5a4f0aa", "type": "dashboardService", "name": "bi"}


class Models:
    """The SDK's models, in a process of its own."""

    def __init__(self, python: str) -> None:
        script = Path(__file__).resolve().parents[1] / "sinks" / "openmetadata_models.py"
        self.held: Counter[str] = Counter()
        self._process = subprocess.Popen(
            [python, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def check(self, kind: str, body: Any) -> str:
        """What the models say against a body; '' where nothing."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"kind": kind, "body": body}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert isinstance(answer, str)
        self.held[kind] += 1
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    python = os.environ.get("HEADWAY_OPENMETADATA_PYTHON", "")
    if not python:
        pytest.skip("HEADWAY_OPENMETADATA_PYTHON names no Python with openmetadata-ingestion")
    running = Models(python)
    yield running
    running.close()


def shop(folder: Path) -> Head:
    """The shop's goals with everything that a goal and an asset can have."""
    goals = GOALS.replace("title: Grow sales", 'title: "Grow <sales> & \\"more\\""')
    found = head(Project.open(write_shop(folder, goals=goals, settings=SETTINGS)))
    told = {"title": "K", "description": "**K**\n\n- now 4", "owner": "sales-team"}
    link = (CatalogLink("The [plan]", "https://tracker.shop.example/7?a=b&c=(d)"),)
    more = CatalogGoal(
        id="asana:1204",
        kind="key_result",
        name="asana:1204",
        objective=found.goals[0].id,
        links=link,
        url="https://headway.shop.example/key-results/asana%3A1204",
        **told,  # type: ignore[arg-type]
    )
    nodes = [Node(id=f"metabase:{kind}.7", kind=kind, name="Sales") for kind in ("dashboard", "chart")]
    boards = [
        CatalogAsset(node=node, ids=(node.id,), objectives=(more.objective,), key_results=(more.id,)) for node in nodes
    ]
    return Head((*found.goals, more), (*found.assets, *boards))


def server(told: Head, sink: OpenMetadata, check: Check) -> OpenMetadataServer:
    """A server that knows all assets, as connectors and people left them."""
    there = OpenMetadataServer(check=check)
    there.add("teams", "sales-team", teamType="Group")
    pii = {"tagFQN": "PII.Sensitive", "source": "Classification", "labelType": "Manual", "state": "Confirmed"}
    there.add("tags", "PII.Sensitive")
    for one in sink.statements(told):
        if one.said["what"] == "asset":
            more = {} if one.said["kind"] == "table" else {"service": SERVICE}
            there.add(f"{one.said['kind']}s", one.said["places"][0], tags=[dict(pii)], **more)
    return there


@pytest.mark.parametrize("shape", ["glossary", "tags", "domains"])
def test_all_that_is_sent_is_as_the_models_have_it(models: Models, tmp_path: Path, shape: str) -> None:
    told = shop(tmp_path)
    setting = Setting(".", NOW, {"OPENMETADATA_JWT_TOKEN": TOKEN})
    options: dict[str, Any] = {
        "url": "http://127.0.0.1:1",
        "as": shape,
        "service": "duck",
        "services": {"metabase": "bi"},
    }
    there = server(told, OpenMetadata(options, setting), models.check)
    with there:
        sink = OpenMetadata({**options, "url": there.url}, setting)
        said = sink.statements(told)
        made = [Change(one.key, one.title, one.said) for one in said]
        back = [Change(one.key, one.title, None, (one.said,)) for one in reversed(said)]
        for changes in (made, back, made):
            done = list(sink.deliver(changes, dry_run=False))
            assert {one.outcome for one in done} <= {"sent", "same"}, [one for one in done if one.outcome == "failed"]
            assert sum(one.outcome == "sent" for one in done) >= len(done) // 2
        assert there.problems == []
    collection = {"glossary": "glossaryTerms"}.get(shape, shape)
    assert models.held[collection] >= (1 if shape == "domains" else 4)
    assert min(models.held[kind] for kind in ("patch", "entity tables", "entity dashboards", "metadata/types")) >= 3
    tags = [label["tagFQN"] for label in there.things["dashboards"]["bi.7"]["tags"]]
    assert tags[0] == "PII.Sensitive"
    assert len(tags) == (1 if shape == "domains" else 3)


def test_the_models_do_refuse_what_is_wrong(models: Models) -> None:
    good = {"name": "a", "description": "b", "glossary": "c"}
    assert models.check("glossaryTerms", good) == ""
    assert "extra" in models.check("glossaryTerms", {**good, "synonym": ["x"]}).lower()
    assert models.check("glossaryTerms", {**good, "references": [{"name": "x", "endpoint": "no address"}]})
    assert models.check("entity tables", {"id": "1", "name": "x"})
    assert models.check(
        "patch", {"before": {"a": [1]}, "patch": [{"op": "remove", "path": "/a/0"}], "after": {"a": [1]}}
    )
