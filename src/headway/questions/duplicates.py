"""One metric, one meaning: what is defined twice, and what means two things."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from headway.answer import Answer, Column, Finding, plural
from headway.graph.alike import Group, alike
from headway.graph.graph import Graph
from headway.graph.meaning import Meaning
from headway.graph.model import KINDS, Gap
from headway.questions.evidence import Select, asset_name, chosen, gaps, make
from headway.questions.links import behind
from headway.questions.registry import Says, question

_ORDER = ("same name, other meaning", "identical", "same meaning, other names", "near")
_MOST = 12
"""Members of a group that are named; the rest are counted."""

_COLUMNS = (
    Column("group", "Measure"),
    Column("relation", "Relation"),
    Column("members", "Defined as", "list"),
    Column("count", "Times", "number"),
    Column("difference", "Difference"),
    Column("key_results", "Used by key results", "list"),
    Column("reads", "Reads", "number"),
    Column("people", "People"),
    Column("sure", "Known from", secondary=True),
)


@question("HW701")
def duplicates(
    graph: Graph,
    *,
    select: Select = "",
    near: Annotated[bool, Says("Also list those that nearly mean the same, with what they differ in.")] = False,
) -> Answer:
    """Which metrics are the same thing defined twice, or one name with two meanings?

    Metrics, measures of BI tools, aggregates that charts, datasets and models compute, and expressions of key results
    are compared by what they aggregate, from which columns, over which rows and which time. *identical*: the same,
    under one name or without a name of its own. *same meaning, other names* and *same name, other meaning* are what
    they say. With `--near`: the same aggregate with another filter, window or time, the same columns computed
    otherwise, or read from another table. These are told and do not count as findings, since a variant may be meant.

    Where only the aggregate and the columns of a chart are known, it counts as the one definition that it fits.
    """
    wanted = set(chosen(graph, select))
    if not select:
        wanted.update(graph.targets)
    found = [g for g in alike(graph) if any(m.node in wanted for m in g.members)]
    shown = [g for g in found if near or g.relation != "near"]
    shown.sort(key=lambda g: (_ORDER.index(g.relation), -len(g.members), graph.nodes[g.members[0].node].id))
    count = {what: sum(g.relation == what for g in found) for what in _ORDER}
    return make(
        graph,
        "duplicates",
        "HW701",
        _words(graph, count, sum(map(_undefined, found))),
        _COLUMNS,
        [_row(graph, group) for group in shown],
        totals={what.replace(", ", "_").replace(" ", "_"): count[what] for what in _ORDER},
        gaps=(*_unread(graph), *gaps(graph, "lineage", "usage")),
    )


def _undefined(group: Group) -> bool:
    """Written several times, and defined by no metric."""
    return group.relation == "identical" and not any(m.name for m in group.members)


def _words(graph: Graph, count: dict[str, int], undefined: int) -> str:
    if not any(KINDS[graph.nodes[i].kind].is_a == "metric" or graph.nodes[i].aggregates for i in graph.assets):
        return "No metric, measure or aggregate is known, so none can be defined twice."
    said = []
    if names := count["same name, other meaning"]:
        said.append(f"{plural(names, 'name')} {'means' if names == 1 else 'mean'} several things")
    if twice := count["identical"] + count["same meaning, other names"]:
        more = count["same meaning, other names"]
        other = (
            " under different names" if more == twice else f", {more:,} of them under different names" if more else ""
        )
        what = f"{plural(twice, 'measure')} {'is' if twice == 1 else 'are'} defined more than once{other}"
        none = "" if undefined == twice else f"{undefined:,} of them "
        said.append(f"{what}, {none}without a metric" if undefined else what)
    near = count["near"]
    rest = f" {plural(near, 'group is', 'groups are')} nearly alike." if near else ""
    return (f"{'; '.join(said)}." if said else "Every metric has one meaning, and is defined once.") + rest


def _row(graph: Graph, group: Group) -> Finding:
    nodes = list(dict.fromkeys(m.node for m in group.members))
    reads, people = behind(graph, [n for n in nodes if not KINDS[graph.nodes[n].kind].goal])
    relation = f"near: differs in {' and '.join(group.differs)}" if group.relation == "near" else group.relation
    first = group.members[0]
    values = (
        _called(graph, group),
        relation,
        _members(graph, group),
        len(nodes),
        group.difference or None,
        list(_key_results(graph, nodes)),
        reads,
        people,
        "definitions" if group.sure else "aggregates and columns",
    )
    return Finding(values=values, node=graph.nodes[first.node].id, counts=group.relation != "near")


def _called(graph: Graph, group: Group) -> str:
    """The name of a measure that has one, else what is aggregated."""
    named = [m for m in group.members if m.name]
    return graph.nodes[named[0].node].label if named else group.members[0].form


def _members(graph: Graph, group: Group) -> list[str]:
    told: dict[str, None] = {}
    for meaning in group.members:
        told[_member(graph, meaning)] = None
    names = list(told)
    return names if len(names) <= _MOST else [*names[:_MOST], f"{len(names) - _MOST:,} more"]


def _member(graph: Graph, meaning: Meaning) -> str:
    """`metric revenue (finance-team)`; the tool that a node is of where it is not dbt's."""
    node = graph.nodes[meaning.node]
    tool = node.id.partition(":")[0] if ":" in node.id and not node.id.startswith(("dbt:", "goal:")) else ""
    name = node.label if KINDS[node.kind].goal or not meaning.name else asset_name(graph, meaning.node)
    owner = f" ({node.owner})" if node.owner else ""
    return " ".join(filter(None, (tool, node.kind.replace("_", " "), name))) + owner


def _key_results(graph: Graph, nodes: list[int]) -> Iterator[str]:
    """Which member each living key result is computed from, or shown by."""
    for i in nodes:
        if KINDS[graph.nodes[i].kind].goal:
            yield graph.nodes[i].label
            continue
        shown = KINDS[graph.nodes[i].kind].band == "dashboard"
        for goal in graph.goals_in((graph.informs if shown else graph.computes)[i] & graph.active):
            yield f"{graph.nodes[goal].label}: {asset_name(graph, i)}"


def _unread(graph: Graph) -> Iterator[Gap]:
    """Without a parser for SQL, expressions are compared by their aggregates alone."""
    from importlib.util import find_spec

    if find_spec("sqlglot") is None and any(graph.nodes[i].meta.get("definition") for i in graph.assets):
        message = "no SQL parser is installed, so metrics are compared by their aggregates alone"
        yield Gap(topic="lineage", message=message, hint="pip install 'headway[columns]'")
