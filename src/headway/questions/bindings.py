"""What could measure the key results that nothing measures yet."""

from __future__ import annotations

from typing import Annotated

from headway.answer import Answer, Column, Finding, plural
from headway.graph.bindable import proposals, unbound
from headway.graph.graph import Graph
from headway.questions.evidence import asset_name, gaps, make, no_goals, the_goal
from headway.questions.registry import Says, question

_WAYS = {"metric": "its metric", "model": "made from it", "shown_on": "shown on it"}


@question("HW207")
def bindings(
    graph: Graph,
    *,
    key_result: Annotated[str, Says("Only this key result.", positional=True)] = "",
) -> Answer:
    """Which metric, model or dashboard could each unbound key result be bound to, and why?

    By the words of its title and their synonyms, its unit, and who reads what stands on it. Nothing is bound by that:
    `headway suggest-bindings` prints what to write down.
    """
    open_ = unbound(graph)
    wanted = [the_goal(graph, key_result, "key_result")] if key_result else open_
    found = proposals(graph, wanted)
    rows = [
        Finding(
            values=(
                graph.nodes[p.goal].label,
                graph.nodes[graph.objective_of(p.goal)].label,
                asset_name(graph, p.asset),
                _WAYS[p.way],
                p.score,
                list(p.reasons),
            ),
            node=graph.nodes[p.goal].id,
        )
        for p in found
    ]
    without = len(set(wanted) - {p.goal for p in found})
    headline = no_goals(graph) or _words(len(wanted), without, one=bool(key_result))
    columns = (
        Column("key_result", "Key result"),
        Column("objective", "Objective", secondary=True),
        Column("asset", "Could be"),
        Column("way", "How"),
        Column("score", "Score", "number"),
        Column("why", "Why"),
    )
    totals = {"unbound": len(open_), "proposed": len(rows)}
    return make(graph, "bindings", "HW207", headline, columns, rows, totals=totals, gaps=gaps(graph, "goals", "usage"))


def _words(count: int, without: int, *, one: bool) -> str:
    if one:
        return "Nothing is called like it." if without else "This could be bound to it."
    if not count:
        return "Every key result is bound to something that measures it."
    verb = "is" if count == 1 else "are"
    rest = f"; nothing is called like {without:,} of them" if without else ""
    return (
        f"{plural(count, 'key result')} {verb} bound to nothing that measures {'it' if count == 1 else 'them'}{rest}."
    )
