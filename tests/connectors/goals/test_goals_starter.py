"""The first goals file that is proposed to a project reads without a problem, whatever the project is called."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.connectors.goals.reader import read
from headway.connectors.goals.records import records
from headway.connectors.goals.schema import MODELINE, SCHEMA_NAME, schema_text
from headway.connectors.goals.starter import starter, write_schema
from headway.errors import InputError
from headway.graph.model import KINDS, Gap, Node, Objective, Target

TODAY = date(2026, 11, 22)


def targets(text: str) -> list[Target]:
    read_back = list(records(read([("goals.yml", text.encode())])))
    assert not [r for r in read_back if isinstance(r, Gap)]
    return [r for r in read_back if isinstance(r, Target)]


def metric(name: str, **more: str) -> Node:
    return Node(id=f"dbt:metric.shop.{name}", kind="metric", name=name, **more)


def model(name: str, path: str = "") -> Node:
    return Node(id=f"dbt:model.shop.{name}", kind="model", name=name, path=path)


def test_the_metrics_that_are_read_most_are_proposed_first() -> None:
    nodes = [metric(name) for name in ("arr", "churn", "mrr", "nps", "seats")]
    text = starter([*nodes, model("fct_orders")], {"dbt:metric.shop.nps": 4, "dbt:metric.shop.mrr": 9}, TODAY)
    assert [t.binding.metric for t in targets(text)] == ["mrr", "nps", "arr"]
    assert "# - {id: churn, title: churn, metric: churn}" in text
    assert "fct_orders" not in text


def test_proposed_key_results_claim_no_number() -> None:
    for target in targets(starter([metric("mrr", owner="growth-team")], {}, TODAY)):
        assert (target.baseline, target.target, target.band) == (None, None, None)
        assert target.binding.metric == "mrr"


def test_without_metrics_the_marts_that_much_depends_on_are_proposed() -> None:
    nodes = [
        model("stg_orders", "models/staging/stg_orders.sql"),
        model("int_orders", "models/intermediate/int_orders.sql"),
        model("orders", "models/marts/orders.sql"),
        model("fct_visits", "models/web/fct_visits.sql"),
        model("helper", "models/web/helper.sql"),
        model("dim_customer", "models/marts/dim_customer.sql"),
    ]
    readers = {node.id: count for node, count in zip(nodes, (50, 40, 3, 7, 30, 20), strict=True)}
    proposed = targets(starter(nodes, readers, TODAY))
    assert [(t.binding.model, t.binding.expression) for t in proposed] == [
        ("fct_visits", "count(*)"),
        ("orders", "count(*)"),
        ("dim_customer", "count(*)"),
    ]


def test_where_nothing_is_called_a_mart_the_layers_below_are_left_out() -> None:
    nodes = [model("stg_orders", "models/staging/stg_orders.sql"), model("orders", "models/orders.sql")]
    assert [t.binding.model for t in targets(starter(nodes, {nodes[0].id: 9}, TODAY))] == ["orders"]
    assert [t.binding.model for t in targets(starter(nodes[:1], {}, TODAY))] == ["stg_orders"]


def test_a_project_with_nothing_gets_a_key_result_of_words() -> None:
    (target,) = targets(starter([], {}, TODAY))
    assert target.binding.way == ""


def test_switched_off_nodes_are_not_proposed() -> None:
    off = Node(id="m", kind="metric", name="old_metric", disabled=True)
    assert "old_metric" not in starter([off], {}, TODAY)


def test_exposures_are_offered_as_comments_only() -> None:
    board = Node(id="e", kind="dashboard", name="exec_overview", title="Executive overview")
    text = starter([metric("mrr"), board], {}, TODAY)
    assert "# shown_on: [exec_overview]" in text
    assert "# - exec_overview (Executive overview)" in text
    assert all("shown_on" not in line for line in text.splitlines() if not line.lstrip().startswith("#"))


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        (date(2026, 1, 1), date(2026, 1, 1), date(2026, 3, 31)),
        (date(2026, 6, 30), date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 8, 15), date(2026, 7, 1), date(2026, 9, 30)),
        (date(9999, 12, 31), date(9999, 10, 1), date(9999, 12, 31)),
    ],
)
def test_the_period_is_the_current_quarter(day: date, first: date, last: date) -> None:
    text = starter([], {}, day)
    (objective,) = [r for r in records(read([("goals.yml", text.encode())])) if isinstance(r, Objective)]
    assert (objective.start, objective.end) == (first, last)


def test_what_is_commented_out_reads_once_it_is_uncommented() -> None:
    nodes = [metric(f"metric_{i}", title=f"Metric: {i}") for i in range(20)]
    nodes.append(Node(id="e", kind="dashboard", name="Exec: overview"))
    text = starter(nodes, {}, TODAY)
    proposed = r"^( *)# ((grain|baseline|target|shown_on|deliverables|initiatives):|  - \{|- \{)"
    uncommented = re.sub(proposed, r"\1\2", text, flags=re.MULTILINE)
    read_back = targets(uncommented)
    assert len(read_back) == 15  # three written out, twelve listed
    assert (read_back[0].baseline, read_back[0].target) == (100, 120)
    assert "and 5 more" in text


def test_names_that_yaml_takes_for_something_else_are_put_in_quotes() -> None:
    text = starter([metric("false"), metric("1e5"), metric("null")], {}, TODAY)
    assert [t.binding.metric for t in targets(text)] == ["1e5", "false", "null"]


def test_the_editor_finds_the_schema(tmp_path: Path) -> None:
    assert starter([], {}, TODAY).splitlines()[0] == MODELINE
    written = write_schema(tmp_path)
    assert written == tmp_path / SCHEMA_NAME
    assert f"./{written.name}" in MODELINE
    assert written.read_text("utf-8") == schema_text()
    assert write_schema(tmp_path / "other.json").name == "other.json"


def test_a_schema_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the schema cannot be written to"):
        write_schema(tmp_path / "missing" / SCHEMA_NAME)


nodes_of_any_name = st.builds(
    Node,
    id=st.text(max_size=8),
    kind=st.sampled_from(sorted(KINDS)),
    name=st.text(max_size=30),
    title=st.text(max_size=30),
    owner=st.text(max_size=10),
    path=st.text(max_size=10),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(nodes_of_any_name, max_size=6), st.dates())
def test_any_project_gets_a_file_that_reads(nodes: list[Node], today: date) -> None:
    text = starter(nodes, {node.id: len(node.name) for node in nodes}, today)
    assert 1 <= len(targets(text)) <= 3
