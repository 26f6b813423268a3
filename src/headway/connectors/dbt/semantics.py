"""What metrics are computed from: their inputs, the semantic models behind them, and the tables their filters join.

dbt leaves out of `depends_on` what a metric reaches only through a filter. Those edges are found here by reading the
filter templates and resolving each dimension to the semantic model that has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from headway.connectors.dbt.artifacts import Manifest, Metric, SavedQuery, SemanticModel
from headway.connectors.metric_parts import filter_templates, input_name, input_parts, mapping, mappings, templates

_CALL = re.compile(r"\b(Dimension|TimeDimension|Entity|Metric)\s*\(")
_TOKEN = re.compile(r"""\s*(?:'([^'\\]*)'|"([^"\\]*)"|([A-Za-z_]\w*)|([\[\](),=]))""")
_LONGEST_FILTER = 100_000
_MOST_CALLS = 500
_MOST_TOKENS = 200
_GRAINS = frozenset(
    "nanosecond microsecond millisecond second minute hour day week month quarter year".split()  # noqa: SIM905
)


class Reference(msgspec.Struct, frozen=True):
    """One `Dimension(...)`, `TimeDimension(...)`, `Entity(...)` or `Metric(...)` in a filter."""

    what: str
    path: tuple[str, ...]
    """Entities from the metric outwards, then the name itself."""

    def __str__(self) -> str:
        return f"{self.what}('{'__'.join(self.path)}')"


class Input(msgspec.Struct, frozen=True):
    """Something a metric is computed from."""

    name: str
    measure: bool
    """A measure of a semantic model rather than another metric."""


class _Model(msgspec.Struct, frozen=True):
    """A semantic model as filters see it."""

    uid: str
    owned: frozenset[str]
    """Entities that identify one row or are unique here: other models join in through these."""
    entities: frozenset[str]
    dimensions: frozenset[str]


class Semantics:
    """Names of the semantic layer, indexed once."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._metrics: dict[str | tuple[str, str], str] = {}
        for uid, metric in manifest.metrics.items():
            self._metrics.setdefault(metric.name, uid)
            self._metrics[metric.package_name or "", metric.name] = uid
        self._models: dict[str, _Model] = {}
        self._model_named: dict[str, str] = {}
        self._measures: dict[str, str] = {}
        self._owners: dict[str, list[_Model]] = {}
        for uid, model in manifest.semantic_models.items():
            self._add_model(uid, model)
        self._tables: dict[str, list[str]] | None = None

    def metric(self, name: str, package: str = "") -> str:
        """Unique id of the metric of that name, in that package if it has one; '' when there is none."""
        return self._metrics.get((package, name)) or self._metrics.get(name) or ""

    def metrics_named(self, references: Any) -> list[str]:
        """Unique ids of what an exposure or a legacy metric lists under `metrics`: ['name'] or ['package', 'name']."""
        found = []
        for reference in references if isinstance(references, list) else []:
            words = [reference] if isinstance(reference, str) else reference
            if isinstance(words, list) and words and all(isinstance(word, str) for word in words):
                uid = self.metric(words[-1], words[0] if len(words) > 1 else "")
                if uid:
                    found.append(uid)
        return found

    def upstream_of_metric(self, metric: Metric) -> list[str]:
        """Unique ids that the metric's own definition names, beyond what `depends_on` lists. May repeat."""
        package = metric.package_name or ""
        found = [
            self._measures.get(item.name, "") if item.measure else self.metric(item.name, package)
            for item in inputs(metric)
        ]
        aggregation = mapping(mapping(metric.type_params).get("metric_aggregation_params"))
        model = aggregation.get("semantic_model")
        if isinstance(model, str):
            found.append(self._model_named.get(model, ""))
        if not metric.type_params:
            found += self.metrics_named(metric.metrics)
            found += self._models_referred(metric.model_unique_id, metric.refs, metric.depends_on is None)
        return [uid for uid in found if uid]

    def upstream_of_semantic_model(self, model: SemanticModel) -> list[str]:
        """The model under a semantic model, for releases that leave it out of `depends_on`."""
        if model.depends_on and model.depends_on.nodes:
            return []
        return self._models_referred(None, model.refs, True)

    def joined_by(self, references: list[Reference], own: set[str]) -> tuple[list[str], list[str]]:
        """Resolve filter references for something computed from the semantic models `own`.

        Returns the unique ids that the references add to the lineage, and those references that fit nothing, in words.
        """
        found: dict[str, None] = {}
        unresolved: dict[str, None] = {}
        for reference in references:
            if reference.what == "Metric":
                uid = self.metric(reference.path[-1])
                hits = [uid] if uid else None
            else:
                hits = self._resolve(reference, own)
            if hits is None:
                unresolved[str(reference)] = None
            else:
                found.update(dict.fromkeys(hits))
        return [uid for uid in found if uid not in own], list(unresolved)

    def _add_model(self, uid: str, model: SemanticModel) -> None:
        self._model_named.setdefault(model.name, uid)
        for item in mappings(model.measures):
            name = item.get("name")
            if isinstance(name, str):
                self._measures.setdefault(name, uid)
        owned, others, dimensions = _names(model)
        self._models[uid] = known = _Model(uid, frozenset(owned), frozenset((*owned, *others)), frozenset(dimensions))
        for entity in sorted(owned):
            self._owners.setdefault(entity, []).append(known)

    def _resolve(self, reference: Reference, own: set[str]) -> list[str] | None:
        """Semantic models on the way of a reference, [] when it needs none, None when nothing has it."""
        *links, name = reference.path
        if name == "metric_time" or (name in _GRAINS and links and links[-1] == "metric_time"):
            return []
        entity = reference.what == "Entity"
        models = self._holders(links, name, own, entity=entity)
        if models is None and not entity and links and name in _GRAINS:
            *links, name = links
            models = self._holders(links, name, own, entity=False)
        return models

    def _holders(self, links: list[str], name: str, own: set[str], *, entity: bool) -> list[str] | None:
        if not links:
            mine = [self._models[uid] for uid in own if uid in self._models]
            if any(name in (m.entities if entity else m.dimensions) for m in mine):
                return []
            owners = [m.uid for m in self._owners.get(name, [])] if entity else []
            return owners or None
        hops: list[str] = []
        for index, link in enumerate(links, 1):
            final = index == len(links)
            wanted = name if final else links[index]
            holders = [
                m
                for m in self._owners.get(link, [])
                if wanted in (m.dimensions if final and not entity else m.entities)
            ]
            if not holders:
                return None
            here = [m for m in holders if m.uid in own]
            hops += [m.uid for m in (here or holders)]
        return hops

    def _models_referred(self, uid: str | None, refs: Any, wanted: bool) -> list[str]:
        if uid:
            return [uid]
        if not wanted:
            return []
        if self._tables is None:
            self._tables = {}
            for node_uid, node in self._manifest.nodes.items():
                if node_uid.startswith(("model.", "seed.", "snapshot.")):
                    self._tables.setdefault(node.name, []).append(node_uid)
        found = []
        for ref in refs if isinstance(refs, list) else []:
            name = ref.get("name") if isinstance(ref, dict) else ref[-1] if isinstance(ref, list) and ref else ref
            if isinstance(name, str):
                found += self._tables.get(name, [])[:1]
        return found


