"""Triage: one list of everything that wants a decision, with what was decided about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any, Literal

from headway.answer import Answer, Column, Finding, fingerprint, listed, plural
from headway.graph.graph import Graph
from headway.graph.ledger import Entry
from headway.graph.model import KINDS, Gap, team_of
from headway.graph.suggest import suggestions
from headway.questions.alignment import lost_purpose
from headway.questions.evidence import cost_column, cost_value, make, money, month
from headway.questions.goals import neglected, unmeasured
from headway.questions.registry import Says, Supplied, question
from headway.questions.triage_state import Decisions, Retiring, State, Was, handle_of
from headway.questions.usage import shadow_goals, zombies

Kind = Literal["zombies", "shadow-goals", "neglected", "lost-purpose", "unmeasured"]

KINDS_OF_FINDING: Mapping[str, Kind] = {
    "HW201": "zombies",
    "HW202": "shadow-goals",
    "HW302": "neglected",
    "HW103": "lost-purpose",
    "HW303": "unmeasured",
}
"""Code of a finding -> what it is a kind of, in the order of the list."""

_ANYWAY = ("keep", "snooze", "assign")
"""What can be decided about every finding."""


@dataclass(frozen=True, slots=True)
class Item:
    """A finding that wants a decision, with what one needs to know to make it."""

    code: str
    key: str
    """Its fingerprint."""
    node: int
    kind: Kind
    name: str
    what: str
    """What it is: model, dashboard, key result, ..."""
    owner: str
    why: str
    suggested: str
    acts: tuple[str, ...]
    """What can be decided about it."""
    now: Was
    """What a later change is told from."""
    bearing: bool = False
    """Something protected, or outside, stands on it."""
    together: tuple[int, ...] = ()
    """Zombies that lineage ties together and that stand or fall with it, itself included, in the order of the graph."""

    @property
    def handle(self) -> str:
        """`@1f0c9a2`."""
        return handle_of(self.key)


@dataclass(frozen=True, slots=True)
class Case:
    """A finding with how it stands."""

    item: Item
    state: State

    @property
    def owner(self) -> str:
        """Who decides: who was named, else who owns it."""
        return self.state.assigned or self.item.owner


@question("HW951")
def triage(
    graph: Graph,
    *,
    kind: Annotated[
        Literal["all", "zombies", "shadow-goals", "neglected", "lost-purpose", "unmeasured"],
        Says("Only findings of this kind."),
    ] = "all",
    owner: Annotated[str, Says("Only findings that this team owns, or was assigned.")] = "",
    state: Annotated[Literal["open", "decided", "all"], Says("Which to list.")] = "open",
    decisions: Annotated[Sequence[Entry], Supplied("decisions")] = (),
    retirements: Annotated[Collection[Retiring] | None, Supplied("retirements")] = None,
) -> Answer:
    """What should be decided, why, what is suggested, and what has been decided before?

    Zombies, shadow goals, neglected goals, assets that lost their purpose and key results that cannot be measured, each
    asset once. A finding somebody decided about leaves the list until its day is over, or until it changed in a way
    that matters; then it comes back and says what had been decided. `headway decide` takes what is in the column
    Finding. Nothing that is decided here changes any other answer, or a gate.
    """
    said = Said(tuple(decisions))
    retiring = None if retirements is None else frozenset(retirements)
    return _answer(graph, said, retiring, kind, team_of(owner).casefold(), state)


@lru_cache(maxsize=8)
def _answer(
    graph: Graph, said: Said, retiring: frozenset[Retiring] | None, kind: str, owner: str, state: str
) -> Answer:
    """The answer, kept: nobody needs to have it worked out again until somebody decides."""
    desk = _desk(graph, said, retiring)
    every = [c for c in desk.cases if not owner or owner == team_of(c.owner).casefold()]
    shown = [c for c in every if kind in ("all", c.item.kind)]
    wanted = [c for c in shown if state == "all" or c.state.open == (state == "open")]
    columns = (
        Column("finding", "Finding"),
        Column("kind", "Kind"),
        Column("asset", "Asset"),
        Column("what", "Is", secondary=True),
        Column("why", "Why"),
        Column("owner", "Owner"),
        cost_column(graph),
        Column("suggested", "Suggested"),
        Column("state", "State"),
        Column("decided", "Decided"),
        Column("acts", "Can be decided", "list", secondary=True),
        Column("part", "Goes with", secondary=True),
        Column("together", "Together", "number", secondary=True),
    )
    return make(
        graph,
        "triage",
        "HW951",
        _headline(graph, shown),
        columns,
        [desk.row(c) for c in wanted],
        totals=_totals(graph, every),
        gaps=_gaps(graph, desk.decisions),
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What was written down, as the key of what was worked out from it: equal when every entry says the same."""

    entries: tuple[Entry, ...]

    def __hash__(self) -> int:
        return hash(tuple((e.id, e.at, e.subject, e.act) for e in self.entries))


