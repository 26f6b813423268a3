"""The first page: one sentence, the four quadrants, the objectives."""

from __future__ import annotations

from headway.answer import Answer, Column, Finding, plural
from headway.graph.graph import Graph
from headway.questions.evidence import cost_column, gaps, make, monthly, no_goals
from headway.questions.goals import FINE, in_order
from headway.questions.registry import question
from headway.questions.status import standing_of
from headway.questions.usage import Quadrant, quadrants

_QUADRANTS: tuple[tuple[Quadrant, str, str, str], ...] = (
    ("serving", "Serving", "serves an objective, used", "keep, invest"),
    ("neglected", "Neglected", "serves an objective, unused", "why does nobody look?"),
    ("shadow", "Shadow goals", "serves none, used", "write the goal down, or say no"),
    ("zombie", "Zombies", "serves none, unused", "retire: headway zombies"),
    ("unknown", "Not known", "use is not known", "headway unknown"),
)


@question("HW001")
def summary(graph: Graph) -> Answer:
    """The first page: one sentence, the four quadrants, the objectives."""
    sections = (_quadrants(graph), *([_objectives(graph)] if graph.objectives else []))
    aligned = sum(bool(graph.served[i]) for i in graph.assets)
    totals = {
        "assets": len(graph.assets),
        "aligned": aligned,
        "key_results": len(graph.goals),
        "edges": len(graph.edges[0]),
    }
    return make(
        graph,
        "summary",
        "HW001",
        _sentence(graph, aligned),
        sections=sections,
        totals=totals,
        gaps=gaps(graph, "goals", "usage", "cost", "trust", "values", "lineage", "dbt"),
    )


def _sentence(graph: Graph, aligned: int) -> str:
    assets = len(graph.assets)
    if not assets:
        return "The project has no assets yet."
    if not graph.objectives:
        return f"{no_goals(graph)} headway init writes a starter goals.yml."
    living = [o for o in in_order(graph) if not (graph.objectives[o].standing if o in graph.objectives else False)]
    fine = sum(standing_of(graph).objectives[o].status in FINE for o in living)
    parts = [f"{fine} of {plural(len(living), 'objective')} on pace"] if living else []
    parts.append(f"{aligned / assets:.0%} of {plural(assets, 'asset')} serve one" if living else f"{assets:,} assets")
    unit, amounts = monthly(graph)
    dead = [i for i in graph.assets if quadrants(graph)[i] == "zombie"]
    if dead:
        cost = f" and cost {unit} {sum(amounts[i] for i in dead) / 1e6:,.0f} a month" if unit else ""
        parts.append(f"{len(dead):,} serve{'s' if len(dead) == 1 else ''} nothing, unused{cost}")
    elif not graph.use.known:
        parts.append("who uses them is not known")
    return "; ".join(parts) + "."


def _quadrants(graph: Graph) -> Answer:
    unit, amounts = monthly(graph)
    placed = quadrants(graph)
    assets = len(graph.assets)
    rows = []
    for key, name, meaning, action in _QUADRANTS:
        inside = [i for i in graph.assets if placed[i] == key]
        cost = sum(amounts[i] for i in inside) / 1_000_000 if unit else None
        values = (name, meaning, len(inside), len(inside) / assets if assets else None, cost, action)
        rows.append(Finding(values=values, counts=False))
    columns = (
        Column("quadrant", "Quadrant"),
        Column("meaning", "Meaning", secondary=True),
        Column("assets", "Assets", "number"),
        Column("share", "Share", "percent"),
        cost_column(graph),
        Column("do", "What to do", secondary=True),
    )
    return make(graph, "summary", "HW001", "Assets by use and purpose", columns, rows)


def _objectives(graph: Graph) -> Answer:
    standing = standing_of(graph)
    rows = []
    for o in in_order(graph):
        rolled = standing.objectives[o]
        mask = graph.goal_mask(o)
        serving = sum(bool(graph.served[i] & mask) for i in graph.assets)
        record = graph.objectives.get(o)
        is_standing = bool(record and record.standing)
        values = (
            graph.nodes[o].label,
            graph.nodes[o].owner or None,
            None if is_standing or rolled.progress is None else round(rolled.progress, 4),
            "standing" if is_standing else rolled.status,
            f"{rolled.measured} of {rolled.items}",
            serving,
        )
        rows.append(Finding(values=values, node=graph.nodes[o].id, counts=False))
    columns = (
        Column("objective", "Objective"),
        Column("owner", "Owner", secondary=True),
        Column("progress", "Progress", "percent"),
        Column("status", "Status"),
        Column("measured", "Measured"),
        Column("assets", "Assets", "number"),
    )
    return make(graph, "summary", "HW001", "Objectives", columns, rows)
