"""What dbt's metrics aggregate is told in the same words as what charts compute."""

from __future__ import annotations

import pytest

from headway.connectors.dbt.artifacts import Manifest, Metric, SemanticModel
from headway.connectors.dbt.measures import Measures
from headway.graph.aggregates import aggregate

SAID = [
    ("sum", "amount", "sum(amount)"),
    ("sum", None, "sum(revenue)"),
    ("average", "amount", "avg(amount)"),
    ("count", "1", "count()"),
    ("sum", "1", "count()"),
    ("count_distinct", "customer_id", "count(distinct customer_id)"),
    ("sum", "case when status = 'paid in full' then amount else 0 end", "sum(case when status = 'x' then amount end)"),
    ("sum", "coalesce(o.amount, 0) - o.discount", "sum(amount - discount)"),
    ("max", "cast(amount as numeric)", "max(amount)"),
]


@pytest.mark.parametrize(("agg", "expr", "sql"), SAID)
def test_a_measure_is_said_as_sql_says_it(agg: str, expr: str | None, sql: str) -> None:
    model = SemanticModel(measures=[{"name": "revenue", "agg": agg, "expr": expr}])
    metric = Metric(name="turnover", type_params={"measure": {"name": "revenue"}})
    said = Measures(Manifest(semantic_models={"semantic_model.shop.orders": model})).of(metric)
    assert said == ((aggregate(sql) or sql),)


def test_an_aggregation_of_its_own() -> None:
    metric = Metric(name="mrr", type_params={"metric_aggregation_params": {"agg": "sum"}, "expr": "amount"})
    assert Measures(Manifest()).of(metric) == ("sum(amount)",)


@pytest.mark.parametrize(
    "params",
    [
        None,
        [],
        {"measure": 7},
        {"measure": {"name": []}},
        {"metrics": ["a"]},
        {"metric_aggregation_params": {"agg": 3}},
    ],
)
def test_what_is_no_measure_is_nothing(params: object) -> None:
    assert (
        Measures(Manifest(semantic_models={"x": SemanticModel(measures=["no", {"name": 1}])})).of(
            Metric(name="a", type_params=params)
        )
        == ()
    )
