"""Upkeep of what goals stand on: what is deprecated, and what nobody owns."""

from __future__ import annotations

from headway.answer import Answer, Column, Finding, listed, plural
from headway.graph.graph import Graph
from headway.questions.evidence import ASSET_COLUMNS, Select, asset_values, chosen, gaps, make, no_goals, steps, titles
from headway.questions.registry import question


@question("HW806")
def deprecated_upstream(graph: Graph, *, select: Select = "") -> Answer:
    """Which key results of active objectives stand on something that is deprecated?

    dbt warns the models that read a deprecated one, and not the exposures and metrics above them.
    """
    rows = []
    for i in chosen(graph, select):
        node = graph.nodes[i]
        if not node.deprecated or not graph.served[i]:
            continue
        goals = graph.goals_in(graph.served[i])
        first = min(graph.services(i, graph.served[i]), key=lambda s: (s.way != "computes", len(s.path), s.path))
        past = node.deprecated <= graph.as_of.isoformat()
        values = (
            *asset_values(graph, i),
            node.deprecated,
            "deprecated" if past else "will be",
            [graph.nodes[g].label for g in goals],
            titles(graph, map(graph.objective_of, goals)),
        )
        rows.append(Finding(values=values, node=node.id, path=steps(graph, first)))
    rows.sort(key=lambda r: (r.values[3], r.values[0]))
    columns = (
        *ASSET_COLUMNS,
        Column("deprecated", "Deprecated from"),
        Column("state", "State", secondary=True),
        Column("key_results", "Key results", "list"),
        Column("objectives", "Objectives", "list"),
    )
    results = {name for r in rows for name in r.values[5]}
    headline = no_goals(graph) or (
        f"{plural(len(results), 'key result stands', 'key results stand')} on "
        f"{plural(len(rows), 'deprecated asset')}: {listed([r.values[0] for r in rows])}."
        if rows
        else "No key result stands on anything deprecated."
    )
    totals = {"deprecated": len(rows), "key_results": len(results)}
    more = gaps(graph, "goals", "lineage")
    return make(graph, "deprecated-upstream", "HW806", headline, columns, rows, totals=totals, gaps=more)


@question("HW808")
def unowned(graph: Graph, *, select: Select = "") -> Answer:
    """Which assets serve an active objective and have no owner?"""
    serving = [i for i in chosen(graph, select) if graph.served[i]]
    rows = []
    for i in serving:
        if graph.nodes[i].owner:
            continue
        goals = graph.goals_in(graph.served[i])
        name, kind, _ = asset_values(graph, i)
        values = (name, kind, graph.nodes[i].path or None, titles(graph, map(graph.objective_of, goals)), len(goals))
        rows.append(Finding(values=values, node=graph.nodes[i].id))
    rows.sort(key=lambda r: (-r.values[4], r.values[1], r.values[0]))
    columns = (
        Column("asset", "Asset"),
        Column("kind", "Kind"),
        Column("path", "File", secondary=True),
        Column("objectives", "Objectives", "list"),
        Column("key_results", "Key results", "number"),
    )
    headline = no_goals(graph) or (
        f"{len(rows):,} of {plural(len(serving), 'asset')} that serve an objective"
        f" {'has' if len(rows) == 1 else 'have'} no owner."
        if rows
        else "Everything that serves an objective has an owner."
    )
    totals = {"serving": len(serving), "unowned": len(rows)}
    return make(graph, "unowned", "HW808", headline, columns, rows, totals=totals, gaps=gaps(graph, "owners"))
