"""What `headway export dbt` writes, proven by dbt itself, and looked at in the page that dbt makes of it.

HEADWAY_DBT names the dbt; HEADWAY_DBT_OTHERS may name further ones (1.6 to 2), parted by colons.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from headway.project import Project, dbt_export
from headway.project.dbt_select import selector_of

pytestmark = pytest.mark.integration

CHROMIUM = Path("/usr/bin/chromium")
GOALS = """\
version: 1
periods: [{id: 2026-Q4, start: 2026-10-01, end: 2026-12-31}]
objectives:
  - id: company
    title: "Be the shop {{ env_var('NOBODY_HAS_THIS') }} <b>people</b> come back to"
    description: "Text with {% raw %}, a: colon, and # hash\\n\\n- a list"
    period: 2026-Q4
    objectives:
      - id: grow-sales
        title: Grow sales
        owner: sales@example.com
        url: https://goals.example/grow
        tags: [okr]
        key_results:
          - {id: revenue, title: Revenue, metric: revenue, baseline: 1, target: 200.5, unit: EUR}
          - {id: exports, title: Exports, model: exports, expression: count(*), band: {low: 1, high: 3}}
          - {id: happy, title: Happy, readings: [{date: 2026-11-01, value: 4}], baseline: 1, target: 5}
"""
FILES = {
    "dbt_project.yml": "name: shop\nversion: '1.0.0'\nprofile: shop\nconfig-version: 2\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, schema: main}}}\n",
    "headway.yml": "project: shop\nas_of: 2026-11-22\ngoals: goals.yml\n",
    "goals.yml": GOALS,
    "models/raw_orders.sql": "select 1 as id, 10.0 as amount, cast('2026-11-01' as date) as ordered_at",
    "models/orders.sql": "select * from {{ ref('raw_orders') }}",
    "models/exports.sql": "select 1 as id",
    "models/unrelated.sql": "select 1 as id",
    "models/metricflow_time_spine.sql": "select cast('2026-11-01' as date) as date_day",
}
OLD = """\
version: 2
models:
  - name: metricflow_time_spine
    {spine}
    columns: [{{name: date_day{grain}}}]
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {{agg_time_dimension: ordered_at}}
    entities: [{{name: order, type: primary, expr: id}}]
    dimensions: [{{name: ordered_at, type: time, type_params: {{time_granularity: day}}}}]
    measures: [{{name: amount, agg: sum}}]
metrics:
  - {{name: revenue, label: Revenue, type: simple, type_params: {{measure: amount}}}}
"""
NEW = """\
models:
  - name: metricflow_time_spine
    time_spine: {standard_granularity_column: date_day}
    columns: [{name: date_day, granularity: day}]
  - name: orders
    semantic_model: {enabled: true}
    agg_time_dimension: ordered_at
    columns:
      - {name: id, entity: {type: primary, name: order}}
      - {name: amount}
      - {name: ordered_at, granularity: day, dimension: {type: time}}
    metrics:
      - {name: revenue, type: simple, label: Revenue, agg: sum, expr: amount}
"""
PROGRAMS = [p for p in [os.environ.get("HEADWAY_DBT", ""), *os.environ.get("HEADWAY_DBT_OTHERS", "").split(":")] if p]


def dbt(program: str, project: Path, *words: str) -> str:
    environment = {**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    done = subprocess.run(
        [program, *words], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


def version_of(program: str, project: Path) -> tuple[int, int]:
    found = re.search(r"(?:installed: *|dbt-fusion |dbt-core )(\d+)\.(\d+)", dbt(program, project, "--version"))
    assert found
    return int(found[1]), int(found[2])


@pytest.fixture(params=PROGRAMS or [""], ids=lambda p: Path(p).parent.parent.name if p else "none")
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A program, and a project that it has parsed."""
    if not request.param:
        pytest.skip("HEADWAY_DBT does not name a dbt")
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    version = version_of(request.param, tmp_path)
    spine = "time_spine: {standard_granularity_column: date_day}" if version >= (1, 9) else "description: Days"
    old = OLD.format(spine=spine, grain=", granularity: day" if version >= (1, 9) else "")
    (tmp_path / "models/semantics.yml").write_text(NEW if version >= (1, 12) else old)
    dbt(request.param, tmp_path, "parse")
    return request.param, tmp_path