class Desk:
    """Every finding of a graph, held against what was decided about it."""

    def __init__(self, graph: Graph, entries: Sequence[Entry], retirements: Collection[Retiring] | None) -> None:
        self._graph = graph
        self.decisions = Decisions(entries, graph.as_of)
        retiring = None if retirements is None else {one.node: one for one in retirements}
        order = {kind: k for k, kind in enumerate(KINDS_OF_FINDING.values())}
        found = (
            Case(
                item,
                self.decisions.state(item.key, item.now, graph.as_of, synced_at=graph.synced_at, retiring=retiring),
            )
            for item in items(graph)
        )
        self.cases: Sequence[Case] = sorted(
            found,
            key=lambda c: (
                not c.state.open,
                c.state.word != "came back",
                order[c.item.kind],
                -(c.item.now.cost or 0),
                c.item.name,
                c.item.key,
            ),
        )
        """Those that came back first, then by kind, the dearest first, then by name; what is decided about last."""
        self._rows: dict[str, Finding] = {}

    def row(self, case: Case) -> Finding:
        """A case as a row of the answer."""
        found = self._rows.get(case.item.key)
        if found is None:
            found = self._rows[case.item.key] = _row(self._graph, case)
        return found


def desk(graph: Graph, entries: Sequence[Entry], retirements: Collection[Retiring] | None = None) -> Desk:
    """Every finding with how it stands after some entries of the ledger, and the retirements there are; None where
    that is not known.

    Worked out once for as long as the same entries are asked about.
    """
    return _desk(graph, Said(tuple(entries)), None if retirements is None else frozenset(retirements))


@lru_cache(maxsize=4)
def _desk(graph: Graph, said: Said, retirements: frozenset[Retiring] | None) -> Desk:
    return Desk(graph, said.entries, retirements)


@lru_cache(maxsize=4)
def items(graph: Graph) -> tuple[Item, ...]:
    """Every finding that wants a decision, whatever was decided, each asset once: as the first kind that it is of.

    Load-bearing assets can be kept or linked, never retired.
    """
    found: dict[str, Item] = {}
    for item in (*_assets(graph), *_goals(graph)):
        known = found.get(item.key)
        if known is None:
            found[item.key] = item
        elif item.why not in known.why:
            why = (*known.now.why, *item.now.why)
            now = Was(known.now.cost, known.now.unit, known.now.use, why)
            found[item.key] = replace(known, why=f"{known.why}; {item.why}", now=now)
    return tuple(found.values())


@lru_cache(maxsize=4)
def _answers(graph: Graph) -> Mapping[Kind, Answer]:
    """The five questions, asked once; of an asset in several answers the first counts."""
    return {
        "zombies": zombies(graph),
        "shadow-goals": shadow_goals(graph),
        "lost-purpose": lost_purpose(graph),
        "neglected": neglected(graph),
        "unmeasured": unmeasured(graph),
    }


