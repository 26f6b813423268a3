"""The Lineage: one focus with its upstream and downstream. Why can I not trust this number, and who fixes it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from headway.answer import figure, plural
from headway.graph import health
from headway.graph.decided import handle
from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.graph.spend import MICRO
from headway.graph.suggest import Suggestion
from headway.project import Project, channels, linking
from headway.project.linking import State
from headway.project.pages import bands, figures, map_payload
from headway.project.pages.column_rows import ColumnRow, listed_columns
from headway.project.pages.filters import find_node, next_below
from headway.project.pages.goal_rows import aim_words
from headway.project.pages.goal_words import Chip, chip_of, expected_now
from headway.project.pages.map_panel import Line, blame_words, ran_words
from headway.project.pages.map_payload import people
from headway.project.pages.page import Page, said
from headway.project.pages.table import address
from headway.questions.evidence import asset_name, month, people_words
from headway.questions.status import standing_of

VERSION = 1
MOST = 5_000
"""Nodes of a payload at most: those nearest to the focus."""
STEPS = ("1", "2", "3", "all")
WAYS = ("up", "right")

_ASIDE = frozenset({"deliverable", "initiative"})
_COLUMNS = 60
"""Columns that the panel lists; the page of the asset has all of them."""
_LISTED = 6
_SUGGESTED = 20
"""Suggested links that are drawn and listed."""

Flag = Literal["", "warn", "bad"]


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """A node of the picture."""

    id: str
    kind: str
    band: int
    folder: str
    name: str
    fact: str
    flag: Flag = ""
    """`bad`: on the broken path. `warn`: a test of its own warns."""
    cost: float = -1.0
    """A month; -1 where it is not known."""
    said: str = ""
    """What it is, in words, for those who hear it."""
    aside: bool = False
    """Within reach only along a suggested link."""


class Arrow(msgspec.Struct, frozen=True, omit_defaults=True):
    """Data flows, or a goal is shown or supported, from `a` to `b`: positions of cards."""

    a: int
    b: int
    evidence: str = ""
    """How it is known, where it is not simply declared; `circle` when both feed one another in a circle."""


class Dash(msgspec.Struct, frozen=True):
    """A suggested link between two cards; it never counts as lineage."""

    a: int
    b: int


class SuggestedLink(msgspec.Struct, frozen=True, kw_only=True):
    """That a dashboard seems to show a key result, and what somebody said about it."""

    handle: str
    board: str
    goal: str
    to: str
    """Address of the Lineage of the other end."""
    score: float
    """0..1: see graph/suggest.py."""
    reasons: tuple[str, ...]
    state: State
    """What was decided since the last sync; '' while nobody has."""


class LineagePayload(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the Lineage draws."""

    version: int
    lanes: list[str]
    nodes: list[Card]
    edges: list[Arrow]
    suggested: list[Dash]
    focus: int
    selected: int
    left_out: int
    """Nodes within reach that are not in the payload."""
    unit: list[str]
    """What stands before an amount, and what after it."""


class LineagePage(Page, frozen=True, kw_only=True):
    """The Lineage with everything beside it."""

    node: str
    name: str
    kind: str
    team: str
    goal: bool
    verdict: Chip
    facts: tuple[Line, ...]
    why_not: tuple[Line, ...]
    """From the broken node up to the focus, each with its state."""
    waiting: tuple[Line, ...]
    """What else stands on the broken node and who reads that."""
    fixers: tuple[Line, ...]
    tell: str
    """Address of the page that tells who can fix it; '' where there is nothing to tell, or no channel."""
    columns: tuple[ColumnRow, ...]
    more_columns: int
    columns_note: str
    suggested: tuple[SuggestedLink, ...]
    """Links to key results that nobody has accepted or declined yet, best first."""
    more_suggested: int
    dashes: bool
    """Suggested links are drawn."""
    writes: bool
    """Decisions can be kept."""
    steps: str
    way: str
    open: str
    list: str
    map: str
    page: str
    """The page of the focus itself."""
    payload: LineagePayload


