"""What the real dbt-ol sends while it builds a project, read beside that project's manifest: nothing is there twice."""

from __future__ import annotations

import json
import os
import subprocess
import venv
from pathlib import Path

import pytest

from headway.project import Project

pytestmark = pytest.mark.integration

WAIT = 600
PACKAGES = ("openlineage-dbt>=1.54,<2", "dbt-core>=1.11,<1.12", "dbt-duckdb")
FILES = {
    "dbt_project.yml": "name: shop\nversion: '1.0.0'\nprofile: shop\nconfig-version: 2\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, schema: main}}}\n",
    "openlineage.yml": "transport: {type: file, log_file_path: events.jsonl, append: true}\n",
    "headway.yml": "project: shop\ngoals: goals.yml\n",
    "goals.yml": (
        "version: 1\n"
        "objectives:\n"
        "  - {id: grow, title: Grow, start: 2026-01-01, end: 2099-12-31, key_results: [\n"
        "      {id: revenue, title: Revenue, model: orders, expression: sum(amount), baseline: 1, target: 200}]}\n"
    ),
    "seeds/raw_orders.csv": "id,amount,state\n1,10,paid\n2,20,open\n",
    "models/stg_orders.sql": "select id, amount from {{ ref('raw_orders') }} where state = 'paid'",
    "models/orders.sql": "select id, amount from {{ ref('stg_orders') }}",
    "models/imported.sql": "select * from {{ source('shop_app', 'customers') }}",
    # dbt calls it customers, the warehouse calls it raw_customers
    "models/schema.yml": (
        "version: 2\n"
        "sources: [{name: shop_app, schema: main, tables: [{name: customers, identifier: raw_customers}]}]\n"
        "models: [{name: orders, columns: [{name: id, data_tests: [not_null, unique]}]}]\n"
    ),
    "seeds/raw_customers.csv": "id,name\n1,Tea house\n",
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with dbt-ol: that of HEADWAY_DBT_OL_PYTHON, or of an environment that is made here."""
    given = os.environ.get("HEADWAY_DBT_OL_PYTHON")
    if given and Path(given).exists():
        return Path(given).parent
    folder = tmp_path_factory.mktemp("dbt-ol")
    venv.create(folder, with_pip=True)
    made = folder / ("Scripts" if os.name == "nt" else "bin")
    install = [str(made / "python"), "-m", "pip", "install", "--quiet", *PACKAGES]
    done = subprocess.run(install, check=False, capture_output=True, text=True, timeout=WAIT)
    if done.returncode:
        reason = f"dbt-ol could not be installed: {done.stderr[-500:]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return made


def test_nothing_that_dbt_ol_tells_is_there_twice(programs: Path, tmp_path: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "DO_NOT_TRACK": "1"}
    environment |= {"OPENLINEAGE_CONFIG": "openlineage.yml", "PYTHONPATH": ""}
    for command in (("dbt", "seed"), ("dbt-ol", "build")):
        program = [str(programs / command[0]), *command[1:], "--profiles-dir", "."]
        done = subprocess.run(
            program, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True, timeout=WAIT
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = (tmp_path / "events.jsonl").read_text()
    assert told.count('"COMPLETE"') > 3
    alone = Project.open(tmp_path).graph()
    assert len(alone.nodes) > 5
    source = "connectors: [{name: openlineage, path: events.jsonl}]\n"
    (tmp_path / "headway.yml").write_text(FILES["headway.yml"] + source)
    beside = Project.open(tmp_path).graph()
    assert beside.nodes == alone.nodes
    assert [list(ends) for ends in beside.edges] == [list(ends) for ends in alone.edges]
    assert beside.gaps == alone.gaps
    # An orchestrator that loads the source joins dbt's own node, in the warehouse that dbt-ol names.
    events = [json.loads(line) for line in told.splitlines()]
    namespace = next(d["namespace"] for e in events for d in e["outputs"])
    load = {
        "eventTime": events[0]["eventTime"],
        "eventType": "COMPLETE",
        "run": {"runId": "1"},
        "job": {"namespace": "flow", "name": "load"},
        "inputs": [{"namespace": "s3://app", "name": "customers"}],
        "outputs": [{"namespace": namespace, "name": "shop.main.raw_customers"}],
    }
    (tmp_path / "events.jsonl").write_text(told + json.dumps(load) + "\n")
    joined = Project.open(tmp_path).graph()
    loaded = joined.index[f"openlineage:dataset.{namespace}/shop.main.raw_customers"]
    assert joined.nodes[loaded].id == "dbt:seed.shop.raw_customers"
    assert [joined.nodes[i].name for i in joined.upstream[loaded]] == ["load"]
