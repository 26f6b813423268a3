"""The page of one objective and of one key result, as data."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from browser import worlds
from headway.errors import UnknownName
from headway.graph.model import Change, Checkpoint, Target
from headway.project import Project
from headway.project.check_ins import check_in
from headway.project.pages.key_result import KeyResultPage, key_result
from headway.project.pages.objective import objective
from headway.questions.status import standing_of
from shop import write_shop


def of(name: str) -> KeyResultPage:
    return key_result(worlds.company(), node=f"goal:key_result.{name}")


def sentence(page: KeyResultPage) -> str:
    return "".join(p.text for p in page.sentence)


def test_a_key_result_says_its_value_and_its_pace() -> None:
    assert sentence(of("keep.retention")) == "12-month retention is 60.1%: behind."
    assert sentence(of("keep.churn")) == (
        "Churn from failed payments was 1.46% when last read, and cannot be trusted today: 3 days late."
    )
    assert "not counted as zero" in sentence(of("books.between"))


def test_its_readings_are_those_of_the_period_and_the_plan_leads_to_the_target() -> None:
    page = of("keep.retention")
    graph = worlds.company().graph()
    known = graph.readings[graph.index["goal:key_result.keep.retention"]]
    assert [(r.day, r.value) for r in page.readings] == sorted({r.day: r.value for r in known}.items())
    assert [(p.day, p.value) for p in page.plan] == [(worlds.START, 58.0), (worlds.DUE, 66.0)]
    assert page.forecast is not None
    assert page.forecast.low <= page.forecast.value <= page.forecast.high


def test_a_path_of_checkpoints_goes_through_them() -> None:
    records = [
        replace(r, checkpoints=(Checkpoint(date(2026, 11, 1), 59.0),))
        if isinstance(r, Target) and r.key_result.endswith("keep.retention")
        else r
        for r in worlds.goals()
    ]
    page = key_result(worlds.project_of(records), node="goal:key_result.keep.retention")
    between = [p.value for p in page.plan if worlds.START < p.day <= date(2026, 11, 1)]
    assert between
    assert max(between) <= 59.0
    assert page.plan[-1].value == 66.0


def test_the_node_to_blame_is_named_with_the_path_from_it() -> None:
    page = of("keep.churn")
    (reason,) = page.reasons
    assert (reason.name, reason.what, reason.since) == ("sheets.t0", "3 days late", date(2026, 11, 19))
    assert reason.path[0].text == "sheets.t0"
    assert reason.path[-1].text == "Churn from failed payments"
    assert of("keep.retention").reasons == ()


def test_who_looks_and_where_it_is_shown() -> None:
    page = of("keep.retention")
    assert [b.text for b in page.shown_on] == ["Subscriptions board 1"]
    assert page.views
    assert page.last_seen is not None
    assert of("speed.parcel").shown_on == ()


def test_every_change_of_the_target_is_kept_newest_first() -> None:
    changes = (
        Change(at=date(2026, 10, 10), field="target", before=70.0, after=68.0),
        Change(at=date(2026, 11, 2), field="target", before=68.0, after=66.0),
        Change(at=date(2026, 10, 5), field="baseline", after=58.0),
    )
    records = [
        replace(r, changes=changes) if isinstance(r, Target) and r.key_result.endswith("keep.retention") else r
        for r in worlds.goals()
    ]
    page = key_result(worlds.project_of(records), node="keep.retention")
    assert [c.text for c in page.changes] == [
        "target from 68% to 66%",
        "target from 70% to 68%",
        "baseline from nothing to 58%",
    ]


def test_a_page_never_asks_the_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    def reader(project: Project) -> object:
        def read(*args: object, **more: object) -> object:
            raise AssertionError("the warehouse was asked")

        return read

    monkeypatch.setattr("headway.project.values.input_reader", reader)
    page = of("profit.margin")
    assert page.command == "headway drivers profit.margin"


def test_check_ins_of_the_store_are_shown_newest_first(tmp_path) -> None:
    write_shop(tmp_path)
    project = Project.open(tmp_path)
    project.sync(evaluate=False)
    check_in(project, "grow.happiness", "Support is two people short.", by="support", confidence="at_risk")
    check_in(project, "grow.happiness", "They are back.", by="support")
    page = key_result(project, node="grow.happiness")
    assert [c.note for c in page.check_ins] == ["They are back.", "Support is two people short."]
    assert page.check_ins[1].says == "at risk"


def test_what_is_not_there_is_unknown() -> None:
    with pytest.raises(UnknownName):
        key_result(worlds.company(), node="goal:key_result.none")
    with pytest.raises(UnknownName):
        objective(worlds.company(), node="none")


def test_an_objective_shows_its_card_its_history_and_what_supports_it() -> None:
    project = worlds.company()
    page = objective(project, node="keep")
    graph = project.graph()
    assert page.row.progress == standing_of(graph).objectives[graph.index[page.row.id]].progress
    assert page.history[-1].day == graph.as_of
    assert page.history[-1].progress == pytest.approx(page.row.progress)
    assert page.below == ()
    top = objective(project, node="company")
    assert [o.id.rpartition(".")[2] for o in top.below] == ["profit", "keep", "speed", "books"]
