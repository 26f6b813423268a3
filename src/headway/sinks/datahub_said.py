"""What DataHub is told: one statement for each property, group, goal and asset, as plain data.

Goals are terms of the glossary in the group of the company's goals, those of key results in a group below it; a term
contains those of what belongs under it. Or they are tags, or domains below one another; then key results are told as
terms of nothing, and stand only in the property of the assets. Assets get those of the goals that they serve, and two
structured properties with the names of these goals, which one can filter by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.graph.model import team_of
from headway.sinks.catalog import CatalogAsset, CatalogGoal, Head, Statement
from headway.sinks.datahub_settings import Settings
from headway.sinks.datahub_urns import platform, urns_of

LONGEST_TEXT = 20_000
"""Characters of a description at most."""
_LONGEST_LINK = 480
_RESERVED = frozenset("(),/%\u241f")
"""What a urn, or the path of a patch, reads for something else."""
_LONGEST_TITLE = 200


def statements(head: Head, settings: Settings) -> list[Statement]:
    """Everything that is to be said, what others refer to first."""
    return _Maker(head, settings).make()


class _Maker:
    def __init__(self, head: Head, settings: Settings) -> None:
        self._head = head
        self._settings = settings
        self._urns = {goal.id: urn for goal in head.goals if (urn := self._urn(goal))}
        self._names = {goal.id: goal.name for goal in head.goals}

    def make(self) -> list[Statement]:
        found = [
            self._property("objectives", "Objectives", "The company's objectives that this serves."),
            self._property("key_results", "Key results", "The key results that this computes, or shows."),
            *self._groups(),
            *(self._goal(goal) for goal in self._head.goals if goal.id in self._urns),
        ]
        assets: dict[str, tuple[str, dict[str, Any]]] = {}
        for asset in self._head.assets:
            if said := self._served(asset):
                for urn in urns_of(asset, self._settings):
                    title, before = assets.get(urn, (asset.node.label, {}))
                    assets[urn] = (title, _joined(before, said))
        return found + [
            Statement(urn, f"{title[:_LONGEST_TITLE]} ({platform(urn)})", said) for urn, (title, said) in assets.items()
        ]

    # ------------------------------------------------------------------ what is made

    def _property(self, name: str, title: str, text: str) -> Statement:
        full = f"{self._settings.prefix}.{name}"
        said = {"is": "property", "name": full, "title": title, "text": text}
        return Statement(f"urn:li:structuredProperty:{full}", f"the property {title}", said)

    def _groups(self) -> list[Statement]:
        title, top = self._settings.group[:_LONGEST_TITLE], self._group("goals")
        text = "What the company wants to reach, and how one sees that it does. Kept by Headway."
        said = {"is": "group", "title": title, "text": text, "above": ""}
        if self._settings.kind == "domains":
            return [Statement(top, title, {**said, "is": "domain", **_NOTHING})]
        if self._settings.kind == "tags":
            return []
        text = "What the objectives are measured by. Kept by Headway."
        below = {"is": "group", "title": "Key results", "text": text, "above": top}
        return [Statement(top, title, said), Statement(self._group("key_results"), "Key results", below)]

    def _goal(self, goal: CatalogGoal) -> Statement:
        settings = self._settings
        what = {"glossary": "term", "tags": "tag", "domains": "domain"}[settings.kind]
        links = {link.url: link.title for link in goal.links if len(link.url) <= _LONGEST_LINK}
        if goal.url and len(goal.url) <= _LONGEST_LINK:
            links = {goal.url: "How it stands", **links}
        known = {"kind": goal.kind.replace("_", " "), "status": goal.status, "period": goal.period}
        below = [self._urns[g.id] for g in self._head.goals if g.objective == goal.id and g.id in self._urns]
        above = self._urns.get(goal.objective, "") or self._group("goals")
        said = {
            "is": what,
            "title": goal.title[:_LONGEST_TITLE],
            "text": goal.description[:LONGEST_TEXT],
            "above": self._group("key_results") if goal.kind == "key_result" else self._group("goals"),
            "contains": below,
            "owners": [owner] if (owner := _team(goal.owner)) else [],
            "links": links,
            "page": next(iter(links), "") if goal.url in links else "",
            "known": {"id": goal.name, **{key: value for key, value in known.items() if value}},
        }
        if what == "domain":
            said |= {"above": above, "contains": []}
        elif what == "tag":
            said |= {"above": "", "contains": [], "links": {}}
        return Statement(self._urns[goal.id], goal.title[:_LONGEST_TITLE], said)

    # ------------------------------------------------------------------ what is hung on assets

    def _served(self, asset: CatalogAsset) -> dict[str, Any]:
        """What an asset gets; {} where it serves no goal."""
        settings = self._settings
        wanted = [*asset.objectives, *(asset.key_results if settings.key_results else ())]
        if not asset.objectives and not asset.key_results:
            return {}
        where = {"glossary": "terms", "tags": "tags", "domains": "domains"}[settings.kind]
        properties = {
            f"{settings.prefix}.objectives": [self._names[goal] for goal in asset.objectives],
            f"{settings.prefix}.key_results": [self._names[goal] for goal in asset.key_results],
        }
        return {
            "is": "asset",
            where: [self._urns[goal] for goal in wanted if goal in self._urns],
            "properties": {name: values for name, values in properties.items() if values},
        }

    # ------------------------------------------------------------------ names

    def _urn(self, goal: CatalogGoal) -> str:
        """The urn of a goal; '' where it gets none of its own. Nothing in it has a meaning of its own in a urn."""
        if self._settings.kind == "domains" and goal.kind == "key_result":
            return ""
        what = {"glossary": "glossaryTerm", "tags": "tag", "domains": "domain"}[self._settings.kind]
        return f"urn:li:{what}:{self._settings.prefix}.{plain(goal.name)}"

    def _group(self, name: str) -> str:
        what = "domain" if self._settings.kind == "domains" else "glossaryNode"
        return f"urn:li:{what}:{self._settings.prefix}.{name}" if self._settings.kind != "tags" else ""


_NOTHING: Mapping[str, Any] = {"contains": [], "owners": [], "links": {}, "known": {}}


def plain(name: str) -> str:
    """A name with what a urn, or the path of a patch, cannot hold as hexadecimal: `asana:1` stays, `a/b` is `a%2Fb`."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_.-:") else _escaped(c) for c in name)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))


def _team(owner: str) -> str:
    """The urn of a team's group, named as it is; '' for nobody, and for what looks like a person's address."""
    name = team_of(owner.strip())
    if not name or "@" in name or len(name) > _LONGEST_TITLE or not name.isprintable():
        return ""
    return f"urn:li:corpGroup:{''.join(_escaped(c) if c in _RESERVED else c for c in name)}"


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two assets say that are one thing there."""
    found = {**one, **other}
    for key in ("terms", "tags", "domains"):
        if key in found:
            found[key] = list(dict.fromkeys((*one.get(key, ()), *other.get(key, ()))))
    names = {**one.get("properties", {}), **other.get("properties", {})}
    found["properties"] = {
        name: list(
            dict.fromkeys((*one.get("properties", {}).get(name, ()), *other.get("properties", {}).get(name, ())))
        )
        for name in names
    }
    return found
