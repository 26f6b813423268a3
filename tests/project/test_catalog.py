"""What a catalog is told: living goals in order, with owner, page and progress, and what every asset serves."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.shop import GOALS, SETTINGS, write_shop

from headway.config import Config, Serve
from headway.graph.graph import Graph
from headway.graph.model import Binding, Edge, Node, Objective, Origin, Target
from headway.project import Project
from headway.project.catalog import CatalogLink, Head, head, page_url

TODAY = date(2026, 11, 22)
MORE = """\
  - id: old
    title: Last year
    owner: sales-team
    period: 2025-Q4
    key_results:
      - {id: orders, title: Orders, model: forgotten, expression: count(*), baseline: 0, target: 5}
  - id: deeper
    title: Sell more to each
    parent: grow
    period: 2026-Q4
    url: "https://goals.shop.example/deeper"
    key_results:
      - {id: basket, title: Basket, metric: revenue, baseline: 0, target: 5}
    initiatives:
      - {id: bundles, title: Bundles, url: "https://tracker.shop.example/7", key_results: [basket]}
"""


def goals() -> str:
    old = "  - {id: 2025-Q4, start: 2025-10-01, end: 2025-12-31}\n"
    return GOALS.replace("objectives:\n", old + "objectives:\n") + MORE


def told(folder: Path, settings: str = SETTINGS, **how: Any) -> Head:
    return head(Project.open(write_shop(folder, goals=goals(), settings=settings)), **how)


def made(*records: Any, url: str = "") -> Head:
    config = Config(root=".", serve=Serve(url=url))
    graph = Graph(records, as_of=TODAY)
    return head(Project(config, TODAY, datetime(2026, 11, 22, tzinfo=UTC), {}).with_graph(graph))


def test_living_goals_stand_in_order_each_objective_before_its_key_results(tmp_path: Path) -> None:
    found = told(tmp_path)
    assert [(g.name, g.kind, g.objective) for g in found.goals] == [
        ("grow", "objective", ""),
        ("grow.revenue", "key_result", "goal:objective.grow"),
        ("grow.happiness", "key_result", "goal:objective.grow"),
        ("deeper", "objective", "goal:objective.grow"),
        ("deeper.basket", "key_result", "goal:objective.deeper"),
    ]
    grow, happiness = found.goals[0], found.goals[2]
    assert (grow.title, grow.owner, grow.period, grow.status) == ("Grow sales", "sales-team", "2026-Q4", "not measured")
    assert happiness.description == "Happy customers: from 40 to 50, by 2026-12-31, now 46 (on pace)"
    assert happiness.description in grow.description
    assert "1 of 2 key results measured" in grow.description
    assert found.goal("goal:key_result.grow.happiness") is happiness
    assert found.goal("goal:key_result.old.orders") is None


def test_without_figures_nothing_in_it_changes_with_the_values(tmp_path: Path) -> None:
    found = told(tmp_path, figures=False)
    assert [g.status for g in found.goals] == [""] * 5
    assert found.goals[2].description == "Happy customers: from 40 to 50, by 2026-12-31"
    assert "now" not in " ".join(g.description for g in found.goals)


def test_assets_name_what_they_serve_and_how_and_those_that_serve_nothing_are_there_too(tmp_path: Path) -> None:
    assets = {a.node.name: a for a in told(tmp_path).assets}
    both = ("goal:objective.grow", "goal:objective.deeper")
    wanted = ("goal:key_result.grow.revenue", "goal:key_result.deeper.basket")
    for name in ("raw_orders", "orders", "revenue"):
        assert (assets[name].objectives, assets[name].key_results) == (both, wanted)
        assert assets[name].ways == {"computes", "informs"}
    assert assets["sales_board"].ways == {"informs"}
    # It serves an objective that has ended, which is no living one.
    assert (assets["forgotten"].objectives, assets["forgotten"].key_results, assets["forgotten"].ways) == (
        (),
        (),
        set(),
    )


def test_the_page_is_the_served_one_where_its_address_is_known(tmp_path: Path) -> None:
    plain = {g.name: g for g in told(tmp_path).goals}
    assert (plain["deeper"].url, plain["deeper"].links) == ("https://goals.shop.example/deeper", ())
    assert plain["grow"].url == ""
    served = {g.name: g for g in told(tmp_path, SETTINGS + "serve: {url: 'https://headway.shop.example'}\n").goals}
    assert served["deeper"].url == "https://headway.shop.example/objective/goal:objective.deeper"
    assert [link.url for link in served["deeper"].links] == ["https://goals.shop.example/deeper"]
    assert served["deeper.basket"].url == "https://headway.shop.example/key-result/goal:key_result.deeper.basket"
    assert served["deeper.basket"].links == (CatalogLink("Bundles", "https://tracker.shop.example/7"),)


@pytest.mark.parametrize(
    "text", ["", "javascript:alert(1)", "https://", "https://me:secret@x.example/", "http://[", "https://x.example/a b"]
)
def test_what_is_no_plain_web_address_is_no_page(text: str) -> None:
    assert page_url(text) == ""
    assert made(Node(id="goal:objective.a", kind="objective", name="a", url=text)).goals[0].url == ""


def test_names_are_unique_whatever_ids_goals_have() -> None:
    top = Node(id="asana:12", kind="objective", name="top", origin=Origin("asana"))
    number = Node(id="asana:12.number", kind="key_result", name="n", origin=Origin("asana"))
    clash = [
        Node(id="goal:objective.a.b", kind="objective", name="a.b"),
        Node(id="goal:key_result.a.b", kind="key_result", name="b"),
    ]
    found = made(top, number, Edge(upstream=number.id, downstream=top.id, role="supports"), *clash)
    assert sorted(g.name for g in found.goals) == sorted(["asana:12", "asana:12.number", *(n.id for n in clash)])


def test_drafts_are_not_told_and_a_goal_below_one_is_at_the_top() -> None:
    draft, below = (Node(id=f"goal:objective.{n}", kind="objective", name=n) for n in ("draft", "below"))
    key_result = Node(id="goal:key_result.below.k", kind="key_result", name="k")
    model = Node(id="dbt:model.shop.orders", kind="model", name="orders")
    off = Node(id="dbt:model.shop.off", kind="model", name="off", disabled=True)
    found = made(
        draft, below, key_result, model, off,
        Objective(objective=draft.id, state="draft"),
        Objective(objective=below.id, start=date(2026, 12, 1), end=date(2026, 12, 31)),
        Target(key_result=key_result.id, objective=below.id, draft=True, binding=Binding(model="orders")),
        Edge(upstream=below.id, downstream=draft.id, role="supports"),
        Edge(upstream=model.id, downstream=key_result.id),
    )  # fmt: skip
    # Planned is living: people may build towards it already.
    assert [(g.name, g.objective, g.period) for g in found.goals] == [("below", "", "2026-12-01 to 2026-12-31")]
    assert [(a.node.name, a.objectives, a.key_results) for a in found.assets] == [("orders", (), ())]


def test_an_asset_that_two_tools_know_has_every_id() -> None:
    url = "https://bi.shop.example/dashboards/7"
    exposure = Node(id="dbt:exposure.shop.board", kind="dashboard", name="board", url=url, origin=Origin("dbt"))
    board = Node(id="metabase:dashboard.7", kind="dashboard", name="Board", url=url, origin=Origin("metabase"))
    (asset,) = [a for a in made(exposure, board).assets if a.node.kind == "dashboard"]
    assert asset.ids == (exposure.id, board.id)
