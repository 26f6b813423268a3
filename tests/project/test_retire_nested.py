"""Retiring what dbt 1.12 and later declare under a model, and metrics that are made of measures."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from headway.errors import InputError
from headway.project import Project, retire
from headway.project.yaml_edit import Document
from shop import manifest, write_shop

DAY = date(2026, 11, 22)
FILE = "models/semantics.yml"
NESTED = """\
models:
  - name: orders
    semantic_model: true
    metrics:
      - {name: revenue, type: simple, agg: sum, expr: amount}
      # asked for once
      - {name: refunds, type: simple, agg: sum, expr: refunded}
  - name: old
    semantic_model:
      name: old_sales
    agg_time_dimension: ordered_at
    metrics:
      - name: old_revenue
        type: simple
"""
MEASURES = """\
models:
  - name: old
semantic_models:
  - name: old_sales
    model: ref('old')
    measures:
      - {name: old_revenue, agg: sum, create_metric: true}
"""
COVERS = "kind:model kind:metric kind:semantic_model"


def entry(kind: str, name: str, *above: str, **more: Any) -> dict[str, Any]:
    uid = f"{kind}.shop.{name}"
    return {"unique_id": uid, "name": name, "resource_type": kind, "package_name": "shop",
            "original_file_path": FILE, "depends_on": {"nodes": list(above), "macros": []}, **more}  # fmt: skip


def made(tmp_path: Path, text: str, *extra: dict[str, Any]) -> Path:
    """raw_orders -> orders -> revenue, refunds; orders -> old -> old_sales -> old_revenue, which nobody uses."""
    usage = (
        "node,relation,day,measure,amount,unit,person_class\n"
        "model.shop.orders,,2026-08-20,queries,3,count,person\n"
        "model.shop.orders,,2026-11-21,queries,3,count,service\n"
    )
    tmp_path.mkdir(exist_ok=True)
    folder = write_shop(tmp_path / "shop", usage=usage)
    (folder / "headway.yml").write_text(
        f'project: shop\nas_of: 2026-11-22\nobservations: [{{path: usage.csv, covers: "{COVERS}"}}]\n'
    )
    found = manifest()
    del found["nodes"]["model.shop.forgotten"]
    found["nodes"]["model.shop.orders"]["patch_path"] = f"shop://{FILE}"
    old = entry("model", "old", "model.shop.orders", patch_path=f"shop://{FILE}")
    found["nodes"]["model.shop.old"] = {**old, "original_file_path": "models/old.sql"}
    found["semantic_models"] = {
        "semantic_model.shop.orders": entry("semantic_model", "orders", "model.shop.orders"),
        "semantic_model.shop.old_sales": entry("semantic_model", "old_sales", "model.shop.old"),
    }
    for name, above in (("revenue", "orders"), ("refunds", "orders"), ("old_revenue", "old_sales")):
        found["metrics"][f"metric.shop.{name}"] = entry("metric", name, f"semantic_model.shop.{above}", type="simple")
    for one in extra:
        found["metrics"][one["unique_id"]] = one
    (folder / "target/manifest.json").write_text(json.dumps(found))
    (folder / "dbt_project.yml").write_text("name: shop\n")
    (folder / "models").mkdir()
    (folder / "models/old.sql").write_text("select 1")
    (folder / FILE).write_text(text)
    return folder


def opened(folder: Path) -> Project:
    return Project.open(folder, as_of=DAY, environment={})


def after(folder: Path, assets: str, stage: Any) -> tuple[set[str], str | None]:
    """Names of what goes, and the property file as it would be."""
    prepared = retire.prepare(opened(folder), assets=assets, stage=stage)
    data = next((c.after for c in prepared.changes if c.path == FILE), b"")
    return {n.rpartition(".")[2] for n in prepared.nodes}, data.decode() if data is not None else None


def test_one_of_several_metrics_of_a_model_is_switched_off_and_taken_out_alone(tmp_path: Path) -> None:
    folder = made(tmp_path, NESTED)
    names, text = after(folder, "refunds", "disabled")
    assert names == {"refunds"}
    assert text == NESTED.replace("{name: refunds,", "{name: refunds, config: {enabled: false},")
    _, text = after(folder, "refunds", "dropped")
    assert text == NESTED.replace("      - {name: refunds, type: simple, agg: sum, expr: refunded}\n", "")


def test_a_model_goes_with_the_semantic_model_and_the_metrics_under_it(tmp_path: Path) -> None:
    folder = made(tmp_path, NESTED)
    names, text = after(folder, "old_revenue,old", "disabled")
    assert names == {"old_revenue", "old_sales", "old"}
    assert text == NESTED.replace("  - name: old\n", "  - name: old\n    config: {enabled: false}\n").replace(
        "      name: old_sales\n", "      name: old_sales\n      enabled: false\n"
    )
    _, text = after(folder, "old_revenue,old", "dropped")
    assert text == NESTED.partition("  - name: old\n")[0]


def test_what_the_manifest_forgets_once_it_is_switched_off_is_still_dropped(tmp_path: Path) -> None:
    folder = made(tmp_path, NESTED)
    done = retire.write(opened(folder), retire.prepare(opened(folder), assets="old_revenue,old", stage="disabled"))
    assert f"file: {FILE}" in (folder / "retirements.yml").read_text()
    found = json.loads((folder / "target/manifest.json").read_text())
    found["disabled"] = {"model.shop.old": [found["nodes"].pop("model.shop.old")]}
    del found["metrics"]["metric.shop.old_revenue"], found["semantic_models"]["semantic_model.shop.old_sales"]
    (folder / "target/manifest.json").write_text(json.dumps(found))
    assert {row.values[3] for row in retire.status(opened(folder)).rows} == {"switched off"}
    before = {p: p.read_bytes() for p in folder.rglob("*.yml")}
    names, text = after(folder, "", "dropped")
    assert names == {"old_revenue", "old_sales", "old"}
    assert text == NESTED.partition("  - name: old\n")[0]
    dropped = retire.write(opened(folder), retire.prepare(opened(folder), stage="dropped"))
    assert not (folder / "models/old.sql").exists()
    retire.undo(opened(folder), dropped.id)
    assert {p: p.read_bytes() for p in folder.rglob("*.yml")} == before
    retire.undo(opened(folder), done.id)
    assert (folder / FILE).read_text() == NESTED


def test_a_metric_that_stays_keeps_the_model_that_it_is_declared_under(tmp_path: Path) -> None:
    text = NESTED + "      - {name: share, type: derived, expr: revenue, input_metrics: [{name: revenue}]}\n"
    folder = made(tmp_path, text, entry("metric", "share", "metric.shop.revenue", type="derived"))
    goals = (folder / "goals.yml").read_text().replace("metric: revenue", "metric: share")
    (folder / "goals.yml").write_text(goals)
    prepared = retire.prepare(opened(folder), assets="old_revenue,old_sales,old", stage="disabled")
    assert {n.rpartition(".")[2] for n in prepared.nodes} == {"old_revenue"}
    kept = [row.values[3] for part in prepared.answer.sections for row in part.rows if row.values[0] == "old_sales"]
    assert any("the metric share, which is declared under the same model, needs it" in str(why) for why in kept)


def test_a_time_spine_stays_while_metrics_do(tmp_path: Path) -> None:
    folder = made(tmp_path, NESTED)
    found = json.loads((folder / "target/manifest.json").read_text())
    spine = entry("model", "days", patch_path=f"shop://{FILE}", time_spine={"standard_granularity_column": "day"})
    found["nodes"]["model.shop.days"] = spine
    (folder / "target/manifest.json").write_text(json.dumps(found))
    assert retire.prepare(opened(folder), assets="days").nodes == ()
    found["metrics"], found["semantic_models"] = {}, {}
    (folder / "target/manifest.json").write_text(json.dumps(found))
    assert retire.prepare(opened(folder), assets="days").nodes == ("dbt:model.shop.days",)


def test_a_metric_that_is_made_of_a_measure_goes_with_its_semantic_model_only(tmp_path: Path) -> None:
    kept = made(tmp_path / "kept", MEASURES, entry("metric", "old_count", "semantic_model.shop.old_sales"))
    (kept / "goals.yml").write_text((kept / "goals.yml").read_text().replace("metric: revenue", "metric: old_count"))
    with pytest.raises(InputError, match=r"old_revenue is made of a measure of the semantic model old_sales, which"):
        after(kept, "old_revenue", "disabled")
    folder = made(tmp_path, MEASURES)
    names, text = after(folder, "old_revenue,old", "disabled")
    assert names == {"old_revenue", "old_sales", "old"}
    assert text == MEASURES.replace("- name: old\n", "- name: old\n    config: {enabled: false}\n").replace(
        "- name: old_sales\n", "- name: old_sales\n    config: {enabled: false}\n"
    )
    assert after(folder, "old_revenue,old", "dropped")[1] is None


def test_keys_under_an_item_are_taken_out_and_all_else_keeps_its_bytes() -> None:
    old = ("models", "name", "old")
    document = Document(NESTED.replace("\n", "\r\n").encode(), FILE)
    document.remove(old, ("metrics", "name", "old_revenue"), alone=True)
    document.remove_key("semantic_model", old)
    document.remove_key("agg_time_dimension", old)
    kept = NESTED.partition("  - name: old\n")[0] + "  - name: old\n"
    assert document.data == kept.replace("\n", "\r\n").encode()
    with pytest.raises(InputError, match="'old' has no metrics"):
        document.remove_key("metrics", old)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("models:\n  - {name: old, metrics: [{name: a}]}\n", "metrics does not begin on a line of its own"),
        ("models:\n  - metrics: [{name: a}]\n    name: old\n", "metrics does not begin on a line of its own"),
        ("models:\n  - name: old\n    metrics: &m\n      - name: a\n  - {name: b, metrics: *m}\n", "in several places"),
    ],
)
def test_a_key_that_cannot_go_alone_is_refused(text: str, why: str) -> None:
    document = Document(text.encode(), FILE)
    with pytest.raises(InputError, match=why):
        document.remove_key("metrics", ("models", "name", "old"))
    assert document.data == text.encode()
