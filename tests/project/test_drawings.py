"""The headed DAG as GraphML, JSON, DOT and Mermaid: what is in it, and that hostile names stay names."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.shop import write_shop

from headway.cli.main import run
from headway.graph.model import BANDS, KINDS
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
    bands = {n["band"] for n in said["nodes"]}
    assert len(chart) == 1 + len(said["nodes"]) + len(said["edges"]) + len(bands)
    assert all(re.fullmatch(r'  n\d+(\[|\[\(|\(\[|\{\{|\[\[)"[^"]*"(\]|\)\]|\]\)|\}\}|\]\]):::[a-z_]+', row) or
               re.fullmatch(r"  n\d+ (-->|-\.->|==>) n\d+", row) or row.startswith("  classDef ")
               for row in chart[1:])  # fmt: skip
    seen = [row for row in drawn_as(project, "dot").splitlines() if " -> " in row and "style=invis" not in row]
    assert len(seen) == len(said["edges"])


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
    assert len(mermaid(drawn).splitlines()) == 2 + len(nodes) + len({n.band for n in nodes})
    assert "<" not in mermaid(drawn).replace("<br>", "")
    for row in dot(drawn).splitlines()[4:-1]:
        rest = re.sub(r'"(?:\\.|[^"\\])*"', "Q", row)
        looks = r"label=Q, tooltip=Q, class=Q, shape=\w+, fillcolor=Q, color=Q, fontcolor=Q, fontsize=\d+, margin=Q"
        unseen = r"shape=point, style=invis, width=0, height=0|style=invis, weight=0|style=dashed"
        assert re.fullmatch(rf"  Q (?:\[{looks}(?:, style=Q)?\]|(?:-> Q )?\[(?:{unseen})\]);", rest), row


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_draws_every_band_above_the_one_it_stands_on(project: Project) -> None:
    """Told by the places that Graphviz gives to nodes, and by what a reader of the picture is shown."""
    drawn = json.loads(
        subprocess.run(
            ["dot", "-Tjson"], input=drawn_as(project, "dot"), capture_output=True, text=True, check=True, timeout=60
        ).stdout
    )
    said = {n["id"]: n for n in json.loads(drawn_as(project, "json"))["nodes"]}
    heights: dict[str, list[float]] = {}
    for node in drawn["objects"]:
        if node["name"] in said:
            heights.setdefault(said[node["name"]]["band"], []).append(float(node["pos"].split(",")[1]))
            assert node["label"].replace("\\n", " ") == (said[node["name"]]["title"] or said[node["name"]]["name"])
    used = [band for band in BANDS if band in heights]
    assert len(used) >= 5
    for lower, upper in pairwise(used):
        assert max(heights[lower]) < min(heights[upper])


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_whatever_things_are_called(tmp_path: Path) -> None:
    names = [
        '"]; end',
        "\\",
        "a\\",
        "\\N",
        "<b>x</b>",
        "x\x00y",
        "graph",
        "ключ",
        "a very long title " * 9,
        "%",
        "&amp;",
    ]
    nodes = [Point(f"id {i} {n}", "objective", "objective", n, n, "", "", ()) for i, n in enumerate(names)]
    done = subprocess.run(
        ["dot", "-Tsvg"], input=dot(Drawing(nodes, [])), capture_output=True, text=True, check=True, timeout=60
    )
    assert not done.stderr
    shown = "".join(ET.fromstring(done.stdout).itertext())
    assert all(word in shown for word in ('"]; end', "a\\", "<b>x</b>", "ключ", "&amp;", "\\N"))


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
