"""The four quadrants: what is used or not, held against what serves an objective or not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Literal

from headway.answer import Answer, Column, Finding, listed, plural
from headway.graph.graph import Graph
from headway.graph.model import KINDS, Gap
from headway.graph.retirement import turns
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
    path_steps,
)
from headway.questions.registry import Says, question

Quadrant = Literal["serving", "neglected", "shadow", "zombie", "unknown"]


@lru_cache(maxsize=4)
def quadrants(graph: Graph) -> Sequence[Quadrant | None]:
    """The quadrant of every node; None for goals. `unknown` where the use is not known."""
    placed: list[Quadrant | None] = [None] * len(graph.nodes)
    for i in graph.assets:
        status = graph.use.status[i]
        if status == "unknown":
            placed[i] = "unknown"
        elif graph.served[i]:
            placed[i] = "serving" if status == "used" else "neglected"
        else:
            placed[i] = "shadow" if status == "used" else "zombie"
    return placed


def in_quadrant(graph: Graph, quadrant: Quadrant, assets: Sequence[int]) -> list[int]:
    """Those of `assets` that are in a quadrant."""
    placed = quadrants(graph)
    return [i for i in assets if placed[i] == quadrant]


@question("HW201")
def zombies(graph: Graph, *, select: Select = "") -> Answer:
    """Which assets serve no objective and are used by nobody, so that they can go?

    Only what nothing else needs is listed: nothing downstream of a zombie is used, new, of unknown use, or serves an
    objective. `order` says what goes first: 1 has nothing left downstream, 2 only zombies of order 1, and so on.
    Load-bearing assets (protected, or feeding something outside) are named, never listed for removal.
    """
    candidates = set(in_quadrant(graph, "zombie", graph.assets))
    needed = graph.reach({i: 1 for i in graph.assets if i not in candidates}).masks
    bearing = graph.load_bearing
    kept = [i for i in candidates if i in bearing]
    dead = {i for i in candidates if not needed[i] and i not in bearing}
    turn = turns(graph, dead)
    listed_ = [i for i in chosen(graph, select) if i in dead]
    rows = [
        Finding(
            values=(*asset_values(graph, i), turn[i], _why_zombie(graph, i), graph.use.last[i], cost_value(graph, i)),
            node=graph.nodes[i].id,
        )
        for i in sorted(listed_, key=lambda i: (turn[i], -(cost_value(graph, i) or 0), graph.nodes[i].name))
    ]
    columns = (
        *ASSET_COLUMNS,
        Column("order", "Order", "number"),
        Column("why", "Why"),
        Column("last_used", "Last used", "date"),
        cost_column(graph),
    )
    cost = money(graph, listed_)
    if not graph.use.known:
        headline = "Nothing is called a zombie, because no source of usage is connected."
    elif not listed_:
        headline = "There are no zombies: everything whose use is known is used, or serves an objective."
    else:
        they, them = ("it serves", "it") if len(listed_) == 1 else ("they serve", "them")
        can = f"{plural(len(listed_), 'asset')} can go: {they} no objective and nobody uses {them}."
        headline = f"{can} That frees {cost}." if cost else can
    more = _kept_gap(graph, kept)
    totals = {"zombies": len(listed_), "load_bearing": len(kept)}
    return make(
        graph,
        "zombies",
        "HW201",
        headline,
        columns,
        rows,
        totals=totals,
        gaps=(*more, *gaps(graph, "usage", "lineage")),
    )


def _kept_gap(graph: Graph, kept: Sequence[int]) -> tuple[Gap, ...]:
    if not kept:
        return ()
    names = listed(sorted(graph.nodes[i].name for i in kept))
    what = "is left out because it is" if len(kept) == 1 else "are left out because they are"
    message = f"{plural(len(kept), 'load-bearing asset')} {what} protected, or feed something outside: {names}"
    return (Gap(topic="usage", message=message),)


def _why_zombie(graph: Graph, i: int) -> str:
    last = graph.use.last[i]
    used = f"last used {(graph.as_of - last).days} days ago" if last else "no use on record"
    below = len(graph.downstream[i])
    return f"{used}, {'its only reader' if below == 1 else f'its {below:,} readers'} included" if below else used


@question("HW202")
def shadow_goals(
    graph: Graph,
    *,
    select: Select = "",
    tables: Annotated[bool, Says("Also list tables that people query directly.")] = False,
) -> Answer:
    """Which used dashboards belong to no goal?

    A goal nobody wrote down, or a request nobody should have granted. Where a project knows no dashboards, the tables
    that people query directly are listed instead.
    """
    dashboards = [i for i in graph.assets if KINDS[graph.nodes[i].kind].band == "dashboard"]
    with_tables = tables or not dashboards
    wanted = set(chosen(graph, select))
    shadows = [
        i
        for i in in_quadrant(graph, "shadow", graph.assets)
        if i in wanted and graph.use.own[i] and (with_tables or KINDS[graph.nodes[i].kind].band == "dashboard")
    ]
    use = graph.use
    rows = [
        Finding(
            values=(
                *asset_values(graph, i),
                round(use.reads[i]),
                use.people[i] or None,
                use.counted.get(i),
                use.last[i],
                cost_value(graph, i),
            ),
            node=graph.nodes[i].id,
            path=path_steps(graph, [i]),
        )
        for i in sorted(shadows, key=lambda i: (-use.reads[i], graph.nodes[i].name))
    ]
    columns = (
        *ASSET_COLUMNS,
        Column("reads", f"Reads in {graph.policy.usage_window_days} days", "number"),
        Column("people", _people_heading(graph, shadows), "number"),
        Column("counted", "People counted", secondary=True),
        Column("last_used", "Last used", "date"),
        cost_column(graph),
    )
    noun = "used asset" if with_tables else "used dashboard"
    if not graph.use.known:
        headline = "No shadow goal can be told, because no source of usage is connected."
    elif not shadows:
        headline = f"Every {noun} belongs to a goal."
    else:
        belongs = "belongs" if len(shadows) == 1 else "belong"
        top = graph.nodes[max(shadows, key=lambda i: use.reads[i])].label
        headline = f"{plural(len(shadows), noun)} {belongs} to no goal; the most read is {top}."
    cost = money(graph, shadows)
    totals = {"shadow_goals": len(shadows), "cost": cost or None}
    return make(
        graph, "shadow-goals", "HW202", headline, columns, rows, totals=totals, gaps=gaps(graph, "usage", "lineage")
    )


def _people_heading(graph: Graph, nodes: Sequence[int]) -> str:
    """What a column of people holds: their number where that is known of all, else what it is a bound of."""
    ways = {graph.use.counted[i] for i in nodes if i in graph.use.counted}
    if ways == {"exact"}:
        return f"People in {graph.policy.usage_window_days} days"
    return "Most people in a day" if ways <= {"on one day"} else "People, at least"
