"""A company's own dashboards on its own dbt project: what is linked, and what is not. Skips without them."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from headway.connectors.dbt.connector import Dbt
from headway.connectors.protocol import Context
from headway.connectors.superset.connector import Superset
from headway.graph.graph import Graph
from headway.questions.registry import questions

DATA = Path(os.environ.get("HEADWAY_SHARED_DATA") or Path(__file__).resolve().parents[2] / "../shared/data") / "mitodl"


@pytest.fixture(scope="module")
def graph() -> Graph:
    if not (DATA / "superset").exists():
        pytest.skip(f"no real project at {DATA}")
    context = Context(root=str(DATA), now=datetime(2026, 11, 22, tzinfo=UTC))
    below = Dbt({"manifest": "manifest.json.gz"}, context).records()
    return Graph([*below, *Superset({"export": ["superset"]}, context).records()], as_of=date(2026, 11, 22))


def datasets(graph: Graph) -> list[int]:
    return [i for i, node in enumerate(graph.nodes) if node.kind == "dataset"]


def test_every_table_but_one_is_linked_although_the_manifest_is_of_another_target(graph: Graph) -> None:
    found = Counter(
        (link.match.tier, graph.nodes[link.upstream].kind if link.upstream is not None else "")
        for link in graph.links
        if link.evidence == "matched" and graph.nodes[link.node].kind == "dataset"
    )
    # Two datasets are in the export twice, with one uuid; the 19 in full are named as sources and built as models.
    assert found == {("table", "model"): 181, ("relation", "model"): 19, ("table", "source"): 1, ("", ""): 1}
    assert [link.name for link in graph.links if link.open] == ["superset.public.tables"]
    assert graph.broken == {}


def test_every_virtual_dataset_reaches_a_model(graph: Graph) -> None:
    virtual = {link.node for link in graph.links if link.evidence == "parsed"}
    assert len(virtual) == 14
    assert all(any(graph.nodes[u].kind == "model" for u in graph.walk([i], "upstream")) for i in virtual)


def test_what_no_dashboard_reaches(graph: Graph) -> None:
    models = [i for i, node in enumerate(graph.nodes) if node.kind == "model"]
    reached = graph.walk(datasets(graph), "upstream")
    charts = [i for i, node in enumerate(graph.nodes) if node.kind == "chart"]
    assert (len(models), sum(i in reached for i in models)) == (669, 435)
    assert (len(charts), sum(not graph.downstream[i] for i in charts)) == (128, 53)


def test_the_questions_answer_it(graph: Graph) -> None:
    answer = questions()["links"].ask(graph)
    assert [(row.values[0], row.values[3]) for row in answer.rows] == [("unmatched", "superset.public.tables")]
    assert questions()["broken"].ask(graph).headline == "No dashboard reads a table that dbt no longer builds."


def test_the_order_of_records_changes_no_link(graph: Graph) -> None:
    context = Context(root=str(DATA), now=datetime(2026, 11, 22, tzinfo=UTC))
    records = [
        *Dbt({"manifest": "manifest.json.gz"}, context).records(),
        *Superset({"export": ["superset"]}, context).records(),
    ]
    other = Graph(reversed(records), as_of=graph.as_of)

    def links(of: Graph) -> set[tuple[str, str, str]]:
        return {(of.nodes[k.node].id, k.name, "" if k.upstream is None else of.nodes[k.upstream].id) for k in of.links}

    assert links(other) == links(graph)
