"""`headway export dbt`: what the file says, what a second run changes, and that goals are found once, not twice."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.shop import GOALS, manifest, write_shop

from headway.cli.main import run
from headway.config import Serve
from headway.errors import InputError, UsageError
from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.project import Project, dbt_export

FILE = "models/headway_objectives.yml"
SECOND = """\
  - id: keep-going
    title: "Keep {{ env_var('SECRET') }} <script>"
    description: "Two\\n\\nparts {% raw %}"
    period: 2026-Q4
    parent: grow
    tags: [okr, headway]
    url: https://goals.example/keep
    key_results:
      - {id: orders, title: Orders, model: orders, expression: count(*), band: {low: 5}}
      - {id: sum, title: Sum, sql: "select sum(x) from wh.main.orders where name = 'Zoe'", target: 9}
      - {id: words, title: Only words, draft: true}
    deliverables: [{id: ship, title: Ship it, due: 2026-12-01}]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = write_shop(tmp_path, goals=GOALS + SECOND)
    (folder / "dbt_project.yml").write_text("name: shop\nmodel-paths: [models, other]\n")
    return folder


def export(folder: Path, **options: Any) -> dbt_export.Export:
    prepared = dbt_export.prepare(Project.open(folder), **options)
    dbt_export.write(prepared)
    return prepared


def said(folder: Path, file: str = FILE) -> dict[str, Any]:
    return yaml.safe_load((folder / file).read_text("utf-8"))


def exposure(folder: Path, name: str) -> dict[str, Any]:
    return next(e for e in said(folder)["exposures"] if e["name"] == name)


def parsed(folder: Path) -> None:
    """What dbt makes of the file: the exposures and metrics in the manifest."""
    whole = manifest()
    there = said(folder) if (folder / FILE).exists() else {}
    for entry in there.get("exposures", ()):
        whole["exposures"][f"exposure.shop.{entry['name']}"] = {
            **entry,
            "unique_id": f"exposure.shop.{entry['name']}",
            "resource_type": "exposure",
            "package_name": "shop",
            "original_file_path": FILE,
            "depends_on": {"nodes": ["metric.shop.revenue"]},
        }
    for entry in there.get("metrics", ()):
        whole["metrics"][f"metric.shop.{entry['name']}"] = {
            **entry,
            "unique_id": f"metric.shop.{entry['name']}",
            "resource_type": "metric",
            "package_name": "shop",
            "original_file_path": FILE,
            "depends_on": {"nodes": ["metric.shop.revenue"]},
        }
    (folder / "target/manifest.json").write_text(json.dumps(whole))


def goals_of(graph: Graph) -> dict[str, Any]:
    """What is known of each goal, without where it was read; what an export leaves out is left out."""
    found = {}
    for i, node in enumerate(graph.nodes):
        if KINDS[node.kind].goal:
            target, record = graph.targets.get(i), graph.objectives.get(i)
            found[node.id] = (
                (node.kind, node.label, node.owner, node.url, node.description, node.tags),
                target and (target.baseline, target.target, target.band, target.start, target.due, target.unit),
                target and (target.binding.metric, target.binding.model, target.binding.expression, target.binding.way),
                record and (record.start, record.end, record.period, record.weight, record.parent, record.standing),
                sorted(graph.nodes[u].id for u in graph.fed_by.get(i, ())),
                sorted(graph.nodes[u].id for u in graph.shown_on.get(i, ())),
                sorted(graph.nodes[u].id for u in graph.supports.get(i, ())),
            )
    return found


def test_an_objective_is_an_exposure_with_its_owner_address_progress_and_upstream(shop: Path) -> None:
    done = export(shop)
    assert (done.added, done.changed, done.removed) == (("objective__grow", "objective__keep_going"), (), ())
    grow, keep = (exposure(shop, f"objective__{name}") for name in ("grow", "keep_going"))
    assert grow["type"] == "analysis"
    assert grow["owner"] == {"name": "sales-team"}
    assert grow["label"] == "Grow sales"
    assert "60% of the way" in grow["description"]
    assert "Happy customers: from 40 to 50, by 2026-12-31, now 46" in grow["description"]
    # What supports it is below it too, for no exposure can depend on another.
    assert grow["depends_on"] == ["metric('revenue')", "ref('orders')"]
    assert keep["depends_on"] == ["ref('orders')"]
    assert keep["url"] == "https://goals.example/keep"
    assert keep["config"]["tags"] == ["headway", "okr"]
    assert keep["config"]["meta"]["headway"]["supports"] == ["grow"]
    assert (grow["maturity"], keep["maturity"]) == ("high", "medium")


