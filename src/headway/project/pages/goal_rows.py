"""Goals as rows: one objective, one key result, as every page shows them. Only arranges what questions have said."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

import msgspec

from headway.graph.graph import Graph
from headway.graph.model import Target
from headway.project.pages import figures
from headway.project.pages.goal_words import Chip, chip_of, colours, expected_now
from headway.project.pages.page import Link, Phrase, Tone
from headway.project.pages.table import address
from headway.project.workspace import Project
from headway.questions.opening import doubted, key_results, trusted_part
from headway.questions.progress import Assessment, Pace, RollUp
from headway.questions.status import Eyes, standing_of, trust_words, who_looks
from headway.render.html.charts import percent

_SIGNS = {"EUR": "\u20ac", "USD": "$", "GBP": "\u00a3", "JPY": "\u00a5"}


Point = tuple[float, float, date]
"""One reading on a chart: share of the period that had passed, the value, and its day."""


class KeyResultRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key result as a row of a card."""

    id: str
    name: str
    to: str
    bound: str
    """The metric or model it is bound to; '' when it is bound to nothing."""
    linked: bool
    owner: str
    draft: bool
    baseline: float | None
    now: float | None
    target: float | None
    low: float | None = None
    high: float | None = None
    unit: str
    now_text: str
    target_text: str
    """`→ 6 months`, `within 0-25`; '' without a target."""
    progress: float | None
    expected: float | None
    progress_text: str
    pace: Pace
    verdict: Chip
    trust: str
    trust_mark: Chip
    trust_at: str
    """Name of the node to blame; ''."""
    trust_to: str
    """Where the reason is shown."""
    who: tuple[str, ...]
    """`14 people`, `3 executives`; never a name."""
    looked: str
    """looked at, neglected, unknown, shown nowhere."""
    points: tuple[Point, ...]
    """Readings since the start, oldest first."""
    plan_from: float | None
    plan_to: float | None
    tail: float
    """Share of the period that has passed; a dotted line leads there from a reading that is not trusted or stale."""
    doubtful: bool
    """The value is that of the last reading, not of today."""


class DeliverableRow(msgspec.Struct, frozen=True):
    """Something that is done or not; never counted."""

    name: str
    done: bool
    text: str
    tone: Tone


class ObjectiveRow(msgspec.Struct, frozen=True, kw_only=True):
    """An objective as a card."""

    id: str
    name: str
    to: str
    colour: int
    """1 to 6; the same for as long as it lives."""
    team: str
    state: str
    supports: tuple[Link, ...]
    standing: bool
    period: str
    start: date | None
    progress: float | None
    trusted: float | None
    """What of the progress comes from readings that are trusted."""
    expected: float | None
    coverage: float
    status: Pace
    verdict: Chip
    notes: tuple[str, ...]
    assets: int
    cost: float | None
    """A month, in the unit of the page; None where no cost is known."""
    cost_text: str
    on_map: str
    key_results: tuple[KeyResultRow, ...]
    below: tuple[Link, ...]
    """Objectives that support it; its progress is theirs where it has no key results of its own."""
    deliverables: tuple[DeliverableRow, ...]
    initiatives: tuple[Link, ...]


def verdict(pace: Pace, *, partly: bool = False) -> Chip:
    """A verdict as a chip. `partly`: of an objective, something in it is measured."""
    return chip_of("unsure" if pace == "not measured" and partly else pace)


@lru_cache(maxsize=4)
def _served(graph: Graph) -> Mapping[int, int]:
    """Number of assets by the mask of the goals that they serve: there are far fewer masks than assets."""
    return Counter(graph.served[i] for i in graph.assets)


def objective_row(project: Project, objective: int) -> ObjectiveRow:
    """One objective with everything under it."""
    graph = project.graph()
    node, record = graph.nodes[objective], graph.objectives.get(objective)
    rolled = standing_of(graph).objectives[objective]
    below = [i for i in graph.parts.get(objective, ()) if graph.nodes[i].kind == "objective"]
    cost, cost_text = _cost(project, _tree(graph, objective))
    mask = graph.goal_mask(objective)
    parts = graph.parts.get(objective, ())
    goals = key_results(graph, [objective])
    initiatives = [
        i for g in (*goals, objective) for i in graph.parts.get(g, ()) if graph.nodes[i].kind == "initiative"
    ]
    above = graph.supports.get(objective, ())
    return ObjectiveRow(
        id=node.id,
        name=node.label,
        to=address("objective", node.id),
        colour=colours(graph)[objective],
        team=figures.team(node.owner),
        state=graph.state(objective),
        supports=tuple(Link(graph.nodes[a].label, address("objective", graph.nodes[a].id)) for a in above),
        standing=bool(record and record.standing),
        period=record.period if record else "",
        start=record.start if record else None,
        progress=rolled.progress,
        trusted=trusted_part(graph, objective),
        expected=expected_now(graph, objective),
        coverage=rolled.coverage,
        status=rolled.status,
        verdict=verdict(rolled.status, partly=rolled.measured > 0),
        notes=tuple(_notes(graph, objective, rolled))[:2],
        assets=sum(count for served, count in _served(graph).items() if served & mask),
        cost=cost,
        cost_text=cost_text,
        on_map=address("map", objective=node.id),
        key_results=tuple(key_result_row(project, g) for g in goals),
        below=tuple(Link(graph.nodes[i].label, address("objective", graph.nodes[i].id)) for i in below),
        deliverables=tuple(_deliverable(graph, i) for i in parts if i in graph.deliverables),
        initiatives=tuple(Link(graph.nodes[i].label, graph.nodes[i].url) for i in dict.fromkeys(initiatives)),
    )


