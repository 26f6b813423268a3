"""The gate on pull requests: a project parsed by real dbt before and after a change, and what check says of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from headway.answer import Report
from headway.cli.main import run
from headway.project import Project
from headway.project.gate import check

pytestmark = pytest.mark.integration

PROJECT = """\
name: shop
version: "1.0"
profile: shop
model-paths: [models]
seed-paths: [seeds]
macro-paths: [macros]
models: {shop: {+materialized: table}}
"""
PROFILE = "shop: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}\n"

FILES = {
    "dbt_project.yml": PROJECT,
    "profiles.yml": PROFILE,
    "seeds/raw_items.csv": "id,order_id,product_price,quantity\n1,1,10,2\n",
    "macros/euros.sql": "{% macro euros(cents) %}({{ cents }} / 100){% endmacro %}\n",
    "models/order_items.sql": "select id, order_id, {{ euros('product_price') }} as product_price, quantity\n"
    "from {{ ref('raw_items') }}\nwhere quantity > 0\n",
    "models/orders.sql": "select order_id, sum(product_price * quantity) as amount, date '2026-11-01' as ordered_at\n"
    "from {{ ref('order_items') }}\ngroup by 1\n",
    "models/stock.sql": "select id, quantity from {{ ref('raw_items') }}\n",
    "models/days.sql": "select date '2026-11-01' as day\n",
    "models/models.yml": """\
version: 2
models:
  - name: orders
    columns: [{name: order_id, data_tests: [unique, not_null]}]
  - name: days
    time_spine: {standard_granularity_column: day}
    columns: [{name: day, granularity: day}]
exposures:
  - {name: sales_board, type: dashboard, owner: {name: sales-team}, depends_on: [metric('revenue')]}
  - {name: stock_board, type: dashboard, owner: {name: ops-team}, depends_on: [ref('stock')]}
""",
    "models/metrics.yml": """\
semantic_models:
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: ordered_at}
    entities: [{name: order_id, type: primary}]
    dimensions: [{name: ordered_at, type: time, type_params: {time_granularity: day}}]
    measures: [{name: amount, agg: sum}, {name: order_count, agg: count, expr: order_id}]
metrics:
  - {name: revenue, label: Revenue, type: simple, type_params: {measure: amount}}
  - {name: order_total, label: Orders, type: simple, type_params: {measure: order_count}}
""",
    "goals.yml": """\
version: 1
objectives:
  - id: grow
    title: Grow sales
    owner: sales-team
    start: 2026-10-01
    end: 2026-12-31
    key_results:
      - {id: revenue, title: Revenue, metric: revenue, baseline: 1, target: 2, shown_on: [sales_board]}
      - {id: orders, title: Orders placed, metric: order_total, baseline: 1, target: 2}