def test_nothing_in_the_file_is_rendered_and_no_sql_or_draft_is_in_it(shop: Path) -> None:
    export(shop)
    text = (shop / FILE).read_text("utf-8")
    assert "{{" not in text
    assert "{%" not in text
    keep = exposure(shop, "objective__keep_going")
    assert "<" not in keep["description"] + keep["label"]
    assert "Zoe" not in text
    assert "Only words" not in text


def test_a_second_run_changes_nothing_and_a_change_changes_its_entry_only(shop: Path) -> None:
    export(shop)
    first = (shop / FILE).read_bytes()
    again = export(shop)
    assert (again.same, again.differs) == (2, False)
    text = first.decode().replace(
        "  - name: objective__grow\n", "  # the one that matters\n  - name: objective__grow\n"
    )
    (shop / FILE).write_text(text)
    (shop / "goals.yml").write_text((GOALS + SECOND).replace("low: 5", "low: 6"))
    done = export(shop)
    assert (done.changed, done.same) == (("objective__keep_going",), 1)
    after = (shop / FILE).read_text()
    assert "# the one that matters" in after
    assert "low: 6" in after


def test_an_objective_that_is_gone_or_over_takes_its_exposure_with_it_and_what_people_wrote_stays(shop: Path) -> None:
    export(shop)
    mine = "\n  - name: board\n    type: dashboard\n    owner: {name: x}\n"
    (shop / FILE).write_text((shop / FILE).read_text().rstrip() + mine)
    (shop / "goals.yml").write_text(GOALS + SECOND.replace("period: 2026-Q4", "state: ended"))
    assert export(shop).removed == ("objective__keep_going",)
    assert [e["name"] for e in said(shop)["exposures"]] == ["objective__grow", "board"]
    (shop / "goals.yml").write_text("version: 1\n")
    parsed(shop)  # what was exported is no goal of its own, and does not keep itself
    assert export(shop).removed == ("objective__grow",)
    assert [e["name"] for e in said(shop)["exposures"]] == ["board"]


def test_a_file_of_which_nothing_is_left_is_removed(shop: Path) -> None:
    export(shop)
    (shop / "goals.yml").write_text("version: 1\n")
    export(shop)
    assert not (shop / FILE).exists()
    again = export(shop)
    assert "nothing to export" in again.summary
    assert again.notes == ("no objectives are known yet: headway init writes a starter goals.yml",)


@pytest.mark.parametrize("metrics", [False, True])
def test_goals_are_found_once_in_a_project_that_has_its_export(shop: Path, metrics: bool) -> None:
    before = Project.open(shop).graph()
    export(shop, metrics=metrics)
    parsed(shop)
    after = Project.open(shop).graph()
    assert [n.id for n in after.nodes] == [n.id for n in before.nodes]
    assert goals_of(after) == goals_of(before)
    assert [g.message for g in after.gaps] == [g.message for g in before.gaps]
    assert Project.open(shop).ask("goals").sections == Project.open(shop).ask("goals").sections


def test_a_manifest_alone_has_the_same_goals_from_the_export(shop: Path) -> None:
    before = goals_of(Project.open(shop).graph())
    export(shop)
    parsed(shop)
    (shop / "goals.yml").unlink()
    (shop / "headway.yml").write_text("project: shop\nas_of: 2026-11-22\n")
    after = goals_of(Project.open(shop).graph())
    assert after.keys() == before.keys() - {"goal:key_result.keep-going.words"}
    # SQL stays where it was written; all else that was known is known.
    for goal in after.keys() - {"goal:key_result.keep-going.sum"}:
        assert after[goal] == before[goal]


def test_the_export_of_a_goal_that_was_taken_back_does_not_keep_it(shop: Path) -> None:
    export(shop)
    parsed(shop)
    (shop / "goals.yml").write_text(GOALS)
    graph = Project.open(shop).graph()
    assert "goal:objective.keep-going" not in graph.index
    assert "goal:key_result.keep-going.orders" not in graph.index


def test_key_results_as_metrics_have_targets_and_are_no_assets(shop: Path) -> None:
    done = export(shop, metrics=True)
    (metric,) = said(shop)["metrics"]
    assert metric["name"] == "key_result_grow_revenue"
    assert metric["type_params"] == {"expr": "revenue", "metrics": [{"name": "revenue"}]}
    meta = metric["config"]["meta"]["headway"]
    assert (meta["objective"], meta["key_result"], meta["baseline"], meta["target"]) == ("grow", "revenue", 100, 200)
    assert exposure(shop, "objective__grow")["depends_on"] == ["metric('key_result_grow_revenue')", "ref('orders')"]
    assert any("is no metric of dbt" not in n for n in done.notes) or not done.notes
    parsed(shop)
    assert "dbt:metric.shop.key_result_grow_revenue" not in Project.open(shop).graph().index


