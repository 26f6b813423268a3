"""What could measure or show a key result that is bound to nothing: metrics, models and dashboards, with reasons.

A proposal counts for nothing until a person writes it down. Its score in 0..1 is the weighted mean of WEIGHTS:

- *words*: how much of the key result's title the asset says as well (see `headway.graph.search`), a synonym counting
  SYNONYM of the word itself;
- *unit*: whether what the asset computes can be in the key result's unit; left out where that says nothing;
- *use*: whether people look at what stands on it; left out where nothing is known of use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headway.graph.model import KINDS
from headway.graph.search import Hit, index_of

if TYPE_CHECKING:
    from headway.graph.graph import Graph

WEIGHTS: Mapping[str, float] = {"words": 0.7, "unit": 0.2, "use": 0.1}
LEAST = 0.5
"""Score from which something is proposed."""
LEAST_WORDS = 0.45
"""Share of the title that has to be said."""
SYNONYM = 0.9
MOST = 3
"""Proposals of one way for one key result."""
SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split(", "))
    for group in (
        "revenue, sales, turnover, income", "mrr, monthly recurring revenue", "arr, annual recurring revenue",
        "churn, attrition, cancellations", "customers, clients, accounts", "users, members", "nps, net promoter score",
        "csat, satisfaction", "signups, registrations", "orders, purchases", "cost, spend, expenses",
        "profit, margin, earnings", "delivery, shipping, shipment", "returns, refunds", "retention, renewals",
        "aov, average order value", "subscriptions, subscribers, plans", "late, delayed, overdue",
        "headcount, employees, staff", "conversion, conversions",
    )
)  # fmt: skip
"""Words for the same thing."""

Way = Literal["metric", "model", "shown_on"]
_KINDS: Mapping[Way, tuple[str, ...]] = {
    "metric": ("metric",),
    "model": ("model", "snapshot"),
    "shown_on": tuple(k.name for k in KINDS.values() if k.is_a == "exposure" and not k.goal and k.name != "chart"),
}
_SHARES = frozenset("percent percentage % share rate ratio pct".split())  # noqa: SIM905
_MONEY = frozenset("eur usd gbp chf $ € £ euro euros dollar dollars money currency".split())  # noqa: SIM905
_MONEY_WORDS = frozenset("amount cost income margin mrr arr profit revenue sales spend turnover value price".split())  # noqa: SIM905
_WORD = re.compile(r"[^\W_]+|[%$€£]")


@dataclass(frozen=True, slots=True)
class Proposal:
    """That an asset could measure, or shows, a key result."""

    goal: int
    asset: int
    way: Way
    score: float
    reasons: tuple[str, ...]
    """Whole phrases for people, the strongest first."""


def unbound(graph: Graph) -> list[int]:
    """Living key results that nothing measures: bound to nothing, or typed by hand in a tool."""
    found = []
    for goal in graph.goals:
        target = graph.targets.get(goal)
        if target is None or not graph.active >> graph.bit[goal] & 1:
            continue
        way = target.binding.way
        if way == "" or (way == "readings" and target.origin.connector != "goals"):
            found.append(goal)
    return found


def proposals(graph: Graph, goals: Sequence[int] | None = None) -> list[Proposal]:
    """What could be bound to each key result (of `goals`, or to every unbound one), the best of each way first."""
    wanted = unbound(graph) if goals is None else goals
    return [proposal for goal in wanted for way in _KINDS for proposal in _of(graph, goal, way)]


def _of(graph: Graph, goal: int, way: Way) -> Iterator[Proposal]:
    title = _words(graph.nodes[goal].label)
    best: dict[int, tuple[float, Hit, str]] = {}
    for text, share, said in _texts(graph.nodes[goal].label):
        for hit in index_of(graph).find(text, kinds=_KINDS[way], limit=12, least=LEAST_WORDS):
            worth = hit.coverage * share
            if worth >= LEAST_WORDS and worth > best.get(hit.node, (0.0, hit, ""))[0]:
                best[hit.node] = (worth, hit, said)
    there = set(graph.shown_on.get(goal, ())) | set(graph.fed_by.get(goal, ()))
    found = [_judged(graph, goal, way, *found) for node, found in best.items() if node not in there]

    def called(asset: int) -> bool:
        return title in (_words(graph.nodes[asset].name), _words(graph.nodes[asset].title))

    # What is called just so is meant; of others that say as much, that which the search found better.
    ranked = sorted((p for p in found if p.score >= LEAST), key=lambda p: (not called(p.asset), -p.score))
    yield from ranked[: 1 if way == "shown_on" else MOST]


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))


def _texts(title: str) -> Iterator[tuple[str, float, str]]:
    """The title, and as it reads with each synonym; with what a hit is worth, and what to say of it."""
    yield title, 1.0, ""
    folded = " ".join(_WORD.findall(title.casefold()))
    for group in SYNONYMS:
        for word in sorted(group):
            if re.search(rf"\b{re.escape(word)}\b", folded):
                for other in sorted(group - {word}):
                    yield (
                        re.sub(rf"\b{re.escape(word)}\b", other, folded),
                        SYNONYM,
                        f"{other!r} is another word for {word!r}",
                    )


def _judged(graph: Graph, goal: int, way: Way, words: float, hit: Hit, synonym: str) -> Proposal:
    signals = {"words": words}
    name = graph.nodes[hit.node].label
    where = " and ".join(field for field in hit.where if field != "kind") or "name"
    reasons = {"words": f"its {where} says {words:.0%} of the title"}
    if hit.missing:
        reasons["words"] += f", all but {', '.join(hit.missing[:3])}"
    if synonym:
        reasons["words"] += f" ({synonym})"
    unit = graph.targets[goal].unit if goal in graph.targets else ""
    fits = _fits(graph, hit.node, unit) if way == "metric" else None
    if fits is not None:
        signals["unit"] = 1.0 if fits else 0.0
        reasons["unit"] = f"{name} can be in {unit}" if fits else f"whether {name} is in {unit} is not clear"
    people = _people(graph, hit.node)
    if people is not None:
        signals["use"] = 1.0 if people else 0.0
        reasons["use"] = f"{people:,} people read what stands on it" if people else "nobody reads what stands on it"
    score = sum(WEIGHTS[k] * v for k, v in signals.items()) / sum(WEIGHTS[k] for k in signals)
    ranked = sorted(signals, key=lambda k: (-WEIGHTS[k] * signals[k], k))
    return Proposal(goal, hit.node, way, round(score, 2), tuple(reasons[k] for k in ranked))


def _fits(graph: Graph, asset: int, unit: str) -> bool | None:
    """Whether what is computed can be in a unit; None where the unit says nothing about that."""
    said = set(_WORD.findall(unit.casefold()))
    node = graph.nodes[asset]
    told = set(_WORD.findall(f"{node.name} {node.title} {node.description}".casefold().replace("_", " ")))
    if said & _SHARES:
        return bool(told & _SHARES) or any("/" in a or a.startswith("avg(") for a in node.aggregates)
    if said & _MONEY:
        return bool(told & (_MONEY_WORDS | _MONEY)) or any(a.startswith("sum(") for a in node.aggregates)
    if not said:
        return None
    return bool(told & said) or None


def _people(graph: Graph, asset: int) -> int | None:
    """Distinct people who read the asset or a dashboard on it; None where nothing is known of use."""
    if not graph.coverage and not graph.observations:
        return None
    below = [
        i for i in graph.walk([asset], "downstream") if i == asset or KINDS[graph.nodes[i].kind].band == "dashboard"
    ]
    people, _ = graph.use.audience(below)
    return people
