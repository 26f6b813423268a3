"""The bands of the Map and the lanes of the Lineage: which layer an asset stands in, and in which folder.

A band is decided by the path patterns under `layers:` in headway.yml, then by the kind, then by the position in the
graph. Names decide nothing: in real projects most models can be called marts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from headway.graph.graph import Graph
from headway.graph.model import KINDS, Node
from headway.graph.tables import is_outside
from headway.project import settings

SOURCES, STAGING, INTERMEDIATE, MARTS, SEMANTIC, METRICS, DASHBOARDS, KEY_RESULTS, OBJECTIVES = range(9)

NAMES = (
    "Sources",
    "Staging",
    "Intermediate",
    "Marts",
    "Semantic models",
    "Metrics",
    "Dashboards",
    "Key results",
    "Objectives",
)
"""Names of the bands, bottom to top. Assets stand in the first seven."""

LAYERS = dict(zip(settings.LAYERS, (STAGING, INTERMEDIATE, MARTS), strict=True))
"""Keys of `layers:` in headway.yml."""

_OF_KIND = {
    "source": SOURCES,
    "semantic": SEMANTIC,
    "metric": METRICS,
    "dashboard": DASHBOARDS,
    "key_result": KEY_RESULTS,
    "objective": OBJECTIVES,
}
_SOURCE_PARTS = 4
"""`source.<project>.<source>.<table>`: parts of the id that dbt gives a source."""


def bands(graph: Graph, layers: Mapping[str, Sequence[str]]) -> list[int]:
    """The band of every node of a graph, as an index of NAMES."""
    patterns = [(LAYERS[name], pattern) for name, several in layers.items() for pattern in several]
    goal_reads = {i for fed in graph.fed_by.values() for i in fed}
    found = []
    for i, node in enumerate(graph.nodes):
        band = KINDS[node.kind].band
        if band == "model":
            stated = next((layer for layer, pattern in patterns if _lies_in(node.path, pattern)), None)
            found.append(_by_position(graph, i, goal_reads) if stated is None else stated)
        else:
            found.append(_OF_KIND[band])
    return found


def _lies_in(path: str, pattern: str) -> bool:
    """Whether a file is, or lies below, what a pattern names: `models/staging`, `models/*/stg_*`."""
    pattern = pattern.rstrip("/")
    return bool(path) and (fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}/*"))


def _by_position(graph: Graph, i: int, goal_reads: set[int]) -> int:
    """A model that reads sources alone is staging, one that something other than a model reads is a mart.

    Of the rest, what no model reads is a mart, and what is between models is intermediate. A job outside dbt loads
    sources, or takes on what dbt made, and is no model to whom it reads from.
    """
    above = {KINDS[graph.nodes[j].kind].band for j in graph.upstream[i]}
    if graph.nodes[i].kind == "job":
        return MARTS if "model" in above else SOURCES
    below = {k if (k := graph.nodes[j].kind) == "job" else KINDS[k].band for j in graph.downstream[i]}
    shown = i in goal_reads or bool(below - {"model"})
    if above == {"source"} and ("model" in below or not shown):
        return STAGING
    return MARTS if shown or "model" not in below else INTERMEDIATE


def folder(node: Node) -> str:
    """What a node is grouped by in its band: a source by the name it is declared under, the rest by their folder.

    What no file of the project declares is grouped by its collection, or else by the tool it comes from.
    """
    if node.kind == "source":
        parts = node.id.rpartition(":")[2].split(".")
        if len(parts) >= _SOURCE_PARTS:
            return parts[2]
        return _schema(node) or node.group or node.origin.connector or "sources"
    if node.origin.connector not in {"", "dbt"} and not node.also:
        return node.group or node.origin.connector
    parent = node.path.rpartition("/")[0]
    if parent in {"", "."}:
        return node.group or _schema(node) or node.package or "no folder"
    return parent


def source_name(node: Node) -> str:
    """A source of dbt with the name it is declared under; what only another system tells of has its whole name."""
    return node.name if is_outside(node) else f"{folder(node)}.{node.name}"


def _schema(node: Node) -> str:
    parts = node.relation.split(".")
    return parts[-2] if len(parts) > 1 else ""


def labels(folders: Sequence[str]) -> dict[str, str]:
    """What each folder is called: its last part, or as many of its last parts as tell it from the others."""
    parts = {name: [p for p in name.split("/") if p] or [name] for name in dict.fromkeys(folders)}
    found: dict[str, str] = {}
    todo, depth = list(parts), 1
    while todo:
        short: dict[str, list[str]] = {}
        for name in todo:
            short.setdefault("/".join(parts[name][-depth:]), []).append(name)
        again = []
        for text, names in short.items():
            if len(names) == 1 or all(depth >= len(parts[name]) for name in names):
                found.update(dict.fromkeys(names, text))
            else:
                again += names
        todo, depth = again, depth + 1
    return found
