"""Goals: how each objective does, which goals nobody looks at, which cannot be measured, and what to believe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated

from headway.answer import Answer, Column, Finding, Step, figure, listed, plural
from headway.graph.graph import Graph
from headway.graph.model import KINDS, Gap
from headway.questions.evidence import gaps, make, no_goals, path_steps, the_goal
from headway.questions.progress import Assessment, Pace, RollUp
from headway.questions.registry import Says, question
from headway.questions.status import standing_of, trust_words, who_looks
from headway.questions.usage import in_quadrant

FINE = frozenset({"on pace", "done", "too early", "no pace"})

_DOUBT = ("broken", "untested", "warns", "unknown")

_GOAL_COLUMNS = (
    Column("key_result", "Key result"),
    Column("baseline", "Baseline", "number", secondary=True),
    Column("now", "Now", "number"),
    Column("target", "Target", "number"),
    Column("unit", "Unit"),
    Column("progress", "Progress", "percent"),
    Column("expected", "Expected", "percent", secondary=True),
    Column("pace", "Pace"),
    Column("forecast", "Forecast", "number", secondary=True),
    Column("trust", "Trust"),
    Column("who_looks", "Who looks"),
    Column("owner", "Owner", secondary=True),
)


@question("HW301")
def goals(
    graph: Graph,
    *,
    objective: Annotated[str, Says("Name or id of one objective; all of them without.", positional=True)] = "",
    ended: Annotated[bool, Says("Include objectives that have ended.")] = False,
) -> Answer:
    """How is each objective doing: value, target, progress, pace, forecast, trust, and who looks?

    An objective's progress is the weighted mean of its key results that have a value, with the coverage beside it; its
    status is its weakest key result. Deliverables are listed and do not count.
    """
    wanted = [the_goal(graph, objective)] if objective else in_order(graph, ended=ended)
    standing = standing_of(graph)
    sections = [_section(graph, o, full=bool(objective)) for o in wanted]
    if objective:
        return sections[0]
    live = [o for o in wanted if graph.state(o) != "ended" and not _is_standing(graph, o)]
    headline = no_goals(graph) or _headline([standing.objectives[o] for o in live])
    return make(
        graph, "goals", "HW301", headline, sections=tuple(sections), gaps=gaps(graph, "goals", "values", "trust")
    )


def in_order(graph: Graph, *, ended: bool = False) -> list[int]:
    """Objectives in the company's own order, the standing ones last."""
    found = [i for i, n in enumerate(graph.nodes) if n.kind == "objective"]
    kept = [i for i in found if ended or graph.state(i) != "ended"]
    return sorted(
        kept, key=lambda i: (_is_standing(graph, i), graph.objectives[i].order if i in graph.objectives else 0)
    )


def _is_standing(graph: Graph, objective: int) -> bool:
    record = graph.objectives.get(objective)
    return bool(record and record.standing)


def _headline(rolled: Sequence[RollUp]) -> str:
    if not rolled:
        return "No objective is active on this day."
    fine = sum(r.status in FINE for r in rolled)
    parts = [f"{fine} of {plural(len(rolled), 'objective')} on pace"]
    words = {"unsure": "cannot be trusted today", "not measured": "not fully measured"}
    counts = Counter(r.status for r in rolled)
    worst: tuple[Pace, ...] = ("off track", "behind", "overdue", "unsure", "not measured")
    parts += [f"{counts[status]} {words.get(status, status)}" for status in worst if counts[status]]
    return ", ".join(parts) + "."


