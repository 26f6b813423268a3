"""Columns: what a column of an asset is for, and which columns nothing needs."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated

from headway.answer import Answer, Column, Finding, Step, listed, plural
from headway.errors import UnknownName
from headway.graph.column_reach import Feed
from headway.graph.column_use import is_table
from headway.graph.graph import Graph
from headway.graph.model import KINDS, Gap
from headway.questions.evidence import (
    Select,
    asset_name,
    asset_values,
    chosen,
    gaps,
    make,
    path_steps,
    the_asset,
    titles,
)
from headway.questions.registry import Says, question

AS = {"value": "value", "rows": "decides which rows", "any": "any column"}
"""What a column does on its way to a goal, in words."""

HOW_TO_KNOW = "headway sync with the columns source follows columns through the SQL of a project"


def asset_or_column(graph: Graph, name: str) -> tuple[int, str, tuple[Gap, ...]]:
    """The asset a person means by `name`, and the column when `name` is `<asset>.<column>`; otherwise ''.

    An asset called so comes first. Where the columns of the asset are not known, the answer is for all of it, and the
    gap says so. Raises UnknownName when there is no such asset or column, UsageError when there are several.
    """
    try:
        return the_asset(graph, name), "", ()
    except UnknownName as unknown:
        above, dot, column = name.rpartition(".")
        column = column.lower()
        if not dot or not above or not column:
            raise
        try:
            i = the_asset(graph, above)
        except UnknownName:
            raise unknown from None
    columns = graph.columns.vertices(i)
    if column in columns:
        return i, column, ()
    label = asset_name(graph, i)
    if graph.columns.complete(i):
        raise UnknownName(f"column of {label}", column, difflib.get_close_matches(column, columns, n=3, cutoff=0.5))
    problem = graph.columns.problem(i)
    why = f"the columns of {label} could not be followed ({problem})" if problem else _not_known(columns, label)
    gap = Gap(
        topic="lineage",
        message=f"{why}, so this is the answer for the whole of it, not for {column}",
        node=graph.nodes[i].id,
        hint="" if problem else HOW_TO_KNOW,
    )
    return i, "", (gap,)


def _not_known(columns: object, label: str) -> str:
    return f"not all columns of {label} are known" if columns else f"the columns of {label} are not known"


def why_column(graph: Graph, i: int, column: str) -> Answer:
    """`why` for one column: which goals it serves, as what, how surely, and by which path."""
    feeds = graph.columns.feeds(i, column)
    rows = []
    for feed in feeds:
        objective = graph.objective_of(feed.goal)
        values = (
            graph.nodes[objective].label,
            graph.nodes[feed.goal].label if feed.goal != objective else None,
            feed.way,
            AS[feed.role],
            feed.certainty,
            len(feed.path) - 1,
            graph.state(objective),
        )
        rows.append(Finding(values=values, node=graph.nodes[feed.goal].id, path=_steps(graph, feed), counts=False))
    rows.sort(key=lambda r: (r.values[6] == "ended", str(r.values[0]), r.values[2], r.values[5], str(r.values[1])))
    columns = (
        Column("objective", "Objective"),
        Column("key_result", "Key result"),
        Column("way", "How"),
        Column("role", "As"),
        Column("certainty", "How sure"),
        Column("steps", "Steps", "number"),
        Column("state", "State"),
    )
    node = graph.nodes[i]
    totals = {
        "asset": node.id,
        "column": column,
        "kind": node.kind,
        "owner": node.owner or None,
        "use": graph.columns.used(i, column),
        "serves": len({r.values[0] for r in rows if r.values[6] != "ended"}),
    }
    return make(
        graph,
        "why",
        "HW101",
        _why(graph, i, column, feeds),
        columns,
        rows,
        layout="paths",
        totals=totals,
        gaps=(*graph.columns.gaps, *gaps(graph, "columns", "lineage")),
    )


def _why(graph: Graph, i: int, column: str, feeds: Sequence[Feed]) -> str:
    name = f"{asset_name(graph, i)}.{column}"
    living = [f for f in feeds if graph.active >> graph.bit[f.goal] & 1]
    if living:
        objectives = titles(graph, (graph.objective_of(f.goal) for f in living))
        may = all(f.certainty == "candidate" for f in living)
        serves = f"{'may serve' if may else 'serves'} {plural(len(objectives), 'objective')}: {listed(objectives)}"
        return f"{name} {serves}. It {listed([*_parts(living)])}."
    if feeds:
        ended = [f for f in feeds if graph.ended >> graph.bit[f.goal] & 1]
        objectives = titles(graph, (graph.objective_of(f.goal) for f in ended or feeds))
        if ended:
            return f"{name} has lost its purpose: it served only {listed(objectives)}, which ended."
        return f"{name} serves only {listed(objectives)}, which is a draft."
    if graph.served[i]:
        many = plural(graph.served[i].bit_count(), "key result")
        return f"{name} serves no objective, though other columns of {asset_name(graph, i)} serve {many}."
    return f"{name} serves no objective."


def _parts(feeds: Sequence[Feed]) -> list[str]:
    """`goes into the value of 1 key result`, ...: the strongest way of each goal, strongest first."""
    texts = {
        ("computes", "value"): "{} into the value of {}",
        ("computes", "rows"): "{} which rows {} {} made from",
        ("informs", ""): "{} {}",
    }
    found: Counter[tuple[str, str, bool]] = Counter()
    for f in feeds:
        sure = f.certainty != "candidate"
        role = "" if f.way == "informs" else "rows" if f.role == "rows" else "value"
        found[f.way, role, sure] += 1
    parts = []
    for (way, role, sure), count in sorted(found.items(), key=lambda p: (p[0][0], not p[0][2], p[0][1] != "value")):
        goals = plural(count, "key result")
        verb = {"value": "go", "rows": "decide", "": "inform"}[role]
        verb = f"{verb}{'es' if verb == 'go' else 's'}" if sure else f"may {verb}"
        parts.append(texts[way, role].format(verb, goals, "is" if count == 1 else "are"))
    return parts


def _steps(graph: Graph, feed: Feed) -> tuple[Step, ...]:
    """The proof as steps: columns by `asset.column`, then the goal, its objective and what that supports."""
    steps = []
    links = [*feed.links, None]
    for (i, column), before, after in zip(feed.path, [None, *feed.links], links, strict=True):
        node = graph.nodes[i]
        name = node.label if KINDS[node.kind].goal else asset_name(graph, i)
        if column and not KINDS[node.kind].goal:
            name = f"{name}.{column}"
        note = {"rows": "its rows", "any": "any column"}.get(before.role, "") if before else ""
        evidence = "" if after is None else after.certainty
        steps.append(Step(node=node.id, kind=node.kind, name=name, evidence=evidence, note=note))
    objective = graph.objective_of(feed.goal)
    above = [objective, *graph.ancestors_of(objective)] if objective != feed.goal else [*graph.ancestors_of(objective)]
    if above:
        last = steps.pop()
        steps.append(Step(node=last.node, kind=last.kind, name=last.name, evidence="declared", note=last.note))
        steps += path_steps(graph, above)
    return tuple(steps)


# ---------------------------------------------------------------------- dead columns


_DEAD_COLUMNS = (
    Column("asset", "Asset"),
    Column("kind", "Kind", secondary=True),
    Column("column", "Column"),
    Column("why", "Why"),
    Column("use", "Use"),
    Column("owner", "Owner", secondary=True),
)


@question("HW204")
def dead_columns(
    graph: Graph,
    *,
    select: Select = "",
    all: Annotated[bool, Says("Also list columns whose use is not known.")] = False,  # noqa: A002
) -> Answer:
    """Which columns of sources and models does nothing need?

    A column is dead when it feeds no active key result and no dashboard that is used or whose use is not known, and
    nobody reads it, nor anything made from it. Where columns could not be followed, every column that may be read there
    is kept. What is protected, or feeds something outside, keeps its columns and what they are made from.
    """
    if not graph.column_lineage:  # nothing to sweep, and only that to say
        totals = {"assets": 0, "columns": 0, "dead": 0, "unknown": 0, "load_bearing": 0}
        headline = _headline(graph, 0, 0, 0, listed_all=all)
        missing = (*_gaps(graph, 0), *gaps(graph, "columns", "lineage", "usage"))
        return make(graph, "dead-columns", "HW204", headline, _DEAD_COLUMNS, totals=totals, gaps=missing)
    reach = graph.columns
    wanted = set(chosen(graph, select))
    nodes = [i for i in reach.nodes if i in wanted and is_table(graph.nodes[i])]
    idle = _idle(graph, nodes)
    dead, unclear, kept = idle["unused"], idle["unknown"], len(idle["kept"])
    total = sum(len(reach.vertices(i)) for i in nodes)
    return make(
        graph,
        "dead-columns",
        "HW204",
        _headline(graph, total, len(dead), len(unclear), listed_all=all),
        _DEAD_COLUMNS,
        [*_dead_rows(graph, dead, counts=True), *_dead_rows(graph, unclear if all else [], counts=False)],
        totals={
            "assets": len(nodes),
            "columns": total,
            "dead": len(dead),
            "unknown": len(unclear),
            "load_bearing": kept,
        },
        gaps=(*_gaps(graph, kept), *reach.gaps, *gaps(graph, "columns", "lineage", "usage")),
    )


def _idle(graph: Graph, nodes: Sequence[int]) -> dict[str, list[tuple[int, str]]]:
    """Columns of these nodes that serve nothing and are not known to be read: `unused`, `unknown`, or `kept` anyway."""
    reach, use = graph.columns, graph.columns.use
    found: dict[str, list[tuple[int, str]]] = {"unused": [], "unknown": [], "kept": []}
    for i in nodes:
        for column in reach.vertices(i):
            status = use.status(i, column)
            if status != "used" and not (reach.served(i, column) or use.on_board(i, column)):
                found["kept" if use.kept(i, column) else status].append((i, column))
    return found


def _dead_rows(graph: Graph, places: Sequence[tuple[int, str]], *, counts: bool) -> Iterator[Finding]:
    use = graph.columns.use
    for i, column in sorted(places, key=lambda place: (graph.nodes[place[0]].name, place[0])):
        why, status = _why_dead(graph, i, column), use.status(i, column)
        values = (*asset_values(graph, i)[:2], column, why, status, _owner(graph, i))
        yield Finding(values=values, node=graph.nodes[i].id, counts=counts)


def _owner(graph: Graph, i: int) -> str | None:
    return graph.nodes[i].owner or None


def _headline(graph: Graph, total: int, dead: int, unclear: int, *, listed_all: bool) -> str:
    if not graph.column_lineage:
        return "No column is called dead, because no column lineage is known yet."
    if not total:
        return "No column of the chosen assets is known."
    idle = f"{plural(unclear, 'column')} {'feeds' if unclear == 1 else 'feed'} no key result and no dashboard in use"
    rest = f"; {idle}" + ("" if listed_all else ", which --all lists") if unclear else ""
    if not graph.use.known:
        return f"No column is called dead, because no source of usage is connected{rest}."
    if not graph.columns.use.known:
        return f"No column is called dead, because no source of usage tells which columns are read{rest}."
    unknown = (
        f" The use of {unclear:,} more is not known" + ("." if listed_all else ": --all lists them.") if unclear else ""
    )
    if not dead:
        kept = "each serves a key result, feeds a dashboard in use, is read, or is not known to be unread"
        return f"No column of {total:,} is dead: {kept}.{unknown}"
    they = "it feeds no active key result and no dashboard in use, and nobody reads it"
    if dead != 1:
        they = "they feed no active key result and no dashboard in use, and nobody reads them"
    return f"{dead:,} of {plural(total, 'column')} {'is' if dead == 1 else 'are'} dead: {they}.{unknown}"


def _why_dead(graph: Graph, i: int, column: str) -> str:
    """What a column goes into, and why that does not keep it; for one of unknown use, why it is unknown."""
    reach = graph.columns
    readers = reach.readers(i, column)
    ended = graph.goals_in((reach.computes(i, column) | reach.informs(i, column)) & graph.ended)
    if ended:
        served = f"served only {listed(titles(graph, (graph.objective_of(g) for g in ended)))}, which ended"
    elif readers:
        served = f"goes only into {listed(sorted({_place(graph, *place) for place in readers}))}"
    else:
        served = "nothing is made from it"
    reason = reach.use.reason(i, column)
    return f"{served}; {reason}" if reason else served


def _place(graph: Graph, i: int, column: str) -> str:
    return f"{asset_name(graph, i)}.{column}" if column else asset_name(graph, i)


def _gaps(graph: Graph, kept: int) -> tuple[Gap, ...]:
    found = []
    if not graph.column_lineage or not graph.columns.known:
        message = "no column lineage is known, so nothing can be said about single columns"
        found.append(Gap(topic="lineage", message=message, hint=HOW_TO_KNOW))
    elif graph.use.known and not graph.columns.use.known:
        message = "no source of usage tells which columns are read"
        found.append(Gap(topic="usage", message=message, hint="a query history of the warehouse does"))
    if kept:
        what = "is left out because it goes" if kept == 1 else "are left out because they go"
        message = f"{plural(kept, 'column')} {what} into something that is protected, or that feeds something outside"
        found.append(Gap(topic="usage", message=message))
    return tuple(found)
