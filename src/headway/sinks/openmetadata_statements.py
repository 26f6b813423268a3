"""What OpenMetadata is told of the head of the DAG: its goals under names of their own, and assets under theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from headway.graph.model import Node
from headway.sinks.catalog import CatalogAsset, CatalogGoal, Head, Statement
from headway.sinks.openmetadata_items import AnyItem, Asset, Kind, Label, Property, prints, said
from headway.sinks.openmetadata_shapes import REFERENCE, Names, fit, linked, mark, quoted

OBJECTIVES, KEY_RESULTS = "headwayObjectives", "headwayKeyResults"
REASON = "Headway: data flows from here to this goal"
ABOUT = (
    "The company's objectives and their key results, from Headway. "
    "Assets that serve a goal are labelled with it, and say so in their custom properties."
)
WITH_PROPERTIES: tuple[Kind, ...] = ("table", "dashboard")
"""Kinds of assets that are given custom properties; OpenMetadata shows none of charts."""

_TABLES = frozenset({"source", "seed", "snapshot", "model"})
_MOST = 100
"""Labels, and members of a list, that one asset is given; who serves more serves everything."""
_LONGEST_KEY = 700
_LONGEST_TEXT = 20_000
_DATABASE = "default"
"""What OpenMetadata calls the database of systems that have only schemas."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where assets are in OpenMetadata."""

    service: str = ""
    """The database service that tables are in; without one tables are not told of."""
    database: str = ""
    """The database of relations that name none."""
    services: Mapping[str, str] = field(default_factory=dict)
    """BI tool here -> the dashboard service there."""

    def of(self, asset: CatalogAsset) -> tuple[Kind, list[str]] | None:
        """Kind and fully qualified names that an asset may have there; None for what is no asset there."""
        node = asset.node
        if node.kind in _TABLES and node.relation and self.service:
            return "table", self._tables(node.relation)
        for node_id in asset.ids:
            tool, _, reference = node_id.partition(":")
            if tool in self.services and (found := _in_tool(tool, reference, node)):
                kind, name = found
                return kind, [f"{quoted(self.services[tool])}.{quoted(name)}"]
        return None

    def _tables(self, relation: str) -> list[str]:
        """As the relation is written, and all in upper and lower case: warehouses differ, and names there are exact."""
        parts = relation.split(".")
        if len(parts) < 3:
            parts = [self.database or _DATABASE, *parts]
        spelled = dict.fromkeys((".".join(parts), ".".join(parts).upper(), ".".join(parts).lower()))
        return [f"{quoted(self.service)}.{one}" for one in spelled]


def statements(head: Head, names: Names, places: Places, *, key_results: bool) -> list[Statement]:
    """All that is to be said, what others refer to first. `key_results`: assets are labelled with these, too."""
    paths = goal_paths(head.goals)
    goals = {goal.id: goal for goal in head.goals}
    found = list(_goals(head, names, paths))
    assets = dict(_assets(head, names, places, paths, goals, key_results=key_results))
    kinds = {asset.kind for _, asset in assets.values() if asset.properties}
    found += [_stated(f"property {p.kind} {p.name}", p.title, p) for p in properties() if p.kind in kinds]
    return found + [_stated(key, title, asset) for key, (title, asset) in assets.items()]


def goal_paths(goals: Sequence[CatalogGoal]) -> dict[str, tuple[str, ...]]:
    """Id of a goal -> the names of the objective it is below and of itself.

    Each name is there once, whatever its case: OpenMetadata takes no second term of a name in a glossary, however deep.
    """
    own: dict[str, str] = {}
    taken: set[str] = set()
    for goal in goals:
        name = fit(goal.name.replace(".", "_"))
        above = own.get(goal.objective, "") if goal.kind == "key_result" else ""
        if above and not name.startswith(f"{above}_"):
            # one that moves to another objective is a new term, while the old one still has its name
            name = fit(f"{above[:120]}_{name[:120]}")
        if name.casefold() in taken:
            name = fit(f"{name[:200]}_{mark(goal.id)}")
        taken.add(name.casefold())
        own[goal.id] = name
    return {
        goal.id: (own[goal.objective], own[goal.id])
        if goal.kind == "key_result" and goal.objective in own
        else (own[goal.id],)
        for goal in goals
    }


def properties() -> tuple[Property, ...]:
    """The custom properties that assets are given."""
    said_of = {
        OBJECTIVES: ("Objectives it serves", "The company's objectives that this asset serves, from Headway."),
        KEY_RESULTS: ("Key results it serves", "The key results that this asset computes or informs, from Headway."),
    }
    return tuple(
        Property(kind=kind, name=name, title=title, description=text)
        for kind, (name, (title, text)) in product(WITH_PROPERTIES, said_of.items())
    )


