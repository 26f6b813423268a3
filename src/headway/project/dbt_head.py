"""The head of the DAG as dbt can hold it: an exposure for each objective, and a metric for each key result if wanted.

What is made here is plain data, as it stands in a property file. It is kept to what dbt 1.6 to 2 read alike: exposures
of the type `analysis`, everything of ours in `config.meta`, no Jinja. What an objective depends on are metrics, models,
seeds, snapshots and sources; an exposure can depend on no other exposure, so that an objective names what is below the
objectives that support it, too.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from headway.graph.graph import Graph
from headway.graph.model import Node, Target
from headway.project.dbt_files import DbtFiles, Resource
from headway.project.goal_words import GoalWords
from headway.project.pages.table import address
from headway.questions.goals import in_order

MARK = "exported"
"""Key of `meta.headway` by which our own is told from what people declare; its value is where the goal was read."""

_TABLES = frozenset({"model", "seed", "snapshot", "source"})
_REFERABLE = _TABLES | {"metric"}
_NAMEABLE = re.compile(r"[\w.-]{1,250}")
_OF_SOURCE = re.compile(r"[\w. -]{1,250}")
"""Tables of a warehouse may have blanks in their names."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_OF_TARGET = frozenset({"type", "key_result", "objective", "origin", "changes", "binding", "there", "draft"})
_OF_OBJECTIVE = frozenset({"type", "objective", "parent", "origin"})


@dataclass(frozen=True, slots=True)
class Head:
    """What goes into the file, by section of it, and what could not."""

    sections: Mapping[str, tuple[dict[str, Any], ...]]
    notes: tuple[str, ...]
    objectives: Mapping[int, str]
    """Name of the exposure of each objective, by its node."""


def head(graph: Graph, files: DbtFiles, *, url: str = "", figures: bool = True, metrics: bool = False) -> Head:
    """The living objectives of a graph as a property file of dbt has them.

    `url` is where Headway's pages are, for objectives without a page of their own. `figures` puts the current values
    into the descriptions. `metrics` also makes a metric of every key result that is one metric without conditions.
    """
    return _Maker(graph, files, url, figures=figures, metrics=metrics).make()


def exposure_names(graph: Graph) -> dict[int, str]:
    """Name of the exposure of every objective that is exported, by its node, in the company's order."""
    living = [o for o in in_order(graph) if graph.state(o) != "draft" and graph.nodes[o].origin.connector != "dbt"]
    return _names("objective__", {o: graph.nodes[o].id.partition(".")[2] for o in living})


def below(graph: Graph, files: DbtFiles, goal: int) -> list[int]:
    """The nearest nodes that a key result is computed from and that dbt can refer to."""
    return _nearest(graph, files, graph.fed_by.get(goal, ()), _REFERABLE)


def _nearest(graph: Graph, files: DbtFiles, starts: Iterable[int], kinds: frozenset[str]) -> list[int]:
    """The nearest nodes of dbt of some kinds, upstream of some nodes or these themselves."""
    found: dict[int, None] = {}
    todo = list(starts)
    seen = set(todo)
    while todo:
        i = todo.pop(0)
        name, _, uid = graph.nodes[i].id.partition(":")
        if name == "dbt" and uid in files.resources and uid.partition(".")[0] in kinds:
            found[i] = None
            continue
        fresh = [u for u in graph.upstream[i] if u not in seen]
        seen.update(fresh)
        todo += fresh
    return sorted(found)