def lineage(
    project: Project,
    *,
    node: str,
    steps: str = "",
    way: str = "",
    open: str = "",  # noqa: A002
    suggested: str = "",
) -> LineagePage:
    """The Lineage around a node, `steps` deep, with the stacks in `open` opened. Raises UnknownName."""
    graph = project.graph()
    focus = find_node(project, node)
    reached = _reach(graph, focus)
    offered = linking.suggested(graph, _boards_under(graph, reached, focus), _goals_under(graph, focus))
    payload = _payload(graph, project.config.layers, focus, reached, offered[:_SUGGESTED])
    blamed = _blamed(graph, focus)
    columns, more, note = listed_columns(graph, focus, _COLUMNS)
    return LineagePage(
        title=node_name(graph, focus),
        sentence=said(_sentence(project, focus, blamed, len(reached) - 1)),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        gaps=tuple(g for g in graph.gaps if g.topic in {"lineage", "trust"}),
        node=graph.nodes[focus].id,
        name=node_name(graph, focus),
        kind=graph.nodes[focus].kind.replace("_", " "),
        team=figures.team(graph.nodes[focus].owner),
        goal=KINDS[graph.nodes[focus].kind].goal,
        verdict=node_verdict(graph, focus),
        facts=tuple(_facts(graph, focus)),
        why_not=tuple(_why_not(graph, focus, blamed)),
        waiting=tuple(_waiting(graph, focus, blamed)),
        fixers=tuple(_fixers(project, blamed)),
        tell=channels.tellable(project, blamed.node) if blamed else "",
        columns=columns,
        more_columns=more,
        columns_note=note,
        suggested=tuple(_suggested(project, focus, offered[:_SUGGESTED])),
        more_suggested=max(0, len(offered) - _SUGGESTED),
        dashes=bool(suggested and offered),
        writes=project.use_store,
        steps=steps,
        way=way or "up",
        open=open,
        list=address("list", around=graph.nodes[focus].id),
        map=_map_of(graph, focus),
        page=page_of(graph, focus),
        payload=payload,
    )


def node_name(graph: Graph, i: int) -> str:
    """What a node is called on a page: a source with the name it is declared under, goals and dashboards by title."""
    node = graph.nodes[i]
    if node.kind == "source":
        return bands.source_name(node)
    return node.label if KINDS[node.kind].goal or KINDS[node.kind].band == "dashboard" else asset_name(graph, i)


def _map_of(graph: Graph, i: int) -> str:
    """The Map with the focus selected; of a goal, with its objective."""
    if not KINDS[graph.nodes[i].kind].goal:
        return address("map", asset=graph.nodes[i].id)
    objective = graph.objective_of(i)
    return address("map", objective=graph.nodes[objective].id if graph.nodes[objective].kind == "objective" else "")


def page_of(graph: Graph, i: int) -> str:
    """Address of the page of a node; '' where it has none."""
    kind = graph.nodes[i].kind
    if kind in {"objective", "key_result"}:
        return address(kind, graph.nodes[i].id)
    return "" if KINDS[kind].goal else address("asset", graph.nodes[i].id)


# ---------------------------------------------------------------------- the payload


def _reach(graph: Graph, focus: int) -> dict[int, int]:
    """Everything upstream and everything downstream of the focus, with its distance. A sibling is not a neighbour."""
    found = graph.walk([focus], "upstream")
    below = {focus: 0}
    todo = [focus]
    for i in todo:
        for j in next_below(graph, i):
            if j not in below:
                below[j] = below[i] + 1
                todo.append(j)
    for i, distance in below.items():
        found[i] = min(distance, found.get(i, distance))
    # No data flows through deliverables and initiatives.
    return {i: distance for i, distance in found.items() if i == focus or graph.nodes[i].kind not in _ASIDE}


