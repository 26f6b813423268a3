"""What a census holds of a graph, and what came and went between two of them."""

from __future__ import annotations

from datetime import date

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from case_graph import graph_of
from headway.graph.census import STATES, Aim, Asset, Census, Turnover, census

SHOP = """
source raw_orders
model orders < raw_orders   cost=12.50
model drafts < orders       cost=2
model unseen < orders
metric revenue < orders
dashboard board < revenue
dashboard odd < drafts
objective grow "Grow" 2026-10-01..2026-12-31
objective old "Old" 2026-01-01..2026-03-31
key_result grow.mrr < revenue  from=10 to=20 unit=EUR
key_result old.mrr < drafts    from=1 to=2
views board 12 on 2026-11-20
queries unseen 1 on 2026-05-01
covers "kind:model kind:source" 2026-08-01..2026-11-21
covers "kind:dashboard" 2026-08-01..2026-11-21
"""


def by_name(one: Census) -> dict[str, Asset]:
    return {asset.name: asset for asset in one.assets}


def test_every_asset_has_its_goals_its_use_and_its_cost() -> None:
    graph = graph_of(SHOP)
    found = by_name(census(graph))
    assert {name: asset.state for name, asset in found.items()} == {
        "raw_orders": "serving",
        "orders": "serving",
        "revenue": "serving",
        "board": "serving",
        "drafts": "idle",
        "unseen": "idle",
        "odd": "idle",
    }
    grow = next(o for o, title in census(graph).objectives.items() if title == "Grow")
    assert found["orders"].serves == (grow,)
    assert found["drafts"].serves == (), "an objective that has ended is served no more"
    assert {a.name for a in census(graph).assets if a.use == "used"} == {"raw_orders", "orders", "revenue", "board"}


def test_sums_are_those_of_the_graph() -> None:
    graph = graph_of(SHOP)
    one = census(graph)
    assert len(one.assets) == len(graph.assets)
    assert one.states() == {"serving": 4, "shadow": 0, "unknown": 0, "idle": 3}
    assert one.kinds() == {"source": 1, "model": 3, "metric": 1, "dashboard": 2}
    assert one.units == ("EUR",)
    assert one.cost("EUR") == 14_500_000
    assert sum(one.cost("EUR", state=state) or 0 for state in STATES) == 14_500_000
    assert one.cost("EUR", state="serving") == 12_500_000
    assert one.cost("credits") is None
    assert one.cost_of(by_name(one)["orders"], "EUR") == 12_500_000
    assert one.cost_of(by_name(one)["unseen"], "EUR") == 0
    assert one.sources == ("observations",)


def test_what_key_results_aim_at_is_kept() -> None:
    aims = {aim.id: aim for aim in census(graph_of(SHOP)).aims}
    assert aims["goal:key_result.grow.mrr"] == Aim(
        id="goal:key_result.grow.mrr",
        name=aims["goal:key_result.grow.mrr"].name,
        baseline=10,
        target=20,
        start=aims["goal:key_result.grow.mrr"].start,
        due=aims["goal:key_result.grow.mrr"].due,
    )


def test_use_that_no_source_covers_is_unknown_and_no_state_is_greener_for_it() -> None:
    one = census(graph_of("model a\nmodel b < a"))
    assert one.uses() == {"used": 0, "unused": 0, "unknown": 2}
    assert one.states() == {"serving": 0, "shadow": 0, "unknown": 2, "idle": 0}
    assert one.units == ()


def test_run_times_of_the_last_dbt_run_are_no_cost_of_a_period() -> None:
    one = census(graph_of('model a\nseconds a 40 on 2026-11-20  class=dbt tool="dbt run results"'))
    assert one.units == ()


def test_it_comes_back_from_json_as_it_was() -> None:
    one = census(graph_of(SHOP))
    assert msgspec.json.decode(msgspec.json.encode(one), type=Census) == one


ids = st.sets(st.integers(0, 40))


@given(ids, ids)
def test_what_came_less_what_went_is_the_change_of_the_count(before: set[int], after: set[int]) -> None:
    day = date(2026, 1, 1)
    one, other = (
        Census(day=day, assets=tuple(Asset(f"dbt:model.shop.m{i}", f"m{i}", "model") for i in sorted(numbers)))
        for numbers in (before, after)
    )
    turn, back = Turnover(one, other), Turnover(other, one)
    assert len(turn.born) - len(turn.retired) == len(other.assets) - len(one.assets)
    assert {a.id for a in turn.born} == {a.id for a in back.retired}
    assert len(list(turn.stayed())) == len(before & after)
