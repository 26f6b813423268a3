"""The page of an asset as data: what it serves with its proof, who uses it, what it costs, what checks it."""

from __future__ import annotations

import pytest
from picture_cases import LATE, project_of

from headway.errors import UnknownName, UsageError
from headway.project import Project
from headway.project.pages.asset import asset
from headway.project.pages.map import map_page


@pytest.fixture
def late() -> Project:
    return project_of(LATE)


def test_the_sentence_is_that_of_why(late: Project) -> None:
    page = asset(late, node="fct_tickets")
    assert page.sentence[0].text == late.ask("why", asset="fct_tickets").headline
    assert page.use == late.ask("usage", asset="fct_tickets").headline


def test_the_path_is_a_sentence(late: Project) -> None:
    page = asset(late, node="tickets")
    assert page.paths[0].sentence == (
        "sources.tickets feeds first_response through 2 models; it is the metric of Hours to first response"
    )
    assert [step.name for step in page.paths[0].steps][-2:] == ["Hours to first response", "Answer quickly"]
    assert {path.way for path in page.paths} == {"computes", "informs"}
    near = asset(late, node="first_response").paths[0].sentence
    assert near == "first_response is the metric of Hours to first response"
    assert asset(late, node="desk").paths[0].sentence == "desk shows Hours to first response"


def test_checks_are_worst_first(late: Project) -> None:
    page = asset(late, node="tickets")
    assert [(row.status, row.message) for row in page.checks] == [("error", "7 days late")]
    assert page.verdict.text == "Not trusted"
    assert asset(late, node="desk").checks == ()


def test_use_is_told_by_class_and_by_week(late: Project) -> None:
    page = asset(late, node="desk")
    assert [(row.who, row.reads, row.people, row.counts) for row in page.readers] == [("person", 12, "1", True)]
    assert sum(week.reads for week in page.weeks) == 12
    assert max(week.share for week in page.weeks) == 1.0
    assert [row.name for row in asset(late, node="fct_tickets").through] == ["desk", "other"]


def test_cost_that_is_not_known_is_not_zero(late: Project) -> None:
    assert [(row.name, row.text) for row in asset(late, node="fct_tickets").cost] == [("In all", "€12 a month")]
    assert [(row.name, row.text) for row in asset(late, node="sales").cost] == [("Cost", "not known")]
    without = project_of(LATE.replace("cost=12", ""))
    assert asset(without, node="sales").cost == ()
    assert "not known" in asset(without, node="sales").cost_note


def test_what_serves_nothing_says_so(late: Project) -> None:
    page = asset(late, node="other")
    assert page.state == "Serves no objective"
    assert page.paths == ()


def test_an_asset_reached_by_its_place_has_a_stable_address(late: Project) -> None:
    data = map_page(late).payload
    page = asset(late, node=f"@{data.snapshot}/{data.names.index('sales')}")
    assert page.node == "sales"
    assert page.canonical == "/asset/sales"
    assert asset(late, node="sales").canonical == ""
    with pytest.raises(UnknownName):
        asset(late, node="@deadbeef0000/1")


def test_a_goal_is_no_asset(late: Project) -> None:
    with pytest.raises(UsageError, match="is a goal"):
        asset(late, node="goal:objective.care")
    with pytest.raises(UnknownName):
        asset(late, node="nothing")


def test_why_it_must_stay_is_said() -> None:
    project = project_of("model a\nmodel b < a\ndashboard out < b outside")
    assert "Feeds something outside" in asset(project, node="out").keeps
    assert "stands on it" in asset(project, node="a").keeps
    assert asset(project_of("model a protected"), node="a").keeps.startswith("Protected")


def test_decisions_are_shown_without_who_decided() -> None:
    project = project_of("model a\ndashboard d tables=main.a\naccept table:main.a d as=a")
    page = asset(project, node="d")
    assert [row.text.partition(" ")[0] for row in page.decisions] == ["accepted"]
