"""Goals that Headway itself wrote into a dbt project: read back, and marked as copies of what stands elsewhere.

What `headway export dbt` writes is told by `meta.headway.exported`. Such an exposure is no asset, and such a metric
only stands for the metric that it is made of. The goals are read all the same, so that a manifest alone has its head;
where the goals themselves are known, the graph leaves their copies out (see `headway.graph.copies`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from headway.connectors.dbt.artifacts import Exposure, Resource
from headway.connectors.dbt.stated import headway_meta
from headway.graph.model import (
    AnyRecord,
    Binding,
    Deliverable,
    Edge,
    Gap,
    Node,
    Objective,
    Origin,
    Target,
    goal_id,
)

MARK = "exported"
_NAME = re.compile(r"[\w-]{1,200}")
_BINDING = frozenset(Binding.__struct_fields__)
_MOST = 10_000
"""Parts of one objective that are read; more is no export of ours."""

T = TypeVar("T", Target, Objective, Deliverable)


def is_exported(resource: Resource) -> bool:
    """Whether Headway wrote this metric or exposure."""
    return bool(headway_meta(resource).get(MARK))


def exported_goals(exposures: Mapping[str, Exposure], origin: Origin) -> Iterator[AnyRecord]:
    """The goals of the exposures that Headway wrote; a part that is not what it wrote becomes a Gap.

    `origin` stands for an exposure whose file is not known.
    """
    seen: set[str] = set()
    for uid, exposure in exposures.items():
        place = Origin("dbt", exposure.original_file_path) if exposure.original_file_path else origin
        yield from _Reader(uid, exposure, place, seen).records()


class _Reader:
    """Reads one exposure."""

    def __init__(self, uid: str, exposure: Exposure, origin: Origin, seen: set[str]) -> None:
        self._name = exposure.name
        self._uid = uid
        self._exposure = exposure
        self._origin = origin
        self._seen = seen
        self._said: dict[str, Any] = _with_braces(dict(headway_meta(exposure)))

    def records(self) -> Iterator[AnyRecord]:
        said, name = self._said, self._named(self._said)
        if not name:
            yield self._gap("it has no id")
            return
        goal = goal_id("objective", name)
        if goal in self._seen:
            yield self._gap(f"the objective {name!r} is there twice; the first one counts")
            return
        self._seen.add(goal)
        yield self._node(said, "objective", goal, name)
        above = [goal_id("objective", a) for a in _names(said.get("supports")) if _NAME.fullmatch(a) and a != name]
        yield from self._record(Objective, said, objective=goal, parent=above[0] if above else "")
        for upper in above:
            yield Edge(upstream=goal, downstream=upper, role="supports", origin=self._origin)
        for part in _mappings(said.get("key_results")):
            yield from self._key_result(part, goal, name)
        for part in _mappings(said.get("deliverables")):
            if below := self._below("deliverable", part, name):
                yield self._node(part, "deliverable", below, self._named(part))
                yield from self._record(Deliverable, part, deliverable=below, objective=goal)
                yield Edge(upstream=below, downstream=goal, role="supports", origin=self._origin)

    def _key_result(self, part: Mapping[str, Any], goal: str, objective: str) -> Iterator[AnyRecord]:
        below = self._below("key_result", part, objective)
        if not below:
            yield self._gap("a key result has no id, or is there twice")
            return
        binding = {key: value for key, value in part.items() if key in _BINDING}
        if part.get("measured_by") == "readings":
            binding["manual"] = True
        rest = {key: value for key, value in part.items() if key not in _BINDING}
        yield self._node(part, "key_result", below, self._named(part))
        yield from self._record(Target, {**rest, "binding": binding}, key_result=below, objective=goal)
        yield Edge(upstream=below, downstream=goal, role="supports", origin=self._origin)
        for upstream in _names(part.get("computed_from")):
            yield Edge(upstream=upstream, downstream=below, origin=self._origin)
        for shower in _names(part.get("shown_on")):
            yield Edge(upstream=shower, downstream=below, role="shows", origin=self._origin)

    def _below(self, kind: Any, part: Mapping[str, Any], objective: str) -> str:
        """Id of a part of an objective; '' for one without a name, and for one that was there before."""
        name = self._named(part)
        goal = goal_id(kind, objective, name) if name else ""
        if goal in self._seen:
            return ""
        self._seen.add(goal)
        return goal

    def _node(self, said: Mapping[str, Any], kind: str, goal: str, name: str) -> Node:
        exposure = self._exposure
        tags = tuple(_names(said.get("tags")))
        return Node(
            id=goal,
            kind=kind,
            name=name,
            title=_text(said.get("title")),
            owner=_text(said.get("owner")),
            owner_origin="goals" if said.get("owner") else "",
            tags=tags,
            url=_text(said.get("url")),
            description=_text(said.get("text")),
            path=exposure.original_file_path or "",
            package=exposure.package_name or "",
            meta={MARK: _text(said.get(MARK)) or "goals"},
            origin=self._origin,
        )

    def _record(self, shape: type[T], said: Mapping[str, Any], **ids: str) -> Iterator[T | Gap]:
        """A record of what was said; without the fields that are not what they should be, should there be any."""
        values = {k: v for k, v in said.items() if k in shape.__struct_fields__ and k != "origin"} | ids
        try:
            yield msgspec.structs.replace(msgspec.convert(values | {"type": _TAGS[shape]}, shape), origin=self._origin)
        except (msgspec.ValidationError, RecursionError) as error:
            yield self._gap(f"was edited, and is not used: {' '.join(str(error).split())[:160]}")
            bare = shape(**ids)  # type: ignore[arg-type]
            yield msgspec.structs.replace(bare, origin=self._origin)

    def _named(self, said: Mapping[str, Any]) -> str:
        name = said.get("id")
        return name if isinstance(name, str) and _NAME.fullmatch(name) else ""

    def _gap(self, message: str) -> Gap:
        message = f"the exported exposure {self._name[:200]}: {message}"
        hint = "headway export dbt writes it again"
        return Gap(topic="goals", message=message, node=f"dbt:{self._uid}", hint=hint, origin=self._origin)


_TAGS = {Target: "target", Objective: "objective", Deliverable: "deliverable"}


def _with_braces(value: Any, depth: int = 0) -> Any:
    """What was parted so that dbt renders nothing, as it was."""
    if isinstance(value, str):
        return re.sub(r"\{ (?=[{%#])", "{", value)
    if depth > 8:
        return None
    if isinstance(value, dict):
        return {key: _with_braces(inner, depth + 1) for key, inner in value.items()}
    return [_with_braces(inner, depth + 1) for inner in value[:_MOST]] if isinstance(value, list) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _names(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str) and v] if isinstance(value, list) else []


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []
