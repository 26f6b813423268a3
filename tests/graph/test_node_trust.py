"""The trust of every node: its own, and that of everything it is computed from."""

from __future__ import annotations

from case_graph import graph_of
from headway.graph.health import of_nodes


def trust(text: str) -> dict[str, str]:
    graph = graph_of(text)
    return {node.name: found for node, found in zip(graph.nodes, of_nodes(graph), strict=True)}


def test_what_stands_on_something_broken_is_broken() -> None:
    found = trust("model a\nmodel b < a\nmodel c < b\nmodel d\ncheck a t fail\ncheck d t pass")
    assert found == {"a": "broken", "b": "broken", "c": "broken", "d": "trusted"}


def test_a_warning_is_passed_on_and_broken_is_worse() -> None:
    found = trust("model a\nmodel b < a\nmodel c\nmodel d < b, c\ncheck a t warn\ncheck c t error")
    assert found == {"a": "warns", "b": "warns", "c": "broken", "d": "broken"}


def test_without_a_result_nothing_is_known() -> None:
    assert trust("model a\nmodel b < a\ncheck a t not-run") == {"a": "unknown", "b": "unknown"}
    assert trust("model a\nmodel b < a\nmodel c\ncheck c t pass")["b"] == "unknown"


def test_a_test_that_never_ran_is_a_doubt() -> None:
    found = trust("model a\nmodel b < a\ncheck a t not-run\ncheck b t pass")
    assert found == {"a": "unknown", "b": "untested"}


def test_a_circle_shares_its_trust() -> None:
    assert set(trust("model a < b\nmodel b < a\ncheck a t fail").values()) == {"broken"}
