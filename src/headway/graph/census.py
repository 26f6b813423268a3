"""A census: what a graph holds on one day, small enough to be kept for every month of many years.

It is all that growth is told from: one row per asset with the objectives it serves, its use and its cost. Two of them
tell what came and went; what came less what went is always the difference of their counts, since assets have ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

import msgspec

from headway.graph.graph import Graph
from headway.graph.model import Gap, Target
from headway.graph.use import Status

DAYS = 30
"""Days up to the day of a census whose cost it holds."""

State = Literal["serving", "shadow", "unknown", "idle"]
"""`serving`: serves an active objective. Of those that serve none: `shadow` is used, `idle` is used by nobody, and of
`unknown` that is not known."""

STATES: tuple[State, ...] = ("serving", "shadow", "unknown", "idle")


class Asset(msgspec.Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """One asset on one day."""

    id: str
    name: str
    kind: str
    serves: tuple[str, ...] = ()
    """Ids of the active objectives it serves, in either way."""
    use: Status = "unknown"
    costs: tuple[int, ...] = ()
    """Millionths of each of the census's units over the last 30 days; () where it cost nothing that is known."""

    @property
    def state(self) -> State:
        """What it is for, and whether it is used."""
        if self.serves:
            return "serving"
        return "shadow" if self.use == "used" else "idle" if self.use == "unused" else "unknown"


class Aim(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a key result aimed at on one day."""

    id: str
    name: str
    baseline: float | None = None
    target: float | None = None
    low: float | None = None
    high: float | None = None
    start: date | None = None
    due: date | None = None


class Census(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """What a graph holds on one day."""

    day: date
    assets: tuple[Asset, ...] = ()
    objectives: dict[str, str] = {}
    """Titles of the active objectives, by id."""
    aims: tuple[Aim, ...] = ()
    units: tuple[str, ...] = ()
    """Units that costs are known in."""
    sources: tuple[str, ...] = ()
    """Connectors that told something of it."""
    origin: Literal["sync", "git"] = "sync"
    commit: str = ""
    """The commit it was read from, where that is git."""

    def kinds(self) -> Counter[str]:
        """Number of assets by kind."""
        return Counter(asset.kind for asset in self.assets)

    def states(self) -> dict[State, int]:
        """Number of assets by state; every state is there."""
        return {state: self._states[state] for state in STATES}

    @cached_property
    def _states(self) -> Counter[State]:
        return Counter(asset.state for asset in self.assets)

    def uses(self) -> dict[Status, int]:
        """Number of assets by use; every value is there."""
        found = Counter(asset.use for asset in self.assets)
        return {"used": found["used"], "unused": found["unused"], "unknown": found["unknown"]}

    def cost(self, unit: str, *, state: State | None = None) -> int | None:
        """Millionths of a unit spent in 30 days, on all assets or those in one state; None where none is known."""
        if unit not in self.units:
            return None
        place = self.units.index(unit)
        return sum(a.costs[place] for a in self.assets if a.costs and (state is None or a.state == state))

    def cost_of(self, asset: Asset, unit: str) -> int | None:
        """Millionths of a unit spent on one asset in 30 days; None where no cost is known in that unit."""
        if unit not in self.units:
            return None
        return asset.costs[self.units.index(unit)] if asset.costs else 0

    def serving(self) -> Counter[str]:
        """Number of assets by the objective they serve; what serves several is counted for each."""
        return Counter(objective for asset in self.assets for objective in asset.serves)


class Event(msgspec.Struct, frozen=True):
    """Something that makes a curve jump for another reason than work: a source was connected or lost."""

    day: date | None
    """None where it is only known between which days it was."""
    source: str
    what: Literal["connected", "lost"]


@dataclass(frozen=True)
class Past:
    """What is known of some days."""

    censuses: Mapping[date, Census] = field(default_factory=dict)
    """By the day that was asked for; a day of which nothing is known is not there."""
    maintainers: Mapping[date, int] = field(default_factory=dict)
    """Distinct authors of changes to the project in the 91 days up to a day that was asked for."""
    events: Sequence[Event] = ()
    gaps: Sequence[Gap] = ()
    """Why something is not known."""


Reader = Callable[[Sequence[date]], Past]
"""Tells what is known of some days."""


@dataclass(frozen=True)
class Turnover:
    """Assets that came and went between two censuses."""

    before: Census
    after: Census

    @cached_property
    def born(self) -> tuple[Asset, ...]:
        """Those that the later one has and the earlier has not."""
        known = {asset.id for asset in self.before.assets}
        return tuple(asset for asset in self.after.assets if asset.id not in known)

    @cached_property
    def retired(self) -> tuple[Asset, ...]:
        """Those that the earlier one has and the later has not."""
        known = {asset.id for asset in self.after.assets}
        return tuple(asset for asset in self.before.assets if asset.id not in known)

    def stayed(self) -> Iterator[tuple[Asset, Asset]]:
        """Those that both have, as they were and as they are."""
        known = {asset.id: asset for asset in self.before.assets}
        return ((known[asset.id], asset) for asset in self.after.assets if asset.id in known)


def census(graph: Graph) -> Census:
    """The census of a graph, on its own day. What stands in for a cost from the last dbt run is left out: it is of no
    period."""
    start = date.fromordinal(max(graph.as_of.toordinal() - DAYS + 1, 1))
    ledgers = [ledger for ledger in graph.spend(start, graph.as_of) if not ledger.day]
    amounts = [ledger.amounts for ledger in ledgers]
    names = _objectives(graph)
    assets = []
    for i in graph.assets:
        node = graph.nodes[i]
        costs = tuple(amount[i] for amount in amounts)
        serves = names.of(graph.served[i])
        assets.append(Asset(node.id, node.name, node.kind, serves, graph.use.status[i], costs if any(costs) else ()))
    return Census(
        day=graph.as_of,
        assets=tuple(assets),
        objectives=names.active,
        aims=tuple(_aim(graph, target) for target in graph.targets.values()),
        units=tuple(ledger.unit for ledger in ledgers),
        sources=_sources(graph),
    )


@dataclass
class _Names:
    """Ids of objectives by mask of goals."""

    graph: Graph
    active: dict[str, str]
    _known: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def of(self, mask: int) -> tuple[str, ...]:
        found = self._known.get(mask)
        if found is None:
            graph = self.graph
            above = dict.fromkeys(graph.nodes[graph.objective_of(goal)].id for goal in graph.goals_in(mask))
            found = self._known[mask] = tuple(above)
        return found


def _objectives(graph: Graph) -> _Names:
    return _Names(graph, {graph.nodes[o].id: graph.nodes[o].label for o in graph.objectives if _lives(graph, o)})


def _lives(graph: Graph, objective: int) -> bool:
    return graph.state(objective) in {"active", "planned"}


def _aim(graph: Graph, target: Target) -> Aim:
    band = target.band
    return Aim(
        id=target.key_result,
        name=graph.nodes[graph.index[target.key_result]].label,
        baseline=target.baseline,
        target=target.target,
        low=band.low if band else None,
        high=band.high if band else None,
        start=target.start,
        due=target.due,
    )


def _sources(graph: Graph) -> tuple[str, ...]:
    """Connectors that nodes, observations or what is covered come from."""
    found = {origin.connector for node in graph.nodes for origin in (node.origin, *node.also)}
    found |= {row.origin.connector for row in graph.observations}
    found |= {row.origin.connector for row in graph.coverage}
    return tuple(sorted(found - {""}))
