"""The headed DAG as GraphML, JSON, DOT and Mermaid: what is in it, and that hostile names stay names."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shop import write_shop

from headway.cli.main import run
from headway.graph.model import KINDS
from headway.project import Project
from headway.project.drawings import drawn_as
from headway.render.drawn import Arrow, Drawing, Point, as_json, dot, graphml, mermaid

NAMESPACE = "{http://graphml.graphdrawing.org/xmlns}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.open(write_shop(tmp_path))


def test_the_json_holds_every_node_and_every_edge_with_its_role(project: Project) -> None:
    said = json.loads(drawn_as(project, "json"))
    graph = project.graph()
    assert [n["id"] for n in said["nodes"]] == [n.id for n in graph.nodes]
    edges = {(e["upstream"], e["downstream"], e["role"]) for e in said["edges"]}
    assert ("dbt:source.shop.raw.raw_orders", "dbt:model.shop.orders", "feeds") in edges
    assert ("dbt:metric.shop.revenue", "goal:key_result.grow.revenue", "feeds") in edges
    assert ("dbt:exposure.shop.sales_board", "goal:key_result.grow.revenue", "shows") in edges
    assert ("goal:key_result.grow.revenue", "goal:objective.grow", "supports") in edges
    assert len(edges) == len(said["edges"]) == 8
    orders = next(n for n in said["nodes"] if n["name"] == "orders")
    assert (orders["kind"], orders["band"], orders["objectives"]) == ("model", "model", ["goal:objective.grow"])


def test_an_objective_comes_with_what_it_stands_on_and_a_selector_with_its_goals(project: Project) -> None:
    of_objective = {n["name"] for n in json.loads(drawn_as(project, "json", objective="grow"))["nodes"]}
    assert of_objective == {"raw_orders", "orders", "revenue", "sales_board", "happiness", "grow"}
    of_selector = {n["id"] for n in json.loads(drawn_as(project, "json", select="kind:metric"))["nodes"]}
    goals = {"goal:key_result.grow.revenue", "goal:objective.grow"}
    assert of_selector == {"dbt:metric.shop.revenue", *goals}


def test_graphml_is_read_with_the_same_nodes_and_edges(project: Project) -> None:
    said = json.loads(drawn_as(project, "json"))
    tree = ET.fromstring(drawn_as(project, "graphml"))
    assert [n.get("id") for n in tree.iter(f"{NAMESPACE}node")] == [n["id"] for n in said["nodes"]]
    ends = [(e.get("source"), e.get("target")) for e in tree.iter(f"{NAMESPACE}edge")]
    assert ends == [(e["upstream"], e["downstream"]) for e in said["edges"]]
    declared = {key.get("id") for key in tree.iter(f"{NAMESPACE}key")}
    assert {data.get("key") for data in tree.iter(f"{NAMESPACE}data")} <= declared


def test_mermaid_and_dot_have_a_line_for_each(project: Project) -> None:
    said = json.loads(drawn_as(project, "json"))
    chart = drawn_as(project, "mermaid").splitlines()
    assert len(chart) == 1 + len(said["nodes"]) + len(said["edges"])
    assert all(re.fullmatch(r'  n\d+(\[|\[\(|\(\[|\{\{|\[\[)"[^"]*"(\]|\)\]|\]\)|\}\}|\]\])', row) or
               re.fullmatch(r"  n\d+ (-->|-\.->|==>) n\d+", row) for row in chart[1:])  # fmt: skip
    assert drawn_as(project, "dot").count(" -> ") == len(said["edges"])


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ['"]; end', "\\", "a\\", "<script>", "]]>", "x\x00y", "`", "%%{init}%%"]
)


@given(
    st.lists(st.tuples(TEXTS, TEXTS, st.sampled_from(sorted(KINDS))), min_size=1, max_size=4, unique_by=lambda t: t[0])
)
@settings(max_examples=80, deadline=None)
def test_whatever_things_are_called_they_stay_text(things: list[tuple[str, str, str]]) -> None:
    nodes = [Point(f"id {n} {i}", k, KINDS[k].band, n, t, t, "", (n,)) for i, (n, t, k) in enumerate(things)]
    drawn = Drawing(nodes, [Arrow(nodes[0].id, nodes[-1].id, "shows", "declared")])
    tree = ET.fromstring(graphml(drawn))
    assert len(list(tree.iter(f"{NAMESPACE}node"))) == len(nodes)
    assert json.loads(as_json(drawn))["nodes"][0]["id"] == nodes[0].id
    assert len(mermaid(drawn).splitlines()) == 2 + len(nodes)
    assert "<" not in mermaid(drawn).replace("<br>", "")
    for row in dot(drawn).splitlines()[3:-1]:
        rest = re.sub(r'"(?:\\.|[^"\\])*"', "Q", row)
        assert re.fullmatch(r"  Q (?:\[label=Q, shape=\w+, class=Q\]|-> Q \[style=dashed\]);", rest), row


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_draws_it(project: Project) -> None:
    done = subprocess.run(
        ["dot", "-Tsvg"], input=drawn_as(project, "dot"), capture_output=True, text=True, check=True, timeout=60
    )
    assert "Grow sales" in done.stdout


def test_the_command_writes_a_file_or_prints(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--project-dir", project.config.root]
    assert run(["export", "mermaid", "--objective", "grow", *at]) == 0
    assert capsys.readouterr().out.startswith("flowchart BT\n")
    assert run(["export", "graphml", "--output", str(tmp_path / "x.graphml"), *at]) == 0
    assert (tmp_path / "x.graphml").read_text() == drawn_as(project, "graphml")
    assert run(["export", "json", "--objective", "none", *at]) == 2
    assert run(["export", "json", "--objective", "grow", "--select", "orders", *at]) == 2
    assert run(["export", "dot", "--output", str(tmp_path / "no/such/x.dot"), *at]) == 2
