"""Goals that were exported and edited since, or that somebody else calls exported: what fits is read, nothing fails."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway.connectors.dbt.artifacts import Exposure, Settings
from headway.connectors.dbt.exported import exported_goals
from headway.graph.graph import Graph
from headway.graph.model import AnyRecord, Gap, Node, Objective, Origin, Target

ORIGIN = Origin("dbt", "target/manifest.json")


def records(*metas: Any) -> list[AnyRecord]:
    """What exposures with these declarations are read as."""
    exposures = {
        f"exposure.shop.e{n}": Exposure(
            unique_id=f"exposure.shop.e{n}",
            name=f"e{n}",
            type="analysis",
            config=Settings(meta={"headway": {"kind": "objective", "exported": "goals", **meta}}),
        )
        for n, meta in enumerate(metas)
    }
    return list(exported_goals(exposures, ORIGIN))


def of(kind: type, found: list[AnyRecord]) -> list[Any]:
    return [record for record in found if type(record) is kind]


def test_an_objective_and_its_key_result_are_read_with_dates_bands_and_bindings() -> None:
    part = {"id": "b", "model": "orders", "expression": "count(*)", "band": {"low": 1}, "due": "2026-12-31"}
    found = records({"id": "a", "title": "A", "end": "2026-12-31", "weight": 2, "key_results": [part]})
    (target,) = of(Target, found)
    assert (target.key_result, target.objective) == ("goal:key_result.a.b", "goal:objective.a")
    assert (target.band.low, target.due, target.binding.way) == (1, date(2026, 12, 31), "model")
    (objective,) = of(Objective, found)
    assert (objective.end, objective.weight, objective.origin) == (date(2026, 12, 31), 2, ORIGIN)
    assert all(node.meta["exported"] == "goals" for node in of(Node, found))
    assert not of(Gap, found)


def test_parted_braces_are_as_they_were() -> None:
    found = records(
        {"id": "a", "title": "{ { x }} { % y { # z", "key_results": [{"id": "b", "where": ["{ { D('x') }}"]}]}
    )
    assert of(Node, found)[0].title == "{{ x }} {% y {# z"
    assert of(Target, found)[0].binding.where == ("{{ D('x') }}",)


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"id": 7},
        {"id": "a/b"},
        {"id": "a", "weight": "much"},
        {"id": "a", "end": "soon"},
        {"id": "a", "key_results": [{"title": "no id"}]},
        {"id": "a", "key_results": [{"id": "k", "target": "high"}]},
        {"id": "a", "key_results": [{"id": "k"}, {"id": "k"}]},
        {"id": "a", "deliverables": [{"id": "d", "done": "perhaps"}]},
    ],
)
def test_what_was_edited_is_said_once_with_its_file_and_the_rest_is_read(meta: dict[str, Any]) -> None:
    found = records(meta)
    (gap,) = of(Gap, found)
    assert "the exported exposure e0" in gap.message
    assert gap.origin == ORIGIN
    assert [n.id for n in of(Node, found) if n.kind == "objective"] == (
        ["goal:objective.a"] if meta.get("id") == "a" else []
    )


def test_the_same_objective_in_two_exposures_counts_once() -> None:
    found = records({"id": "a", "title": "First"}, {"id": "a", "title": "Second"})
    assert [n.title for n in of(Node, found)] == ["First"]
    assert len(of(Gap, found)) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "id",
        "title",
        "owner",
        "start",
        "end",
        "weight",
        "parent",
        "supports",
        "standing",
        "limit",
        "state",
        "order",
        "key_results",
        "deliverables",
        "target",
        "baseline",
        "band",
        "checkpoints",
        "binding",
        "type",
        "origin",
        "tags",
        "metric",
        "where",
        "objective",
        "key_result",
        "due",
        "done",
        "computed_from",
        "shown_on",
        "url",
        "text",
        "draft",
    ]
)
PART = st.dictionaries(FIELDS, JSON, max_size=6).map(lambda d: {**d, "id": d.get("id", "k")})


@given(st.lists(st.dictionaries(FIELDS, JSON | st.lists(PART, max_size=2), max_size=6), min_size=1, max_size=3))
@settings(max_examples=250, deadline=None)
def test_whatever_stands_there_makes_a_graph(metas: list[dict[str, Any]]) -> None:
    found = records(*({"id": f"o{n}", **meta} for n, meta in enumerate(metas)))
    goals = [n.id for n in of(Node, found)]
    assert len(goals) == len(set(goals))
    assert len(Graph(found, as_of=date(2026, 11, 22)).nodes) == len(goals)
