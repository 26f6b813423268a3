"""What can go: the exact set, in parts and in order, with the evidence, and what stays and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated

from headway.answer import Answer, Column, Finding, listed, plural
from headway.errors import UsageError
from headway.graph.graph import Graph
from headway.graph.model import KINDS, Gap, Observation
from headway.graph.retirement import Blocker, Retirement, Stale, last_reader, plan
from headway.questions.evidence import (
    ASSET_COLUMNS,
    Select,
    asset_name,
    asset_values,
    chosen,
    cost_column,
    cost_value,
    gaps,
    make,
    money,
    path_steps,
    the_asset,
    the_goal,
    titles,
)
from headway.questions.registry import Says, question


@question("HW901")
def retire_plan(
    graph: Graph,
    *,
    assets: Annotated[str, Says("Names or ids of assets, parted by commas; all assets without.", positional=True)] = "",
    select: Select = "",
    objective: Annotated[str, Says("What goes when this objective ends (or because it has ended).")] = "",
) -> Answer:
    """Which assets can go together, in which order, what does that free, and what stays and why?

    The largest set of which nothing outside loses anything it needs: nobody uses any of it, no living goal stands on
    it, nothing in it is protected or feeds something outside, and all that is downstream is in it too. With assets or
    a selector: these, what has to go with them, and what only they need. One section for each part that lineage
    connects; `order` says what goes first. Then what stays for a single reason, and what stays for others.
    """
    leaving = leaving_mask(graph, objective)
    found = plan(graph, roots_of(graph, assets, select, leaving), leaving=leaving)
    return plan_answer(graph, found, leaving=leaving, asked=bool(assets or select or objective))


def leaving_mask(graph: Graph, objective: str) -> int:
    """Mask of the goals under an objective, by its name; 0 for ''. Raises UnknownName and UsageError."""
    return graph.goal_mask(the_goal(graph, objective)) if objective else 0


def plan_answer(graph: Graph, found: Retirement, *, leaving: int = 0, asked: bool = False) -> Answer:
    """A plan as an answer. `asked`: something was named, so that all of it that stays is said too."""
    if not graph.use.known:
        headline = "Nothing can be retired on evidence, because no source of usage is connected."
    elif not found.going:
        headline = "Nothing of this can go." if asked else "Nothing can go."
    else:
        parts = plural(len(found.components), "part")
        headline = f"{plural(len(found.going), 'asset')} can go, in {parts}: nothing else loses anything it needs."
        freed = money(graph, found.going)
        headline += f" That frees {freed}." if freed else ""
    nearly = sorted(found.nearly(graph), key=lambda i: (-(cost_value(graph, i) or 0), graph.nodes[i].name, i))
    others = _others(graph, found, nearly, everything=not asked)
    readers = last_reader(graph, found.going)
    sections = [_part(graph, found, number, part, leaving, readers) for number, part in enumerate(found.components, 1)]
    if nearly:
        verb = "nearly qualifies" if len(nearly) == 1 else "nearly qualify"
        sections.append(_staying(graph, found, nearly, f"{plural(len(nearly), 'asset')} {verb}"))
    if others:
        verb = "stays" if len(others) == 1 else "stay"
        sections.append(_staying(graph, found, others, f"{plural(len(others), 'asset')} {verb}"))
    totals = {
        "going": len(found.going),
        "parts": len(found.components),
        "nearly": len(nearly),
        "ids": [graph.nodes[i].id for part in found.components for i in part],
    }
    more = tuple(_stale_gap(graph, source) for source in found.stale)
    said = tuple(f"{source.source} ends on {source.end}, " for source in found.stale)
    rest = tuple(g for g in gaps(graph, "usage", "lineage") if not g.message.startswith(said))
    return make(graph, "retire-plan", "HW901", headline, sections=tuple(sections), totals=totals, gaps=(*more, *rest))


def roots_of(graph: Graph, assets: str, select: str, leaving: int) -> AbstractSet[int] | None:
    """What is asked about: None for everything. Raises UnknownName and UsageError."""
    named = [name for part in assets.split(",") if (name := part.strip())]
    if assets and not named:
        raise UsageError(f"{assets!r} names no asset", hint="part names by commas")
    roots: frozenset[int] | None = frozenset(the_asset(graph, name) for name in named) if named else None
    if select:
        some = frozenset(chosen(graph, select))
        roots = some if roots is None else roots & some
    if leaving:
        some = frozenset(i for i in graph.assets if (graph.computes[i] | graph.informs[i]) & leaving)
        roots = some if roots is None else roots & some
    return roots


def _stale_gap(graph: Graph, source: Stale) -> Gap:
    message = f"{source.source} ends on {source.end}, {source.days} days before {graph.as_of}: too old to retire on"
    return Gap(topic="usage", message=message, hint="bring it up to date, or select what other sources see")


# ---------------------------------------------------------------------- what goes

_GOING = (
    *ASSET_COLUMNS,
    Column("order", "Order", "number"),
    Column("why", "Why"),
    Column("last_used", "Last used", "date"),
    Column("last_by", "By", secondary=True),
)


def _part(
    graph: Graph,
    found: Retirement,
    number: int,
    part: Sequence[int],
    leaving: int,
    readers: Mapping[int, Observation],
) -> Answer:
    """One connected part of what goes. `readers` has the last row of use of each asset."""
    rows = [
        Finding(
            values=(
                *asset_values(graph, i),
                found.turn[i],
                reason_to_go(graph, i, leaving),
                graph.use.last[i],
                _who(readers.get(i)),
                cost_value(graph, i),
            ),
            node=graph.nodes[i].id,
        )
        for i in sorted(part, key=lambda i: (found.turn[i], -(cost_value(graph, i) or 0), graph.nodes[i].name, i))
    ]
    freed = money(graph, part)
    headline = f"Part {number}: {plural(len(part), 'asset')}" + (f", {freed}." if freed else ".")
    totals = {"part": number, "assets": len(part), "cost": freed or None}
    return make(graph, "retire-plan", "HW901", headline, (*_GOING, cost_column(graph)), rows, totals=totals)


def reason_to_go(graph: Graph, i: int, leaving: int = 0) -> str:
    """The evidence on which an asset can go, as one phrase without a name of anybody."""
    mask = (graph.computes[i] | graph.informs[i]) & (graph.ended | leaving)
    goals = titles(graph, (graph.objective_of(g) for g in graph.goals_in(mask)))
    verb = "serves" if mask & ~graph.ended else "served"
    served = f"{verb} only {listed(goals)}" if goals else "serves no objective"
    last = graph.use.last[i]
    if last:
        return f"{served}; last used {plural((graph.as_of - last).days, 'day')} ago"
    seen = graph.use.seen.get(i)
    return f"{served}; no use since {seen[0]}" if seen else f"{served}; nobody reads what it stands on or feeds"


def _who(row: Observation | None) -> str | None:
    """Who used something last, as far as it may be said: a class, a keyed hash, a tool."""
    if row is None:
        return None
    who = (row.person_class or "somebody").replace("_", " ") + (f" {row.person[:8]}" if row.person else "")
    return f"{who} with {row.tool}" if row.tool else who


# ---------------------------------------------------------------------- what stays

_STAYING = (*ASSET_COLUMNS, Column("stays", "Stays because"), Column("last_used", "Last used", "date"))


def _others(graph: Graph, found: Retirement, nearly: Sequence[int], *, everything: bool) -> list[int]:
    """What stays for good reasons. Where nothing was asked for: only what would go if it were not for those."""
    done = set(nearly)
    rest = (i for i in found.kept if i not in done)
    if everything:
        rest = (i for i in rest if not any(b.reason in {"used", "serves"} for b in found.kept[i]))
    return sorted(rest, key=lambda i: (-(cost_value(graph, i) or 0), graph.nodes[i].name, i))


def _staying(graph: Graph, found: Retirement, nodes: Iterable[int], headline: str) -> Answer:
    rows = []
    for i in nodes:
        why = found.kept[i]
        said = [_reason(graph, i, blocker) for blocker in why]
        path = path_steps(graph, _way(graph, i, why[0])) if why else ()
        values = (*asset_values(graph, i), " and ".join(said), graph.use.last[i], cost_value(graph, i))
        rows.append(Finding(values=values, node=graph.nodes[i].id, path=path, counts=False))
    return make(graph, "retire-plan", "HW901", f"{headline}.", (*_STAYING, cost_column(graph)), rows)


def _way(graph: Graph, i: int, why: Blocker) -> tuple[int, ...]:
    """The shortest path from what stays to what keeps it, and to the goal where a goal does."""
    before = {i: i}
    todo = [i]
    for at in todo:
        if at == why.node:
            break
        for below in graph.downstream[at]:
            if below not in before:
                before[below] = at
                todo.append(below)
    path = [why.node]
    while before[path[-1]] != path[-1]:
        path.append(before[path[-1]])
    goals = graph.goals_in(why.goals)
    return (*reversed(path), *goals[:1])


def _reason(graph: Graph, i: int, why: Blocker) -> str:
    """`people use it`, `exec, which is downstream, is load-bearing`: one thing that keeps an asset."""
    node = graph.nodes[why.node]
    it = "it" if why.node == i else f"{asset_name(graph, why.node)}, which is downstream,"
    if why.reason == "load-bearing":
        return f"{it} is {'protected' if why.node in graph.protected else 'exposed to something outside'}"
    if why.reason == "serves":
        goals = [graph.nodes[g].label for g in graph.goals_in(why.goals)]
        verb = "shows" if KINDS[node.kind].band == "dashboard" else "serves"
        return f"{it} {verb} {listed(goals)}"
    if why.reason == "used":
        people = graph.use.people[why.node]
        how = plural(people, "person uses", "people use") if people else "people use"
        return f"{how} {it.rstrip(',')}"
    unknown = graph.use.reason.get(why.node, "nothing says")
    return {
        "new": f"{it} is {unknown}",
        "held": f"{why.note} needs {it.rstrip(',')}",
        "not in the plan": f"{it} needs it and was not asked about",
        "stale": f"the usage source that sees {it.rstrip(',')} is too old",
    }.get(why.reason, f"the use of {it.rstrip(',')} is not known: {unknown}")
