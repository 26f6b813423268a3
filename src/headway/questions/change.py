"""What a change does to the goals: answers about the difference between a graph and the one before it.

They read `graph.base`. Without one they say that there is nothing to compare with, and find nothing.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from headway.answer import Answer, Column, Finding, Step, listed, plural
from headway.graph.change import Changes, changes
from headway.graph.graph import Graph
from headway.graph.model import KINDS, Gap
from headway.questions.evidence import (
    ASSET_COLUMNS,
    Select,
    asset_name,
    asset_values,
    gaps,
    make,
    no_goals,
    people_words,
    steps,
    titles,
)
from headway.questions.registry import question

NOTHING = "There is nothing to compare with, so it is not known what changed."
_NOT_COMPARED = Gap(
    topic="change",
    message="what changed is not known: no earlier state of the project was given",
    hint="headway check --against takes the manifest.json of the main branch",
)
_NO_FACETS = Gap(
    topic="change",
    message="what changed inside the nodes is not known, only which came and went",
    hint="headway check --against compares two manifests",
)


_ONLY_CHECKS = ("test ", "unit test ", "freshness", "contract")
"""Beginnings of what differs without making other numbers."""


@dataclass(frozen=True, slots=True)
class Touched:
    """An asset that changed or went, with the active key results it serves."""

    graph: Graph
    """The graph in which it serves them: the later one, or the earlier one for what went or was cut off."""
    node: int
    what: tuple[str, ...]
    gone: bool
    mask: int


def compared(graph: Graph) -> tuple[Gap, ...]:
    """What is not known of a change."""
    found = changes(graph)
    if found is None:
        return (_NOT_COMPARED,)
    return () if found.told else (_NO_FACETS,)


def touched(graph: Graph, among: frozenset[int] | None = None) -> list[Touched]:
    """Changed and removed assets that serve an active goal, or did before the change.

    `among` keeps to these nodes of the graph; what went is kept in any case.
    """
    difference = changes(graph)
    if difference is None:
        return []
    found = []
    for i, what in difference.changed.items():
        if among is not None and i not in among:
            continue
        earlier = difference.earlier(i)
        if graph.served[i]:
            found.append(Touched(graph, i, what, False, graph.served[i]))
        elif earlier is not None and (mask := difference.before.served[earlier]):
            found.append(Touched(difference.before, earlier, what, False, mask))
    for j in difference.removed:
        if mask := difference.before.served[j]:
            new = difference.renamed(j)
            what = (f"renamed to {difference.after.nodes[new].name}",) if new is not None else (_gone(difference, j),)
            found.append(Touched(difference.before, j, what, True, mask))
    return found


def _gone(difference: Changes, j: int) -> str:
    off = {node.id for node in difference.after.disabled}
    return "disabled" if difference.before.nodes[j].id in off else "removed"


@question("HW801")
def impact(graph: Graph, *, select: Select = "") -> Answer:
    """Which key results does this change touch: through which changed assets, and by which path?

    An asset changed when its SQL, its configuration, a column, its contract, a filter, its definition, a test, a macro
    it calls, its seed's data or its source differs; descriptions and tags are no change. It is listed when it serves a
    key result of an active objective, or did before.
    """
    found = touched(graph, graph.select(select) if select else None)
    rows = [_impact_row(t, changes(graph)) for t in found]
    rows.sort(key=lambda r: (r.values[6] != "computes", -len(r.values[5]), str(r.values[0])))
    columns = (
        *ASSET_COLUMNS,
        Column("what", "What changed", "list"),
        Column("objectives", "Objectives", "list"),
        Column("key_results", "Key results", "list"),
        Column("way", "How"),
        Column("steps", "Steps", "number", secondary=True),
    )
    goals = {(id(t.graph), g): t.graph for t in found for g in t.graph.goals_in(t.mask)}
    results = {g.nodes[i].id: g.nodes[i].label for (_, i), g in goals.items()}
    objectives = _objectives(found)
    if changes(graph) is None:
        headline = NOTHING
    elif not rows:
        headline = no_goals(graph) or "Nothing that changed serves an objective."
    else:
        headline = (
            f"{plural(len(rows), 'changed asset serves', 'changed assets serve')} {plural(len(results), 'key result')}"
            f" of {plural(len(objectives), 'objective')}: {listed(objectives)}."
        )
    totals = {"touched": len(rows), "key_results": sorted(results), "objectives": objectives}
    return make(graph, "impact", "HW801", headline, columns, rows, totals=totals, gaps=_gaps(graph, "goals", "lineage"))


def objectives_touched(graph: Graph) -> list[str]:
    """Titles of the objectives that a change touches: whose key results stand on something that differs."""
    return _objectives(touched(graph))


def _objectives(found: Iterable[Touched]) -> list[str]:
    """Titles of the objectives that are touched, each once, in the company's order."""
    labels: dict[str, None] = {}
    for t in found:
        labels.update(dict.fromkeys(titles(t.graph, map(t.graph.objective_of, t.graph.goals_in(t.mask)))))
    return list(labels)