def test_metrics_are_written_as_dbt_2_reads_them(shop: Path) -> None:
    whole = manifest()
    whole["metadata"]["dbt_version"] = "2.0.3"
    (shop / "target/manifest.json").write_text(json.dumps(whole))
    export(shop, metrics=True)
    (metric,) = said(shop)["metrics"]
    assert metric["input_metrics"] == [{"name": "revenue"}]
    assert "type_params" not in metric
    # dbt 2 does not follow an exposure to its metrics, so that the model below is named, too.
    assert exposure(shop, "objective__grow")["depends_on"] == ["metric('key_result_grow_revenue')", "ref('orders')"]
    (shop / "goals.yml").write_text(GOALS)
    export(shop)
    assert exposure(shop, "objective__grow")["depends_on"] == ["metric('revenue')", "ref('orders')"]


def test_versions_packages_sources_and_private_models_are_referred_to_as_dbt_wants(shop: Path) -> None:
    whole = manifest()
    nodes = whole["nodes"]
    nodes["model.shop.orders"]["access"] = "private"
    for uid, changes in {
        "model.shop.users.v2": {"name": "users", "version": 2},
        "model.shop.teams.v1b": {"name": "teams", "version": "1b"},
        "model.base.days": {"name": "days", "package_name": "base"},
    }.items():
        nodes[uid] = {
            **nodes["model.shop.forgotten"],
            "unique_id": uid,
            "relation_name": f"wh.main.{uid[6:]}",
            **changes,
        }
    whole["metrics"]["metric.base.m"] = {**whole["metrics"]["metric.shop.revenue"], "unique_id": "metric.base.m"}
    whole["metrics"]["metric.base.m"] |= {"name": "m", "package_name": "base"}
    (shop / "target/manifest.json").write_text(json.dumps(whole))
    rows = "".join(f"      - {{id: k{n}, title: K{n}, {bound}}}\n" for n, bound in enumerate((
        "model: model.shop.users.v2, expression: count(*)", "model: model.shop.teams.v1b, expression: count(*)",
        "model: days, expression: count(*)", "metric: m", "model: orders, expression: count(*)",
        'sql: "select 1 from wh.raw.raw_orders"',
    )))  # fmt: skip
    (shop / "goals.yml").write_text(f"version: 1\nobjectives:\n  - id: a\n    title: A\n    key_results:\n{rows}")
    done = export(shop)
    assert exposure(shop, "objective__a")["depends_on"] == [
        "ref('users', v=2)", "ref('teams', v='1b')", "ref('base', 'days')", "metric('base', 'm')",
        "source('raw', 'raw_orders')",
    ]  # fmt: skip
    assert [n for n in done.notes if "private" in n] == [
        "K4 stands on orders, which is private: an exposure may not refer to it"
    ]


def test_ids_that_dbt_cannot_tell_apart_get_names_of_their_own(shop: Path) -> None:
    (shop / "goals.yml").write_text(
        "version: 1\nobjectives:\n  - {id: a-b, title: One}\n  - {id: a_b, title: Two}\n  - {id: c, title: C}\n"
    )
    names = export(shop).added
    assert names[2] == "objective__c"
    assert len(set(names)) == 3
    assert all(n.startswith("objective__a_b_") for n in names[:2])


def test_objectives_without_an_address_lead_to_their_page(shop: Path) -> None:
    project = Project.open(shop)
    project.config = replace(project.config, serve=Serve(url="https://headway.example/"))
    dbt_export.write(dbt_export.prepare(project))
    assert exposure(shop, "objective__grow")["url"].startswith("https://headway.example/objective/")
    assert exposure(shop, "objective__keep_going")["url"] == "https://goals.example/keep"


def test_without_figures_a_new_reading_changes_nothing(shop: Path) -> None:
    export(shop, figures=False)
    (shop / "goals.yml").write_text((GOALS + SECOND).replace("value: 46", "value: 49"))
    assert not dbt_export.prepare(Project.open(shop), figures=False).differs
    assert dbt_export.prepare(Project.open(shop)).differs


