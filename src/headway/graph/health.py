"""Health: whether a number can be trusted today, and if not, which node is to blame, since when, and who owns it.

A goal can be trusted when everything it is computed from ran, passed its tests and is fresh. What is known of a node
comes from its checks; a node without checks is no reason for doubt, but a test that never ran is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from headway.graph.model import Check
from headway.graph.reach import reach

if TYPE_CHECKING:
    from headway.graph.graph import Graph

Trust = Literal["trusted", "warns", "broken", "untested", "unknown"]
"""`untested`: some of its tests never ran. `unknown`: no result of any check is known at all."""

_BROKEN = frozenset({"fail", "error", "skipped"})
_ROOT_FIRST = {"freshness": 0, "run": 1, "test": 2, "unit_test": 3}


@dataclass(frozen=True, slots=True)
class Blame:
    """One check that gives a reason for doubt, and the node it is about."""

    node: int
    check: Check
    state: Literal["broken", "warns", "untested"]

    @property
    def since(self) -> datetime | None:
        """Since when, as far as is known."""
        return self.check.since or self.check.at


@dataclass(frozen=True)
class Health:
    """Health of every node and goal of a graph."""

    trust: Mapping[int, Trust]
    """Per goal (node index of a key result)."""
    blame: Mapping[int, Sequence[Blame]]
    """Per goal: what gives reason for doubt, worst first, the most upstream first among equals."""
    own: Mapping[int, Sequence[Blame]]
    """Per node: its own checks that give reason for doubt."""
    known: bool
    """Some result of some check is known."""


def examine(graph: Graph) -> Health:
    """Health of every node, and the trust of every goal from everything it is computed from."""
    own: dict[int, list[Blame]] = defaultdict(list)
    ran = 0
    for check in graph.checks:
        node = graph.index.get(check.node)
        if node is None:
            continue
        if check.status != "not run":
            ran |= graph.computes[node]
        state = _state(check)
        if state:
            own[node].append(Blame(node, check, state))
    known = any(c.status != "not run" for c in graph.checks)
    if not known:
        # Without a single result every test would count as never run: that is one gap, not a thousand findings.
        own.clear()
    blame = _blame_goals(graph, own)
    trust = {goal: _trust(blame.get(goal, ()), bool(ran >> graph.bit[goal] & 1)) for goal in graph.goals}
    return Health(trust=trust, blame=blame, own=own, known=known)


def _state(check: Check) -> Literal["broken", "warns", "untested", ""]:
    if check.status in _BROKEN:
        return "broken"
    if check.status == "warn":
        return "warns"
    return "untested" if check.status == "not run" and check.kind in {"test", "unit_test"} else ""


def _blame_goals(graph: Graph, own: Mapping[int, Sequence[Blame]]) -> dict[int, list[Blame]]:
    blame: dict[int, list[Blame]] = defaultdict(list)
    for node, reasons in own.items():
        for goal in graph.goals_in(graph.computes[node]):
            blame[goal].extend(reasons)
    worst = {"broken": 0, "untested": 1, "warns": 2}
    # The most upstream node lies nearest the cause.
    place = {node: i for i, node in enumerate(graph.order)} if blame else {}
    for reasons in blame.values():
        reasons.sort(key=lambda b: (worst[b.state], _ROOT_FIRST[b.check.kind], place[b.node], b.check.id))
    return dict(blame)


def _trust(blame: Sequence[Blame], ran: bool) -> Trust:
    states = {b.state for b in blame}
    if "broken" in states:
        return "broken"
    if not ran:
        return "unknown"
    if "untested" in states:
        return "untested"
    return "warns" if "warns" in states else "trusted"


def of_nodes(graph: Graph) -> Sequence[Trust]:
    """The trust of every node: of itself and of everything it is computed from; goals have theirs in `Health.trust`.

    The same words as for goals: `broken` when something it stands on is, `unknown` when no check of any of it ever ran.
    """
    bits = {"broken": 1, "untested": 2, "warns": 4}
    ran = 8
    seeds: dict[int, int] = defaultdict(int)
    for check in graph.checks:
        node = graph.index.get(check.node)
        if node is not None and check.status != "not run":
            seeds[node] |= ran
    for node, reasons in graph.health.own.items():
        for reason in reasons:
            seeds[node] |= bits[reason.state]
    upstream, downstream = graph.edges
    found: list[Trust] = []
    for mask in reach(len(graph.nodes), downstream, upstream, seeds).masks:
        if mask & bits["broken"]:
            found.append("broken")
        elif not mask & ran:
            found.append("unknown")
        else:
            found.append("untested" if mask & bits["untested"] else "warns" if mask & bits["warns"] else "trusted")
    return found