def _payload(
    graph: Graph,
    layers: Mapping[str, Sequence[str]],
    focus: int,
    reached: Mapping[int, int],
    offered: Sequence[Suggestion],
) -> LineagePayload:
    order = sorted(reached, key=lambda i: (reached[i], graph.nodes[i].id))
    near = order[:MOST]
    ends = dict.fromkeys(i for s in offered for i in (s.board, s.goal))
    kept = [*near, *(i for i in ends if i not in reached)]
    place = {i: k for k, i in enumerate(kept)}
    placed = map_payload.placed(graph, layers)
    trust = map_payload.trust_of(graph)
    checks = _Checks(
        Counter(c.node for c in graph.checks if c.kind in {"test", "unit_test"}),
        frozenset(c.node for c in graph.checks if c.kind == "freshness" and c.status == "pass"),
    )
    cards = [_card(graph, i, placed[i], _flag(graph, i, trust), checks, aside=i not in reached) for i in kept]
    circles = {i: k for k, circle in enumerate(graph.cycles) for i in circle}
    arrows = []
    for i in near:
        for j in dict.fromkeys(next_below(graph, i)):
            if j in place and j in reached:
                circle = i in circles and circles[i] == circles.get(j)
                evidence = "circle" if circle else graph.evidence.get((i, j), "")
                arrows.append(Arrow(place[i], place[j], evidence))
    ledger = month(graph)
    unit = figures.in_unit(ledger.unit, 0).split("0", 1) if ledger else ["", ""]
    return LineagePayload(
        version=VERSION,
        lanes=list(bands.NAMES),
        nodes=cards,
        edges=arrows,
        suggested=[Dash(place[s.board], place[s.goal]) for s in offered if s.board in place and s.goal in place],
        focus=place[focus],
        selected=place[focus],
        left_out=len(order) - len(near),
        unit=unit,
    )


class _Checks(NamedTuple):
    """What the checks of a graph say that a card shows: number of tests by node, and the sources that are fresh."""

    tests: Mapping[str, int]
    fresh: frozenset[str]


def _flag(graph: Graph, i: int, trust: Sequence[health.Trust]) -> Flag:
    """`bad` for what is broken itself, and for what stands on it on the way to a goal."""
    if i in graph.bit:
        return "bad" if graph.health.trust[i] == "broken" else ""
    own = graph.health.own.get(i, ())
    leads = graph.computes[i] | graph.informs[i]
    if any(b.state == "broken" for b in own) or (trust[i] == "broken" and leads):
        return "bad"
    return "warn" if any(b.state == "warns" for b in own) else ""


def _boards_under(graph: Graph, reached: Mapping[int, int], focus: int) -> list[int]:
    """Dashboards within reach of an asset. Those that show a goal already are no news on the page of that goal."""
    if KINDS[graph.nodes[focus].kind].goal:
        return []
    return [i for i in reached if KINDS[graph.nodes[i].kind].band == "dashboard"]


def _suggested(project: Project, focus: int, offered: Sequence[Suggestion]) -> Iterator[SuggestedLink]:
    graph = project.graph()
    said = linking.states(project) if offered else {}
    for s in offered:
        board, goal = graph.nodes[s.board], graph.nodes[s.goal]
        yield SuggestedLink(
            handle=handle(board.id, goal.id),
            board=node_name(graph, s.board),
            goal=goal.label,
            to=_link(graph, s.board if KINDS[graph.nodes[focus].kind].goal else s.goal),
            score=s.score,
            reasons=s.reasons,
            state=said.get((board.id, goal.id), ""),
        )


def _card(graph: Graph, i: int, band: int, flag: Flag, checks: _Checks, *, aside: bool = False) -> Card:
    node = graph.nodes[i]
    ledger = month(graph)
    amount = ledger.amounts[i] / MICRO if ledger and ledger.amounts[i] else -1.0
    fact = " · ".join(part for part in _fact(graph, i, amount, checks) if part)
    folder = KINDS[node.kind].plural if KINDS[node.kind].goal else bands.folder(node).rpartition("/")[2]
    return Card(
        id=node.id,
        kind=node.kind,
        band=band,
        folder=folder,
        name=node_name(graph, i),
        fact=fact,
        flag=flag,
        cost=round(amount, 1) if amount >= 0 else -1.0,
        said=f"{node.kind.replace('_', ' ')} {node_name(graph, i)}",
        aside=aside,
    )


def _fact(graph: Graph, i: int, amount: float, checks: _Checks) -> Iterator[str]:
    """One fact of a card: what one wants to know first of such a thing."""
    node, kind = graph.nodes[i], graph.nodes[i].kind
    if kind == "objective":
        rolled = standing_of(graph).objectives[i]
        yield chip_of(rolled.status).text if rolled.progress is None else f"{rolled.progress:.0%}"
        expected = expected_now(graph, i)
        yield f"{expected:.0%} expected" if expected is not None else ""
        return
    if kind == "key_result":
        yield _now_and_target(graph, i)
        return
    if KINDS[kind].goal:
        yield kind.replace("_", " ")
        return
    broken = next((b for b in graph.health.own.get(i, ()) if b.state == "broken"), None)
    if broken:
        yield blame_words(broken)
    ledger = month(graph)
    if ledger and amount > 0:
        yield figures.in_unit(ledger.unit, amount)
    if KINDS[kind].band == "dashboard":
        who, use = people(graph, i), graph.use
        known = people_words(who, use.counted[i]) if i in use.counted else plural(who, "person", "people")
        yield known if who > 0 else "nobody opened it" if who == 0 else ""
        yield node.origin.connector if node.origin.connector != "dbt" else "" if who > 0 else kind
        return
    if kind == "metric":
        definition = node.meta.get("definition")
        yield str(definition.get("type", "")) if isinstance(definition, dict) else ""
        return
    if broken:
        return
    tests = checks.tests.get(node.id, 0)
    yield "fresh" if node.id in checks.fresh else ""
    yield plural(tests, "test") if tests else "" if amount > 0 or node.id in checks.fresh else kind.replace("_", " ")