def key_result_row(project: Project, goal: int) -> KeyResultRow:
    """One key result."""
    graph = project.graph()
    node, target = graph.nodes[goal], graph.targets[goal]
    standing = standing_of(graph)
    a, eyes = standing.key_results[goal], standing.eyes[goal]
    band = target.band if a.target is None else None
    doubtful = a.value is not None and (a.pace == "unsure" or a.stale)
    mark, at, to = _trust(graph, goal, target)
    bound = _bound(target)
    return KeyResultRow(
        id=node.id,
        name=node.label,
        to=address("key_result", node.id),
        bound=bound,
        linked=bool(bound),
        owner=figures.team(node.owner),
        draft=target.draft,
        baseline=a.baseline,
        now=a.value,
        target=a.target,
        low=band.low if band else None,
        high=band.high if band else None,
        unit=target.unit,
        now_text=amount(a.value, target.unit, unit_shown=a.target is None),
        target_text=aim_words(a, target),
        progress=a.progress,
        expected=a.expected,
        progress_text=_progress_text(a, target, doubtful=doubtful),
        pace=a.pace,
        verdict=verdict(a.pace),
        trust=graph.health.trust[goal],
        trust_mark=mark,
        trust_at=at,
        trust_to=to,
        who=_who(project, goal, eyes),
        looked=eyes.state,
        points=_points(graph, goal, target),
        plan_from=a.baseline,
        plan_to=a.target,
        tail=a.elapsed if doubtful and a.elapsed is not None else 0.0,
        doubtful=doubtful,
    )


def amount(value: float | None, unit: str, *, unit_shown: bool = True) -> str:
    """`€4.62`, `22.8%`, `7.2 months`, `1,840`; an en dash where there is none. Three figures, money with its cents."""
    if value is None or not math.isfinite(value):
        return "\u2013"
    money = _SIGNS.get(unit)
    size = abs(value)
    if size >= 10_000 and money:
        said = figures.short(value).replace(".0k", "k")
    elif size >= 100 or value == int(value):
        said = f"{value:,.0f}"
    elif money:
        said = f"{value:.2f}"
    else:
        said = f"{value:.{max(0, 2 - math.floor(math.log10(size)))}f}"
        said = said.rstrip("0").rstrip(".") if "." in said else said
    if money:
        return f"{money}{said}" if value >= 0 else f"-{money}{said.lstrip('-')}"
    if not unit or not unit_shown:
        return said
    return f"{said}%" if unit in {"percent", "%"} else f"{said} {unit}"


def aim_words(a: Assessment, target: Target) -> str:
    """`→ 6 months`, `within 0-25`: what a key result is to reach; '' without a target."""
    if a.target is not None:
        return f"\u2192 {amount(a.target, target.unit)}"
    if target.band is None:
        return ""
    low, high = target.band.low, target.band.high
    if low is None or high is None:
        edge = low if high is None else high
        return f"{'at least' if high is None else 'at most'} {amount(edge, target.unit)}" if edge is not None else ""
    return f"within {amount(low, target.unit, unit_shown=False)}\u2013{amount(high, target.unit)}"


def _progress_text(a: Assessment, target: Target, *, doubtful: bool) -> str:
    if a.value is None:
        return "Not counted as zero"
    if a.progress is None or a.attainment is None:
        return "No target"
    if doubtful:
        return f"{percent(a.attainment)} when last read"
    if target.band is not None and a.target is None:
        return "In its band" if a.attainment >= 1 else "Out of its band"
    expected = f" \u00b7 expected {percent(a.expected)}" if a.expected is not None else ""
    return f"{percent(a.attainment)}{expected}"


def _bound(target: Target) -> str:
    binding = target.binding
    if binding.way == "model":
        return f"{binding.expression} of {binding.model}"[:120] if binding.expression else binding.model
    return {"metric": binding.metric, "sql": "a query of its own", "readings": "written by hand", "": ""}[binding.way]


_MARKS: Mapping[str, tuple[Tone, str]] = {
    "trusted": ("good", "shield"),
    "warns": ("warn", "triangle"),
    "untested": ("mute", "triangle"),
    "broken": ("bad", "crossed"),
    "unknown": ("mute", "open"),
}


