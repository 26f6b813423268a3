"""The Lineage as data: what is within reach, what is to blame, and only the broken path is marked."""

from __future__ import annotations

import msgspec
import pytest
from picture_cases import LATE, project_of

from browser import worlds
from headway.errors import UnknownName
from headway.graph.model import Band
from headway.project import Project
from headway.project.pages import lineage as lineage_module
from headway.project.pages.lineage import LineagePage, lineage

RESPONSE = "goal:key_result.care.response"


@pytest.fixture
def late() -> Project:
    return project_of(LATE)


def flags(page: LineagePage) -> dict[str, str]:
    return {n.name: n.flag for n in page.payload.nodes}


def links(page: LineagePage) -> set[tuple[str, str]]:
    nodes = page.payload.nodes
    return {(nodes[e.a].name, nodes[e.b].name) for e in page.payload.edges}


def test_the_sentence_names_the_cause(late: Project) -> None:
    page = lineage(late, node=RESPONSE)
    assert page.sentence[0].text == "Hours to first response stands on a source that is 7 days late"
    assert page.verdict.text == "Not trusted"
    objective = lineage(late, node="goal:objective.care")
    assert objective.sentence[0].text == page.sentence[0].text
    assert lineage(late, node="tickets").sentence[0].text == "sources.tickets is a source that is 7 days late"


def test_the_chain_leads_from_the_broken_node_upwards(late: Project) -> None:
    page = lineage(late, node=RESPONSE)
    assert [(row.name, row.text) for row in page.why_not] == [
        ("sources.tickets", "7 days late"),
        ("stg_tickets", "waits"),
        ("fct_tickets", "waits"),
        ("first_response", "waits"),
    ]
    assert [(row.name, row.text) for row in page.waiting] == [("desk", "1 person"), ("other", "1 person")]
    assert [(row.name, row.text) for row in page.fixers] == [("support-team", "since 14 Nov")]


def test_a_band_is_the_same_on_the_card_and_beside_it() -> None:
    records = worlds._objective("care", "Care", "support-team", order=0)
    records += worlds._key_result("care", "nps", "NPS", (None, 14, None), "", band=Band(low=10, high=100))
    page = lineage(worlds.project_of(records), node="goal:key_result.care.nps")
    (card,) = [n for n in page.payload.nodes if n.id == "goal:key_result.care.nps"]
    assert (page.facts[0].name, page.facts[0].text) == ("14", "within 10\N{EN DASH}100")
    assert card.fact == "14, within 10\N{EN DASH}100"


def test_only_the_broken_path_is_broken(late: Project) -> None:
    found = flags(lineage(late, node="goal:objective.care"))
    assert {name for name, flag in found.items() if flag == "bad"} == {
        "sources.tickets",
        "stg_tickets",
        "fct_tickets",
        "first_response",
        "desk",
        "Hours to first response",
    }
    assert {name for name, flag in found.items() if flag == "warn"} == {"stg_orders"}


def test_a_sibling_is_not_a_neighbour(late: Project) -> None:
    page = lineage(late, node="fct_tickets")
    names = {n.name for n in page.payload.nodes}
    assert {"desk", "other", "stg_orders", "sources.orders", "Hours to first response", "Answer quickly"} <= names
    assert not {"sales", "revenue", "Revenue"} & names
    assert ("desk", "Hours to first response") in links(page)
    assert ("Hours to first response", "Answer quickly") in links(page)


def test_every_card_has_its_fact_and_its_lane(late: Project) -> None:
    page = lineage(late, node="goal:objective.care")
    cards = {n.name: n for n in page.payload.nodes}
    lanes = page.payload.lanes
    assert cards["sources.tickets"].fact == "7 days late"
    assert cards["fct_tickets"].fact == "€12"
    assert cards["desk"].fact.startswith("1 person")
    assert cards["Hours to first response"].fact == "9 → 7 hours"
    assert cards["Revenue"].fact == "no reading → 10"
    assert [lanes[cards[n].band] for n in ("sources.tickets", "stg_tickets", "fct_tickets", "desk")] == [
        "Sources",
        "Staging",
        "Marts",
        "Dashboards",
    ]
    assert all(n.said for n in page.payload.nodes)


def test_a_goal_with_nothing_wrong_says_so(late: Project) -> None:
    text = "\n".join(x for x in LATE.splitlines() if not x.startswith("check tickets"))
    page = lineage(project_of(text), node=RESPONSE)
    assert page.why_not == page.waiting == page.fixers == ()
    assert "nothing is known to be wrong" in page.sentence[0].text
    unknown = lineage(project_of("\n".join(x for x in LATE.splitlines() if not x.startswith("check"))), node=RESPONSE)
    assert "is not known" in unknown.sentence[0].text
    assert unknown.verdict.text == "Trust not known"


def test_a_goal_with_nothing_below(late: Project) -> None:
    page = lineage(project_of('objective grow "Grow" 2026-10-01..2026-12-31\nmodel a'), node="goal:objective.grow")
    assert page.sentence[0].text == "Nothing is linked to Grow yet"
    assert len(page.payload.nodes) == 1


def test_columns_say_what_feeds_them_and_what_they_feed(late: Project) -> None:
    rows = {row.name: row for row in lineage(late, node="fct_tickets").columns}
    assert rows["hours"].made_from == ("stg_tickets.hours",)
    assert any("Hours to first response" in feed for feed in rows["hours"].feeds)
    assert rows["note"].feeds == () or "any column" in rows["note"].feeds[0]


def test_a_circle_is_marked_and_ends(late: Project) -> None:
    page = lineage(project_of("model a < b\nmodel b < a\nmodel c < b"), node="c")
    assert len(page.payload.nodes) == 3
    assert {e.evidence for e in page.payload.edges} == {"circle", ""}


def test_what_is_too_much_is_counted(late: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lineage(late, node="fct_tickets")
    monkeypatch.setattr(lineage_module, "MOST", 4)
    page = lineage(late, node="fct_tickets")
    assert len(page.payload.nodes) == 4
    assert page.payload.left_out == len(whole.payload.nodes) - 4
    assert page.payload.nodes[page.payload.focus].name == "fct_tickets"


def test_unknown_names_are_told(late: Project) -> None:
    with pytest.raises(UnknownName):
        lineage(late, node="no_such_thing")


def test_the_twin_is_the_page(late: Project) -> None:
    page = lineage(late, node=RESPONSE)
    twin = msgspec.json.decode(msgspec.json.encode(page))
    assert twin["sentence"][0]["text"] == page.sentence[0].text
    assert len(twin["payload"]["nodes"]) == len(page.payload.nodes)
