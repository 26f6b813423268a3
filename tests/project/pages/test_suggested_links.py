"""Suggested links on the Lineage: which are offered, what they rest on, and what became of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser import worlds
from headway.errors import UsageError
from headway.graph.graph import Graph
from headway.project import Project, linking, triage
from headway.project.ledger import entries
from headway.project.pages.lineage import lineage
from headway.project.site import Wanted, redacted
from suggesting import BOARD, OTHER, REVENUE, suggesting


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return suggesting(tmp_path)


def handles(project: Project) -> dict[str, str]:
    return {s.board: s.handle for s in lineage(project, node=REVENUE).suggested}


def edges(graph: Graph) -> int:
    return sum(len(found) for found in graph.shown_on.values())


def test_a_key_result_is_offered_the_dashboards_that_seem_to_show_it(shop: Project) -> None:
    page = lineage(shop, node=REVENUE)
    assert {s.board for s in page.suggested} == {"revenue_dashboard", "new_revenue"}
    answer = shop.ask("links").records()
    assert {s.handle for s in page.suggested} == {
        word for r in answer if r["what"] == "suggested" for word in str(r["decide"]).split() if word.startswith("@")
    }
    scores = [s.score for s in page.suggested]
    assert scores == sorted(scores, reverse=True)
    assert all(s.reasons and not s.state for s in page.suggested)
    assert not page.dashes
    assert lineage(shop, node=REVENUE, suggested="1").dashes


def test_what_is_only_suggested_is_aside_and_is_no_lineage(shop: Project) -> None:
    payload = lineage(shop, node=REVENUE).payload
    aside = {n.id for n in payload.nodes if n.aside}
    assert aside == {BOARD, OTHER}
    places = {n.id: k for k, n in enumerate(payload.nodes)}
    assert {(d.a, d.b) for d in payload.suggested} == {(places[i], places[REVENUE]) for i in aside}
    assert all(e.a not in {places[i] for i in aside} for e in payload.edges)
    assert payload.left_out == 0


def test_an_asset_is_offered_what_dashboards_under_it_seem_to_show(shop: Project) -> None:
    page = lineage(shop, node="orders")
    assert {s.goal for s in page.suggested} == {shop.graph().nodes[shop.graph().index[REVENUE]].label}
    assert {s.board for s in page.suggested} == {"revenue_dashboard", "new_revenue"}
    assert not any(n.aside for n in page.payload.nodes)  # the key result is within reach anyway
    assert lineage(shop, node="forgotten").suggested == ()


def test_nothing_is_offered_where_nothing_is_suggested() -> None:
    page = lineage(worlds.headless(), node="dbt:model.shop.stg_shop_0")
    assert page.suggested == ()
    assert page.payload.suggested == []
    assert not lineage(worlds.headless(), node="dbt:model.shop.stg_shop_0", suggested="1").dashes


def test_accepting_is_written_and_said_until_the_next_sync_and_then_counts(shop: Project) -> None:
    before = edges(shop.graph())
    (finding,) = [r["finding"] for r in shop.ask("triage").records() if r["asset"] == "new_revenue"]
    triage.keep(shop, [str(finding)], by="analytics", reason="it is new")
    said, kept = linking.decide_suggested(
        shop, handles(shop)["new_revenue"], accepted=True, by="analytics", note="it does"
    )
    assert "links.yml" in " ".join(said)
    assert kept == ()  # Triage does not ask about it any more
    assert {s.board: s.state for s in lineage(shop, node=REVENUE).suggested} == {
        "new_revenue": "accepted",
        "revenue_dashboard": "",
    }
    assert edges(shop.graph()) == before
    again = Project.open(shop.config.root, as_of=shop.as_of, environment={})
    again.sync(evaluate=False)
    again = Project.open(shop.config.root, as_of=shop.as_of, environment={})
    assert edges(again.graph()) == before + 1
    assert {s.board for s in lineage(again, node=REVENUE).suggested} == {"revenue_dashboard"}


def test_where_triage_asks_about_the_dashboard_accepting_is_its_decision_too(shop: Project) -> None:
    _, kept = linking.decide_suggested(shop, handles(shop)["revenue_dashboard"], accepted=True, by="analytics")
    assert [(e.act, e.by, e.body["key_result"]) for e in kept] == [("link", "analytics", REVENUE)]
    assert [e.act for e in entries(shop, "finding")] == ["link"]


def test_declining_is_written_once(shop: Project) -> None:
    short = handles(shop)["revenue_dashboard"]
    linking.decide_suggested(shop, short, accepted=False, by="analytics", note="it shows a forecast")
    assert linking.state_of(shop, short) == "declined"
    assert entries(shop, "finding") == ()
    with pytest.raises(UsageError, match="declined already"):
        linking.decide_suggested(shop, short, accepted=False, by="analytics")
    assert (Path(shop.config.root) / "links.yml").read_text(encoding="utf-8").count("- decline") == 1


@pytest.mark.parametrize("short", ["", "@0000000", "1f0c9a2", "@" + "f" * 500])
def test_a_handle_of_nothing_is_refused(shop: Project, short: str) -> None:
    with pytest.raises(UsageError, match="no suggested link"):
        linking.decide_suggested(shop, short, accepted=True, by="analytics")
    assert not (Path(shop.config.root) / "links.yml").exists()


def test_a_broken_file_of_decisions_does_not_break_the_page(shop: Project) -> None:
    (Path(shop.config.root) / "links.yml").write_bytes(b"\xff\xfe- nonsense: [")
    assert {s.state for s in lineage(shop, node=REVENUE).suggested} == {""}


def test_suggestions_stay_inside(shop: Project) -> None:
    page = redacted(lineage(shop, node=REVENUE, suggested="1"), Wanted())
    assert page.suggested == ()  # type: ignore[attr-defined]
    assert page.payload.suggested == []  # type: ignore[attr-defined]
    assert not any(n.aside for n in page.payload.nodes)  # type: ignore[attr-defined]