def _now_and_target(graph: Graph, i: int) -> str:
    target, a = graph.targets.get(i), standing_of(graph).key_results[i]
    unit = target.unit if target else ""
    now = "no reading" if a.value is None else figure(a.value)
    if target and target.band and a.target is None:
        return f"{now}, {aim_words(a, target)}"
    if target is None or a.target is None:
        return f"{now} {unit}".strip()
    return f"{now} → {figure(a.target)} {unit}".strip()


# ---------------------------------------------------------------------- why not


def _blamed(graph: Graph, focus: int) -> health.Blame | None:
    """What gives most reason to doubt the focus, nearest the cause; None when nothing does."""
    goals = _goals_under(graph, focus)
    if goals:
        found = [b for g in goals for b in graph.health.blame.get(g, ())[:1] if b.state == "broken"]
        return found[0] if found else None
    if KINDS[graph.nodes[focus].kind].goal:
        return None
    above = graph.walk([focus], "upstream")
    reasons = [b for i in above for b in graph.health.own.get(i, ()) if b.state == "broken"]
    return min(reasons, key=lambda b: (b.check.kind != "freshness", -above[b.node], b.check.id), default=None)


def _goals_under(graph: Graph, focus: int) -> list[int]:
    if focus in graph.bit and graph.nodes[focus].kind == "key_result":
        return [focus]
    return graph.goals_in(graph.goal_mask(focus)) if graph.nodes[focus].kind == "objective" else []


def _doubtful(graph: Graph, focus: int, blamed: health.Blame) -> int:
    """The goal under the focus that is doubted, or the focus itself."""
    goals = _goals_under(graph, focus)
    return next((g for g in goals if blamed in graph.health.blame.get(g, ())), focus)


def _sentence(project: Project, focus: int, blamed: health.Blame | None, near: int) -> str:
    graph = project.graph()
    name = node_name(graph, focus)
    if blamed:
        kind = graph.nodes[blamed.node].kind.replace("_", " ")
        what = {"freshness": f"that is {blame_words(blamed).lower()}", "run": ran_words(blamed)}.get(
            blamed.check.kind, "whose test fails"
        )
        if blamed.node == focus:
            return f"{name} is a {kind} {what}"
        return f"{node_name(graph, _doubtful(graph, focus, blamed))} stands on a {kind} {what}"
    if not KINDS[graph.nodes[focus].kind].goal:
        return project.ask("why", asset=graph.nodes[focus].id).headline.rstrip(".")
    if not near:
        return f"Nothing is linked to {name} yet"
    below = sum(not KINDS[graph.nodes[i].kind].goal for i in graph.walk([focus], "upstream"))
    if not graph.health.known:
        return f"{name} stands on {plural(below, 'asset')}; whether they can be trusted is not known"
    doubt = "and nothing is known to be wrong with any of them" if below else "and on no asset yet"
    return f"{name} stands on {plural(below, 'asset')}, {doubt}" if below else f"{name} stands on no asset yet"


def node_verdict(graph: Graph, focus: int) -> Chip:
    """Whether a node, or everything under a goal, can be trusted."""
    goals = _goals_under(graph, focus)
    if goals:
        states = {graph.health.trust[g] for g in goals}
        worst = next(t for t in ("broken", "untested", "unknown", "warns", "trusted") if t in states)
    elif KINDS[graph.nodes[focus].kind].goal:
        worst = "unknown"
    else:
        worst = map_payload.trust_of(graph)[focus]
    return {
        "broken": Chip("Not trusted", "bad", "cross"),
        "warns": Chip("A test warns", "warn", "exclamation"),
        "trusted": Chip("Trusted", "good", "check"),
        "untested": Chip("Some tests never ran", "mute", "question"),
        "unknown": Chip("Trust not known", "mute", "question"),
    }[worst]


