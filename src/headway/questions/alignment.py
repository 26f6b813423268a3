"""Alignment: which goals an asset serves and by which path, which serve none, and what an ending objective leaves."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from headway.answer import Answer, Column, Finding, listed, plural
from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.questions.columns import asset_or_column, why_column
from headway.questions.evidence import (
    ASSET_COLUMNS,
    Select,
    asset_values,
    chosen,
    cost_column,
    cost_value,
    gaps,
    make,
    money,
    no_goals,
    steps,
    the_goal,
    titles,
)
from headway.questions.registry import Says, question


@question("HW101")
def why(
    graph: Graph,
    *,
    asset: Annotated[str, Says("Name or id of an asset, or of a column of one: orders.amount.", positional=True)],
) -> Answer:
    """Which objectives does this asset, or this column, serve, and by which path?

    An asset *computes* a key result when it is upstream of what the key result is computed from. It *informs* one when
    it is upstream of a dashboard that shows it. Each row's path is the shortest proof.

    A column serves what is made from it. It goes into the *value*, or *decides which rows* there are; *any column* is
    said where it is not known which columns are read. The weakest step of the path says how sure that is.
    """
    i, column, unclear = asset_or_column(graph, asset)
    if column:
        return why_column(graph, i, column)
    rows = []
    for service in graph.services(i):
        objective = graph.objective_of(service.goal)
        values = (
            graph.nodes[objective].label,
            graph.nodes[service.goal].label if service.goal != objective else None,
            service.way,
            len(service.path) - 1,
            graph.state(objective),
        )
        path = steps(graph, service)
        rows.append(Finding(values=values, node=graph.nodes[service.goal].id, path=path, counts=False))
    # Living goals first, computing before informing, near before far.
    rows.sort(key=lambda r: (r.values[4] == "ended", str(r.values[0]), r.values[2], r.values[3], str(r.values[1])))
    columns = (
        Column("objective", "Objective"),
        Column("key_result", "Key result"),
        Column("way", "How"),
        Column("steps", "Steps", "number"),
        Column("state", "State"),
    )
    node = graph.nodes[i]
    totals = {
        "asset": node.id,
        "kind": node.kind,
        "owner": node.owner or None,
        "use": graph.use.status[i],
        "last_used": graph.use.last[i],
        "serves": len({r.values[0] for r in rows if r.values[4] != "ended"}),
    }
    return make(
        graph,
        "why",
        "HW101",
        _why(graph, i),
        columns,
        rows,
        layout="paths",
        totals=totals,
        gaps=(*unclear, *gaps(graph, "lineage")),
    )


def _why(graph: Graph, i: int) -> str:
    name = graph.nodes[i].name
    living = graph.served[i]
    if living:
        objectives = titles(graph, (graph.objective_of(g) for g in graph.goals_in(living)))
        ways = [
            f"{verb} {plural(mask.bit_count(), 'key result')}"
            for verb, mask in (("computes", graph.computes[i] & living), ("informs", graph.informs[i] & living))
            if mask
        ]
        serves = f"{plural(len(objectives), 'objective')}: {listed(objectives)}"
        return f"{name} serves {serves}. It {' and '.join(ways)}."
    ended = (graph.computes[i] | graph.informs[i]) & graph.ended
    if ended:
        objectives = titles(graph, (graph.objective_of(g) for g in graph.goals_in(ended)))
        return f"{name} has lost its purpose: it served only {listed(objectives)}, which ended."
    return no_goals(graph) or f"{name} serves no objective."


@question("HW102")
def orphans(graph: Graph, *, select: Select = "") -> Answer:
    """Which assets serve no objective, and never did?

    Assets that served only objectives which have ended are a different finding: see lost-purpose.
    """
    assets = chosen(graph, select)
    none = [i for i in assets if not graph.computes[i] and not graph.informs[i]]
    rows = [
        Finding(
            values=(*asset_values(graph, i), len(graph.downstream[i]), graph.use.status[i], cost_value(graph, i)),
            node=graph.nodes[i].id,
        )
        for i in sorted(none, key=lambda i: (-(cost_value(graph, i) or 0), graph.nodes[i].kind, graph.nodes[i].name))
    ]
    columns = (
        *ASSET_COLUMNS,
        Column("readers", "Direct downstream", "number", secondary=True),
        Column("use", "Use"),
        cost_column(graph),
    )
    share = f" ({len(none) / len(assets):.0%})" if assets else ""
    cost = money(graph, none)
    headline = no_goals(graph) or (
        f"{len(none):,} of {plural(len(assets), 'asset')} serve no objective{share}"
        + (f"; they cost {cost}." if cost else ".")
    )
    totals = {"assets": len(assets), "orphans": len(none)}
    return make(
        graph, "orphans", "HW102", headline, columns, rows, totals=totals, gaps=gaps(graph, "goals", "lineage", "usage")
    )


@question("HW103")
def lost_purpose(graph: Graph, *, select: Select = "") -> Answer:
    """Which assets served only objectives that have ended?"""
    rows = []
    for i in chosen(graph, select):
        mask = (graph.computes[i] | graph.informs[i]) & graph.ended
        if not mask or graph.served[i]:
            continue
        objectives = {graph.objective_of(g) for g in graph.goals_in(mask)}
        ends = [e for o in objectives if o in graph.objectives and (e := graph.objectives[o].end)]
        path = steps(graph, min(graph.services(i, mask), key=lambda s: (len(s.path), s.path)))
        values = (
            *asset_values(graph, i),
            titles(graph, objectives),
            max(ends, default=None),
            graph.use.status[i],
            cost_value(graph, i),
        )
        rows.append((i, Finding(values=values, node=graph.nodes[i].id, path=path)))
    columns = (
        *ASSET_COLUMNS,
        Column("objectives", "Served", "list"),
        Column("ended", "Ended", "date"),
        Column("use", "Use"),
        cost_column(graph),
    )
    cost = money(graph, (i for i, _ in rows))
    verb = "has" if len(rows) == 1 else "have"
    headline = (
        f"{plural(len(rows), 'asset')} {verb} lost {'its' if len(rows) == 1 else 'their'} purpose"
        + (f", at {cost}." if cost else ".")
        if rows
        else no_goals(graph) or "No asset has lost its purpose."
    )
    return make(graph, "lost-purpose", "HW103", headline, columns, [r for _, r in rows], gaps=gaps(graph, "goals"))


@question("HW104")
def without(
    graph: Graph,
    *,
    objective: Annotated[str, Says("Name or id of an objective.", positional=True)],
    select: Select = "",
) -> Answer:
    """Which assets lose their purpose when this objective ends?

    Everything that serves it (or what supports it) and no other living objective. What serves others too stays.
    """
    goal = the_goal(graph, objective)
    mask = graph.goal_mask(goal)
    assets = chosen(graph, select)
    lost = [i for i in assets if graph.served[i] & mask and not graph.served[i] & ~mask]
    shared = sum(bool(graph.served[i] & mask) for i in assets) - len(lost)
    rows = [
        Finding(
            values=(*asset_values(graph, i), graph.use.status[i], graph.use.last[i], cost_value(graph, i)),
            node=graph.nodes[i].id,
            path=steps(graph, graph.services(i, mask)[0]) if KINDS[graph.nodes[i].kind].band == "dashboard" else (),
        )
        for i in sorted(lost, key=lambda i: (-(cost_value(graph, i) or 0), graph.nodes[i].name))
    ]
    columns = (*ASSET_COLUMNS, Column("use", "Use"), Column("last_used", "Last used", "date"), cost_column(graph))
    cost = money(graph, lost)
    loses = "loses its purpose" if len(lost) == 1 else "lose their purpose"
    others = f"; {shared:,} more serve{'s' if shared == 1 else ''} other objectives too" if shared else ""
    headline = (
        f"When {graph.nodes[goal].label} ends, {plural(len(lost), 'asset')} {loses}"
        + (f" ({cost})" if cost else "")
        + others
        + "."
    )
    totals = {"objective": graph.nodes[goal].id, "lose": len(lost), "shared": shared}
    return make(graph, "without", "HW104", headline, columns, rows, totals=totals, gaps=gaps(graph, "goals", "lineage"))


@question("HW107")
def run_order(
    graph: Graph,
    *,
    select: Select = "",
    everything: Annotated[bool, Says("Also what no objective waits for, at the end.")] = False,
) -> Answer:
    """In which order should dbt's models run, so that what objectives wait for comes first?

    A model, seed or snapshot comes before another when more active objectives wait for it, then more key results, then
    an earlier due day. What something is made from is waited for by everything that waits for the thing itself, so that
    the order never puts a node before what it reads.
    """
    place = {node: at for at, node in enumerate(graph.order)}
    built = [i for i in chosen(graph, select) if graph.nodes[i].kind in _BUILT]
    ranked = []
    for i in built:
        goals = graph.goals_in(graph.served[i])
        waiting = titles(graph, map(graph.objective_of, goals))
        due = min(filter(None, (_due(graph, g) for g in goals)), default=None)
        ranked.append((-len(waiting), -len(goals), due or date.max, place[i], i, waiting, due))
    ranked.sort(key=lambda r: r[:5])
    rows = []
    for rank, (objectives, key_results, _, _, i, waiting, due) in enumerate(ranked, start=1):
        node = graph.nodes[i]
        if not objectives and not everything:
            break
        values = (rank, node.name, node.kind, -objectives, -key_results, due, waiting, node.id.removeprefix("dbt:"))
        rows.append(Finding(values=values, node=node.id, counts=False))
    columns = (
        Column("rank", "Rank", "number"),
        Column("asset", "Asset"),
        Column("kind", "Kind", secondary=True),
        Column("objectives", "Objectives", "number"),
        Column("key_results", "Key results", "number"),
        Column("due", "Soonest due", "date"),
        Column("waiting", "What waits", "list"),
        Column("unique_id", "Unique id", secondary=True),
    )
    needed = sum(r[0] < 0 for r in ranked)
    headline = no_goals(graph) or (
        f"Objectives wait for {needed:,} of {plural(len(ranked), 'node')} that dbt builds."
        if ranked
        else "dbt builds nothing here."
    )
    totals = {"built": len(ranked), "waited_for": needed}
    more = gaps(graph, "goals", "lineage")
    return make(graph, "run-order", "HW107", headline, columns, rows, totals=totals, gaps=more)


def _due(graph: Graph, goal: int) -> date | None:
    """When a goal is due: its own day, or the last one of its objective."""
    target, objective = graph.targets.get(goal), graph.objectives.get(graph.objective_of(goal))
    return (target.due if target else None) or (objective.end if objective else None)


_BUILT = frozenset({"model", "seed", "snapshot"})