""",
    "headway.yml": "project: shop\nas_of: 2026-11-22\nowners: {models/: shop-team, seeds/: shop-team}\n",
}

Edit = Callable[[Path], None]


def parse(project: Path) -> Path:
    done = subprocess.run(
        [os.environ["HEADWAY_DBT"], "parse", "--no-version-check", "--quiet"],
        cwd=project,
        env={**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "target" / "manifest.json"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not os.environ.get("HEADWAY_DBT"):
        pytest.skip("HEADWAY_DBT does not name a dbt")
    project = tmp_path_factory.mktemp("gate") / "shop"
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    parse(project)
    return project


@pytest.fixture
def change(base: Path, tmp_path: Path) -> Callable[[Edit], Report]:
    """Parses a copy of the project with an edit, and checks it against what it was."""

    def changed(edit: Edit, **options: object) -> Report:
        project = tmp_path / "shop"
        shutil.copytree(base, project)
        edit(project)
        parse(project)
        return check(Project.open(project), against=str(base / "target"), **options)  # type: ignore[arg-type]

    return changed


def replaced(file: str, old: str, new: str) -> Edit:
    def edit(project: Path) -> None:
        text = (project / file).read_text()
        assert old in text
        (project / file).write_text(text.replace(old, new))

    return edit


def found(report: Report) -> set[tuple[str, str]]:
    """Gate and sentence of every finding."""
    return {(flag.gate, flag.message) for flag in report.flags}


def test_parsed_again_nothing_changed(change: Callable[..., Report]) -> None:
    report = change(lambda project: (project / "target" / "partial_parse.msgpack").unlink())
    assert found(report) == set()
    assert report.passed
    assert report.headline == "This change touches no objective. All 10 gates passed."


def test_a_doubled_price_two_models_away_names_the_objective(change: Callable[..., Report]) -> None:
    report = change(
        replaced("models/order_items.sql", "{{ euros('product_price') }} as", "2 * {{ euros('product_price') }} as")
    )
    assert found(report) == {
        ("impact", "order_items changed (SQL): it computes Revenue and Orders placed (Grow sales)"),
    }
    assert report.objectives == ("Grow sales",)
    assert report.passed
    path = [step.name for step in report.flags[0].path]
    assert path == ["order_items", "orders", "orders", "revenue", "Revenue", "Grow sales"]
    assert report.flags[0].file == "models/order_items.sql"


def test_a_changed_filter_in_sql(change: Callable[..., Report]) -> None:
    report = change(replaced("models/order_items.sql", "quantity > 0", "quantity > 1"))
    assert found(report) == {
        ("impact", "order_items changed (SQL): it computes Revenue and Orders placed (Grow sales)"),
    }


def test_sql_that_is_only_laid_out_anew_is_no_change(change: Callable[..., Report]) -> None:
    assert found(change(replaced("models/order_items.sql", "\nwhere quantity", "\n\n    where  quantity"))) == set()


def test_a_changed_macro_is_a_change_of_what_calls_it(change: Callable[..., Report]) -> None:
    report = change(replaced("macros/euros.sql", "/ 100", "/ 1000"))
    assert found(report) == {
        ("impact", "order_items changed (macro euros): it computes Revenue and Orders placed (Grow sales)"),
    }


def test_a_changed_seed(change: Callable[..., Report]) -> None:
    report = change(replaced("seeds/raw_items.csv", "1,1,10,2", "1,1,20,2"))
    assert found(report) == {
        ("impact", "raw_items changed (data): it computes Revenue and Orders placed (Grow sales)"),
    }


def test_a_test_taken_away(change: Callable[..., Report]) -> None:
    report = change(replaced("models/models.yml", "[unique, not_null]", "[unique]"))
    what = "orders changed (test not_null_orders_order_id is gone)"
    assert found(report) == {("impact", f"{what}: it computes Revenue and Orders placed (Grow sales)")}


def test_a_new_orphan_model_fails(change: Callable[..., Report]) -> None:
    report = change(
        lambda p: (p / "models" / "lonely.sql").write_text("select 1 as one from {{ ref('stock') }}\n") and None
    )
    assert found(report) == {
        ("new-assets", "lonely is a new model that serves no objective"),
        ("alignment-change", "the share of assets that serve an objective falls from 70.0% to 63.6%"),
    }
    assert not report.passed
    assert report.flags[0].failing


def test_a_new_orphan_that_is_excused_until_a_day(change: Callable[..., Report]) -> None:
    def edit(project: Path) -> None:
        until = "{'code': 'HW802', 'because': 'built with the spring campaign', 'until': '2026-12-31'}"
        text = "{{ config(meta={'headway': {'ignore': [" + until + "]}}) }}\nselect 1 as one\n"
        (project / "models" / "lonely.sql").write_text(text)

    report = change(edit, only=["new-assets"])
    assert report.passed
    assert [(e.flag.code, e.reason) for e in report.excused] == [
        ("HW802", "built with the spring campaign (until 2026-12-31)")
    ]


def test_a_removed_metric_takes_its_key_result_with_it(change: Callable[..., Report]) -> None:
    line = "  - {name: order_total, label: Orders, type: simple, type_params: {measure: order_count}}\n"
    report = change(replaced("models/metrics.yml", line, ""))
    assert found(report) == {
        ("lost-metrics", "Orders placed (Grow sales) loses its metric order_total"),
        ("impact", "order_total is removed: it computed Orders placed (Grow sales)"),
        ("alignment-change", "the share of assets that serve an objective falls from 70.0% to 66.7%"),
    }
    assert not report.passed


def test_a_changed_measure_means_something_else(change: Callable[..., Report]) -> None:
    report = change(replaced("models/metrics.yml", "agg: count, expr: order_id", "agg: count_distinct, expr: order_id"))
    assert found(report) == {
        ("changed-metrics", "Orders placed (Grow sales) is measured otherwise: order_total: definition"),
        ("impact", "order_total changed (definition): it computes Orders placed (Grow sales)"),
    }
    assert report.passed


def test_a_metric_defined_a_second_time_fails(change: Callable[..., Report]) -> None:
    line = "  - {name: turnover, label: Turnover, type: simple, type_params: {measure: amount}}\n"

    def edit(project: Path) -> None:
        with (project / "models" / "metrics.yml").open("a") as file:
            file.write(line)

    report = change(edit)
    assert found(report) == {
        ("new-assets", "turnover is a new metric that serves no objective"),
        ("new-duplicates", "turnover is defined a second time (same meaning, other names): metric revenue"),
        ("alignment-change", "the share of assets that serve an objective falls from 70.0% to 63.6%"),
    }


def test_a_renamed_model_says_its_new_name(change: Callable[..., Report]) -> None:
    def edit(project: Path) -> None:
        (project / "models" / "order_items.sql").rename(project / "models" / "lines.sql")
        replaced("models/orders.sql", "ref('order_items')", "ref('lines')")(project)

    report = change(edit)
    assert found(report) == {
        ("impact", "order_items is renamed to lines: it computed Revenue and Orders placed (Grow sales)"),
        ("impact", "orders changed (SQL): it computes Revenue and Orders placed (Grow sales)"),
    }


def test_a_baseline_grandfathers_and_only_shrinks(change: Callable[..., Report], tmp_path: Path) -> None:
    known = tmp_path / "baseline.json"
    model = "select 1 as one from {{ ref('stock') }}\n"
    first = change(lambda p: (p / "models" / "lonely.sql").write_text(model) and None, baseline=str(known), update=True)
    assert first.passed
    assert len(json.loads(known.read_text())["findings"]) == 2
    project = tmp_path / "shop"
    (project / "models" / "lonely.sql").unlink()
    (project / "models" / "other.sql").write_text(model)
    parse(project)
    base = str(Path(project).parents[0] / "base.json")
    shutil.copy(project / "target" / "manifest.json", base)
    second = check(Project.open(project), against=base, baseline=str(known), update=True)
    assert second.flags == ()
    assert json.loads(known.read_text())["findings"] == []


def test_a_git_revision_whose_manifest_is_kept(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "repository" / "analytics"
    shutil.copytree(base, project)

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
        return subprocess.run(command, cwd=project.parent, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", "analytics/dbt_project.yml")
    git("commit", "-q", "-m", "one")
    monkeypatch.chdir(project)
    assert run(["check", "--against", "HEAD"]) == 2
    kept = project / ".headway" / "manifests" / f"{git('rev-parse', 'HEAD')}.json"
    kept.parent.mkdir(parents=True)
    shutil.copy(base / "target" / "manifest.json", kept)
    replaced("models/orders.sql", "group by 1", "group by order_id")(project)
    parse(project)
    report = check(Project.open(project, as_of=date(2026, 11, 22)), against="HEAD")
    assert [flag.file for flag in report.flags] == ["analytics/models/orders.sql"]
    kept.unlink()
    git("add", "-f", "analytics/target/manifest.json")
    git("commit", "-q", "-m", "two")
    assert check(Project.open(project), against="HEAD").flags == ()
    assert run(["check", "--against", "no-such-branch"]) == 2


def test_a_column_under_another_name_says_which_key_results_it_fed(base: Path, tmp_path: Path) -> None:
    pytest.importorskip("sqlglot")
    before, after = tmp_path / "before", tmp_path / "after"
    shutil.copytree(base, before)
    shutil.copytree(base, after)
    replaced("models/orders.sql", "as amount", "as total")(after)
    replaced("models/metrics.yml", "{name: amount, agg: sum}", "{name: amount, agg: sum, expr: total}")(after)
    for project in (before, after):
        command = [os.environ["HEADWAY_DBT"], "compile", "--quiet", "--no-populate-cache", "--no-introspect"]
        environment = {**os.environ, "DBT_PROFILES_DIR": str(project)}
        subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True, timeout=300)
    report = check(Project.open(after), against=str(before / "target"), columns=True)
    what = "orders changed (SQL and column amount is gone (fed Revenue))"
    assert ("impact", f"{what}: it computes Revenue and Orders placed (Grow sales)") in found(report)