def _impact_row(t: Touched, difference: Changes | None) -> Finding:
    services = t.graph.services(t.node, t.mask)
    first = min(services, key=lambda s: (s.way != "computes", len(s.path), s.path))
    goals = t.graph.goals_in(t.mask)
    objectives = titles(t.graph, map(t.graph.objective_of, goals))
    way = "computes" if any(s.way == "computes" for s in services) else "informs"
    what = [_told(t, w, difference) for w in t.what]
    values = (
        *asset_values(t.graph, t.node),
        what,
        objectives,
        [t.graph.nodes[g].label for g in goals],
        way,
        len(first.path) - 1,
    )
    return Finding(values=values, node=t.graph.nodes[t.node].id, path=steps(t.graph, first))


def _told(t: Touched, what: str, difference: Changes | None) -> str:
    """`column amount is gone (fed Revenue)`, where the columns are known."""
    before = difference.before if difference else None
    if before is None or not what.startswith("column ") or not what.endswith(" is gone"):
        return what
    j = before.index.get(t.graph.nodes[t.node].id)
    column = what.removeprefix("column ").removesuffix(" is gone")
    if j is None or not before.columns.complete(j):
        return what
    fed = [before.nodes[g].label for g in before.goals_in(before.columns.served(j, column))]
    return f"{what} (fed {listed(fed)})" if fed else f"{what} (fed no key result)"


@question("HW802")
def new_assets(graph: Graph, *, select: Select = "") -> Answer:
    """Which assets does this change add that serve no objective?

    An asset that serves only objectives that have ended is listed too.
    """
    difference = changes(graph)
    wanted = graph.select(select) if select else None
    added = [i for i in difference.added if wanted is None or i in wanted] if difference else []
    none = [i for i in added if not graph.served[i]]
    rows = [
        Finding(values=(*asset_values(graph, i), len(graph.downstream[i])), node=graph.nodes[i].id)
        for i in sorted(none, key=lambda i: (graph.nodes[i].kind, graph.nodes[i].name))
    ]
    columns = (*ASSET_COLUMNS, Column("readers", "Direct downstream", "number", secondary=True))
    if difference is None:
        headline = NOTHING
    elif not added:
        headline = "No asset is new."
    elif not none:
        headline = f"{plural(len(added), 'new asset serves', 'new assets serve')} an objective."
    else:
        headline = no_goals(graph) or (
            f"{len(none)} of {plural(len(added), 'new asset')} {'serves' if len(none) == 1 else 'serve'} no objective."
        )
    totals = {"new": len(added), "without_objective": len(none)}
    return make(graph, "new-assets", "HW802", headline, columns, rows, totals=totals, gaps=_gaps(graph, "goals"))


@question("HW803")
def changed_dashboards(graph: Graph) -> Answer:
    """Which dashboards does this change break or alter, and who opens them?

    A dashboard breaks when a table, a metric or a column that it reads is gone. One that only stands on something that
    changed may show other numbers: it is listed and is no finding. A dashboard whose own declaration was changed to
    read something else does not break.
    """
    difference = changes(graph)
    rows = list(_boards(difference)) if difference else []
    rows.sort(key=lambda r: (not r.counts, -(r.values[6] or 0), str(r.values[0])))
    columns = (
        Column("asset", "Dashboard"),
        Column("kind", "Kind", secondary=True),
        Column("owner", "Owner"),
        Column("effect", "Effect"),
        Column("because", "Because of", "list"),
        Column("key_results", "Shows key results", "list"),
        Column("reads", f"Reads in {graph.policy.usage_window_days} days", "number", secondary=True),
        Column("people", "Opened by"),
        Column("last_used", "Last opened", "date", secondary=True),
    )
    broken = sum(r.counts for r in rows)
    if difference is None:
        headline = NOTHING
    elif not rows:
        headline = "No dashboard stands on what changed."
    else:
        others = len(rows) - broken
        parts = [plural(broken, "dashboard breaks", "dashboards break")] if broken else []
        parts += [f"{plural(others, 'dashboard')} may show other numbers"] if others else []
        headline = f"{'; '.join(parts)}."
    totals = {"broken": broken, "altered": len(rows) - broken}
    more = _gaps(graph, "usage")
    return make(graph, "changed-dashboards", "HW803", headline, columns, rows, totals=totals, gaps=more)


