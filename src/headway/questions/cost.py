"""Cost: what each objective costs to serve, and what is spent on nothing. The parts sum exactly to the whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from headway.answer import Answer, Column, Finding, figure, plural
from headway.graph.graph import Graph
from headway.questions.evidence import cost_units, gaps, make
from headway.questions.registry import Says, question
from headway.questions.usage import quadrants

REST = (
    ("shadow", "Used, no objective"),
    ("unknown", "Use not known, no objective"),
    ("zombie", "Nobody uses it, no objective"),
)
"""Parts of the cost that serve no objective, in the order they are shown: each a part of its own."""


@question("HW401")
def cost(
    graph: Graph,
    *,
    days: Annotated[int, Says("Days up to the as-of date that are added up.")] = 30,
    unit: Annotated[str, Says("Only this unit; all of them, each on its own, without.")] = "",
) -> Answer:
    """What does each objective cost, and what is spent on nothing?

    Every asset's cost flows up to the objectives it serves; what serves several is split equally between them. Amounts
    are exact to a millionth of the unit, and the parts sum exactly to the whole. Units are never added together.
    """
    known = cost_units(graph)
    units = [unit] if unit else list(known)
    sections = [_in_unit(graph, u, max(days, 1)) for u in units]
    more = gaps(graph, "cost", "usage", "lineage")
    if not sections or not known:
        headline = "No cost is known, because no source of cost is connected."
        return make(graph, "cost", "HW401", headline, gaps=more)
    if len(sections) == 1:
        only = sections[0]
        return make(graph, "cost", "HW401", only.headline, only.columns, only.rows, totals=only.totals, gaps=more)
    headline = f"Costs are known in {plural(len(sections), 'unit')}: {', '.join(units)}. They are never added together."
    return make(graph, "cost", "HW401", headline, sections=tuple(sections), gaps=more)


def split_by_objective(graph: Graph, amounts: Sequence[int]) -> tuple[dict[int, int], dict[str, int]]:
    """Amounts (millionths) by objective, and by what serves none (keys of REST). Together exactly the whole."""
    objectives = sorted({graph.objective_of(g) for g in graph.goals_in(graph.active)})
    place = {o: k for k, o in enumerate(objectives)}
    by_goals: dict[int, int] = {0: 0}
    masks = []
    for mask in graph.served:
        found = by_goals.get(mask)
        if found is None:
            found = 0
            for goal in graph.goals_in(mask):
                found |= 1 << place[graph.objective_of(goal)]
            by_goals[mask] = found
        masks.append(found)
    parts = graph.attribute(amounts, masks, len(objectives))
    rest = {key: 0 for key, _ in REST}
    placed = quadrants(graph)
    for i in graph.assets:
        if not masks[i] and amounts[i]:
            rest[placed[i] or "unknown"] += amounts[i]
    return dict(zip(objectives, parts.parts, strict=True)), rest


def _in_unit(graph: Graph, unit: str, days: int) -> Answer:
    amounts = graph.cost(unit, graph.as_of - timedelta(days=days - 1), graph.as_of)
    by_objective, rest = split_by_objective(graph, amounts)
    total = sum(amounts)
    serving = sum(by_objective.values())
    ranked = sorted(by_objective, key=lambda o: (-by_objective[o], graph.nodes[o].label))
    rows = [_row(graph.nodes[o].label, by_objective[o], total, node=graph.nodes[o].id) for o in ranked]
    rows += [_row(text, rest[key], total, counts=key == "zombie" and rest[key] > 0) for key, text in REST]
    rows.append(_row("Total", total, total))
    columns = (Column("part", "What for"), Column("amount", unit, "money"), Column("share", "Share", "percent"))
    share = f"{serving / total:.0%}" if total else "none"
    headline = (
        f"{unit} {figure(serving / 1e6)} of {unit} {figure(total / 1e6)} in {plural(days, 'day')} ({share}) "
        f"serves an objective; {unit} {figure(rest['zombie'] / 1e6)} is spent on what nobody uses."
    )
    totals = {
        "unit": unit,
        "days": days,
        "total_micros": total,
        "parts_micros": {
            **{graph.nodes[o].id: amount for o, amount in by_objective.items()},
            **{f"none:{key}": amount for key, amount in rest.items()},
        },
    }
    return make(graph, "cost", "HW401", headline, columns, rows, totals=totals)


def _row(text: str, amount: int, total: int, *, node: str = "", counts: bool = False) -> Finding:
    share = round(amount / total, 4) if total else None
    return Finding(values=(text, amount / 1_000_000, share), node=node, counts=counts)