def _assets(graph: Graph) -> Iterator[Item]:
    answers = _answers(graph)
    parts = _parts(graph, [graph.index[row.node] for row in answers["zombies"].rows])
    boards = _suggested(graph)
    seen: dict[int, Item] = {}
    ledger = month(graph)
    unit = ledger.unit if ledger else ""
    for answer in (answers["zombies"], answers["shadow-goals"], answers["lost-purpose"]):
        for row in answer.rows:
            record = _record(answer, row)
            i = graph.index[row.node]
            if i in seen:  # that it once served something is worth knowing there
                seen[i] = replace(seen[i], why=f"{seen[i].why}; {_served(record)}")
                continue
            why = _why(graph, answer.code, record, i)
            cost = cost_value(graph, i)
            use = graph.use.status[i]
            bearing = i in graph.load_bearing
            board = KINDS[graph.nodes[i].kind].band == "dashboard"
            goes = use == "unused" and not bearing
            acts = (*(("retire",) if goes else ()), *(("link",) if board and graph.goals else ()), *_ANYWAY)
            seen[i] = Item(
                code=answer.code,
                key=fingerprint(answer.code, row),
                node=i,
                kind=KINDS_OF_FINDING[answer.code],
                name=record["asset"],
                what=record["kind"],
                owner=record["owner"] or "",
                why=f"{why}; something protected or outside stands on it" if bearing else why,
                suggested=_suggestion(use, bearing=bearing, offered=boards.get(i, ())),
                acts=acts,
                now=Was(None if cost is None else round(cost, 6), unit, use),
                bearing=bearing,
                together=parts.get(i, ()),
            )
    yield from seen.values()


def _why(graph: Graph, code: str, record: Mapping[str, Any], i: int) -> str:
    if code == "HW201":
        return f"serves no objective; {record['why']}"
    if code == "HW202":
        people = record["people"]
        who = f", by {plural(people, 'person', 'people')}" if people and record["counted"] == "exact" else ""
        reads = plural(record["reads"], "time")
        return f"read {reads} in {graph.policy.usage_window_days} days{who}, and serves no objective"
    used = {"used": "still used", "unused": "not used any more", "unknown": "use not known"}[graph.use.status[i]]
    return f"{_served(record)}; {used}"


def _served(record: Mapping[str, Any]) -> str:
    ended = f" on {record['ended']}" if record["ended"] else ""
    return f"served only {listed(record['objectives'])}, which ended{ended}"


def _suggestion(use: str, *, bearing: bool, offered: Sequence[str]) -> str:
    if offered:
        return f"link to {listed(offered)}"
    if use == "unused" and not bearing:
        return "retire"
    if bearing:
        return "keep, or give it a goal"
    return "write the goal down, or say no" if use == "used" else "find out who uses it"


def _suggested(graph: Graph) -> dict[int, tuple[str, ...]]:
    """Key results that dashboards seem to show, the likeliest first, by dashboard."""
    found: dict[int, tuple[str, ...]] = {}
    for offered in suggestions(graph):
        found[offered.board] = (*found.get(offered.board, ()), graph.nodes[offered.goal].label)
    return found


def _goals(graph: Graph) -> Iterator[Item]:
    for answer in (_answers(graph)["neglected"], _answers(graph)["unmeasured"]):
        for row in answer.rows:
            record = _record(answer, row)
            if answer.code == "HW302":
                why = f"nobody opened {listed(record['shown_on'])} in {graph.policy.neglected_days} days"
                helps = "ask its owner whether it still matters"
            else:
                why = record["why"]
                helps = record["hint"] or "make it measurable, or let it go"
            yield Item(
                code=answer.code,
                key=fingerprint(answer.code, row),
                node=graph.index[row.node],
                kind=KINDS_OF_FINDING[answer.code],
                name=f"{record['key_result']} ({record['objective']})",
                what="key result",
                owner=record["owner"] or "",
                why=why,
                suggested=helps,
                acts=_ANYWAY,
                now=Was(why=(why,) if answer.code == "HW303" else ()),
            )


