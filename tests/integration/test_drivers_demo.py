"""What moved the demo company's key results: the inputs read with dbt's own build give exactly what the metrics are."""

from __future__ import annotations

import json
import math
from datetime import date
from typing import Any

import pytest

from headway.__main__ import main
from headway.answer import Answer
from headway.errors import UsageError
from headway.graph.metric_tree import tree_of
from headway.project import Project
from headway.project.demo import Demo

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def project(demo: Demo) -> Project:
    return demo.open()


def told(answer: Answer) -> list[dict[str, Any]]:
    return answer.records()


def test_every_tree_is_split_and_its_parts_sum_to_the_change(project: Project) -> None:
    graph = project.graph()
    methods = {}
    for goal in graph.targets:
        tree = tree_of(graph, goal)
        if tree is None or not tree.root.inputs:
            continue
        answer = project.ask("drivers", key_result=graph.nodes[goal].id)
        root, *parts = told(answer)
        assert {row["role"] for row in parts} == {"component"}, answer.headline
        assert math.isclose(math.fsum(row["part"] for row in parts), root["change"], rel_tol=1e-9)
        methods[graph.nodes[goal].name] = answer.totals["method"]
    assert methods["churn"] == methods["trial_to_paid"] == "multiplicative"
    assert methods["nps"] == methods["report_revenue_growth"] == "shapley"
    assert len(methods) >= 8


def test_churn_fell_because_there_were_more_to_leave(project: Project) -> None:
    root, churned, days = told(project.ask("drivers", key_result="churn"))
    assert root["change"] < 0
    assert churned["part"] > 0
    assert days["part"] < root["change"]
    graph = project.graph()
    last = max(graph.readings[graph.index["goal:key_result.retain.churn"]], key=lambda reading: reading.day)
    assert root["after"] == pytest.approx(last.value)


def test_growth_compares_whole_months_with_the_months_before(project: Project) -> None:
    answer = project.ask("drivers", key_result="report_revenue_growth", since=date(2026, 9, 30))
    assert answer.totals["before"] == {"start": date(2026, 9, 1), "end": date(2026, 9, 30)}
    assert answer.totals["after"] == {"start": date(2026, 10, 1), "end": date(2026, 10, 31)}
    root, now, before = told(answer)
    assert before["after"] == now["before"]
    assert root["after"] == pytest.approx((now["after"] - before["after"]) / before["after"])


@pytest.mark.parametrize("key_result", ["churn", "pro_mrr", "new_paid"])
def test_members_sum_to_the_change(project: Project, key_result: str) -> None:
    answer = project.ask("drivers", key_result=key_result, by="plan__tier")
    (members,) = answer.sections
    parts = [row["part"] for row in told(members)]
    assert math.isclose(math.fsum(parts), answer.totals["change"], rel_tol=1e-9)
    if key_result == "churn":
        assert len(parts) == 3
        assert all(row["rate"] + row["mix"] == pytest.approx(row["part"]) for row in told(members))


def test_a_dimension_that_is_not_there_is_refused_with_those_that_are(project: Project) -> None:
    with pytest.raises(UsageError, match="cannot be split by 'plan__colour'") as refused:
        project.ask("drivers", key_result="churn", by="plan__colour")
    assert "did you mean" in refused.value.hint


def test_the_command_answers_in_json(demo: Demo, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.chdir(demo.open().config.root)
    monkeypatch.setattr("sys.argv", ["headway", "drivers", "trial_to_paid", "-f", "json", "--since", "2026-10-31"])
    assert main() == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert (totals["before"]["end"], totals["after"]["end"]) == ("2026-10-31", "2026-11-22")
    tree = totals["tree"]
    assert (tree["how"], [part["as"] for part in tree["inputs"]]) == ("conversion", ["conversions", "base"])


def test_what_is_defined_twice_in_the_demo_is_found(project: Project) -> None:
    (twice,) = [row for row in told(project.ask("duplicates")) if row["sure"] == "definitions"]
    assert twice["relation"] == "same meaning, other names"
    assert set(twice["members"]) == {"metric paid_subscribers", "metric active_paying_users"}
