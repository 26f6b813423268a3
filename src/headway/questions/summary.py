"""The first page: one sentence, the four quadrants, the objectives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from headway.answer import Answer, Column, Finding, plural
from headway.graph.graph import Graph
from headway.questions.evidence import cost_column, gaps, make, money, month, no_goals
from headway.questions.goals import FINE, in_order
from headway.questions.registry import question
from headway.questions.status import standing_of
from headway.questions.usage import Quadrant, quadrants

_QUADRANTS: tuple[tuple[Quadrant, str, str, str], ...] = (
    ("serving", "Serving", "serves an objective, used", "keep, invest"),
    ("neglected", "Neglected", "serves an objective, unused", "why does nobody look?"),
    ("shadow", "Shadow goals", "serves none, used", "write the goal down, or say no"),
    ("zombie", "Zombies", "serves none, unused", "retire: headway zombies"),
)


@question("HW001")
def summary(graph: Graph) -> Answer:
    """The first page: one sentence, the four quadrants, the objectives."""
    sections = (_assets(graph), *([_objectives(graph)] if graph.objectives else []))
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
    share = f"{aligned / assets:.0%} of {plural(assets, 'asset')} serve an objective"
    parts.append(share if living else plural(assets, "asset"))
    dead = [i for i in graph.assets if quadrants(graph)[i] == "zombie"]
    if dead:
        cost = f", at {money(graph, dead)}" if month(graph) else ""
        serve, them = ("serves", "it") if len(dead) == 1 else ("serve", "them")
        parts.append(f"{len(dead):,} {serve} nothing and nobody uses {them}{cost}")
    elif not graph.use.known:
        parts.append("who uses them is not known")
    return "; ".join(parts) + "."


def _assets(graph: Graph) -> Answer:
    """Assets by use and purpose; by purpose alone while no use is known."""
    groups = _by_quadrant(graph) if graph.use.known else _by_purpose(graph)
    assets = len(graph.assets)
    ledger = month(graph)
    rows = []
    for name, meaning, inside, action in groups:
        cost = sum(ledger.amounts[i] for i in inside) / 1_000_000 if ledger else None
        values = (name, meaning, len(inside), len(inside) / assets if assets else None, cost, action or None)
        rows.append(Finding(values=values, counts=False))
    columns = (
        Column("quadrant", "Quadrant" if graph.use.known else "Purpose"),
        Column("meaning", "Meaning", secondary=True),
        Column("assets", "Assets", "number"),
        Column("share", "Share", "percent"),
        cost_column(graph),
        Column("do", "What to do", secondary=True),
    )
    headline = "Assets by use and purpose" if graph.use.known else "Assets by purpose"
    return make(graph, "summary", "HW001", headline, columns, rows)


_Group = tuple[str, str, list[int], str]


def _by_quadrant(graph: Graph) -> Iterator[_Group]:
    placed = quadrants(graph)
    for key, name, meaning, action in _QUADRANTS:
        yield name, meaning, [i for i in graph.assets if placed[i] == key], action
    dark = [i for i in graph.assets if placed[i] == "unknown"]
    serving = sum(bool(graph.served[i]) for i in dark)
    meaning = f"use is not known; {serving:,} serve{'s' if serving == 1 else ''} an objective"
    yield "Not known", meaning, dark, "headway unknown"


def _by_purpose(graph: Graph) -> Iterator[_Group]:
    serving = [i for i in graph.assets if graph.served[i]]
    ended = graph.ended
    lost = [i for i in graph.assets if not graph.served[i] and (graph.computes[i] | graph.informs[i]) & ended]
    rest = {*serving, *lost}
    none = [i for i in graph.assets if i not in rest]
    yield "Serving", "serves an objective", serving, ""
    yield "Lost purpose", "served only objectives that ended", lost, "headway lost-purpose"
    yield "Orphans", "serves none, and never did", none, "headway orphans"


def _objectives(graph: Graph) -> Answer:
    standing = standing_of(graph)
    alike = Counter(graph.served[i] for i in graph.assets)  # many assets serve the same goals
    rows = []
    for o in in_order(graph):
        rolled = standing.objectives[o]
        mask = graph.goal_mask(o)
        serving = sum(count for served, count in alike.items() if served & mask)
        record = graph.objectives.get(o)
        is_standing = bool(record and record.standing)
        values = (
            graph.nodes[o].label,
            graph.nodes[o].owner or None,
            None if is_standing or rolled.progress is None else round(rolled.progress, 4),
            "standing" if is_standing else rolled.status,
            f"{_with_value(graph, o) if is_standing else rolled.measured} of {rolled.items}",
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


def _with_value(graph: Graph, objective: int) -> int:
    """Key results of a standing objective that have a value; they need no target, and so have no progress."""
    known = standing_of(graph).key_results
    return sum(p in known and known[p].value is not None for p in graph.parts.get(objective, ()))