def _section(graph: Graph, objective: int, *, full: bool) -> Answer:
    standing = standing_of(graph)
    rows = [_row(graph, g, standing.key_results[g]) for g in graph.parts.get(objective, ()) if g in graph.targets]
    rows += list(_deliverables(graph, objective))
    rolled = standing.objectives[objective]
    node = graph.nodes[objective]
    notes: tuple[Gap, ...] = ()
    if full:
        notes = tuple(_notes(graph, objective))
    totals = {
        "objective": node.id,
        "progress": _share(rolled.progress),
        "coverage": _share(rolled.coverage),
        "status": rolled.status,
        "measured": rolled.measured,
        "key_results": rolled.items,
        "state": graph.state(objective),
    }
    headline = _objective_sentence(graph, objective, rolled)
    sections = tuple(s for s in (_outlook(graph, objective),) if full and s.rows)
    return make(graph, "goals", "HW301", headline, _GOAL_COLUMNS, rows, totals=totals, gaps=notes, sections=sections)


def _outlook(graph: Graph, objective: int) -> Answer:
    """Where the key results of one objective will end, and what it takes to arrive."""
    rows = []
    for goal in graph.parts.get(objective, ()):
        a = standing_of(graph).key_results.get(goal)
        if a is None or goal not in graph.targets or (a.forecast is None and a.required is None and a.grade is None):
            continue
        f = a.forecast
        values = (
            graph.nodes[goal].label,
            graph.targets[goal].due,
            a.required.per_week if a.required else None,
            f.value if f else None,
            f.low if f else None,
            f.high if f else None,
            (f.outlook or None) if f else None,
            f.reaches_on if f else None,
            a.grade.score if a.grade else None,
            a.grade.zone if a.grade else None,
        )
        rows.append(Finding(values=values, node=graph.nodes[goal].id, counts=False))
    columns = (
        Column("key_result", "Key result"),
        Column("due", "Due", "date"),
        Column("needs_per_week", "Needs a week", "number"),
        Column("forecast", "Forecast", "number"),
        Column("low", "Low", "number"),
        Column("high", "High", "number"),
        Column("outlook", "Target"),
        Column("reaches_on", "Reached on", "date", secondary=True),
        Column("score", "Score", "number"),
        Column("zone", "Zone"),
    )
    return make(graph, "goals", "HW301", "Where it will end: forecast with its 90% interval", columns, rows)


def _objective_sentence(graph: Graph, objective: int, rolled: RollUp) -> str:
    node = graph.nodes[objective]
    facts: list[str] = []
    if graph.state(objective) in {"ended", "draft", "planned"}:
        facts.append(graph.state(objective))
    if _is_standing(graph, objective):
        facts.append(f"standing, {plural(rolled.items, 'key result')}")
    else:
        if rolled.progress is not None:
            facts.append(f"{rolled.progress:.0%}")
        facts.append(rolled.status)
        if rolled.measured < rolled.items:
            facts.append(f"{rolled.measured} of {rolled.items} measured")
        elif rolled.coverage < 1:
            facts.append(f"{rolled.coverage:.0%} measured")
    facts += [node.owner] if node.owner else []
    above = [graph.nodes[a].label for a in graph.ancestors_of(objective)]
    facts += [f"supports {listed(above)}"] if above else []
    return f"{node.label}: {', '.join(facts)}"


def _row(graph: Graph, goal: int, a: Assessment) -> Finding:
    target = graph.targets[goal]
    eyes = standing_of(graph).eyes[goal]
    aim: float | str | None = a.target
    if target.band:
        low, high = target.band.low, target.band.high
        aim = f"{'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}"
    values = (
        graph.nodes[goal].label + (" (draft)" if target.draft else ""),
        a.baseline,
        a.value,
        aim,
        target.unit or None,
        _share(a.progress),
        _share(a.expected),
        a.spoken,
        a.forecast.value if a.forecast else None,
        trust_words(graph, goal),
        who_looks(graph, eyes),
        graph.nodes[goal].owner or None,
    )
    return Finding(values=values, node=graph.nodes[goal].id, path=_blame_path(graph, goal), counts=a.pace not in FINE)


