"""Retiring what dbt 1.12 and later declare under a model, proven by dbt itself at every stage.

HEADWAY_DBT and HEADWAY_DBT_OTHERS name programs, parted by colons; those before 1.12 know no such project.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from headway.project import Project, retire

pytestmark = pytest.mark.integration

SEMANTICS = """\
models:
  - name: metricflow_time_spine
    time_spine: {standard_granularity_column: date_day}
    columns: [{name: date_day, granularity: day}]

  - name: orders
    semantic_model: true   # the good one
    agg_time_dimension: ordered_at
    columns:
      - {name: id, entity: {type: primary, name: order}}
      - {name: amount}
      - {name: ordered_at, granularity: day, dimension: {type: time}}
    metrics:
      # what the company lives on
      - {name: revenue, type: simple, label: Revenue, agg: sum, expr: amount}

      - name: order_count   # nobody asks
        type: simple
        label: Orders
        agg: count
        expr: id

  - name: old_orders
    # kept for the board that is gone
    semantic_model:
      enabled: true
      name: old_sales
    agg_time_dimension: ordered_at
    columns:
      - {name: id, entity: {type: primary, name: old_order}}
      - {name: ordered_at, granularity: day, dimension: {type: time}}
    metrics:
      - name: old_revenue
        type: simple
        label: Old revenue
        agg: sum
        expr: amount
      - name: old_average
        type: ratio
        label: Old average
        numerator: old_revenue
        denominator: order_count

  # a key result counts its rows
  - name: kept
    description: counted
    semantic_model: {enabled: true, name: kept_sales}
    agg_time_dimension: ordered_at
    columns:
      - {name: id, entity: {type: primary, name: kept_order}}
      - {name: ordered_at, granularity: day, dimension: {type: time}}
    metrics:
      - {name: kept_count, type: simple, label: Kept, agg: count, expr: id}
"""
ROWS = "select 1 as id, 10.0 as amount, cast('2026-11-01' as date) as ordered_at"
FILES = {
    "dbt_project.yml": "name: shop\nversion: '1.0.0'\nprofile: shop\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, schema: main}}}\n",
    "headway.yml": 'project: shop\nas_of: 2026-11-22\nobservations: [{path: usage.csv, covers: "kind:model '
    'kind:metric kind:semantic_model"}]\n',
    "goals.yml": """\
version: 1
periods: [{id: 2026-Q4, start: 2026-10-01, end: 2026-12-31}]
objectives:
  - id: grow
    title: Grow
    period: 2026-Q4
    key_results:
      - {id: revenue, title: Revenue, metric: revenue, baseline: 1, target: 2}
      - {id: kept, title: Kept, model: kept, expression: count(*), baseline: 1, target: 2}
""",
    "usage.csv": """\
node,relation,day,measure,amount,unit,person_class
model.shop.orders,,2026-08-20,queries,5,count,person
model.shop.orders,,2026-11-21,queries,5,count,service
""",
    "models/orders.sql": ROWS,
    "models/old_orders.sql": ROWS,
    "models/kept.sql": ROWS,
    "models/metricflow_time_spine.sql": "select cast('2026-11-01' as date) as date_day",
    "models/semantics.yml": SEMANTICS,
}
GOING = {
    *(f"dbt:metric.shop.{name}" for name in ("order_count", "old_revenue", "old_average", "kept_count")),
    *(f"dbt:semantic_model.shop.{name}" for name in ("old_sales", "kept_sales")),
    "dbt:model.shop.old_orders",
}
PROGRAMS = [os.environ.get("HEADWAY_DBT", ""), *os.environ.get("HEADWAY_DBT_OTHERS", "").split(":")]


def dbt(program: str, project: Path, *words: str) -> str:
    environment = {**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    done = subprocess.run(
        [program, *words], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


@pytest.fixture(params=[p for p in PROGRAMS if p] or [""], ids=lambda p: Path(p).parent.parent.name if p else "none")
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    if not request.param:
        pytest.skip("HEADWAY_DBT does not name a dbt")
    found = re.search(r"(?:installed: *|dbt-fusion |dbt-core )(\d+)\.(\d+)", dbt(request.param, tmp_path, "--version"))
    assert found
    if (int(found[1]), int(found[2])) < (1, 12):
        pytest.skip("before dbt 1.12 nothing of this is declared under a model")
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    dbt(request.param, tmp_path, "parse")
    return request.param, tmp_path


def declared(project: Path) -> set[str]:
    manifest = json.loads((project / "target/manifest.json").read_text())
    return {uid for section in ("nodes", "metrics", "semantic_models") for uid in manifest[section]}


def files(project: Path) -> dict[str, bytes]:
    found = [*(project / "models").iterdir(), *project.glob("*.yml")]
    return {p.name: p.read_bytes() for p in found if p.name != ".user.yml"}


def test_every_stage_parses_takes_out_what_goes_and_can_be_taken_back(shop: tuple[str, Path]) -> None:
    program, project = shop
    first = declared(project)
    assert {uid.removeprefix("dbt:") for uid in GOING} <= first
    states, runs = [files(project)], []
    for stage in ("announced", "deprecated", "disabled", "dropped"):
        prepared = retire.prepare(Project.open(project), everything=stage == "announced", stage=stage)  # type: ignore[arg-type]
        assert set(prepared.nodes) == GOING
        runs.append(retire.write(Project.open(project), prepared).id)
        if stage != "announced":
            dbt(program, project, "parse", "--no-partial-parse")
        off = {uid.removeprefix("dbt:") for uid in GOING} if stage in {"disabled", "dropped"} else set()
        assert declared(project) == first - off
        if stage == "disabled":
            assert {row.values[3] for row in retire.status(Project.open(project)).rows} == {"switched off"}
        states.append(files(project))
    left = states[-1]["semantics.yml"].decode()
    assert left == (
        SEMANTICS.partition("\n      - name: order_count")[0]
        + "\n  # a key result counts its rows\n  - name: kept\n    description: counted\n"
        + "    columns:\n      - {name: id, entity: {type: primary, name: kept_order}}\n"
        + "      - {name: ordered_at, granularity: day, dimension: {type: time}}\n"
    )
    for run, state in zip(reversed(runs), reversed(states[:-1]), strict=True):
        retire.undo(Project.open(project), run)
        assert files(project) == state