def _record(answer: Answer, row: Finding) -> dict[str, Any]:
    return {c.key: value for c, value in zip(answer.columns, row.values, strict=True)}


def _parts(graph: Graph, dead: Collection[int]) -> dict[int, tuple[int, ...]]:
    """What lineage ties together among some assets: each with all of its part, in the order of the graph."""
    inside, found = set(dead), dict[int, tuple[int, ...]]()
    for start in sorted(inside):
        if start in found:
            continue
        part, todo = {start}, [start]
        while todo:
            i = todo.pop()
            for j in (*graph.upstream[i], *graph.downstream[i]):
                if j in inside and j not in part:
                    part.add(j)
                    todo.append(j)
        found |= dict.fromkeys(part, tuple(sorted(part)))
    return found


# ---------------------------------------------------------------------- the answer


def _row(graph: Graph, case: Case) -> Finding:
    item, state = case.item, case.state
    part = handle_of(f"{item.code}::{graph.nodes[item.together[0]].id}") if len(item.together) > 1 else None
    values = (
        item.handle,
        item.kind,
        item.name,
        item.what,
        item.why,
        case.owner or None,
        item.now.cost,
        item.suggested if state.open else None,
        state.word,
        state.sentence or None,
        list(item.acts) if state.open else ["reopen"],
        part,
        len(item.together) or None,
    )
    return Finding(values=values, node=graph.nodes[item.node].id, code=item.code, counts=state.open)


def _freed(cases: Iterable[Case]) -> list[int]:
    return [c.item.node for c in cases if c.state.open and "retire" in c.item.acts]


def _headline(graph: Graph, shown: Sequence[Case]) -> str:
    asking = [c for c in shown if c.state.open]
    decided = len(shown) - len(asking)
    back = sum(c.state.word == "came back" for c in asking)
    rest = f"; {plural(decided, 'finding')} {'is' if decided == 1 else 'are'} decided" if decided else ""
    if not asking:
        return f"Nothing wants a decision{rest}."
    cost = money(graph, _freed(asking))
    could = f" would free {cost}" if cost and any(c.item.now.cost for c in asking if "retire" in c.item.acts) else ""
    said = f"{plural(len(asking), 'decision')}{could}" if could else f"{plural(len(asking), 'finding')} to decide about"
    returned = f"; {back:,} of them came back" if back else ""
    return f"{said}{returned}{rest}."


def _totals(graph: Graph, every: Sequence[Case]) -> dict[str, Any]:
    """Per kind how many are open, and what they cost a month; over all kinds, whichever is listed."""
    ledger = month(graph)
    totals: dict[str, Any] = {
        "open": sum(c.state.open for c in every),
        "decided": sum(not c.state.open for c in every),
        "came_back": sum(c.state.word == "came back" for c in every),
        "freed": sum(ledger.amounts[i] for i in _freed(every)) / 1_000_000 if ledger else None,
    }
    for kind in KINDS_OF_FINDING.values():
        mine = [c for c in every if c.item.kind == kind and c.state.open]
        name = kind.replace("-", "_")
        totals[name] = len(mine)
        totals[f"{name}_cost"] = sum(ledger.amounts[c.item.node] for c in mine) / 1_000_000 if ledger else None
    return totals


def _gaps(graph: Graph, decisions: Decisions) -> tuple[Gap, ...]:
    """What the five questions do not know, each once, and decisions that could not be read."""
    found = dict.fromkeys(gap for answer in _answers(graph).values() for gap in answer.gaps)
    if decisions.unread:
        message = f"{plural(decisions.unread, 'decision')} cannot be read by this version of Headway"
        found[Gap(topic="decisions", message=message, hint="upgrade Headway")] = None
    return tuple(found)