def _facts(graph: Graph, focus: int) -> Iterator[Line]:
    """Two facts: for a goal its value, for an asset its use and cost."""
    kind = graph.nodes[focus].kind
    if kind == "key_result":
        a = standing_of(graph).key_results[focus]
        target = graph.targets.get(focus)
        unit = target.unit if target else ""
        aim = f"target {figure(a.target)} {unit}".strip() if a.target is not None else ""
        aim = aim or (aim_words(a, target) if target else "") or "no target"
        yield Line("none" if a.value is None else figure(a.value), aim)
        yield Line(f"{a.through.day} {a.through:%b}" if a.through else "never", "last day it speaks for")
    elif kind == "objective":
        rolled = standing_of(graph).objectives[focus]
        expected = expected_now(graph, focus)
        done = "done" if expected is None else f"done, {expected:.0%} expected"
        yield Line("none" if rolled.progress is None else f"{rolled.progress:.0%}", done)
        yield Line(f"{rolled.measured} of {rolled.items}", "key results measured")
    elif not KINDS[kind].goal:
        use = graph.use
        if use.own[focus] and focus in use.counted:
            words = people_words(use.people[focus], use.counted[focus])
            yield Line(words, f"in {graph.policy.usage_window_days} days")
        else:
            words = {"used": "used", "unused": "unused", "unknown": "not known"}[use.status[focus]]
            yield Line(words.capitalize(), "itself, or what is made from it")
        ledger = month(graph)
        amount = ledger.amounts[focus] if ledger else 0
        yield Line(
            figures.cost(ledger, amount) if ledger and amount else "—", figures.per(ledger) if ledger else "cost"
        )


def _why_not(graph: Graph, focus: int, blamed: health.Blame | None) -> Iterator[Line]:
    """The chain from the broken node upwards: its state first, then everything that waits for it."""
    if blamed is None:
        return
    yield Line(node_name(graph, blamed.node), blame_words(blamed), _link(graph, blamed.node), "bad")
    end = _doubtful(graph, focus, blamed)
    for i in _chain(graph, blamed.node, end)[1 : -1 if end in graph.bit else None]:
        yield Line(node_name(graph, i), "waits", _link(graph, i))


def _chain(graph: Graph, start: int, end: int) -> tuple[int, ...]:
    """The shortest way along which data flows from one node to another, both included."""
    if end in graph.bit:
        service = next((s for s in graph.services(start, 1 << graph.bit[end]) if s.way == "computes"), None)
        return service.path if service else (start,)
    return graph.way(start, end) or (start,)


def _waiting(graph: Graph, focus: int, blamed: health.Blame | None) -> Iterator[Line]:
    """Dashboards and key results that stand on the broken node too, the most read first."""
    if blamed is None:
        return
    below = graph.walk([blamed.node], "downstream")
    boards = [i for i in below if KINDS[graph.nodes[i].kind].band == "dashboard" and i != focus]
    boards.sort(key=lambda i: (-people(graph, i), graph.nodes[i].id))
    chain = _doubtful(graph, focus, blamed)
    goals = [g for g in graph.goals_in(graph.computes[blamed.node] & graph.active) if g not in {focus, chain}]
    for g in goals[:_LISTED]:
        yield Line(graph.nodes[g].label, "key result", _link(graph, g))
    for i in boards[:_LISTED]:
        use = graph.use
        who = people_words(use.people[i], use.counted[i]) if i in use.counted else "not known"
        yield Line(node_name(graph, i), "nobody" if people(graph, i) == 0 else who, _link(graph, i))


def _fixers(project: Project, blamed: health.Blame | None) -> Iterator[Line]:
    if blamed is None:
        return
    graph = project.graph()
    node = graph.nodes[blamed.node]
    since = blamed.since
    when = f"since {since.day} {since:%b}" if since else ""
    yield Line(figures.team(node.owner) or "Nobody owns it", when)
    if channel := channels.channel_of(project, node.owner):
        yield Line(channels.TOLD_IN, channel)


def _link(graph: Graph, i: int) -> str:
    return address("lineage", graph.nodes[i].id)