def test_the_export_stays_where_it_was_and_goes_where_it_is_told(shop: Path) -> None:
    export(shop, output="other/goals.yml")
    whole = manifest()
    whole["exposures"]["exposure.shop.objective__grow"] = {
        "unique_id": "exposure.shop.objective__grow", "name": "objective__grow", "type": "analysis",
        "package_name": "shop", "original_file_path": "other/goals.yml",
        "config": {"meta": {"headway": {"exported": "goals"}}},
    }  # fmt: skip
    (shop / "target/manifest.json").write_text(json.dumps(whole))
    assert export(shop).file == "other/goals.yml"
    with pytest.raises(InputError, match="exported to another file before"):
        export(shop, output=FILE)


def test_a_file_that_was_moved_is_found_before_dbt_has_parsed_it(shop: Path) -> None:
    export(shop)
    (shop / "models/goals").mkdir()
    (shop / FILE).rename(shop / "models/goals/h.yml")
    assert export(shop).file == "models/goals/h.yml"
    assert not (shop / FILE).exists()


def test_the_only_copy_of_the_goals_stays_where_no_place_of_goals_is_known(shop: Path) -> None:
    export(shop)
    parsed(shop)
    (shop / "goals.yml").unlink()
    (shop / "headway.yml").write_text("dbt: {target: target}\n")
    assert "Grow sales" in repr(Project.open(shop).ask("goals"))
    before = (shop / FILE).read_bytes()
    with pytest.raises(InputError, match="known from this file alone"):
        export(shop)
    assert (shop / FILE).read_bytes() == before


ONE = """version: 1
periods: [{id: q, start: 2026-10-01, end: 2026-12-31}]
objectives:
  - id: grow-it
    title: Grow
    owner: sales-team
    period: q
    description: DESCRIBED
    key_results:
"""


def test_nothing_that_dbt_renders_is_left_in_a_condition(shop: Path) -> None:
    where = "{{ Dimension('plan__tier') }} = 'pro'"
    (shop / "goals.yml").write_text(f'{ONE}      - {{id: a, title: A, metric: revenue, target: 9, where: "{where}"}}\n')
    export(shop)
    assert "{ { Dimension(" in (shop / FILE).read_text()
    assert "{{" not in (shop / FILE).read_text()


def test_key_results_that_would_be_one_metric_have_names_of_their_own(shop: Path) -> None:
    names = ("m__x", "m_x", "m--x")
    rows = "".join(f"      - {{id: {name}, title: {name}, metric: revenue, target: 9}}\n" for name in names)
    (shop / "goals.yml").write_text(ONE + rows)
    export(shop, metrics=True)
    assert len({m["name"] for m in said(shop)["metrics"]}) == 3
    assert not export(shop, metrics=True).differs


def test_a_rule_of_dashes_is_no_nesting(shop: Path) -> None:
    rule = "- " * 24 + "[[[[[[[[[[[[[[[[[[[[[["
    (shop / "goals.yml").write_text(ONE.replace("DESCRIBED", f"'See {rule}'") + "      - {id: a, title: A}\n")
    export(shop)
    export(shop, figures=False)
    assert rule in said(shop)["exposures"][0]["description"]


@pytest.mark.parametrize(
    "output", ["goals/x.yml", "models/x.txt", "../models/x.yml", "/tmp/x.yml", "models/../../x.yml"]
)
def test_an_output_that_dbt_would_not_read_is_refused(shop: Path, output: str) -> None:
    with pytest.raises((UsageError, InputError)):
        export(shop, output=output)


@pytest.mark.parametrize(
    ("before", "message"),
    [
        (b"exposures:\n  - name: objective__grow\n    type: ml\n", "is not ours"),
        (b"exposures: []\n", "no list that could be added to"),
        (b"exposures:\n  - {", "not valid YAML"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"- 1\n", "no mapping"),
    ],
)
def test_a_file_that_cannot_be_edited_is_said_with_its_place_and_left_alone(
    shop: Path, before: bytes, message: str
) -> None:
    (shop / "models").mkdir()
    (shop / FILE).write_bytes(before)
    with pytest.raises(InputError, match=message) as error:
        export(shop)
    assert FILE in str(error.value)
    assert (shop / FILE).read_bytes() == before


def test_a_file_that_changed_meanwhile_is_not_overwritten(shop: Path) -> None:
    prepared = dbt_export.prepare(Project.open(shop))
    (shop / "models").mkdir()
    (shop / FILE).write_text("version: 2\n")
    with pytest.raises(InputError, match="was changed while"):
        dbt_export.write(prepared)
    assert (shop / FILE).read_text() == "version: 2\n"