def _boards(difference: Changes) -> Iterator[Finding]:
    before, after = difference.before, difference.after
    breaks, alters = _breaks(difference), _alters(difference)
    for j in sorted({*breaks, *alters}):
        now = after.index.get(before.nodes[j].id)
        if now is None:
            continue
        declared = after.nodes[now].origin.connector == "dbt" and not after.nodes[now].also
        if j in breaks and not declared:
            yield _board_row(after, now, "breaks", breaks[j])
        elif because := [*breaks.get(j, ()), *alters.get(j, ())]:
            yield _board_row(after, now, "may show other numbers", because)


def _breaks(difference: Changes) -> dict[int, list[str]]:
    """Dashboards of the earlier graph -> what they read that is gone."""
    before, after = difference.before, difference.after
    found: dict[int, list[str]] = defaultdict(list)
    for j in difference.removed:
        if KINDS[before.nodes[j].kind].band != "dashboard":
            for board in _direct(before, before.downstream[j]):
                found[board].append(f"{asset_name(before, j)} is gone")
    for i in difference.changed:
        j = before.index[after.nodes[i].id]
        for column in difference.lost_columns(i):
            for board in _direct(before, [place[0] for place in before.columns.readers(j, column)]):
                found[board].append(f"{asset_name(after, i)}.{column} is gone")
    return found


def _alters(difference: Changes) -> dict[int, list[str]]:
    """Dashboards of the earlier graph -> what they stand on that yields other rows or values now."""
    before, after = difference.before, difference.after
    found: dict[int, list[str]] = defaultdict(list)
    for i, what in difference.changed.items():
        if KINDS[after.nodes[i].kind].band == "dashboard" or all(w.startswith(_ONLY_CHECKS) for w in what):
            continue
        for below in after.walk([i], "downstream"):
            if _is_board(after, below) and (was := before.index.get(after.nodes[below].id)) is not None:
                found[was].append(asset_name(after, i))
    return found


def _is_board(graph: Graph, i: int) -> bool:
    """What people open: no chart that is on a dashboard."""
    node = graph.nodes[i]
    if KINDS[node.kind].band != "dashboard":
        return False
    return node.kind != "chart" or not any(KINDS[graph.nodes[d].kind].band == "dashboard" for d in graph.downstream[i])


def _direct(graph: Graph, starts: Sequence[int]) -> list[int]:
    """Dashboards that read something without anything of dbt's between: through datasets and charts only."""
    todo = deque(i for i in starts if _of_a_tool(graph, i))
    met = set(todo)
    found = []
    while todo:
        i = todo.popleft()
        if _is_board(graph, i):
            found.append(i)
        fresh = [d for d in graph.downstream[i] if d not in met and _of_a_tool(graph, d)]
        met.update(fresh)
        todo.extend(fresh)
    return found


def _of_a_tool(graph: Graph, i: int) -> bool:
    return KINDS[graph.nodes[i].kind].band == "dashboard" or graph.nodes[i].kind == "dataset"


def _board_row(graph: Graph, i: int, effect: str, because: Sequence[str]) -> Finding:
    node = graph.nodes[i]
    use = graph.use
    people, counted = use.audience([i])
    known = use.status[i] != "unknown"
    values = (
        node.label,
        node.kind.replace("_", " "),
        node.owner or None,
        effect,
        list(dict.fromkeys(because)),
        [graph.nodes[g].label for g in graph.goals_in(graph.informs[i] & graph.active)],
        use.reads[i] if known else None,
        (people_words(people, counted) if people else "nobody") if known else "not known",
        use.last[i],
    )
    path = (Step(node=node.id, kind=node.kind, name=node.label),)
    return Finding(values=values, node=node.id, path=path, counts=effect == "breaks")


def _gaps(graph: Graph, *topics: str) -> tuple[Gap, ...]:
    return (*compared(graph), *gaps(graph, *topics))
