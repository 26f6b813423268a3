"""What people wrote stands where it is about: on the asset, the key result, the objective; with what came of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from desk import DAY, desk
from headway.project import Project
from headway.project import requests as wishes
from headway.project import triage as deciding
from headway.project.check_ins import check_in
from headway.project.pages.asset import asset
from headway.project.pages.key_result import key_result
from headway.project.pages.objective import objective
from headway.project.pages.said import said_about
from headway.project.retirements import records_of, retiring
from headway.project.site import Wanted, one_file
from headway.project.site_folder import files
from headway.project.workspace import Project as Opened
from headway.render.html.pages import environment

REVENUE = "goal:key_result.grow.revenue"


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return desk(tmp_path)


def handle(project: Project, name: str) -> str:
    return next(str(r["finding"]) for r in project.ask("triage").records() if r["asset"] == name)


def test_a_decision_stands_on_the_page_of_its_asset(shop: Project) -> None:
    deciding.keep(shop, [handle(shop, "forgotten")], by="analytics", reason="the auditor reads it", until=DAY)
    (said,) = asset(shop, node="forgotten").said
    assert (said.on, said.by, said.what) == (DAY, "analytics", "Kept until 22 Nov")
    assert (said.note, said.came, said.about) == ("the auditor reads it", "it holds", "")
    assert said.to == "/triage/zombies"
    assert asset(shop, node="orders").said == ()


def test_what_came_of_it_changes_with_what_is_done(shop: Project) -> None:
    outcome = deciding.retire(shop, [handle(shop, "forgotten")], by="analytics", reason="nobody reads it", write=True)
    assert outcome.entries
    (said,) = asset(shop, node="forgotten").said
    assert said.what == "Retirement announced"
    assert said.came == "announced, for 22 Nov"
    undo = [str(r["undo"]) for r in deciding.log(shop).records() if r["undo"]]
    deciding.undo(shop, undo[:1], by="finance")
    (said,) = asset(shop, node="forgotten").said
    assert (said.came, said.came_by) == ("taken back", "finance")


def test_an_earlier_day_does_not_know_how_far_the_retirement_is_today(shop: Project) -> None:
    deciding.retire(shop, [handle(shop, "forgotten")], by="analytics", reason="nobody reads it", write=True)
    assert records_of(shop)
    earlier = replace(shop, looking_back=True)
    assert (records_of(earlier), retiring(earlier)) == ((), None)


def test_a_link_names_its_key_result(shop: Project) -> None:
    deciding.link(shop, [handle(shop, "buzz")], by="analytics", key_result="revenue", reason="it shows revenue")
    (said,) = asset(shop, node="buzz").said
    label = shop.graph().nodes[shop.graph().index[REVENUE]].label
    assert said.what == f"Linked to {label}"


def test_check_ins_and_requests_stand_on_the_objective(shop: Project) -> None:
    check_in(shop, "revenue", "two large orders slipped", by="sales-team", confidence="at_risk")
    wish = wishes.file(shop, by="lea@example.com", text="orders by country", key_result="revenue").request
    wishes.decide(shop, wish.id, "declined", by="analytics", reason="the board has it")
    page = objective(shop, node="grow")
    found = {s.what: s for s in page.said}
    label = shop.graph().nodes[shop.graph().index[REVENUE]].label
    says = found["Says at risk"]
    assert (says.by, says.note, says.about) == ("sales-team", "two large orders slipped", label)
    assert says.came.startswith("readings said")
    asked = found[f"Request {wish.id}"]
    assert (asked.by, asked.note, asked.came_by) == ("one person", "orders by country", "analytics")
    assert asked.came.endswith(": the board has it")
    assert asked.came.startswith("declined on ")
    row = key_result(shop, node="revenue")
    assert [s.what for s in row.said] == [f"Request {wish.id}"]
    assert row.said[0].about == ""
    assert [c.note for c in row.check_ins] == ["two large orders slipped"]


def test_a_request_stands_on_the_asset_that_answers_it(shop: Project) -> None:
    wish = wishes.file(shop, by="sales-team", text="orders by country").request
    assert asset(shop, node="orders").said == ()
    wishes.decide(shop, wish.id, "pointed", by="analytics", reason="it has the country", asset="orders")
    (said,) = asset(shop, node="orders").said
    assert said.came.startswith("answered by what exists on ")


def test_only_the_newest_are_listed_and_the_rest_is_counted(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.project.pages.said.MOST", 2)
    for n in range(5):
        check_in(shop, "revenue", f"note {n}", by="sales-team")
    shown, more = said_about(shop, REVENUE)
    assert (len(shown), more) == (2, 3)


def test_without_a_store_nobody_said_anything(shop: Project) -> None:
    loose = Opened.stateless(directory=shop.config.root, as_of=DAY)
    assert said_about(loose, REVENUE) == ((), 0)


def test_who_said_it_leaves_the_company_only_where_that_is_wanted(shop: Project) -> None:
    check_in(shop, "revenue", "ask lea@example.com", by="lea")
    deciding.keep(shop, [handle(shop, "forgotten")], by="ottilie", reason="the auditor reads it")
    without = one_file(shop, Wanted())
    assert "the auditor" not in without  # pages of assets are in folders alone
    assert "lea@example.com" not in without
    pages = {name: content.decode() for name, content in files(shop, Wanted()) if name.endswith((".html", ".json"))}
    every = "".join(pages.values())
    assert "the auditor reads it" in every
    assert "ottilie" not in every
    assert "somebody" in every
    whole = "".join(c.decode() for n, c in files(shop, Wanted(people=True)) if n.endswith((".html", ".json")))
    assert "ottilie" in whole


def test_what_is_written_is_text(shop: Project) -> None:
    check_in(shop, "revenue", "<script>window.hit=1</script>", by="sales-team")
    module = environment().get_template("said.html").module
    shown = str(module.words(objective(shop, node="grow").said, 0, lambda to: to))  # type: ignore[attr-defined]
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