def _goals(head: Head, names: Names, paths: Mapping[str, tuple[str, ...]]) -> Iterator[Statement]:
    home = names.home_item(ABOUT)
    if home is not None:
        yield _stated(f"{home.collection} {home.fqn}", home.name, home)
    goals = {goal.id: goal for goal in head.goals}
    for goal in head.goals:
        if names.shape == "domains" and goal.kind == "key_result":
            continue  # nothing would ever be in it
        links = [(REFERENCE, goal.url)] if goal.url else []
        links += [(link.title, link.url) for link in goal.links if link.url != goal.url]
        item = names.goal_item(
            paths[goal.id],
            called=goal.name,
            title=goal.title,
            description=_described(goal, goals),
            team=_team(goal.owner),
            links=links,
        )
        yield _stated(f"{item.collection} {item.fqn}", goal.title, item)


def _described(goal: CatalogGoal, goals: Mapping[str, CatalogGoal]) -> str:
    """What a goal says, with the objective that it supports and its period, which have no field of their own there."""
    more = []
    if goal.kind == "objective" and (above := goals.get(goal.objective)):
        more.append(f"Supports: {linked(above.title, above.url)}")
    if goal.period:
        more.append(f"Period: {goal.period}")
    text = goal.description.strip()[:_LONGEST_TEXT] or goal.title
    return "\n\n".join([text, " · ".join(more)] if more else [text])


def _team(owner: str) -> str:
    """The team that an owner is; '' for what looks like a person, or cannot be asked for."""
    if owner.startswith("@"):
        # of a CODEOWNERS file: @company/team, or a person
        owner = owner.partition("/")[2]
    return owner.strip() if "@" not in owner and owner.isprintable() and fit(owner) == owner.strip() else ""


def _assets(
    head: Head, names: Names, places: Places, paths: Mapping[str, tuple[str, ...]], goals: Mapping[str, CatalogGoal],
    *, key_results: bool,
) -> Iterator[tuple[str, tuple[str, Asset]]]:  # fmt: skip
    """Key -> title and asset, of those that serve a goal. Two nodes of one table are one asset that serves all."""
    merged: dict[str, tuple[str, Kind, list[str], dict[str, None], dict[str, None]]] = {}
    for asset in head.assets:
        where = places.of(asset) if asset.key_results or asset.objectives else None
        if where is None:
            continue
        kind, spelled = where
        key = f"{kind} {spelled[0]}"
        one = merged.setdefault(key, (asset.node.label, kind, spelled, {}, {}))
        one[3].update(dict.fromkeys(asset.objectives))
        one[4].update(dict.fromkeys(asset.key_results))
    for key, (title, kind, spelled, objectives, below) in merged.items():
        carried = ([*objectives, *below] if key_results or not objectives else [*objectives])[:_MOST]
        wanted: list[Label] = [] if names.shape == "domains" else [names.label(paths[goal]) for goal in carried]
        texts = {OBJECTIVES: _links(objectives, goals), KEY_RESULTS: _links(below, goals)}
        texts = {name: text for name, text in texts.items() if text and kind in WITH_PROPERTIES}
        domain = next((names.fqn(paths[goal]) for goal in objectives), "") if names.shape == "domains" else ""
        item = Asset(
            kind=kind,
            places=spelled,
            labels=wanted,
            reason=REASON,
            domain=domain,
            properties=texts,
            prints=prints(texts),
        )
        yield key, (title, item)


def _links(ids: Mapping[str, None], goals: Mapping[str, CatalogGoal]) -> str:
    """Goals as a list in Markdown."""
    lines = [f"- {linked(goals[one].title, goals[one].url)}" for one in [*ids][:_MOST]]
    more = len(ids) - len(lines)
    return "\n".join([*lines, f"- and {more:,} more"] if more else lines)


def _in_tool(tool: str, reference: str, node: Node) -> tuple[Kind, str] | None:
    """Kind and name in OpenMetadata of a thing of a BI tool, as OpenMetadata's own connectors name it."""
    kind, _, key = reference.partition(".")
    if kind not in {"dashboard", "chart"} or not key:
        return None
    if tool == "superset":
        # it is called by its number there, which Headway knows from its address only
        number = re.search(
            r"/superset/dashboard/(\d+)/?(?:\?|$)" if kind == "dashboard" else r"slice_id=(\d+)", node.url
        )
        return (kind, number[1]) if number else None  # type: ignore[return-value]
    if tool == "tableau":
        # its dashboards are workbooks; sheets and what Tableau calls dashboards are their charts
        return "chart", key
    if tool == "looker":
        return ("dashboard", key.replace("::", "_")) if kind == "dashboard" else None
    return ("dashboard", key) if kind == "dashboard" else ("chart", key)


def _stated(key: str, title: str, item: AnyItem) -> Statement:
    return Statement(key if len(key) <= _LONGEST_KEY else f"{key[: _LONGEST_KEY - 9]}-{mark(key)}", title, said(item))
