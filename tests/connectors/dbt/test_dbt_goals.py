"""Goals declared inside a dbt project."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from small_project import edges, entry, gaps, headway, node, of, project, read, semantic_model, simple_metric, table

from headway.connectors.dbt.goals import period_days
from headway.graph.model import Band, Binding, Node, Objective, Target

BASE = (table("model.shop.orders"), semantic_model("orders", "order"))


def metric(name: str, **meta: Any) -> dict[str, Any]:
    return simple_metric(name, "orders", label=f"{name} label", **(headway(**meta) if meta else {}))


def exposure(name: str, *depends_on: str, **meta: Any) -> dict[str, Any]:
    return entry(f"exposure.shop.{name}", *depends_on, type="analysis", label=f"{name} label", **headway(**meta))


def goals_read(folder: Path, *entries: dict[str, Any]) -> Any:
    return read(folder, project(*BASE, *entries))


def test_a_metric_declares_its_key_result(tmp_path: Path) -> None:
    records = goals_read(
        tmp_path,
        metric(
            "revenue",
            objective="grow",
            key_result="mrr",
            title="Monthly revenue",
            owner="Growth team",
            target=60000,
            baseline=40000.5,
            grain="month",
            start="2026-10-01",
            due="2026-12-31",
            unit="EUR",
            weight=2,
        ),
    )
    kr = node(records, "goal:key_result.grow.mrr")
    assert (kr.kind, kr.name, kr.title, kr.owner, kr.owner_origin) == (
        "key_result",
        "mrr",
        "Monthly revenue",
        "Growth team",
        "meta",
    )
    assert of(records, Target) == [
        Target(
            key_result="goal:key_result.grow.mrr",
            objective="goal:objective.grow",
            weight=2.0,
            baseline=40000.5,
            target=60000.0,
            direction="increase",
            unit="EUR",
            start=date(2026, 10, 1),
            due=date(2026, 12, 31),
            binding=Binding(metric="revenue", grain="month"),
            origin=kr.origin,
        )
    ]
    assert ("metric.shop.revenue", "goal:key_result.grow.mrr", "declared") in edges(records)
    assert edges(records, "supports") == {("goal:key_result.grow.mrr", "goal:objective.grow", "declared")}
    assert gaps(records, "goals") == []


def test_the_metric_stays_an_asset_and_lends_name_title_and_owner(tmp_path: Path) -> None:
    records = goals_read(tmp_path, metric("churn", objective="keep", band=[1, 5]))
    assert node(records, "metric.shop.churn").kind == "metric"
    kr = node(records, "goal:key_result.keep.churn")
    assert (kr.name, kr.title) == ("churn", "churn label")
    [target] = of(records, Target)
    assert (target.band, target.direction) == (Band(1.0, 5.0), "maintain")


def test_an_exposure_declares_an_objective(tmp_path: Path) -> None:
    records = goals_read(
        tmp_path,
        metric("revenue", objective="objective_grow", target=5, baseline=9),
        metric("orders_count"),
        exposure(
            "objective_grow",
            "metric.shop.revenue",
            "metric.shop.orders_count",
            kind="objective",
            period="2026-Q4",
            parent="company",
            weight=3,
            standing=True,
            limit=7,
        )
        | {"owner": {"name": "Growth team"}, "url": "https://okr.example/1"},
    )
    objective = node(records, "goal:objective.grow")
    assert (objective.kind, objective.name, objective.title) == ("objective", "grow", "objective_grow label")
    assert (objective.owner, objective.owner_origin, objective.url) == (
        "Growth team",
        "exposure",
        "https://okr.example/1",
    )
    assert [n.id for n in of(records, Node) if n.id.startswith("dbt:exposure")] == []
    assert of(records, Objective) == [
        Objective(
            objective="goal:objective.grow",
            start=date(2026, 10, 1),
            end=date(2026, 12, 31),
            period="2026-Q4",
            weight=3.0,
            parent="goal:objective.company",
            standing=True,
            limit=7,
            origin=objective.origin,
        )
    ]
    assert edges(records, "supports") == {
        ("goal:key_result.grow.revenue", "goal:objective.grow", "declared"),
        ("goal:key_result.grow.orders_count", "goal:objective.grow", "declared"),
        ("goal:objective.grow", "goal:objective.company", "declared"),
    }
    targets = {t.key_result: t for t in of(records, Target)}
    bare = targets["goal:key_result.grow.orders_count"]
    assert (bare.target, bare.baseline, bare.binding) == (None, None, Binding(metric="orders_count"))
    assert (bare.start, bare.due) == (date(2026, 10, 1), date(2026, 12, 31))
    assert targets["goal:key_result.grow.revenue"].direction == "decrease"
    assert gaps(records, "goals") == []


def test_a_key_result_of_another_objective_supports_both(tmp_path: Path) -> None:
    records = goals_read(
        tmp_path,
        metric("revenue", objective="grow"),
        exposure("objective__service", kind="objective") | {"metrics": [["revenue"]]},
    )
    assert edges(records, "supports") == {
        ("goal:key_result.grow.revenue", "goal:objective.grow", "declared"),
        ("goal:key_result.grow.revenue", "goal:objective.service", "declared"),
    }
    assert [n.id for n in of(records, Node) if n.kind == "key_result"] == ["goal:key_result.grow.revenue"]


def test_a_target_without_an_objective_is_taken_from_the_exposure(tmp_path: Path) -> None:
    records = goals_read(
        tmp_path,
        metric("revenue", target=10),
        metric("lonely", target=10),
        exposure("grow", "metric.shop.revenue", kind="objective", id="growth"),
    )
    assert [(t.key_result, t.target) for t in of(records, Target)] == [("goal:key_result.growth.revenue", 10.0)]
    assert gaps(records, "goals") == ["lonely: meta.headway describes a key result, but names no objective"]


def test_assets_under_an_objective_are_pointed_out(tmp_path: Path) -> None:
    records = goals_read(tmp_path, exposure("grow", "model.shop.orders", kind="objective"))
    assert gaps(records, "goals") == [
        "grow: the objective depends on 1 asset that is no metric; assets serve an objective only through a key result"
    ]


def test_a_disabled_objective_declares_nothing(tmp_path: Path) -> None:
    off = exposure("grow", "metric.shop.revenue", kind="objective")
    off["config"]["enabled"] = False
    records = goals_read(tmp_path, metric("revenue"), off)
    assert [n.id for n in of(records, Node) if n.kind in ("objective", "key_result", "analysis")] == []
    records = read(tmp_path, project(*BASE, metric("revenue"), disabled={off["unique_id"]: [off]}))
    assert [n.id for n in of(records, Node) if n.kind in ("objective", "key_result", "analysis")] == []


@pytest.mark.parametrize(
    ("meta", "ends"),
    [
        ({"shows": ["grow.mrr", "churn"]}, {"goal:key_result.grow.mrr", "ref:key_result/churn"}),
        ({"shows": "grow.mrr"}, {"goal:key_result.grow.mrr"}),
        ({"shown": ["churn", "churn"]}, {"ref:key_result/churn"}),
        ({"key_result": "mrr", "objective": "grow"}, {"goal:key_result.grow.mrr"}),
        ({"key_results": ["objective_grow.mrr"]}, {"goal:key_result.grow.mrr"}),
        ({"shows": [{"objective": "grow", "key_result": "mrr"}]}, {"goal:key_result.grow.mrr"}),
        ({"objective": "objective_grow"}, {"goal:objective.grow"}),
        ({"protected": True}, set()),
    ],
)
def test_a_dashboard_says_what_it_shows(tmp_path: Path, meta: dict[str, Any], ends: set[str]) -> None:
    records = goals_read(tmp_path, exposure("board", **meta), exposure("objective_grow", kind="objective"))
    assert edges(records, "shows") == {("exposure.shop.board", end, "declared") for end in ends}
    assert gaps(records, "goals") == []


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"target": "60k"}, "revenue: meta.headway.target is '60k', not a number"),
        ({"target": True}, "revenue: meta.headway.target is True, not a number"),
        ({"baseline": [1]}, "revenue: meta.headway.baseline is a list, not a number"),
        ({"due": 20261231}, "revenue: meta.headway.due is 20261231, not a date such as 2026-12-31"),
        (
            {"grain": "fortnight"},
            "revenue: meta.headway.grain is 'fortnight', not one of day, month, quarter, week, year",
        ),
        ({"direction": "up"}, "revenue: meta.headway.direction is 'up', not one of decrease, increase, maintain"),
        ({"weight": -1}, "revenue: meta.headway.weight is -1.0, not 0 or more"),
        ({"unit": {}}, "revenue: meta.headway.unit is a mapping, not a text"),
        ({"band": [5, 1]}, "revenue: meta.headway.band is a list, not a band such as [95, 99.9]"),
        ({"where": [1]}, "revenue: meta.headway.where is a list, not a name or a list of names"),
        ({"target": 4, "baseline": 4}, "revenue: baseline and target are both 4; the baseline is ignored"),
        ({"draft": "no"}, "revenue: meta.headway.draft is 'no', not true or false"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_is_kept(tmp_path: Path, meta: dict[str, Any], said: str) -> None:
    records = goals_read(tmp_path, metric("revenue", objective="grow", unit_of="x", **meta))
    assert gaps(records, "goals") == [said]
    [target] = of(records, Target)
    assert target.key_result == "goal:key_result.grow.revenue"


@pytest.mark.parametrize("name", ["a b", "a/b", "a.b", "../x", "x" * 300, "é\n"])
def test_names_that_cannot_be_ids_are_refused(tmp_path: Path, name: str) -> None:
    records = goals_read(
        tmp_path,
        metric("a", objective=name),
        metric("b", objective="grow", key_result=name),
        exposure("c", kind="objective", id=name),
        exposure("d", shows=[name + ".x.y"]),
        exposure("e", kind="objective", id="fine", parent=name),
    )
    kinds = [n.kind for n in of(records, Node) if n.id.startswith("goal:")]
    if name.strip().isalnum() and len(name) < 200:  # blanks around a name are not part of it
        assert "objective" in kinds
    else:
        assert kinds == ["objective"]
        assert len(gaps(records, "goals")) == 5


def test_the_first_of_two_declarations_counts(tmp_path: Path) -> None:
    records = goals_read(
        tmp_path,
        metric("a", objective="grow", key_result="kr", target=1),
        metric("b", objective="grow", key_result="kr", target=2),
        exposure("objective_grow", kind="objective"),
        exposure("grow", kind="objective"),
    )
    assert [(t.binding.metric, t.target) for t in of(records, Target)] == [("a", 1.0)]
    assert sorted(gaps(records, "goals")) == [
        "b: the key result grow.kr is declared twice; the first one counts",
        "grow: the objective 'grow' is declared twice; the first one counts",
    ]


def test_a_misspelled_kind_is_not_silent(tmp_path: Path) -> None:
    records = goals_read(tmp_path, exposure("grow", kind="objektive"))
    assert node(records, "exposure.shop.grow").kind == "analysis"
    [said] = gaps(records, "goals")
    assert said.startswith("grow: meta.headway.kind is 'objektive', not one of ")


@pytest.mark.parametrize(
    ("period", "days"),
    [
        ("2026", ("2026-01-01", "2026-12-31")),
        ("2026-Q1", ("2026-01-01", "2026-03-31")),
        ("2026Q4", ("2026-10-01", "2026-12-31")),
        ("2026-H2", ("2026-07-01", "2026-12-31")),
        ("2028-02", ("2028-02-01", "2028-02-29")),
        ("2026-12", ("2026-12-01", "2026-12-31")),
        ("2026-13", (None, None)),
        ("9999-12", (None, None)),
        ("next quarter", (None, None)),
        ("", (None, None)),
    ],
)
def test_periods(period: str, days: tuple[str | None, str | None]) -> None:
    start, end = period_days(period)
    assert (start and start.isoformat(), end and end.isoformat()) == days


def test_an_end_before_the_start_is_a_gap(tmp_path: Path) -> None:
    records = goals_read(tmp_path, exposure("grow", kind="objective", start="2026-12-01", end="2026-01-01"))
    [objective] = of(records, Objective)
    assert (objective.start, objective.end) == (None, None)
    assert gaps(records, "goals") == ["grow: the end 2026-01-01 is before the start 2026-12-01; both are ignored"]
