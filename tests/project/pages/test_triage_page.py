"""Triage as data: the list says what the question says, and a decision says what it would do before it is made."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from starlette.testclient import TestClient

from browser import worlds
from desk import DAY, desk
from headway.errors import UnknownName, UsageError
from headway.project import Project
from headway.project import triage as deciding
from headway.project.pages.table import resolve
from headway.project.pages.triage import KINDS, choose, open_decisions, rule, stamp, triage, triage_home
from headway.web.app import create_app
from headway.web.current import Current


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return desk(tmp_path)


def handles(project: Project, kind: str) -> list[str]:
    return [h for row in triage(project, kind=kind).rows for h in row.findings.split(",")]


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("world", ["company", "no_usage", "headless", "no_readings", "hostile", "nothing_below"])
def test_the_rows_are_the_findings_of_the_question(world: str, kind: str) -> None:
    project = getattr(worlds, world)()
    answer = project.ask("triage", kind=kind)
    wanted = {r["finding"] for r in answer.records()}
    page = triage(project, kind=kind)
    if page.left_out == 0:
        assert set(handles(project, kind)) == wanted
    assert page.total == len(wanted) == next(t.count or 0 for t in page.tabs if t.current)
    assert sum(t.count or 0 for t in page.tabs) == answer.totals["open"]


def test_what_stands_or_falls_together_is_one_row_with_its_whole_cost(shop: Project) -> None:
    (row,) = [r for r in triage(shop, kind="zombies").rows if r.with_it]
    assert {row.name, *row.with_it} == {"forgotten", "dusty"}
    assert (row.cost, row.cost_text) == (10.0, "€10")
    assert row.acts == ("keep", "retire", "snooze", "assign")
    assert len(row.findings.split(",")) == 2


def test_the_sentence_and_the_count_are_those_of_the_totals(shop: Project) -> None:
    page = triage_home(shop)
    assert page.kind == "zombies"
    assert page.sentence[0].text == f"{open_decisions(shop)} decisions would free €10 a month."
    assert open_decisions(worlds.headless()) == 0


def test_a_rule_has_the_numbers_of_the_policy(shop: Project) -> None:
    assert "No reader for 90 days" in rule(shop.graph(), "zombies")
    assert "older than 30 days" in rule(shop.graph(), "zombies")
    assert all(rule(shop.graph(), kind).endswith(".") for kind in KINDS)


def test_with_use_unknown_nothing_is_called_unused() -> None:
    page = triage(worlds.no_usage(), kind="zombies")
    assert page.rows == ()
    assert "Use is not known" in page.unknown
    assert next(t.count for t in page.tabs if t.current) is None
    first = triage_home(worlds.headless())
    assert first.sentence[0].text == "What wants a decision is not known yet: nobody has written down a goal."
    assert all(t.count is None for t in first.tabs)


def test_filters_and_orders(shop: Project) -> None:
    page = triage(worlds.company(), kind="zombies", sort="name")
    names = [r.name for r in page.rows]
    assert names == sorted(names)
    owner = page.owners[0]
    assert {r.owner for r in triage(worlds.company(), kind="zombies", owner=owner).rows} == {owner}
    assert triage(shop, kind="zombies", owner="nobody-here").rows == ()
    costs = [r.cost or 0 for r in triage(worlds.company(), kind="zombies").rows]
    assert costs == sorted(costs, reverse=True)


def test_an_unknown_kind_is_not_there(shop: Project) -> None:
    with pytest.raises(UnknownName):
        triage(shop, kind="zombie")
    with pytest.raises(UnknownName):
        choose(shop, "burn", handles(shop, "zombies"))


def test_retiring_shows_the_order_who_is_told_and_which_files_change(shop: Project) -> None:
    page = choose(shop, "retire", handles(shop, "zombies"))
    assert [s.name for s in page.steps] == ["dusty", "forgotten"]
    assert [s.order for s in page.steps] == [1, 2]
    assert page.files == ("retirements.yml (new)",)
    assert page.told
    assert not page.problem
    assert not (shop.config.root / Path("retirements.yml")).exists()


def test_what_cannot_be_decided_like_this_is_left_out_and_named(shop: Project) -> None:
    mixed = [*handles(shop, "zombies"), *handles(shop, "shadow-goals")]
    page = choose(shop, "retire", mixed)
    assert set(page.findings.split(",")) == set(handles(shop, "zombies"))
    assert page.left_out == ("buzz is left out: only what nobody uses is retired.",)


def test_linking_offers_every_key_result_and_the_suggested_first(shop: Project) -> None:
    page = choose(shop, "link", handles(shop, "shadow-goals"))
    graph = shop.graph()
    assert {o.id for o in page.offers} == {
        graph.nodes[g].id for g in graph.goals_in(graph.active) if g in graph.targets
    }
    evident = [bool(o.evidence) for o in page.offers]
    assert evident == sorted(evident, reverse=True)


def test_a_decision_changes_the_stamp_and_fills_the_log(shop: Project) -> None:
    names = handles(shop, "zombies")
    before = stamp(shop, names)
    outcome = deciding.keep(shop, names, by="analytics", reason="the auditor reads it", until=DAY)
    assert stamp(shop, names) != before
    page = triage(shop, kind="zombies")
    assert [e.act for e in page.log] == ["keep", "keep"]
    assert {e.reason for e in page.log} == {"the auditor reads it"}
    assert all(e.undo for e in page.log)
    assert not {r.findings for r in page.rows} & set(names)
    done = triage(shop, kind="zombies", done=",".join(e.undo for e in page.log))
    assert len(done.done) == len(outcome.entries)
    assert done.done[0].startswith("Kept ")
    deciding.undo(shop, [e.undo for e in page.log], by="analytics")
    assert set(names) <= set(handles(shop, "zombies"))
    assert triage(shop, kind="zombies", done=",".join(e.undo for e in page.log)).done == ()


@pytest.mark.parametrize("sort", ["", "name", "owner"])
def test_all_rows_are_on_some_page_and_each_once(monkeypatch: pytest.MonkeyPatch, sort: str) -> None:
    company = worlds.company()
    whole = triage(company, kind="zombies", sort=sort)
    assert (whole.page, whole.pages, whole.previous, whole.next, whole.left_out) == (1, 1, "", "", 0)
    monkeypatch.setattr("headway.project.pages.triage.SIZE", 7)
    page = triage(company, kind="zombies", sort=sort)
    met = [row.id for row in page.rows]
    assert page.previous == ""
    while page.next:
        before, found = page, resolve(page.next.partition("?")[0])
        assert found is not None
        assert found[1] == "zombies"
        page = triage(company, kind="zombies", **dict(parse_qsl(page.next.partition("?")[2])))
        assert page.page == before.page + 1
        assert len(page.rows) + page.left_out == len(whole.rows)
        assert page.previous
        met += [row.id for row in page.rows]
    assert met == [row.id for row in whole.rows]
    assert page.pages == page.page == -(-len(met) // 7)


def test_a_page_that_is_gone_is_the_last_and_what_is_no_number_is_refused() -> None:
    assert triage(worlds.company(), kind="zombies", page="99").page == 1
    for text in ("0", "-1", "x", "\u0663"):
        with pytest.raises(UsageError, match="there is no page"):
            triage(worlds.company(), kind="zombies", page=text)


def test_the_pages_of_rows_lead_to_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.project.pages.triage.SIZE", 7)
    with TestClient(create_app(Current(worlds.company)), base_url="http://127.0.0.1:8484") as client:
        html = client.get("/triage/zombies?page=2&sort=name").text
        assert 'href="/triage/zombies?sort=name"' in html
        assert 'href="/triage/zombies?sort=name&amp;page=3"' in html
        assert "Page 2 of" in html
        assert client.get("/triage/zombies?page=none").status_code == 400
