"""The head of the DAG as plain data, for data catalogs: the living goals, and which of them every asset serves.

Nothing here knows a catalog. What each makes of it (terms, tags, domains, properties) is its sink's business.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headway.graph.graph import Graph, Way
from headway.graph.model import Node
from headway.project.goal_words import GoalWords
from headway.project.pages.table import address
from headway.questions.goals import in_order
from headway.questions.status import standing_of
from headway.sinks.catalog import CatalogAsset, CatalogGoal, CatalogLink, Head

if TYPE_CHECKING:
    from headway.project.workspace import Project

__all__ = ["CatalogAsset", "CatalogGoal", "CatalogLink", "Head", "head", "page_url"]

_LIVING = frozenset({"active", "planned"})


def head(project: Project, *, figures: bool = True) -> Head:
    """The living goals of a project and what serves them. `figures`: with current values in the descriptions.

    Living is a goal whose objective is active or planned; drafts and ended ones are left out, and so are disabled
    assets. Raises what opening the graph raises.
    """
    return _Maker(project.graph(), project.config.serve.url, figures=figures).make()


def page_url(text: str) -> str:
    """A web address that may be shown to people; '' for what is none, or has credentials in it."""
    try:
        parts = urlsplit(text.strip())
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        fine = False
    return text.strip() if fine and text.strip().isprintable() and " " not in text.strip() else ""


class _Maker:
    def __init__(self, graph: Graph, url: str, *, figures: bool) -> None:
        self._graph = graph
        self._url = url.rstrip("/")
        self._figures = figures
        self._words = GoalWords(graph, figures=figures)
        self._standing = standing_of(graph)
        self._initiatives = _initiatives(graph)
        self._ids = _aliases(graph)
        self._objectives = [o for o in in_order(graph) if graph.state(o) in _LIVING]
        living = graph.goals_in(graph.active)
        self._key_results = [g for g in living if graph.nodes[g].kind == "key_result"]

    def make(self) -> Head:
        rank = {objective: place for place, objective in enumerate(self._objectives)}
        last = len(rank)
        goals = sorted(
            [*self._objectives, *self._key_results],
            key=lambda g: (rank.get(self._graph.objective_of(g) if g not in rank else g, last), g not in rank),
        )
        order = {goal: place for place, goal in enumerate(goals)}
        names = _names([self._graph.nodes[g] for g in goals])
        told = tuple(self._goal(g, name) for g, name in zip(goals, names, strict=True))
        return Head(told, tuple(self._asset(a, order) for a in self._graph.assets))

    def _goal(self, goal: int, name: str) -> CatalogGoal:
        graph, node = self._graph, self._graph.nodes[goal]
        own = node.kind == "objective"
        served = self._url and self._url + address(node.kind, node.id)
        found = [CatalogLink(node.origin.connector, page_url(node.url))]
        found += [
            CatalogLink(graph.nodes[i].label, page_url(graph.nodes[i].url)) for i in self._initiatives.get(goal, ())
        ]
        links = list(dict.fromkeys(link for link in found if link.url))
        url = served
        if not served and page_url(node.url):
            url = links.pop(0).url
        return CatalogGoal(
            id=node.id,
            kind="objective" if own else "key_result",
            name=name,
            title=node.label,
            description=self._words.objective(goal) if own else self._words.key_result(goal),
            owner=node.owner,
            url=url,
            objective=self._above(goal),
            status=self._status(goal) if self._figures else "",
            period=self._period(goal),
            links=tuple(links),
        )

    def _above(self, goal: int) -> str:
        """Id of the living objective that a goal is directly under."""
        graph = self._graph
        above = graph.supports.get(goal, ()) if graph.nodes[goal].kind == "objective" else (graph.objective_of(goal),)
        living = set(self._objectives)
        return next((graph.nodes[o].id for o in above if o in living and o != goal), "")

    def _status(self, goal: int) -> str:
        if self._graph.nodes[goal].kind == "objective":
            return self._standing.objectives[goal].status
        return self._standing.key_results[goal].pace

    def _period(self, goal: int) -> str:
        record = self._graph.objectives.get(self._graph.objective_of(goal) if goal in self._graph.targets else goal)
        if record is None or record.period:
            return record.period if record else ""
        days = [str(day) for day in (record.start, record.end) if day]
        return " to ".join(days) if len(days) == 2 else ""

    def _asset(self, asset: int, order: dict[int, int]) -> CatalogAsset:
        graph = self._graph
        served = [g for g in graph.goals_in(graph.served[asset]) if g in order]
        served.sort(key=order.__getitem__)
        above = {g if graph.nodes[g].kind == "objective" else graph.objective_of(g) for g in served}
        masks: dict[Way, int] = {"computes": graph.computes[asset], "informs": graph.informs[asset]}
        return CatalogAsset(
            node=graph.nodes[asset],
            ids=self._ids.get(asset, (graph.nodes[asset].id,)),
            objectives=tuple(graph.nodes[o].id for o in sorted(above & order.keys(), key=order.__getitem__)),
            key_results=tuple(graph.nodes[g].id for g in served if graph.nodes[g].kind == "key_result"),
            ways=frozenset(way for way, mask in masks.items() if mask & graph.active),
        )


def _initiatives(graph: Graph) -> dict[int, list[int]]:
    """Goal -> initiatives towards it."""
    found: dict[int, list[int]] = {}
    for i, goals in graph.supports.items():
        if graph.nodes[i].kind == "initiative":
            for goal in goals:
                found.setdefault(goal, []).append(i)
    return found


def _aliases(graph: Graph) -> dict[int, tuple[str, ...]]:
    """Node -> its ids, the own first, where there are several."""
    found: dict[int, list[str]] = {}
    for node_id, i in graph.index.items():
        if node_id != graph.nodes[i].id:
            found.setdefault(i, [graph.nodes[i].id]).append(node_id)
    return {i: tuple(ids) for i, ids in found.items()}


def _names(goals: list[Node]) -> list[str]:
    """`grow` and `grow.mrr` for goals of goals files; the whole id for those of other tools, and where names clash."""
    plain = [node.id.removeprefix(f"goal:{node.kind}.") for node in goals]
    often = Counter(plain)
    return [name if often[name] == 1 else node.id for name, node in zip(plain, goals, strict=True)]
