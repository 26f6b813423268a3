"""Key result: what it is, how it moved, whether to believe it, what moved it, who looks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from headway.answer import Answer, Step, figure, plural
from headway.errors import HeadwayError
from headway.graph.graph import Graph
from headway.graph.model import Target
from headway.project import channels
from headway.project.channels import owners_of
from headway.project.check_ins import check_ins
from headway.project.pages import figures
from headway.project.pages.goal_rows import KeyResultRow, amount, key_result_row
from headway.project.pages.page import Link, Page, Phrase
from headway.project.pages.said import Said, said_about
from headway.project.pages.table import address
from headway.project.workspace import Project
from headway.questions.evidence import the_goal
from headway.questions.formulas import Plan
from headway.questions.progress import Assessment
from headway.questions.status import standing_of

PLAN_POINTS = 24
"""Straight pieces in which the expected path is drawn."""


class Fact(msgspec.Struct, frozen=True):
    """One line of a definition."""

    name: str
    text: str


class ReadingRow(msgspec.Struct, frozen=True):
    """One reading: what the chart is drawn from, and its table twin."""

    day: date
    value: float
    text: str
    complete: bool
    source: str


class DatedValue(msgspec.Struct, frozen=True, array_like=True):
    """A value on a day."""

    day: date
    value: float


class ForecastBand(msgspec.Struct, frozen=True):
    """Where the readings are heading on the due day, with the interval."""

    day: date
    value: float
    low: float
    high: float
    text: str


class Reason(msgspec.Struct, frozen=True):
    """Why a number cannot be trusted: the node to blame, what is wrong, and the path from it to here."""

    node: str
    name: str
    to: str
    owner: str
    channel: str
    """Where that team hears of it; '' where no channel is configured."""
    tell: str
    """Address of the page that tells them; '' where there is nothing to tell, or no channel."""
    what: str
    since: date | None
    path: tuple[Link, ...]


class TreeRow(msgspec.Struct, frozen=True):
    """One metric that this one is made of, or that is said to drive it."""

    depth: int
    name: str
    metric: str
    role: str


class ChangeRow(msgspec.Struct, frozen=True):
    """One change of the target."""

    at: date
    text: str


class CheckIn(msgspec.Struct, frozen=True):
    """What somebody said."""

    on: str
    by: str
    says: str
    status: str
    value: float | None
    note: str


class KeyResultPage(Page, frozen=True, kw_only=True):
    """The page."""

    row: KeyResultRow
    objective: Link
    colour: int
    description: str
    facts: tuple[Fact, ...]
    readings: tuple[ReadingRow, ...]
    plan: tuple[DatedValue, ...]
    """The expected path, where it has a baseline, a target and dates."""
    low: float | None
    high: float | None
    """The band to keep, where it has one."""
    forecast: ForecastBand | None
    read_by: tuple[str, ...]
    """The query that the newest value was read with."""
    trust_sentence: str
    reasons: tuple[Reason, ...]
    fed_by: int
    lineage: str
    tree: tuple[TreeRow, ...]
    tree_sentence: str
    command: str
    """What asks the warehouse what moved it; a page never does."""
    shown_on: tuple[Link, ...]
    views: float | None
    last_seen: date | None
    apart: tuple[str, ...]
    changes: tuple[ChangeRow, ...]
    check_ins: tuple[CheckIn, ...]
    said: tuple[Said, ...]
    """What was decided about it in Triage, and asked for."""
    more_said: int
    notes: tuple[str, ...]


def key_result(project: Project, *, node: str) -> KeyResultPage:
    """One key result by its id or name. Raises UnknownName."""
    graph = project.graph()
    goal = the_goal(graph, node, "key_result")
    row = key_result_row(project, goal)
    target, own = graph.targets[goal], graph.nodes[goal]
    a = standing_of(graph).key_results[goal]
    answer = project.ask("readings", key_result=own.id)
    objective = graph.objective_of(goal)
    tree = project.ask("drivers", key_result=own.id, tree=True)
    seen = _seen(project, own.id)
    written, more_written = said_about(project, own.id, check_in=False)
    fed = sum(1 for i in graph.assets if graph.computes[i] >> graph.bit[goal] & 1)
    return KeyResultPage(
        title=row.name,
        sentence=_sentence(row, a),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=answer.gaps,
        row=row,
        objective=Link(graph.nodes[objective].label, address("objective", graph.nodes[objective].id)),
        colour=_colour(graph, objective),
        description=own.description[:2_000],
        facts=tuple(_facts(project, target, a, row)),
        readings=tuple(_readings(answer, target)),
        plan=tuple(_plan(target, a)),
        low=row.low,
        high=row.high,
        forecast=_forecast(a, target),
        read_by=tuple(str(r.values[0]) for s in answer.sections for r in s.rows),
        trust_sentence=_trust_sentence(row, fed),
        reasons=tuple(_reasons(project, goal)),
        fed_by=fed,
        lineage=address("lineage", own.id),
        tree=tuple(_tree(tree)),
        tree_sentence=tree.headline,
        command=f"headway drivers {own.name}",
        shown_on=seen[0],
        views=seen[1],
        last_seen=seen[2],
        apart=seen[3],
        changes=tuple(_changes(target)),
        check_ins=tuple(_check_ins(project, own.id)),
        said=written,
        more_said=more_written,
        notes=a.notes,
    )


def _colour(graph: Graph, objective: int) -> int:
    from headway.project.pages.goal_words import colours

    return colours(graph).get(objective, 1)


def _sentence(row: KeyResultRow, a: Assessment) -> tuple[Phrase, ...]:
    if a.value is None:
        return (Phrase(f"{row.name} has no reading yet, and is not counted as zero."),)
    value = amount(a.value, row.unit)
    if a.pace == "unsure":
        doubt = f"{row.trust_mark.text[:1].lower()}{row.trust_mark.text[1:]}"
        return (
            Phrase(f"{row.name} was {value} when last read, "),
            Phrase(f"and cannot be trusted today: {doubt}", "bad"),
            Phrase("."),
        )
    verdict = {"no pace": "", "done": ": done", "too early": ": too early to say"}.get(a.pace, f": {a.spoken}")
    tone = row.verdict.tone if row.verdict.tone in {"bad", "warn"} else ""
    return (Phrase(f"{row.name} is {value}"), Phrase(verdict, tone), Phrase("."))


def _facts(project: Project, target: Target, a: Assessment, row: KeyResultRow) -> list[Fact]:
    unit = target.unit
    facts = [Fact("Bound to", row.bound or "not linked")]
    if a.baseline is not None:
        how = {"stated": "", "derived": ", derived", "first reading": ", the first reading"}.get(a.baseline_from, "")
        facts.append(Fact("Baseline", amount(a.baseline, unit) + how))
    if row.target_text:
        facts.append(Fact("Target", row.target_text.removeprefix("\u2192 ")))
    facts += [
        Fact(name, amount(value, unit))
        for name, value in (("Commit", target.commit), ("Stretch", target.stretch))
        if value is not None
    ]
    if target.start and target.due:
        facts.append(Fact("From, to", f"{_day(target.start)} to {_day(target.due)}"))
    if a.expected_value is not None:
        facts.append(Fact("Expected by now", amount(a.expected_value, unit)))
    if a.required is not None:
        facts.append(Fact("Needs a week", amount(a.required.per_week, unit)))
    if a.held_share is not None:
        facts.append(Fact("In its band", f"{a.held_share:.0%} of the readings"))
    if a.forecast is not None and a.forecast.reaches_on is not None:
        facts.append(Fact("Reaches the target", _day(a.forecast.reaches_on)))
    if a.grade is not None:
        facts.append(Fact("Grade", f"{figure(a.grade.score)}, {a.grade.zone}"))
    if target.weight != 1:
        facts.append(Fact("Weight", figure(target.weight)))
    owner = row.owner or figures.team(
        project.graph().nodes[project.graph().objective_of(project.graph().index[row.id])].owner
    )
    facts += [Fact("Owner", owner)] if owner else []
    graph = project.graph()
    channel = channels.channel_of(project, *owners_of(graph, graph.index[row.id]))
    return [*facts, *([Fact(channels.TOLD_IN, channel)] if channel else [])]


def _readings(answer: Answer, target: Target) -> list[ReadingRow]:
    """Finite readings of the grain that is judged, oldest first."""
    rows = [r for r in answer.records() if isinstance(r["value"], float | int) and math.isfinite(r["value"])]
    rows = [r for r in rows if r["day"] <= answer.as_of]
    grains = {r["grain"] for r in rows}
    stated = target.binding.grain
    grain = stated if stated in grains else max(rows, key=lambda r: r["day"])["grain"] if rows else None
    known = {r["day"]: r for r in sorted(rows, key=lambda r: r["day"]) if r["grain"] == grain}
    return [
        ReadingRow(r["day"], float(r["value"]), amount(r["value"], target.unit), r["complete"], r["source"])
        for r in known.values()
    ]


def _plan(target: Target, a: Assessment) -> list[DatedValue]:
    if a.baseline is None or a.target is None or target.start is None or target.due is None:
        return []
    length = (target.due - target.start).days
    if length < 1:
        return []
    plan = Plan(a.baseline, a.target, target.start, target.due, target.shape, target.checkpoints)
    straight = target.shape == "linear" and not target.checkpoints
    steps = [0, length] if straight else sorted({round(length * k / PLAN_POINTS) for k in range(PLAN_POINTS + 1)})
    return [DatedValue(d, plan.value(d)) for d in (target.start + timedelta(days=k) for k in steps)]


def _forecast(a: Assessment, target: Target) -> ForecastBand | None:
    f = a.forecast
    if f is None or a.value is None:
        return None
    unit = target.unit
    words = {
        "reaches": "; it reaches the target",
        "misses": "; it misses the target",
        "open": "; it may or may not reach the target",
    }
    text = (
        f"On {_day(f.due)} it is expected at {amount(f.value, unit)}, between {amount(f.low, unit)} and "
        f"{amount(f.high, unit)} with {f.confidence:.0%} confidence{words.get(f.outlook, '')}."
    )
    return ForecastBand(f.due, f.value, f.low, f.high, text)


def _trust_sentence(row: KeyResultRow, fed: int) -> str:
    below = f"{plural(fed, 'asset')} underneath it"
    return {
        "trusted": f"Everything it is computed from ran, passed its tests and is fresh: {below}.",
        "warns": f"It can be used; a test warns among the {below}.",
        "untested": f"Tests among the {below} never ran, so nothing vouches for it.",
        "broken": f"It cannot be trusted today. What is wrong, among the {below}:",
    }.get(row.trust, f"Nothing is known of the health of the {below}." if fed else "Nothing is underneath it.")


def _reasons(project: Project, goal: int) -> list[Reason]:
    graph = project.graph()
    label = graph.nodes[goal].label
    found = []
    answer = project.ask("trust")
    for row, said in zip(answer.rows, answer.records(), strict=True):
        if said["key_result"] != label or not row.path or row.path[-1].node != graph.nodes[goal].id:
            continue
        name = str(said["node"])
        owner = figures.team(str(said["owner"] or ""))
        i = graph.index.get(row.node)
        channel = channels.channel_of(project, str(said["owner"] or ""))
        tell = channels.tellable(project, i) if i is not None else ""
        to, steps = address("asset", row.node), _steps(row.path)
        found.append(Reason(row.node, name, to, owner, channel, tell, str(said["what"]), said["since"], steps))
    return found


def _steps(path: Sequence[Step]) -> tuple[Link, ...]:
    pages = {"key_result": "key_result", "objective": "objective"}
    return tuple(Link(s.name, address(pages.get(s.kind, "asset"), s.node), s.kind.replace("_", " ")) for s in path)


def _tree(answer: Answer) -> list[TreeRow]:
    """The metric tree as the question draws it; its first column indents by depth."""
    rows = []
    for said in answer.records():
        text = str(said["tree"])
        name = text.lstrip(" \u2502\u251c\u2514\u2500")
        rows.append(TreeRow((len(text) - len(name)) // 3, name, str(said["metric"] or ""), str(said["role"] or "")))
    return rows


def _seen(project: Project, node: str) -> tuple[tuple[Link, ...], float | None, date | None, tuple[str, ...]]:
    answer = project.ask("viewers")
    for row, said in zip(answer.rows, answer.records(), strict=True):
        if row.node == node:
            graph = project.graph()
            boards = standing_of(graph).eyes[graph.index[node]].boards
            links = tuple(Link(graph.nodes[b].label, address("asset", graph.nodes[b].id)) for b in boards)
            return links, said["views"], said["last_seen"], tuple(said["apart"])
    return (), None, None, ()


def _changes(target: Target) -> list[ChangeRow]:
    def shown(value: float | None) -> str:
        return "nothing" if value is None else amount(value, target.unit)

    return [
        ChangeRow(c.at, f"{c.field} from {shown(c.before)} to {shown(c.after)}")
        for c in sorted(target.changes, key=lambda c: c.at, reverse=True)
    ]


def _check_ins(project: Project, node: str) -> list[CheckIn]:
    if not project.stored:
        return []
    try:
        answer = check_ins(project, node)
    except HeadwayError:
        # What people said is beside the numbers: a store that is out of reach takes none of them away.
        return []
    return [_check_in(said) for said in answer.records()]


def _check_in(said: Mapping[str, Any]) -> CheckIn:
    return CheckIn(
        str(said["on"]),
        str(said["by"]),
        str(said["confidence"] or ""),
        str(said["status"] or ""),
        said["value"],
        str(said["note"] or ""),
    )


def _day(when: date) -> str:
    return f"{when.day} {when:%b %Y}"