def test_what_was_edited_by_hand_in_the_export_is_said_and_the_rest_is_read(shop: Path) -> None:
    export(shop)
    text = (shop / FILE).read_text().replace("target: 200", "target: [no, number]").replace("id: happiness", "id: 7")
    (shop / FILE).write_text(text)
    parsed(shop)
    (shop / "goals.yml").unlink()
    (shop / "headway.yml").write_text("project: shop\nas_of: 2026-11-22\n")
    graph = Project.open(shop).graph()
    messages = [g.message for g in graph.gaps if "exported exposure objective__grow" in g.message]
    assert len(messages) == 2
    assert graph.targets[graph.index["goal:key_result.grow.revenue"]].target is None


def test_the_command_checks_prints_and_writes(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--project-dir", str(shop)]
    assert run(["export", "dbt", "--check", *at]) == 1
    assert not (shop / FILE).exists()
    assert capsys.readouterr().err.endswith(": 2 to be added.\n")
    assert run(["export", "dbt", "--output", "-", *at]) == 0
    printed = capsys.readouterr()
    assert {e["name"] for e in yaml.safe_load(printed.out)["exposures"]} == {"objective__grow", "objective__keep_going"}
    assert not (shop / FILE).exists()
    assert run(["export", "dbt", *at]) == 0
    assert "2 added" in capsys.readouterr().err
    assert (shop / FILE).read_text() == printed.out
    assert run(["export", "dbt", "--check", *at]) == 0
    (shop / "target/manifest.json").unlink()
    assert run(["export", "dbt", *at]) == 2


@pytest.mark.parametrize("folder", [False, True])
def test_goals_that_were_saved_after_the_last_sync_are_named(shop: Path, folder: bool) -> None:
    file = shop / "goals.yml"
    if folder:
        (shop / "company").mkdir()
        file = file.rename(shop / "company/goals.yml")
        settings = (shop / "headway.yml").read_text()
        (shop / "headway.yml").write_text(settings.replace("goals: goals.yml", "goals: company"))
    assert export(shop).notes == ()
    Project.open(shop).sync()
    assert export(shop).notes == ()
    later = time.time() + 60
    os.utime(file, (later, later))
    name = "company" if folder else "goals.yml"
    (note,) = export(shop).notes
    assert note == f"{name} was saved after the last sync, and what it says now is not exported: headway sync reads it"


def test_a_selector_names_what_is_below_an_objective_and_its_exposure_once_there_is_one(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--project-dir", str(shop)]
    assert run(["select", "grow", *at]) == 0
    assert capsys.readouterr().out == "+metric:revenue +orders\n"
    export(shop)
    parsed(shop)
    assert run(["select", "keep-going", *at]) == 0
    assert capsys.readouterr().out == "+exposure:objective__keep_going\n"
    assert run(["select", "grow", "--format", "yaml", *at]) == 0
    (selector,) = yaml.safe_load(capsys.readouterr().out)["selectors"]
    assert selector["name"] == "objective__grow"
    assert selector["definition"] == {"union": [{"method": "exposure", "value": "objective__grow", "parents": True}]}


def test_a_selector_names_what_the_exposure_does_not_know_yet_and_does_without_one_that_is_gone(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--project-dir", str(shop)]
    export(shop)
    parsed(shop)
    whole = json.loads((shop / "target/manifest.json").read_text())
    whole["exposures"]["exposure.shop.objective__grow"]["depends_on"] = {"nodes": ["metric.shop.revenue"]}
    whole["metrics"]["metric.shop.revenue"]["depends_on"] = {"nodes": []}
    (shop / "target/manifest.json").write_text(json.dumps(whole))
    assert run(["select", "grow", *at]) == 0
    assert capsys.readouterr().out == "+exposure:objective__grow +orders\n"
    (shop / FILE).unlink()
    assert run(["select", "grow", *at]) == 0
    assert capsys.readouterr().out == "+metric:revenue +orders\n"


def test_a_selector_of_a_title_with_jinja_is_nothing_that_dbt_renders(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "goals.yml").write_text(GOALS.replace("Grow sales", "Grow {{ var('x') }}", 1))
    assert run(["select", "grow", "--format", "yaml", "--project-dir", str(shop)]) == 0
    assert "{{" not in capsys.readouterr().out


def test_what_has_nothing_of_dbt_below_it_cannot_be_selected(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "goals.yml").write_text("version: 1\nobjectives:\n  - {id: a, title: Words}\n")
    assert run(["select", "a", "--project-dir", str(shop)]) == 2
    assert "nothing of dbt is below the objective Words" in capsys.readouterr().err
    assert run(["select", "b", "--project-dir", str(shop)]) == 2