def _share(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _blame_path(graph: Graph, goal: int) -> tuple[Step, ...]:
    """From the node to blame up to the goal; nothing when there is nobody to blame."""
    blame = graph.health.blame.get(goal, ())
    if not blame:
        return ()
    service = next((s for s in graph.services(blame[0].node, 1 << graph.bit[goal]) if s.way == "computes"), None)
    return path_steps(graph, service.path) if service else ()


def _deliverables(graph: Graph, objective: int) -> Iterator[Finding]:
    for i in graph.parts.get(objective, ()):
        record = graph.deliverables.get(i)
        if record is None:
            continue
        late = not record.done and record.due is not None and record.due < graph.as_of
        state = "done" if record.done else f"overdue since {record.due}" if late else "open"
        due = f", due {record.due}" if record.due and not record.done and not late else ""
        name, owner = f"Deliverable: {graph.nodes[i].label}", graph.nodes[i].owner or None
        values = (name, None, None, None, None, None, None, state + due, None, None, None, owner)
        yield Finding(values=values, node=graph.nodes[i].id, counts=late)


def _notes(graph: Graph, objective: int) -> Iterator[Gap]:
    """What stands beside the numbers of one objective: notes of the assessment, forecasts, changes of targets."""
    for goal in graph.parts.get(objective, ()):
        if goal not in graph.targets:
            continue
        label, node = graph.nodes[goal].label, graph.nodes[goal].id
        assessment = standing_of(graph).key_results[goal]
        for note in assessment.notes:
            yield Gap(topic="values", message=f"{label}: {note}", node=node)
        for change in graph.targets[goal].changes:
            message = (
                f"{label}: {change.field} changed from {_was(change.before)} to {_was(change.after)} on {change.at}"
            )
            yield Gap(topic="goals", message=message, node=node)
    ours = {graph.nodes[i].id for i in graph.parts.get(objective, ())}
    yield from (g for g in graph.gaps if g.node in ours)


def _was(value: object) -> str:
    return "nothing" if value is None else f"{value:,.10g}" if isinstance(value, int | float) else str(value)


@question("HW306")
def readings(
    graph: Graph,
    *,
    key_result: Annotated[str, Says("Name or id of a key result, such as grow.mrr.", positional=True)],
) -> Answer:
    """What was read for a key result, when, and from what?

    The proof is the SQL that the latest value was read with, or its place in the goals file.
    """
    goal = the_goal(graph, key_result, "key_result")
    series = graph.readings.get(goal, ())
    rows = [
        Finding(
            values=(r.day, r.grain or None, r.value, r.complete, r.source, r.at),
            node=r.key_result,
            counts=False,
        )
        for r in series
    ]
    columns = (
        Column("day", "Day", "date"),
        Column("grain", "Period"),
        Column("value", "Value", "number"),
        Column("complete", "Complete", "bool"),
        Column("source", "From"),
        Column("read_at", "Read at", "date", secondary=True),
    )
    label, unit = graph.nodes[goal].label, graph.targets[goal].unit if goal in graph.targets else ""
    a = standing_of(graph).key_results[goal]
    sections: tuple[Answer, ...] = ()
    if a.value is None:
        headline = f"{label} has no value: {'; '.join(a.notes)}."
    else:
        last = max(series, key=lambda r: (r.day == a.day, r.day))
        on = "" if a.through is None else f" on {a.through}"
        source = {"": "", "manual": ", written by hand"}.get(last.source, f", from {last.source}")
        headline = f"{label} is {figure(a.value)}{' ' + unit if unit else ''}{on}{source}."
        lines = [Finding(values=(line.rstrip(),), counts=False) for line in last.proof.splitlines() if line.strip()]
        if lines:
            sections = (make(graph, "readings", "HW306", "How it was read", (Column("proof", "Proof"),), lines),)
    ours = tuple(g for g in graph.gaps if g.node == graph.nodes[goal].id)
    return make(graph, "readings", "HW306", headline, columns, rows, gaps=ours, sections=sections)


@question("HW302")
def neglected(graph: Graph) -> Answer:
    """Which goals does nobody look at?

    A key result is neglected when something shows it and nobody opened that inside `policy.neglected_days`. One that
    is shown nowhere is unmeasured instead; where the use is not known, nothing is said.
    """
    rows = []
    living = _living(graph)
    standing = standing_of(graph)
    for goal in living:
        eyes = standing.eyes[goal]
        if eyes.state != "neglected":
            continue
        values = (
            graph.nodes[goal].label,
            graph.nodes[graph.objective_of(goal)].label,
            graph.nodes[goal].owner or None,
            [graph.nodes[b].label for b in eyes.boards],
            eyes.last,
            who_looks(graph, eyes),
        )
        path = path_steps(graph, [eyes.boards[0], goal])
        rows.append(Finding(values=values, node=graph.nodes[goal].id, path=path))
    columns = (
        Column("key_result", "Key result"),
        Column("objective", "Objective"),
        Column("owner", "Owner", secondary=True),
        Column("shown_on", "Shown on", "list"),
        Column("last_looked", "Last looked at", "date"),
        Column("who_looks", "Who looks"),
    )
    unknown = sum(standing.eyes[g].state == "unknown" for g in living)
    verb = "is" if len(rows) == 1 else "are"
    headline = no_goals(graph) or (
        f"{plural(len(rows), 'key result')} {verb} neglected: nobody opened what shows "
        f"{'it' if len(rows) == 1 else 'them'} in {graph.policy.neglected_days} days."
        if rows
        else "No goal is known to be neglected."
    )
    more = [Gap(topic="usage", message=f"who looks at {plural(unknown, 'key result')} is not known")] if unknown else []
    unread = len(in_quadrant(graph, "neglected", graph.assets))
    totals = {"neglected": len(rows), "unknown": unknown, "assets_serving_but_unused": unread}
    return make(
        graph,
        "neglected",
        "HW302",
        headline,
        columns,
        rows,
        totals=totals,
        gaps=(*more, *gaps(graph, "usage", "goals")),
    )


def _living(graph: Graph) -> list[int]:
    return [g for g in graph.goals if graph.active >> graph.bit[g] & 1 and g in graph.targets]


@question("HW303")
def unmeasured(graph: Graph) -> Answer:
    """Which key results cannot be measured, and why?

    Bound to nothing; bound to something that does not exist; without a target; returning nothing; or shown nowhere.
    """
    rows = []
    some_board = any(KINDS[graph.nodes[i].kind].band == "dashboard" for i in graph.assets)
    for goal in _living(graph):
        for reason, hint in _reasons(graph, goal, some_board=some_board):
            objective = graph.nodes[graph.objective_of(goal)].label
            values = (graph.nodes[goal].label, objective, graph.nodes[goal].owner or None, reason, hint or None)
            rows.append(Finding(values=values, node=graph.nodes[goal].id))
    columns = (
        Column("key_result", "Key result"),
        Column("objective", "Objective"),
        Column("owner", "Owner", secondary=True),
        Column("why", "Why"),
        Column("hint", "What would help"),
    )
    count = len({r.node for r in rows})
    total = plural(len(_living(graph)), "key result")
    headline = no_goals(graph) or (
        f"{count} of {total} cannot be measured or {'is' if count == 1 else 'are'} shown nowhere."
        if rows
        else f"All {total} can be measured, and something shows them."
    )
    return make(
        graph, "unmeasured", "HW303", headline, columns, rows, totals={"unmeasured": count}, gaps=gaps(graph, "values")
    )


def _reasons(graph: Graph, goal: int, *, some_board: bool) -> Iterator[tuple[str, str]]:
    target = graph.targets[goal]
    missing = [u for u in graph.unlinked if u.node == goal and u.role == "feeds"]
    if not target.binding.way:
        yield "it is only words: bound to no metric, model, SQL or readings", "headway init lists the metrics there are"
    for u in missing:
        what, _, name = u.reference.removeprefix("ref:").partition("/")
        fits = f"{name!r} fits {len(u.match.nodes)} nodes" if u.match.nodes else f"there is no {what} {name!r}"
        yield fits, graph.suggestion(u)
    standing = _is_standing(graph, graph.objective_of(goal))
    if target.binding.way and target.target is None and target.band is None and target.stretch is None and not standing:
        yield "it has no target", "write target: or band: beside it"
    readings = graph.readings.get(goal, ())
    if readings and all(r.value is None for r in readings):
        yield "it was evaluated and returned nothing", "headway goals shows the query's window"
    elif not readings and target.binding.way and not missing:
        failed = next((g for g in graph.gaps if g.topic == "values" and g.node == graph.nodes[goal].id), None)
        if failed:
            yield failed.message, failed.hint
    if some_board and not graph.shown_on.get(goal):
        yield "it is shown nowhere", "name a dashboard under shown_on:"


@question("HW304")
def trust(graph: Graph) -> Answer:
    """Which key results cannot be trusted today, which node is to blame, since when, and who owns it?"""
    rows = []
    doubtful = 0
    for goal in _living(graph):
        blame = graph.health.blame.get(goal, ())
        doubtful += graph.health.trust[goal] in {"broken", "untested"}
        for b in blame[:5]:
            node = graph.nodes[b.node]
            values = (
                graph.nodes[goal].label,
                graph.health.trust[goal],
                node.name,
                node.owner or None,
                b.check.name,
                b.check.message or b.check.status,
                b.since.date() if b.since else None,
            )
            service = next(s for s in graph.services(b.node, 1 << graph.bit[goal]) if s.way == "computes")
            path = path_steps(graph, service.path)
            rows.append(Finding(values=values, node=node.id, path=path, counts=b.state != "warns"))
    columns = (
        Column("key_result", "Key result"),
        Column("trust", "Trust"),
        Column("node", "To blame"),
        Column("owner", "Owner"),
        Column("check", "Check", secondary=True),
        Column("what", "What"),
        Column("since", "Since", "date"),
    )
    rows.sort(key=lambda r: (not r.counts, _DOUBT.index(str(r.values[1]))))
    living = _living(graph)
    if not graph.health.known:
        headline = "Whether any number can be trusted is not known: no run results were found."
    elif doubtful:
        headline = f"{doubtful} of {plural(len(living), 'key result')} cannot be trusted today."
    else:
        headline = (
            no_goals(graph) or "No key result is known to stand on data that failed, is stale or was never tested."
        )
    totals = {"known": graph.health.known}
    return make(graph, "trust", "HW304", headline, columns, rows, totals=totals, gaps=gaps(graph, "trust"))


@question("HW305")
def standing(graph: Graph) -> Answer:
    """Is the standing objective still within its limit?

    A standing objective holds permanent reporting. Its key results need no target, and their number is limited, so
    that it cannot become a catch-all.
    """
    rows = []
    for o in in_order(graph):
        if not _is_standing(graph, o):
            continue
        limit = graph.objectives[o].limit if graph.objectives[o].limit is not None else graph.policy.standing_limit
        count = sum(p in graph.targets for p in graph.parts.get(o, ()))
        looked = sum(
            standing_of(graph).eyes[p].state == "looked at" for p in graph.parts.get(o, ()) if p in graph.targets
        )
        values = (graph.nodes[o].label, graph.nodes[o].owner or None, count, limit, looked)
        rows.append(Finding(values=values, node=graph.nodes[o].id, counts=count > (limit or 0)))
    columns = (
        Column("objective", "Objective"),
        Column("owner", "Owner", secondary=True),
        Column("key_results", "Key results", "number"),
        Column("limit", "Limit", "number"),
        Column("looked_at", "Looked at", "number"),
    )
    over = [r for r in rows if r.counts]
    if not rows:
        headline = "There is no standing objective."
    elif over:
        headline = f"{over[0].values[0]} has {over[0].values[2]} key results, over its limit of {over[0].values[3]}."
    else:
        headline = (
            "; ".join(f"{r.values[0]} has {r.values[2]} of at most {r.values[3]} key results" for r in rows) + "."
        )
    return make(graph, "standing", "HW305", headline, columns, rows)
