"""Selectors, as a dbt user would write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from case_graph import graph_of
from headway.errors import UnknownName, UsageError

GRAPH = graph_of("""
    source raw_orders
    model stg_orders < raw_orders path=models/staging/stg_orders.sql owner=core-team
    model orders < stg_orders path=models/marts/orders.sql owner=sales-team
    model customers path=models/marts/customers.sql owner=Sales-Team
    metric mrr < orders
    dashboard exec < mrr, customers
    notebook lab < orders
    objective grow "Grow the business"
    key_result grow.mrr < mrr
""")


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("orders", "orders"),
        ("+orders", "raw_orders stg_orders orders"),
        ("1+orders", "stg_orders orders"),
        ("stg_orders+1", "stg_orders orders"),
        ("stg_orders+", "stg_orders orders mrr exec lab"),
        ("1+orders+1", "stg_orders orders mrr lab"),
        ("kind:model", "stg_orders orders customers"),
        ("kind:exposure", "exec lab"),
        ("kind:dash*", "exec"),
        ("exposure:*", "exec lab"),
        ("model:*orders", "stg_orders orders"),
        ("owner:sales-team", "orders customers"),
        ("path:models/marts", "orders customers"),
        ("path:models/staging/stg_orders.sql", "stg_orders"),
        ("kind:model,owner:sales-team", "orders customers"),
        ("kind:model,+exec", "stg_orders orders customers"),
        ("raw_orders lab", "raw_orders lab"),
        ("objective:grow", "raw_orders stg_orders orders mrr exec customers"),
        ("key_result:grow.mrr", "raw_orders stg_orders orders mrr exec customers"),
        ('objective:g*', "raw_orders stg_orders orders mrr exec customers"),
        ("nothing_called_this", ""),
        ("tag:none", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_selecting(selector: str, names: str) -> None:
    assert {GRAPH.nodes[i].name for i in GRAPH.select(selector)} == set(names.split())


def test_an_objective_is_found_by_its_name_with_what_is_upstream_of_it() -> None:
    assert {GRAPH.nodes[i].name for i in GRAPH.select("+goal:objective.grow")} >= {"raw_orders", "mrr", "exec"}


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("colour:red", "there is no selector method 'colour'"),
        ("objective:grwo", "there is no objective called 'grwo'"),
        (",", "has an empty term"),
        ("+", "cannot read .* as a selector"),
    ],
)
def test_what_cannot_be_selected_is_said(selector: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        GRAPH.select(selector)


def test_an_unknown_objective_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        GRAPH.select("objective:grwo")
    assert caught.value.near == ("grow",)


@given(st.text(max_size=30))
def test_any_text_selects_assets_or_is_refused_in_one_sentence(selector: str) -> None:
    try:
        chosen = GRAPH.select(selector)
    except UsageError as error:
        text = str(error)
        assert "\n" not in text.replace(selector, "")
    else:
        assert all(0 <= i < len(GRAPH.nodes) for i in chosen)
