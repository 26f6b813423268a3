"""The headed DAG for other tools to draw or read: GraphML, JSON, DOT and Mermaid.

Ids are those of the graph, in GraphML and JSON as they are; nodes and edges stand in the graph's own order, so that the
same graph gives the same bytes. Edges are of three roles: `feeds` (data flows along it), `shows` (a dashboard shows a
goal) and `supports` (a goal belongs under another).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

import msgspec

from headway.graph.graph import Graph
from headway.graph.model import BANDS, KINDS

VERSION = 1
"""Of the JSON; a field that goes or changes its meaning makes it another."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INK, _LINE = "#1B2430", "#8B94A1"
_LONGEST_LINE = 26
"""Characters of a label on one line; longer ones are broken between words."""


@dataclass(frozen=True, slots=True)
class _Look:
    """How the nodes of a band look: apart in shape as well as in colour."""

    shape: str
    fill: str
    edge: str
    ink: str = _INK
    size: int = 11
    margin: str = "0.12,0.06"
    brackets: tuple[str, str] = ("[", "]")
    """What a node of Mermaid stands in, which is its shape there."""


_LOOKS = {
    "source": _Look("cylinder", "#ECEBE6", "#8C877A", brackets=("[(", ")]")),
    "model": _Look("box", "#FFFFFF", "#667080"),
    "semantic": _Look("component", "#E7ECF7", "#243A75"),
    "metric": _Look("ellipse", "#DDEEEB", "#0F6B66", brackets=("([", "])")),
    "dashboard": _Look("note", "#FBF0DA", "#9A5B00"),
    "key_result": _Look("hexagon", "#A8CDCD", "#0B4F4B", size=13, margin="0,0.02", brackets=("{{", "}}")),
    "objective": _Look("box", "#0B4F4B", "#0B4F4B", ink="#FFFFFF", size=15, brackets=("[[", "]]")),
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
    """DOT of Graphviz: each band above the one it stands on, goals at the top; ids as tooltips."""
    lines = [
        "digraph headway {",
        "  graph [rankdir=BT, ranksep=0.45, nodesep=0.22, newrank=true, bgcolor=white, margin=0.2];",
        '  node [style=filled, fontname="Helvetica,Arial,sans-serif", height=0.35];',
        f'  edge [color="{_LINE}", arrowsize=0.6, penwidth=0.9];',
    ]
    for node in drawn.nodes:
        look = _LOOKS[node.band]
        style = ', style="filled,rounded,bold"' if node.band == "objective" else ""
        style = ', style="filled,dashed"' if node.kind in {"deliverable", "initiative"} else style
        lines.append(
            f"  {_quoted(node.id)} [label={_label(node)}, tooltip={_quoted(_no_entity(f'{node.kind} {node.id}'))}, "
            f'class={_quoted(node.kind)}, shape={look.shape}, fillcolor="{look.fill}", color="{look.edge}", '
            f'fontcolor="{look.ink}", fontsize={look.size}, margin="{look.margin}"{style}];'
        )
    styles = {"shows": " [style=dashed]", "supports": f' [color="{_LOOKS["objective"].edge}", penwidth=1.8]'}
    lines += [
        f"  {_quoted(edge.upstream)} -> {_quoted(edge.downstream)}{styles.get(edge.role, '')};" for edge in drawn.edges
    ]
    return "\n".join([*lines, *_floors(drawn), "}", ""])


def _floors(drawn: Drawing) -> Iterator[str]:
    """Lines that keep bands apart: between two of them lies a floor that is not seen, and no node on the wrong side."""
    band = {node.id: node.band for node in drawn.nodes}
    used = [name for name in BANDS if name in band.values()]
    inside = [e for e in drawn.edges if band[e.upstream] == band[e.downstream]]
    fed, feeding = {e.downstream for e in inside}, {e.upstream for e in inside}
    for lower, upper in pairwise(used):
        floor = _quoted(f"floor of {upper}")
        yield f"  {floor} [shape=point, style=invis, width=0, height=0];"
        for node in drawn.nodes:
            if node.band == lower and node.id not in feeding:
                yield f"  {_quoted(node.id)} -> {floor} [style=invis, weight=0];"
            elif node.band == upper and node.id not in fed:
                yield f"  {floor} -> {_quoted(node.id)} [style=invis, weight=0];"


def mermaid(drawn: Drawing) -> str:
    """A flowchart of Mermaid, which many wikis and forges draw; by default they draw no more than 500 edges."""
    number = {node.id: f"n{i}" for i, node in enumerate(drawn.nodes)}
    lines = ["flowchart BT"]
    for node in drawn.nodes:
        start, end = _LOOKS[node.band].brackets
        lines.append(f'  {number[node.id]}{start}"{_mermaid_text(node.title or node.name)}"{end}:::{node.band}')
    arrows = {"shows": "-.->", "supports": "==>"}
    lines += [
        f"  {number[edge.upstream]} {arrows.get(edge.role, '-->')} {number[edge.downstream]}" for edge in drawn.edges
    ]
    for band in dict.fromkeys(node.band for node in drawn.nodes):
        look = _LOOKS[band]
        lines.append(f"  classDef {band} fill:{look.fill},stroke:{look.edge},color:{look.ink}")
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
    """Text in quotes for DOT."""
    return f'"{_escaped(_one_line(text))}"'


def _escaped(text: str) -> str:
    """What stands in quotes of DOT, which knows no other escape than that of the quote."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _no_entity(text: str) -> str:
    """Text that is shown: Graphviz takes entities of HTML in it for what they stand for."""
    return text.replace("&", "&amp;")


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _label(node: Point) -> str:
    """What a node is called, in quotes, broken between words where it is long."""
    lines = textwrap.wrap(_one_line(node.title or node.name), _LONGEST_LINE, break_long_words=False) or [""]
    return '"' + "\\n".join(_escaped(_no_entity(line)) for line in lines) + '"'


def _mermaid_text(text: str) -> str:
    plain = _one_line(text)
    return re.sub(r"[^\w .,:/()%+-]", lambda found: f"#{ord(found[0])};", plain)