def warnings(text: str) -> set[str]:
    """What a run warns of, without times."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return {
        re.sub(r"^[\d:]+ *|\[[\d.]+m?s\]", "", row) for row in plain.splitlines() if re.search("(?i)warn|deprec", row)
    }


@pytest.mark.parametrize("metrics", [False, True])
def test_dbt_parses_lists_and_selects_what_was_exported(shop: tuple[str, Path], metrics: bool) -> None:
    program, project = shop
    before = warnings(dbt(program, project, "parse", "--no-partial-parse"))
    first = Project.open(project).graph()
    dbt_export.write(dbt_export.prepare(Project.open(project), metrics=metrics))
    assert warnings(dbt(program, project, "parse", "--no-partial-parse")) <= before
    manifest = json.loads((project / "target/manifest.json").read_text())
    grow = manifest["exposures"]["exposure.shop.objective__grow_sales"]
    assert grow["url"] == "https://goals.example/grow"
    assert grow["maturity"] == "high"
    assert grow["owner"]["email"] == "sales@example.com"
    above = {*grow["depends_on"]["nodes"], *(f"metric.shop.{words[-1]}" for words in grow["metrics"])}
    metric = "key_result_grow_sales_revenue" if metrics else "revenue"
    second = manifest["metadata"]["dbt_version"].startswith("2.")
    assert above == {f"metric.shop.{metric}", "model.shop.exports", *(["model.shop.orders"] if second else [])}
    listed = dbt(program, project, "ls", "--select", "+exposure:objective__company", "--resource-type", "model")
    assert set(re.findall(r"^shop\.(\w+)$", listed, re.MULTILINE)) >= {"raw_orders", "orders", "exports"}
    assert "unrelated" not in listed
    # Headway reads its own export and finds the same goals, once.
    after = Project.open(project).graph()
    assert [n.id for n in after.nodes] == [n.id for n in first.nodes]
    assert [g.message for g in after.gaps] == [g.message for g in first.gaps]
    assert not dbt_export.prepare(Project.open(project), metrics=metrics).differs
    (project / "goals.yml").write_text("version: 1\n")
    dbt_export.write(dbt_export.prepare(Project.open(project), metrics=metrics))
    dbt(program, project, "parse")
    assert not json.loads((project / "target/manifest.json").read_text())["exposures"]


def test_state_selection_of_dbt_sees_an_objective_that_changed(shop: tuple[str, Path]) -> None:
    program, project = shop
    if version_of(program, project) < (1, 8):
        pytest.skip("older releases compare exposures in a way of their own")
    dbt_export.write(dbt_export.prepare(Project.open(project)))
    dbt(program, project, "parse")
    (project / "state").mkdir()
    (project / "state/manifest.json").write_bytes((project / "target/manifest.json").read_bytes())
    (project / "goals.yml").write_text(GOALS.replace("title: Grow sales", "title: Grow sales a lot"))
    dbt_export.write(dbt_export.prepare(Project.open(project)))
    words = ("ls", "--select", "state:modified", "--state", "state")
    listed = dbt(program, project, *words)
    assert "objective__grow_sales" in listed
    assert "objective__company" not in listed


def test_the_docs_of_dbt_show_the_objective_with_its_upstream(shop: tuple[str, Path]) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    program, project = shop
    if not CHROMIUM.exists():
        pytest.skip("no Chromium")
    if not (1, 8) <= version_of(program, project) < (2, 0):
        pytest.skip("only dbt 1.7 and later make the docs one file, and dbt 2 makes none")
    dbt_export.write(dbt_export.prepare(Project.open(project)))
    dbt(program, project, "build")
    dbt(program, project, "docs", "generate", "--static")
    page_file = (project / "target/static_index.html").as_uri()
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{page_file}#!/exposure/exposure.shop.objective__grow_sales")
        page.get_by_text("Grow sales").first.wait_for(timeout=30_000)
        text = page.locator("body").inner_text()
        assert "Revenue: from 1 to 200.5 EUR, by 2026-12-31" in re.sub(r"\s+", " ", text)
        assert "sales@example.com" in text
        page.get_by_text("Depends On").first.wait_for(timeout=10_000)
        assert page.locator("a", has_text="exports").count()
        page.get_by_text("Metrics", exact=False).last.click()
        assert page.locator("a", has_text="revenue").count()
        page.goto(f"{page_file}#!/exposure/exposure.shop.objective__company")
        page.get_by_text("Be the shop").first.wait_for(timeout=30_000)
        # What people wrote elsewhere is neither rendered by dbt nor taken for markup by the page.
        assert page.locator("b", has_text="people").count() == 0
        assert "env_var('NOBODY_HAS_THIS')" in page.locator("body").inner_text()
        browser.close()


def test_dbt_selects_what_the_selector_of_an_objective_names(shop: tuple[str, Path]) -> None:
    program, project = shop
    if version_of(program, project) >= (2, 0):
        pytest.skip("dbt 2 follows no metric")
    found = selector_of(Project.open(project), "grow-sales")
    listed = dbt(program, project, "ls", "--resource-type", "model", "--select", *found.words.split())
    models = set(re.findall(r"^shop\.(\w+)$", listed, re.MULTILINE)) - {"metricflow_time_spine"}
    assert models == {"raw_orders", "orders", "exports"}
    (project / "selectors.yml").write_text(found.yaml)
    again = dbt(program, project, "ls", "--resource-type", "model", "--selector", found.name)
    assert set(re.findall(r"^shop\.(\w+)$", again, re.MULTILINE)) - {"metricflow_time_spine"} == models
