"""What a change does to what numbers mean: metrics that vanish, change or are defined again, and the share aligned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from headway.answer import Answer, Column, Finding, listed, plural
from headway.graph.alike import Group, alike
from headway.graph.change import Changes, changes
from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.questions.change import NOTHING, compared
from headway.questions.evidence import asset_name, gaps, make, no_goals, path_steps
from headway.questions.registry import Says, question

Effect = Literal["any", "gone", "changed"]
_MEANING = frozenset({"definition", "filter", "table"})
"""Facets of a metric that say what it means."""


@question("HW804")
def changed_metrics(
    graph: Graph,
    *,
    effect: Annotated[Effect, Says("Only metrics that are gone, or only those that mean something else.")] = "any",
) -> Answer:
    """Which key results lose their metric by this change, or are measured otherwise after it?

    A metric is gone when what the key result is bound to was there before and is not any more. It means something else
    when its definition or filter, or that of a metric it is made of, differs.
    """
    difference = changes(graph)
    rows = list(_meanings(difference)) if difference else []
    if effect != "any":
        rows = [r for r in rows if (r.values[4] == "is gone") == (effect == "gone")]
    columns = (
        Column("key_result", "Key result"),
        Column("objective", "Objective"),
        Column("owner", "Owner", secondary=True),
        Column("metric", "Metric"),
        Column("effect", "Effect"),
        Column("because", "Because of", "list"),
    )
    lost = sum(r.values[4] == "is gone" for r in rows)
    parts = [plural(lost, "key result loses its metric", "key results lose their metric")] if lost else []
    if other := len(rows) - lost:
        parts.append(plural(other, "key result is measured otherwise", "key results are measured otherwise"))
    headline = (
        NOTHING
        if difference is None
        else f"{'; '.join(parts)}."
        if parts
        else "Every key result is measured as before."
    )
    totals = {"lost": lost, "changed": len(rows) - lost}
    more = (*compared(graph), *gaps(graph, "goals"))
    return make(graph, "changed-metrics", "HW804", headline, columns, rows, totals=totals, gaps=more)


def _meanings(difference: Changes) -> Iterator[Finding]:
    before, after = difference.before, difference.after
    # A table under another name is the same table, and a digest does not tell which of the two it was.
    renamed = any(difference.renamed(j) is not None for j in difference.removed)
    meaning = _MEANING - {"table"} if renamed else _MEANING
    for goal in before.goals_in(before.active):
        now = after.index.get(before.nodes[goal].id)
        was = before.fed_by.get(goal, ())
        if now is None or not was:
            continue
        kept = {after.nodes[i].id for i in after.fed_by.get(now, ())}
        gone = [i for i in was if before.nodes[i].id not in kept and before.nodes[i].id not in after.index]
        if gone and not any(KINDS[after.nodes[i].kind].is_a == "metric" for i in after.fed_by.get(now, ())):
            names = [before.nodes[i].name for i in gone]
            near = next((s for u in after.unlinked if u.node == now and (s := after.suggestion(u))), "")
            yield _row(before, goal, gone[0], "is gone", [*names, *([near] if near else [])])
            continue
        metrics = [i for i in after.fed_by.get(now, ()) if after.nodes[i].kind == "metric"]
        made_of = _metrics_above(after, metrics)
        changed = [i for i in made_of if meaning & set(difference.changed.get(i, ()))]
        if changed:
            because = [
                f"{after.nodes[i].name}: {' and '.join(w for w in difference.changed[i] if w in meaning)}"
                for i in changed
            ]
            yield _row(after, now, metrics[0], "means something else", because)


def _metrics_above(graph: Graph, metrics: list[int]) -> list[int]:
    """The metrics and those that they are made of."""
    todo, met = list(metrics), set(metrics)
    for i in todo:
        fresh = [u for u in graph.upstream[i] if graph.nodes[u].kind == "metric" and u not in met]
        met.update(fresh)
        todo += fresh
    return todo


def _row(graph: Graph, goal: int, metric: int, effect: str, because: list[str]) -> Finding:
    objective = graph.objective_of(goal)
    values = (
        graph.nodes[goal].label,
        graph.nodes[objective].label,
        graph.nodes[goal].owner or graph.nodes[objective].owner or None,
        graph.nodes[metric].name,
        effect,
        because,
    )
    path = path_steps(graph, [metric, goal, *([objective] if objective != goal else [])])
    return Finding(values=values, node=graph.nodes[goal].id, path=path)


@question("HW805")
def new_duplicates(graph: Graph) -> Answer:
    """Which metrics does this change define a second time, or give a name that already means something else?

    The same comparison as `duplicates`, kept to pairs that were no pair before.
    """
    difference = changes(graph)
    rows = list(_fresh(difference)) if difference else []
    columns = (
        Column("metric", "Metric"),
        Column("relation", "Relation"),
        Column("other", "Other definitions", "list"),
        Column("difference", "Difference"),
    )
    if difference is None:
        headline = NOTHING
    else:
        headline = (
            f"{plural(len(rows), 'metric is', 'metrics are')} defined a second time by this change."
            if rows
            else "No metric is defined a second time by this change."
        )
    more = (*compared(graph), *gaps(graph, "lineage"))
    return make(graph, "new-duplicates", "HW805", headline, columns, rows, totals={"duplicates": len(rows)}, gaps=more)


def _fresh(difference: Changes) -> Iterator[Finding]:
    """A row for each metric that is new, or changed, and is now alike one it was not alike before."""
    after = difference.after
    news = {i for i in (*difference.added, *difference.changed) if KINDS[after.nodes[i].kind].is_a == "metric"}
    if not news:
        return
    groups = [g for g in alike(after) if g.relation != "near" and any(m.node in news for m in g.members)]
    known = _pairs(difference.before, alike(difference.before)) if groups else set()
    told: set[int] = set()
    for group in groups:
        ids = [after.nodes[m.node].id for m in group.members]
        for member in group.members:
            i = member.node
            others = [o for o in dict.fromkeys(m.node for m in group.members) if o != i]
            fresh = [o for o in others if (group.relation, after.nodes[i].id, after.nodes[o].id) not in known]
            # Of two that are both new, the later one is the second definition.
            fresh = [o for o in fresh if o not in news or ids.index(after.nodes[o].id) < ids.index(after.nodes[i].id)]
            if i not in news or i in told or not fresh:
                continue
            told.add(i)
            names = [f"{after.nodes[o].kind.replace('_', ' ')} {asset_name(after, o)}" for o in fresh]
            values = (after.nodes[i].name, group.relation, names, group.difference or None)
            yield Finding(values=values, node=after.nodes[i].id)


def _pairs(graph: Graph, groups: list[Group]) -> set[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    for group in groups:
        ids = [graph.nodes[m.node].id for m in group.members]
        found |= {(group.relation, a, b) for a in ids for b in ids if a != b} if len(ids) <= 50 else set()
    return found


@question("HW807")
def alignment_change(graph: Graph) -> Answer:
    """Does the share of assets that serve an objective fall by this change?"""
    difference = changes(graph)
    columns = (
        Column("share", "Share"),
        Column("before", "Before", "percent"),
        Column("after", "After", "percent"),
        Column("assets", "Assets", "number"),
        Column("added", "New without objective", "number"),
        Column("lost", "Lost their objective", "list"),
    )
    if difference is None:
        return make(graph, "alignment-change", "HW807", NOTHING, columns, gaps=compared(graph))
    before, after = difference.before, difference.after
    had, has = _aligned(before), _aligned(after)
    # Compared as fractions of whole numbers, so that rounding never decides.
    falls = has * len(before.assets) < had * len(after.assets)
    was = had / len(before.assets) if before.assets else 0.0
    now = has / len(after.assets) if after.assets else 0.0
    lost = [
        asset_name(after, i)
        for i in after.assets
        if not after.served[i] and (j := difference.earlier(i)) is not None and before.served[j]
    ]
    added = sum(not after.served[i] for i in difference.added)
    row = Finding(values=("assets that serve an objective", was, now, len(after.assets), added, lost), counts=falls)
    moves = "falls" if falls else "stays" if has * len(before.assets) == had * len(after.assets) else "rises"
    headline = no_goals(graph) or (
        f"The share of assets that serve an objective {moves}"
        + (f" at {now:.1%}." if moves == "stays" else f" from {was:.1%} to {now:.1%}.")
        + (f" {listed(lost)} served one before." if lost else "")
    )
    totals = {"before": was, "after": now, "lost": len(lost)}
    return make(graph, "alignment-change", "HW807", headline, columns, [row], totals=totals, gaps=gaps(graph, "goals"))


def _aligned(graph: Graph) -> int:
    return sum(bool(graph.served[i]) for i in graph.assets)
