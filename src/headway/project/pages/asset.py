"""One asset: what it is, what it serves and by which path, who uses it, what it costs, whether it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import msgspec

from headway.answer import Answer, listed, plural
from headway.errors import UsageError
from headway.graph.graph import Graph, Service
from headway.graph.model import KINDS
from headway.project import Project, channels
from headway.project.pages import figures
from headway.project.pages.column_rows import ColumnRow, column_rows
from headway.project.pages.filters import find_node
from headway.project.pages.goal_words import Chip
from headway.project.pages.lineage import node_name, node_verdict, page_of
from headway.project.pages.map_panel import Line
from headway.project.pages.page import Page, Tone, said
from headway.project.pages.said import Said, said_about
from headway.project.pages.table import address
from headway.questions.evidence import asset_name, month, path_steps

_MOST = 200
"""Columns, checks and other rows that are listed at most; how many more there are is said."""

_THROUGH = 10

_CHECKS: dict[str, Tone] = {
    "pass": "good",
    "warn": "warn",
    "fail": "bad",
    "error": "bad",
    "skipped": "bad",
    "not run": "mute",
}
_ORDER = ("error", "fail", "skipped", "warn", "not run", "pass")


class Path(msgspec.Struct, frozen=True):
    """One way in which the asset serves a goal, with the shortest path as proof."""

    goal: str
    objective: str
    way: str
    state: str
    """active, ended, draft, planned."""
    sentence: str
    steps: tuple[Line, ...]
    to: str


class Reader(msgspec.Struct, frozen=True):
    """Reads by one class of reader with one tool."""

    who: str
    tool: str
    reads: int
    people: str
    last: date | None
    counts: bool


class Week(msgspec.Struct, frozen=True):
    """Reads of one week."""

    start: date
    reads: int
    share: float
    """Of the week with the most."""


class CheckRow(msgspec.Struct, frozen=True):
    """One test, run or freshness check, with its last result."""

    name: str
    kind: str
    status: str
    tone: Tone
    at: str
    message: str


class AssetPage(Page, frozen=True, kw_only=True):
    """Everything that is known of one asset."""

    node: str
    name: str
    kind: str
    verdict: Chip
    description: str
    facts: tuple[Line, ...]
    state: str
    """Whether it serves, in words."""
    paths: tuple[Path, ...]
    """The first is the one to show; living goals first."""
    use: str
    readers: tuple[Reader, ...]
    through: tuple[Line, ...]
    """What is read downstream of it."""
    more_through: int
    weeks: tuple[Week, ...]
    cost: tuple[Line, ...]
    cost_note: str
    checks: tuple[CheckRow, ...]
    more_checks: int
    columns: tuple[ColumnRow, ...]
    more_columns: int
    columns_note: str
    decisions: tuple[Line, ...]
    """What was decided about its links, in links.yml."""
    said: tuple[Said, ...]
    """What was decided about it in Triage, and asked for."""
    more_said: int
    channel: str
    """Where its team hears of it: `Slack #finance`; '' where none is configured."""
    tell: str
    """Address of the page that tells its team what is wrong; '' where nothing is, or no channel."""
    keeps: str
    """Why it may not be retired; '' where nothing says so."""
    url: str
    lineage: str
    map: str
    list: str
    canonical: str
    """Its stable address, where it was reached by its place on the Map."""


def asset(project: Project, *, node: str) -> AssetPage:
    """The page of an asset, by its id, its name, or `@<snapshot>/<k>`. Raises UnknownName, UsageError for a goal."""
    graph = project.graph()
    i = find_node(project, node)
    record = graph.nodes[i]
    if KINDS[record.kind].goal:
        raise UsageError(f"{record.label} is a goal, not an asset", hint=f"its page is {page_of(graph, i) or '/'}")
    why, usage = project.ask("why", asset=record.id), project.ask("usage", asset=record.id)
    through = _section(usage, "asset")
    checks = sorted(
        (c for c in graph.checks if c.node == record.id), key=lambda c: (_ORDER.index(c.status), c.kind, c.name, c.id)
    )
    columns, more, note = _columns(graph, i)
    written, more_written = said_about(project, record.id)
    return AssetPage(
        title=node_name(graph, i),
        sentence=said(why.headline),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=tuple(g for g in graph.gaps if g.node == record.id),
        node=record.id,
        name=node_name(graph, i),
        kind=record.kind.replace("_", " "),
        verdict=node_verdict(graph, i),
        description=record.description,
        facts=tuple(_facts(graph, i)),
        state=_state(graph, i),
        paths=tuple(_paths(graph, i)),
        use=usage.headline,
        readers=tuple(_readers(usage)),
        through=tuple(_through(graph, through)),
        more_through=max(0, len(through.rows) - _THROUGH) if through else 0,
        weeks=tuple(_weeks(_section(usage, "from"))),
        cost=tuple(_cost(graph, i)),
        cost_note="" if month(graph) else "What it costs is not known: no source of cost is connected.",
        checks=tuple(
            CheckRow(c.name, c.kind.replace("_", " "), c.status, _CHECKS[c.status], _moment(c.at), c.message)
            for c in checks[:_MOST]
        ),
        more_checks=max(0, len(checks) - _MOST),
        columns=columns,
        more_columns=more,
        columns_note=note,
        decisions=tuple(_decisions(graph, i)),
        said=written,
        more_said=more_written,
        channel=channels.channel_of(project, record.owner),
        tell=channels.tellable(project, i),
        keeps=_keeps(graph, i),
        url=record.url,
        lineage=address("lineage", record.id),
        map=address("map", asset=record.id),
        list=address("list", around=record.id),
        canonical=address("asset", record.id) if node != record.id else "",
    )


def _facts(graph: Graph, i: int) -> Iterator[Line]:
    node = graph.nodes[i]
    yield Line("Kind", node.kind.replace("_", " ") + (f", {node.materialized}" if node.materialized else ""))
    if node.relation:
        yield Line("Table", node.relation)
    origin = f", by {node.owner_origin}" if node.owner_origin else ""
    yield Line("Owner", (figures.team(node.owner) or "nobody") + origin)
    if node.path:
        yield Line("File", node.path)
    if node.origin.connector:
        yield Line("Known from", ", ".join(dict.fromkeys(o.connector for o in (node.origin, *node.also))))
    if node.tags:
        yield Line("Tags", listed(node.tags, 8))
    if node.created:
        yield Line("First seen", node.created.isoformat())
    if node.deprecated:
        yield Line("Deprecated", f"from {node.deprecated}")


def _state(graph: Graph, i: int) -> str:
    if graph.served[i]:
        return f"Serves {plural(graph.served[i].bit_count(), 'key result')}"
    if (graph.computes[i] | graph.informs[i]) & graph.ended:
        return "Lost its purpose: it served only objectives that have ended"
    return "Serves no objective"


def _paths(graph: Graph, i: int) -> Iterator[Path]:
    services = sorted(
        graph.services(i),
        key=lambda s: (graph.state(graph.objective_of(s.goal)) == "ended", s.way, len(s.path), s.goal),
    )
    for service in services:
        objective = graph.objective_of(service.goal)
        above = [] if objective == service.goal else [objective, *graph.ancestors_of(objective)]
        steps = path_steps(graph, [*service.path, *above])
        yield Path(
            goal=graph.nodes[service.goal].label,
            objective=graph.nodes[objective].label,
            way=service.way,
            state=graph.state(objective),
            sentence=_sentence(graph, service),
            steps=tuple(Line(step.name, step.evidence, _to(graph, step.node)) for step in steps),
            to=page_of(graph, service.goal),
        )


def _sentence(graph: Graph, service: Service) -> str:
    """`stripe.charges feeds involuntary_churn through 3 models; it is the metric of Churn from failed payments`."""
    first, last, goal = service.path[0], service.path[-2], graph.nodes[service.goal].label
    kind = graph.nodes[last].kind.replace("_", " ")
    if service.way == "informs":
        ends = f"shows {goal}"
    elif graph.nodes[last].kind == "metric":
        ends = f"is the metric of {goal}"
    else:
        ends = f"is the {kind} that {goal} is computed from"
    if first == last:
        return f"{node_name(graph, first)} {ends}"
    between = service.path[1:-2]
    kinds = {graph.nodes[j].kind for j in between}
    noun = "model" if kinds <= {"model", "snapshot"} else "asset"
    how = f"through {plural(len(between), noun)}" if between else "directly"
    return f"{node_name(graph, first)} feeds {node_name(graph, last)} {how}; it {ends}"


def _to(graph: Graph, node: str) -> str:
    return page_of(graph, graph.index[node])


# ---------------------------------------------------------------------- use


def _section(usage: Answer, key: str) -> Answer | None:
    """The section of the answer that has a column."""
    return next((s for s in usage.sections if any(c.key == key for c in s.columns)), None)


def _named(answer: Answer) -> Iterator[dict[str, Any]]:
    keys = [c.key for c in answer.columns]
    for row in answer.rows:
        yield dict(zip(keys, row.values, strict=True))


def _readers(usage: Answer) -> Iterator[Reader]:
    for row in _named(usage):
        people = row["people"]
        yield Reader(
            who=row["reader"] or "not told",
            tool=row["tool"] or "not told",
            reads=row["reads"],
            people="not known" if people is None else f"{people:,}",
            last=row["last"],
            counts=row["counts"],
        )


def _through(graph: Graph, inherited: Answer | None) -> Iterator[Line]:
    if inherited is None:
        return
    for row, values in list(zip(inherited.rows, _named(inherited), strict=True))[:_THROUGH]:
        name = node_name(graph, graph.index[row.node])
        yield Line(name, plural(values["reads"], "read"), address("asset", row.node))


def _weeks(over_time: Answer | None) -> list[Week]:
    """Reads by week, all readers together."""
    found: dict[date, int] = {}
    for row in _named(over_time) if over_time else ():
        found[row["from"]] = found.get(row["from"], 0) + row["reads"]
    most = max(found.values(), default=0)
    return [Week(start, reads, reads / most if most else 0.0) for start, reads in sorted(found.items())]


def _cost(graph: Graph, i: int) -> Iterator[Line]:
    """What it costs over the last 30 days, in the unit with the most rows, and what for."""
    ledger = month(graph)
    if ledger is None:
        return
    if i not in {cell[0] for cell in ledger.cells}:
        yield Line("Cost", "not known")
        return
    yield Line("In all", f"{figures.cost(ledger, ledger.amounts[i])} {figures.per(ledger)}")
    words = {"build": "Building it", "read": "Reading it", "keep": "Storing it", "either": "Not told apart"}
    for part, amounts in ledger.parts.items():
        if amounts[i] and amounts[i] != ledger.amounts[i]:
            yield Line(words[part], figures.cost(ledger, amounts[i]))
    if ledger.stand_in:
        yield Line("Stands in for a cost", ledger.stand_in)


# ---------------------------------------------------------------------- what else is known


def _columns(graph: Graph, i: int) -> tuple[tuple[ColumnRow, ...], int, str]:
    if not graph.column_lineage:
        return (), 0, "Where its columns come from is not known: no connector follows columns."
    names = list(graph.columns.vertices(i))
    problem = graph.columns.problem(i)
    note = f"Its columns could not be followed: {problem}" if problem else ""
    note = note or ("" if names else "None of its columns is known.")
    return tuple(column_rows(graph, i, names[:_MOST])), max(0, len(names) - _MOST), note


def _decisions(graph: Graph, i: int) -> Iterator[Line]:
    """What people decided about its links; who decided stays in the file."""
    for decision in graph.decisions:
        ends = []
        for end in (decision.upstream, decision.downstream):
            j = graph.index.get(end)
            ends.append(j if j is not None else graph.directory.reference(end).node)
        if i not in ends:
            continue
        said_ends = (decision.upstream, decision.downstream)
        names = [end if j is None else asset_name(graph, j) for j, end in zip(ends, said_ends, strict=True)]
        verb = "accepted" if decision.accepted else "declined"
        when = f" on {decision.on.isoformat()}" if decision.on else ""
        yield Line(f"{names[0]} → {names[1]}", f"{verb}{when}" + (f": {decision.note}" if decision.note else ""))


def _keeps(graph: Graph, i: int) -> str:
    if i in graph.protected and graph.nodes[i].meta.get("time_spine"):
        return "Protected: metrics are computed along its days."
    if i in graph.protected:
        return "Protected: somebody said it must stay."
    if i in graph.outside:
        return "Feeds something outside, so it is never proposed for retirement."
    if i in graph.load_bearing:
        return "Something protected, or something outside, stands on it, so it is never proposed for retirement."
    return ""


def _moment(at: datetime | None) -> str:
    return f"{at.day} {at:%b %Y, %H:%M}" if at else "never"