class _Maker:
    def __init__(self, graph: Graph, files: DbtFiles, url: str, *, figures: bool, metrics: bool) -> None:
        self._graph = graph
        self._files = files
        self._url = url.rstrip("/")
        self._words = GoalWords(graph, figures=figures)
        self._second = files.dbt_version.startswith("2.")
        self._names = exposure_names(graph)
        self._notes: dict[str, None] = {}
        self._metrics = self._as_metrics() if metrics else {}

    def make(self) -> Head:
        declared = [o for o in in_order(self._graph) if self._graph.nodes[o].origin.connector == "dbt"]
        if declared:
            what = "1 objective is" if len(declared) == 1 else f"{len(declared):,} objectives are"
            self._note(f"{what} declared in the dbt project itself and not exported")
        exposures = tuple(self._exposure(o, name) for o, name in self._names.items())
        sections = {"exposures": exposures, "metrics": tuple(self._metrics.values())}
        return Head(sections, tuple(self._notes), self._names)

    def _note(self, text: str) -> None:
        self._notes[text] = None

    # ------------------------------------------------------------------ objectives

    def _exposure(self, objective: int, name: str) -> dict[str, Any]:
        graph, node = self._graph, self._graph.nodes[objective]
        owner = node.owner or "nobody yet"
        named = {"name": owner} | ({"email": owner} if _EMAIL.fullmatch(owner) else {})
        page = node.url or (self._url and self._url + address("objective", node.id.partition(":")[2]))
        found: dict[str, Any] = {
            "name": name,
            "label": _plain_label(node.label),
            "type": "analysis",
            "maturity": self._maturity(objective),
            "owner": named,
        }
        if page:
            found["url"] = page
        found["description"] = _shown(self._words.objective(objective))
        goals = graph.goals_in(graph.goal_mask(objective) & graph.active)
        if depends := list(dict.fromkeys(word for g in goals for word in self._depends(g))):
            found["depends_on"] = depends
        tags = [tag for tag in node.tags if tag != "headway"]
        found["config"] = {"tags": ["headway", *tags], "meta": {"headway": self._meta(objective)}}
        return _told(found)

    def _maturity(self, objective: int) -> str:
        """high: every key result is bound to something and has a target; low: none is; medium: some are."""
        graph = self._graph
        own = [graph.targets[p] for p in graph.parts.get(objective, ()) if p in graph.targets]
        standing = (record := graph.objectives.get(objective)) is not None and record.standing
        ready = [t for t in own if t.binding.way and (standing or t.target is not None or t.band or t.stretch)]
        below = [p for p in graph.parts.get(objective, ()) if p in self._names]
        if not own and below:
            words = {self._maturity(p) for p in below}
            return words.pop() if len(words) == 1 else "medium"
        return "high" if own and len(ready) == len(own) else "medium" if ready else "low"

    def _meta(self, objective: int) -> dict[str, Any]:
        graph, node, record = self._graph, self._graph.nodes[objective], self._graph.objectives.get(objective)
        said = _plain(record, _OF_OBJECTIVE) if record else {}
        above = [graph.nodes[o].id.partition(".")[2] for o in graph.supports.get(objective, ()) if o in self._names]
        key_results = [self._key_result(p) for p in graph.parts.get(objective, ()) if self._is_own(p)]
        deliverables = [self._deliverable(p) for p in graph.parts.get(objective, ()) if p in graph.deliverables]
        found: dict[str, Any] = {"kind": "objective", MARK: node.origin.connector or "goals"}
        found |= {"id": node.id.partition(".")[2], **_of_node(node), **said}
        found |= {"supports": above} if above else {}
        found |= {"key_results": key_results} if key_results else {}
        return found | ({"deliverables": deliverables} if deliverables else {})

    # ------------------------------------------------------------------ key results

    def _is_own(self, goal: int) -> bool:
        """Whether a goal is a key result that no metric of the project declares itself."""
        target = self._graph.targets.get(goal)
        return target is not None and not target.draft and self._graph.nodes[goal].origin.connector != "dbt"

    def _key_result(self, goal: int) -> dict[str, Any]:
        graph, node, target = self._graph, self._graph.nodes[goal], self._graph.targets[goal]
        binding = _plain(target.binding, frozenset({"sql", "manual"}))
        found = {"id": node.id.rpartition(".")[2], **_of_node(node), **_plain(target, _OF_TARGET), **binding}
        if target.binding.way in {"sql", "readings"}:
            found["measured_by"] = target.binding.way
        if sources := [graph.nodes[i].id for i in below(self._graph, self._files, goal)]:
            found["computed_from"] = sources
        shown = [graph.nodes[i].id for i in graph.shown_on.get(goal, ()) if graph.nodes[i].id.startswith("dbt:")]
        return found | ({"shown_on": shown} if shown else {})

    def _deliverable(self, goal: int) -> dict[str, Any]:
        node, record = self._graph.nodes[goal], self._graph.deliverables[goal]
        said = _plain(record, frozenset({"type", "deliverable", "objective", "origin"}))
        return {"id": node.id.rpartition(".")[2], **_of_node(node), **said}

    def _depends(self, goal: int) -> Iterator[str]:
        """References to what a key result is computed from, as `depends_on` has them."""
        nodes = below(self._graph, self._files, goal)
        if goal in self._metrics:
            yield f"metric('{self._metrics[goal]['name']}')"
        for i in nodes:
            resource = self._resource(i)
            if goal in self._metrics and resource.resource_type == "metric":
                continue
            if resource.private:
                label = self._graph.nodes[goal].label
                self._note(f"{label} stands on {resource.name}, which is private: an exposure may not refer to it")
            elif word := self._reference(resource):
                yield word
            else:
                self._note(f"{resource.unique_id[:200]!r} has a name that cannot be referred to, and is left out")
        if self._second:
            # dbt 2 does not follow an exposure to its metrics: what these stand on is named as well.
            metrics = [u for i in nodes if self._resource(i).resource_type == "metric" for u in self._graph.upstream[i]]
            tables = [self._resource(i) for i in _nearest(self._graph, self._files, metrics, _TABLES)]
            yield from filter(None, (self._reference(r) for r in tables if not r.private))

    def _resource(self, i: int) -> Resource:
        return self._files.resources[self._graph.nodes[i].id.partition(":")[2]]

    def _reference(self, resource: Resource) -> str:
        kind, package = resource.unique_id.partition(".")[0], resource.package_name
        words = [resource.source_name or "", resource.name] if kind == "source" else [resource.name]
        if kind != "source" and package and package != self._files.name:
            words.insert(0, package)
        version = resource.version
        nameable = _OF_SOURCE if kind == "source" else _NAMEABLE
        if not all(nameable.fullmatch(word) for word in (*words, *([str(version)] if version is not None else []))):
            return ""
        said = [f"'{word}'" for word in words]
        if version is not None:
            said.append(f"v={version}" if isinstance(version, int) else f"v='{version}'")
        return f"{'ref' if kind not in {'source', 'metric'} else kind}({', '.join(said)})"

    # ------------------------------------------------------------------ key results as metrics

    def _as_metrics(self) -> dict[int, dict[str, Any]]:
        """A derived metric for each key result that is one metric of the project, by the key result's node."""
        graph = self._graph
        wanted: dict[int, str] = {}
        for objective in self._names:
            for goal in graph.parts.get(objective, ()):
                if not self._is_own(goal) or not graph.targets[goal].binding.metric:
                    continue
                below = [i for i in graph.fed_by.get(goal, ()) if graph.nodes[i].kind == "metric"]
                label = graph.nodes[goal].label
                if len(below) != 1 or not graph.nodes[below[0]].id.startswith("dbt:"):
                    self._note(f"{label} is no metric of dbt and gets none of its own")
                elif graph.targets[goal].binding.where:
                    self._note(f"{label} has conditions of its own and gets no metric of its own")
                else:
                    wanted[goal] = graph.nodes[goal].id.partition(".")[2]
        return {goal: self._metric(goal, name) for goal, name in _names("key_result_", wanted).items()}

    def _metric(self, goal: int, name: str) -> dict[str, Any]:
        graph, node = self._graph, self._graph.nodes[goal]
        below = next(graph.nodes[i] for i in graph.fed_by[goal] if graph.nodes[i].kind == "metric")
        # A label may be there once only among all metrics; the id below the objective is.
        label = f"{node.label} (key result {node.id.partition('.')[2]})"
        found: dict[str, Any] = {"name": name, "label": _plain_label(label), "type": "derived"}
        found["description"] = _shown(self._words.key_result(goal))
        if self._second:
            found |= {"expr": below.name, "input_metrics": [{"name": below.name}]}
        else:
            found["type_params"] = {"expr": below.name, "metrics": [{"name": below.name}]}
        target = graph.targets[goal]
        objective = graph.nodes[graph.objective_of(goal)].id.partition(".")[2]
        meta = {MARK: node.origin.connector or "goals", "objective": objective, "key_result": node.name}
        found["config"] = {"meta": {"headway": {**meta, **_of_node(node), **_plain(target, _OF_TARGET)}}}
        return _told(found)