def _trust(graph: Graph, goal: int, target: Target) -> tuple[Chip, str, str]:
    """The trust of a key result as a mark, the node to blame, and where the reason is shown."""
    trust, blame = graph.health.trust[goal], graph.health.blame.get(goal, ())
    tone, icon = _MARKS[trust]
    words = trust_words(graph, goal).partition(": ")[0]
    if trust == "unknown":
        # By hand, or without anything underneath: nothing was computed that could be late or fail.
        words = {"readings": "By hand", "": "No model yet"}.get(target.binding.way, words)
    own = address("key_result", graph.nodes[goal].id)
    if not blame:
        return Chip(_upper(words), tone, icon), "", own
    first = graph.nodes[blame[0].node]
    return Chip(_upper(words), tone, icon), first.name, address("lineage", first.id) or own


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _who(project: Project, goal: int, eyes: Eyes) -> tuple[str, ...]:
    graph = project.graph()
    said = who_looks(graph, eyes)
    if eyes.state == "neglected":
        first, _, rest = said.partition(" ")
        return _upper(first), rest
    if eyes.state != "looked at":
        return (_upper(said),)
    executives = _executives(project).get(graph.nodes[goal].id, "none")
    more = () if executives == "none" else (f"{executives} {'executive' if executives == '1' else 'executives'}",)
    return (_upper(said), *more)


def _executives(project: Project) -> Mapping[str, str]:
    answer = project.ask("viewers")
    at = [c.key for c in answer.columns].index("executives")
    return {row.node: row.values[at] or "none" for row in answer.rows}


def _points(graph: Graph, goal: int, target: Target) -> tuple[Point, ...]:
    """The readings of the period in the grain that is judged, each once; the newest alone where none is inside."""
    known = [r for r in graph.readings.get(goal, ()) if r.value is not None and math.isfinite(r.value)]
    known = [r for r in known if r.day <= graph.as_of]
    if not known:
        return ()
    grains = {r.grain for r in known}
    grain = target.binding.grain if target.binding.grain in grains else max(known, key=lambda r: r.day).grain
    by_day = {r.day: r.value for r in sorted(known, key=lambda r: r.day) if r.grain == grain}
    first, last = target.start or min(by_day), target.due or graph.as_of
    length = max(1, (last - first).days)
    inside = {d: v for d, v in by_day.items() if d >= first} or dict([max(by_day.items())])
    return tuple(
        (round(min(1.0, max(0.0, (d - first).days / length)), 4), v, d) for d, v in inside.items() if v is not None
    )


def _notes(graph: Graph, objective: int, rolled: RollUp) -> list[str]:
    state = graph.state(objective)
    notes = [_upper(state)] if state != "active" else []
    goals = key_results(graph, [objective])
    known = standing_of(graph).key_results
    if rolled.status in {"overdue", "off track", "behind"} and len(goals) > 1:
        weakest = next((g for g in goals if known[g].pace == rolled.status), None)
        notes += [f"Weakest: {graph.nodes[weakest].label}"] if weakest is not None else []
    if 0 < rolled.measured < rolled.items:
        notes.append(f"{rolled.measured} of {rolled.items} measured")
    doubtful = len(doubted(graph, [objective]))
    if doubtful:
        notes.append(f"{doubtful} {'reading' if doubtful == 1 else 'readings'} not trusted")
    return notes


def _deliverable(graph: Graph, i: int) -> DeliverableRow:
    record = graph.deliverables[i]
    name = graph.nodes[i].label
    if record.done:
        when = f" on {record.done_on.day} {record.done_on:%b}" if record.done_on else ""
        return DeliverableRow(name, True, f"done{when}", "good")
    if record.due is None:
        return DeliverableRow(name, False, "open", "")
    late = record.due < graph.as_of
    words = f"{'overdue since' if late else 'due'} {record.due.day} {record.due:%b}"
    return DeliverableRow(name, False, words, "bad" if late else "")


def _tree(graph: Graph, objective: int) -> list[str]:
    """Ids of an objective and of all that support it, each once."""
    found, todo = {objective}, [objective]
    while todo:
        below = [p for p in graph.parts.get(todo.pop(), ()) if graph.nodes[p].kind == "objective" and p not in found]
        found.update(below)
        todo += below
    return [graph.nodes[o].id for o in sorted(found)]


def _cost(project: Project, objectives: Sequence[str]) -> tuple[float | None, str]:
    """What objectives cost together in 30 days, from the question of cost; shared cost is split as it says."""
    totals = project.ask("cost").totals
    parts = totals.get("parts_micros")
    if not parts:
        return None, ""
    micros = sum(parts.get(o, 0) for o in objectives)
    said = figures.in_unit(str(totals["unit"]), micros / 1_000_000)
    return micros / 1_000_000, said if totals.get("stands_in") else f"{said} a month"


def phrases(said: Sequence[object]) -> tuple[Phrase, ...]:
    """Parts of a sentence of a question as phrases of a page."""
    return tuple(Phrase(getattr(s, "text", ""), getattr(s, "tone", "")) for s in said)
