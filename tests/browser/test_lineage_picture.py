"""The Lineage in a browser: it folds, opens in place, and every line goes up."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Any

import pytest

from browser import worlds
from browser.conftest import settled, sideways, violations
from headway.graph.model import AnyRecord, Check, Edge, Node
from headway.project import Project

Serve, Visit = Callable[[Project], str], Callable[..., Any]

CARDS = """() => [...document.querySelectorAll('.card')].map(e => {
  const {x, y, width, height} = e.getBoundingClientRect();
  return {at: e.dataset.at, x, y, w: width, h: height}; })"""

FOCUSED = """() => {
  const {x, y} = document.activeElement.getBoundingClientRect();
  return [x, y, document.activeElement.className]; }"""

ENDS = """() => [...document.querySelectorAll('#lines path')]
  .map(p => [p.getPointAtLength(0).y, p.getPointAtLength(p.getTotalLength()).y])"""


@cache
def wide() -> Project:
    """462 models in one layer, in 22 folders, between one source and one mart; three of them warn, one is broken."""
    records: list[AnyRecord] = [
        Node(id="dbt:source.shop.app.events", kind="source", name="events"),
        Node(id="dbt:model.shop.all", kind="model", name="all_events", path="models/marts/all.sql"),
        Edge(upstream="dbt:model.shop.all", downstream="dbt:dashboard.shop.board"),
        Node(id="dbt:dashboard.shop.board", kind="dashboard", name="board"),
    ]
    for n in range(462):
        node = f"dbt:model.shop.stg_{n:03}"
        records += [
            Node(id=node, kind="model", name=f"stg_events_{n:03}", path=f"models/staging/team_{n % 22:02}/stg_{n}.sql"),
            Edge(upstream="dbt:source.shop.app.events", downstream=node),
            Edge(upstream=node, downstream="dbt:model.shop.all"),
        ]
    records += [
        Check(node=f"dbt:model.shop.stg_{n:03}", id=f"w{n}", kind="test", name="t", status="warn") for n in (1, 2)
    ]
    records.append(Check(node="dbt:model.shop.stg_003", id="b", kind="test", name="t", status="fail"))
    return worlds.project_of(records, sources=("dbt",))


def overlapping(cards: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Pairs of cards that lie on one another."""
    return [
        (a["at"], b["at"])
        for a, b in combinations(cards, 2)
        if a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    ]


ADDRESS = "/lineage/dbt:model.shop.all?steps=all"


@pytest.mark.parametrize("way", ["up", "right"])
def test_462_in_one_layer_stay_readable(serve: Serve, visit: Visit, way: str) -> None:
    page = visit(serve(wide()) + ADDRESS + f"&way={way}")
    cards = page.evaluate(CARDS)
    assert len(cards) < 40
    assert overlapping(cards) == []
    said = page.locator("#shown").inner_text()
    assert said.startswith("465 of 465 within reach, 46")
    assert "folded into 22 stacks" in said
    texts = page.locator(".card.stack").all_inner_texts()
    assert sum("warn" in t for t in texts) == 2, "a stack never hides a warning"
    assert page.locator(".card.bad", has_text="stg_events_003").count() == 1, "what is broken is never folded"
    assert violations(page) == []
    assert sideways(page) == 0


@pytest.mark.parametrize("scroll", [0, 400])
@pytest.mark.parametrize("way", ["up", "right"])
def test_an_opened_stack_stays_under_the_pointer(serve: Serve, visit: Visit, way: str, scroll: int) -> None:
    page = visit(serve(wide()) + ADDRESS + f"&way={way}")
    page.evaluate("n => document.getElementById('stage').scrollTo(n, n)", scroll)
    stack = page.locator(".card.stack").nth(9)
    stack.scroll_into_view_if_needed()
    before = stack.bounding_box()
    stack.click()
    now = page.evaluate(FOCUSED)
    assert now[2].startswith("card")
    assert abs(now[0] - before["x"]) <= 1
    assert abs(now[1] - before["y"]) <= 1
    assert overlapping(page.evaluate(CARDS)) == []
    again = visit(page.url)
    assert len(again.evaluate(CARDS)) == len(page.evaluate(CARDS)), "the address reproduces what is opened"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_a_goal_opens_whole_and_accessible(serve: Serve, visit: Visit, width: int, theme: str) -> None:
    project = worlds.company()
    graph = project.graph()
    goal = next(g for g in graph.goals if graph.health.trust[g] == "broken")
    for i in (goal, graph.objective_of(goal), graph.assets[-1]):
        page = visit(serve(project) + f"/lineage/{graph.nodes[i].id}", width=width, theme=theme)
        cards = page.evaluate(CARDS)
        assert overlapping(cards) == []
        assert len(cards) <= 61
        assert violations(page) == []
        assert sideways(page) == 0


def test_only_the_broken_path_is_red_and_every_line_goes_up(serve: Serve, visit: Visit) -> None:
    project = worlds.company()
    graph = project.graph()
    goal = next(g for g in graph.goals if graph.health.trust[g] == "broken")
    page = visit(serve(project) + f"/lineage/{graph.nodes[goal].id}?steps=all")
    assert page.locator("#lines path.broken").count() >= 1
    assert page.locator(".card.bad.focus, .card.bad[aria-current]").count() == 1
    paths = page.evaluate(ENDS)
    assert paths
    assert all(start > end for start, end in paths)
    assert page.locator(".side h3", has_text="Why not").count() == 1


def test_depth_direction_and_keys(serve: Serve, visit: Visit) -> None:
    page = visit(serve(wide()) + "/lineage/dbt:model.shop.all")
    assert page.locator("[data-steps='1']").get_attribute("aria-pressed") == "true", "an asset opens at one step"
    page.keyboard.press("]")
    assert page.locator("[data-steps='2']").get_attribute("aria-pressed") == "true"
    assert "steps=2" in page.url
    page.keyboard.press("[")
    page.locator("button[data-across='1']").click()
    assert "way=right" in page.url
    assert page.locator("#paper.across").count() == 1
    page.locator("button[data-across='0']").click()
    page.locator(".card.focus").focus()
    page.keyboard.press("ArrowUp")
    assert "board" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_url("**/lineage/dbt*dashboard.shop.board*")
    settled(page)
    assert page.locator("h2").inner_text() == "board"


def test_hostile_names_are_text(serve: Serve, visit: Visit) -> None:
    page = visit(serve(worlds.hostile()) + "/lineage/dbt:model.x.0?steps=all")
    assert page.evaluate("window.hit") is None
    assert page.locator("#stage img, #stage script").count() == 0
    assert violations(page) == []
    assert sideways(page) == 0


def test_the_layout_is_the_same_twice(serve: Serve, visit: Visit) -> None:
    address = serve(wide()) + ADDRESS
    assert visit(address).evaluate(CARDS) == visit(address).evaluate(CARDS)


LANES = """() => [...document.querySelectorAll('.lane span')].map(e => {
  const {x, y, width, height} = e.getBoundingClientRect();
  return {at: e.textContent, x, y, w: width, h: height}; })"""


@pytest.mark.parametrize("width", [390, 1440])
def test_names_of_lanes_cover_no_card_wherever_it_is_scrolled_to(serve: Serve, visit: Visit, width: int) -> None:
    page = visit(serve(worlds.company()) + "/lineage/goal:key_result.keep.churn", width=width)
    for left in (0, 40, 4000):
        page.evaluate("left => document.getElementById('stage').scrollTo(left, 0)", left)
        lanes, cards = page.evaluate(LANES), page.evaluate(CARDS)
        assert len(lanes) > 3
        assert [pair for pair in overlapping(lanes + cards) if not pair[0].isdigit() and pair[1].isdigit()] == []