def _names(prefix: str, ids: Mapping[int, str]) -> dict[int, str]:
    """Names of dbt for ids: letters, digits and underscores; of those that would be the same, each has a digest."""
    plain = {i: prefix + re.sub(r"\W", "_", name, flags=re.ASCII) for i, name in ids.items()}
    if prefix.startswith("key_result"):
        plain = {i: re.sub(r"_+", "_", name).rstrip("_").lower() for i, name in plain.items()}
    often = Counter(plain.values())
    return {
        i: name if often[name] == 1 else f"{name}_{hashlib.sha256(ids[i].encode()).hexdigest()[:6]}"
        for i, name in plain.items()
    }


def _of_node(node: Node) -> dict[str, Any]:
    said = {
        "title": node.title,
        "owner": node.owner,
        "tags": list(node.tags),
        "url": node.url,
        "text": node.description.strip(),
    }
    return {key: value for key, value in said.items() if value}


def _plain(record: Target | Any, without: Iterable[str]) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(record)
    return {key: value for key, value in said.items() if key not in without and value not in (None, "", [], {})}


def _shown(text: str) -> str:
    """Text for dbt's docs, which take HTML in a description for what it says."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _plain_label(text: str) -> str:
    """A label without markup: the search of dbt's docs shows labels as HTML, other places of it as they are."""
    return text.replace("<", "\u2039").replace(">", "\u203a")


def _told(item: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as it is written."""
    return {key: without_jinja(value) for key, value in item.items()}


def without_jinja(value: Any) -> Any:
    """dbt renders whatever it finds in double braces, also in what people wrote elsewhere: they are parted."""
    if isinstance(value, str):
        return re.sub(r"\{(?=[{%#])", "{ ", value)
    if isinstance(value, dict):
        return {key: without_jinja(inner) for key, inner in value.items()}
    return [without_jinja(inner) for inner in value] if isinstance(value, list | tuple) else value
