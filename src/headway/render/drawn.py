"""The headed DAG for other tools to draw or read: GraphML, JSON, DOT and Mermaid.

Ids are those of the graph, in GraphML and JSON as they are; nodes and edges stand in the graph's own order, so that the
same graph gives the same bytes. Edges are of three roles: `feeds` (data flows along it), `shows` (a dashboard shows a
goal) and `supports` (a goal belongs under another).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import msgspec

from headway.graph.graph import Graph
from headway.graph.model import KINDS

VERSION = 1
"""Of the JSON; a field that goes or changes its meaning makes it another."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SHAPES = {
    "source": "cylinder",
    "metric": "ellipse",
    "dashboard": "note",
    "key_result": "hexagon",
    "objective": "doubleoctagon",
}


class Point(msgspec.Struct, frozen=True):
    """A node."""

    id: str
    kind: str
    band: str
    name: str
    title: str
    owner: str
    url: str
    objectives: tuple[str, ...]
    """Ids of the active objectives that it serves."""


class Arrow(msgspec.Struct, frozen=True):
    """An edge, by the ids of its ends."""

    upstream: str
    downstream: str
    role: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Some nodes of a graph with the edges among them."""

    nodes: Sequence[Point]
    edges: Sequence[Arrow]


def drawing(graph: Graph, wanted: Collection[int] | None = None) -> Drawing:
    """The nodes of a graph by their indexes, all of them for None, with the edges among them."""
    kept = range(len(graph.nodes)) if wanted is None else sorted(wanted)
    inside = set(kept)
    arrows = []
    for up, down, role in _edges(graph):
        if up in inside and down in inside:
            how = graph.evidence.get((up, down), "declared")
            arrows.append(Arrow(graph.nodes[up].id, graph.nodes[down].id, role, how))
    return Drawing([_point(graph, i) for i in kept], list(dict.fromkeys(arrows)))


def around(graph: Graph, objective: int) -> set[int]:
    """An objective with everything upstream of it, what belongs under it, and the objectives that it supports."""
    return {*graph.walk([objective], "upstream"), *graph.ancestors_of(objective)}


def with_goals(graph: Graph, assets: Collection[int]) -> set[int]:
    """Some assets with the goals that they feed or show, and what these belong under."""
    inside = set(assets)
    goals = {g for fed in (graph.fed_by, graph.shown_on) for g, ends in fed.items() if inside.intersection(ends)}
    above = {o for g in goals for o in (graph.objective_of(g), *graph.ancestors_of(graph.objective_of(g)))}
    return inside | goals | above


def graphml(drawn: Drawing) -> str:
    """GraphML, as yEd, Gephi and NetworkX read it."""
    keys = [(key, "node") for key in ("kind", "band", "name", "title", "owner", "url", "objectives")]
    keys += [(key, "edge") for key in ("role", "evidence")]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    lines += [f'  <key id="{key}" for="{of}" attr.name="{key}" attr.type="string"/>' for key, of in keys]
    lines.append('  <graph id="headway" edgedefault="directed">')
    for node in drawn.nodes:
        said = {**msgspec.structs.asdict(node), "objectives": " ".join(node.objectives)}
        lines.append(f"    <node id={_attribute(node.id)}>{_data(said, [k for k, of in keys if of == 'node'])}</node>")
    for edge in drawn.edges:
        ends = f"source={_attribute(edge.upstream)} target={_attribute(edge.downstream)}"
        lines.append(f"    <edge {ends}>{_data(msgspec.structs.asdict(edge), ['role', 'evidence'])}</edge>")
    return "\n".join([*lines, "  </graph>", "</graphml>", ""])


def as_json(drawn: Drawing) -> str:
    """`{"version": 1, "nodes": [...], "edges": [...]}`, with the fields of Point and Arrow."""
    whole = {"version": VERSION, "nodes": drawn.nodes, "edges": drawn.edges}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def dot(drawn: Drawing) -> str:
    """DOT of Graphviz, with goals at the top."""
    lines = ["digraph headway {", "  rankdir=BT;", '  node [shape=box, fontname="sans-serif"];']
    for node in drawn.nodes:
        shape = _SHAPES.get(node.band, "box")
        label = _quoted(node.title or node.name)
        lines.append(f"  {_quoted(node.id)} [label={label}, shape={shape}, class={_quoted(node.kind)}];")
    styles = {"shows": " [style=dashed]", "supports": " [style=bold]"}
    lines += [
        f"  {_quoted(edge.upstream)} -> {_quoted(edge.downstream)}{styles.get(edge.role, '')};" for edge in drawn.edges
    ]
    return "\n".join([*lines, "}", ""])


def mermaid(drawn: Drawing) -> str:
    """A flowchart of Mermaid, which many wikis and forges draw; by default they draw no more than 500 edges."""
    number = {node.id: f"n{i}" for i, node in enumerate(drawn.nodes)}
    forms = {"source": ("[(", ")]"), "metric": ("([", "])"), "key_result": ("{{", "}}"), "objective": ("[[", "]]")}
    lines = ["flowchart BT"]
    for node in drawn.nodes:
        start, end = forms.get(node.band, ("[", "]"))
        lines.append(f'  {number[node.id]}{start}"{_mermaid_text(node.title or node.name)}"{end}')
    arrows = {"shows": "-.->", "supports": "==>"}
    lines += [
        f"  {number[edge.upstream]} {arrows.get(edge.role, '-->')} {number[edge.downstream]}" for edge in drawn.edges
    ]
    return "\n".join([*lines, ""])


FORMATS: Mapping[str, Callable[[Drawing], str]] = {"graphml": graphml, "json": as_json, "dot": dot, "mermaid": mermaid}
"""Name -> how it is written."""


def _edges(graph: Graph) -> Iterator[tuple[int, int, str]]:
    for up, below in enumerate(graph.downstream):
        yield from ((up, down, "feeds") for down in below)
    for goal, fed in sorted(graph.fed_by.items()):
        yield from ((up, goal, "feeds") for up in fed)
    for goal, boards in sorted(graph.shown_on.items()):
        yield from ((board, goal, "shows") for board in boards)
    for lower, uppers in sorted(graph.supports.items()):
        yield from ((lower, upper, "supports") for upper in uppers)


def _point(graph: Graph, i: int) -> Point:
    node = graph.nodes[i]
    served = sorted({graph.objective_of(g) for g in graph.goals_in(graph.served[i])})
    objectives = () if KINDS[node.kind].goal else tuple(graph.nodes[o].id for o in served)
    band = KINDS[node.kind].band
    return Point(node.id, node.kind, band, node.name, node.title, node.owner, node.url, objectives)


def _data(said: Mapping[str, str], keys: Sequence[str]) -> str:
    return "".join(f'<data key="{key}">{escape(_NOT_XML.sub("", said[key]))}</data>' for key in keys if said[key])


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("", text))


def _quoted(text: str) -> str:
    """Text in quotes for DOT, which knows no other escape than that of the quote; a line end would end nothing."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _mermaid_text(text: str) -> str:
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return re.sub(r"[^\w .,:/()%+-]", lambda found: f"#{ord(found[0])};", plain)