def reached_by(model: SemanticModel) -> tuple[str, ...]:
    """Names under which a filter reaches the model: `entity__dimension` for every entity that others join it by."""
    owned, _, dimensions = _names(model)
    return tuple(f"{entity}__{dimension}" for entity in sorted(owned) for dimension in sorted(dimensions))


def _names(model: SemanticModel) -> tuple[set[str], set[str], set[str]]:
    """Lower-case names of the entities that others join a model by, of its other entities, and of its dimensions."""
    owned: set[str] = set()
    others: set[str] = set()
    for item in mappings(model.entities):
        name = item.get("name")
        if isinstance(name, str):
            (owned if item.get("type") in ("primary", "unique", "natural") else others).add(name.lower())
    if model.primary_entity:
        owned.add(model.primary_entity.lower())
    dimensions = {n.lower() for item in mappings(model.dimensions) if isinstance(n := item.get("name"), str)}
    return owned, others, dimensions


def inputs(metric: Metric) -> Iterator[Input]:
    """The metrics and measures a metric is computed from. Never `input_measures`: dbt 2 puts metric names there."""
    for item, measure in input_parts(metric.type_params):
        name = input_name(item)
        if name:
            yield Input(name, measure)


def filters_of_metric(metric: Metric) -> tuple[list[Reference], bool]:
    """References in the metric's filter and in the filters of its inputs; whether all of them could be read."""
    return _references(list(filter_templates(metric.filter, metric.type_params)))


def filters_of_query(query: SavedQuery) -> tuple[list[Reference], bool]:
    """References in a saved query's `where`; whether all of them could be read."""
    return _references(list(templates(mapping(query.query_params).get("where"))))


def _references(texts: list[str]) -> tuple[list[Reference], bool]:
    found: dict[Reference, None] = {}
    complete = True
    for template in texts:
        if len(template) > _LONGEST_FILTER:
            complete = False
            continue
        for number, call in enumerate(_CALL.finditer(template)):
            reference = _parse(call[1], template, call.end()) if number < _MOST_CALLS else None
            if reference is None:
                complete = False
            else:
                found[reference] = None
    return list(found), complete


def _parse(what: str, template: str, at: int) -> Reference | None:
    """The call whose arguments start at `at`, or None when they are not plain texts and lists of texts."""
    values: dict[str | int, list[str]] = {}
    key: str | int = 0
    word, depth, position = "", 0, 0
    for _ in range(_MOST_TOKENS):
        token = _TOKEN.match(template, at)
        if token is None:
            return None
        at = token.end()
        text = token[token.lastindex or 0]
        if token.lastindex in (1, 2):
            values.setdefault(key, []).append(text)
        elif token.lastindex == 3:
            word = text
        elif text == "=":
            key = word
        elif text == "," and not depth:
            position += 1
            key = position
        elif text in "[(":
            depth += 1
        elif text == ")" and not depth:
            return _reference(what, values)
        elif text in "])":
            depth -= 1
    return None


def _reference(what: str, values: Mapping[str | int, list[str]]) -> Reference | None:
    name = next((values[k][0] for k in (0, "name", "time_dimension_name", "metric_name") if k in values), "")
    if what == "Metric":
        return Reference(what, (name,)) if name else None
    outer = values.get("entity_path") or (values.get(1, []) if what in ("Dimension", "Entity") else [])
    path = [part for link in [*outer, name] for part in link.lower().split("__") if part]
    return Reference(what, tuple(path)) if name and path else None
