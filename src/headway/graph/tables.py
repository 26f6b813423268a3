"""Tables as tools outside dbt name them, and the nodes they mean.

A tool reads production, while a manifest is often that of another target; it leaves the catalog out, or adds a server;
and it names a table that is a source of one project and built by the same project. So a name is tried

1. *in full*: its last three parts are the relation of a node;
2. by *schema and table*, since a view may lie in another catalog, and the target of the manifest too;
3. by the *table's name* alone, when exactly one table has it.

The first of these that fits decides. What keeps the later ones honest:

- A place that is known is known: in a schema where dbt builds (or that holds sources only), a name that no node has
  is a table that nobody builds, not one of the same name elsewhere.
- A schema says its layer, and layers are the same under every target: `wizard_marts` and `production_marts` end in the
  same word, `marts`. A table of one layer is never taken for one of another.
- A source whose table and layer are those of exactly one model is what the model builds, named by its place in
  production, and the model is meant. A source that the model itself stands on is not: nothing is made from itself.

Disabled nodes are never meant, nor what is no table (ephemeral models, tests, exposures). A table that only another
system told of (see `headway.graph.outside`) is meant by its whole name alone, and never before one of dbt's that the
first two tiers find.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from headway.graph.model import KINDS, Node

Tier = Literal["id", "name", "relation", "schema and table", "table", "decision", ""]
"""By what a name was found; '' when it was not, or when that is not kept."""

_BUILD_SUFFIXES = ("__dbt_tmp", "__dbt_backup")
_BUILT = frozenset({"model", "snapshot", "seed"})
_TABLE_BANDS = frozenset({"source", "model"})
_SHARD = re.compile(r"_(?:(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|\d{0,8}\*)$")
"""The day of a date-sharded table (events_20260101), or the wildcard over such (events_*, events_2026*)."""
_DECORATOR = re.compile(r"\$\d{4,10}$")
_LEGACY = re.compile(r"^([a-z][a-z0-9-]*):(?=[^.:]+\.[^.]+$)")


@dataclass(frozen=True, slots=True)
class Match:
    """The nodes a name fits: exactly one is a link, none or several are not."""

    nodes: tuple[int, ...]
    tier: Tier = ""
    alike: tuple[int, ...] = ()
    """Where nothing fits: tables of the same name in places that are not meant."""

    @property
    def node(self) -> int | None:
        """The one node meant, or None."""
        return self.nodes[0] if len(self.nodes) == 1 else None


def fold_relation(relation: str) -> str:
    """A relation as it is compared: quotes dropped, case folded, dbt's build suffixes taken off."""
    folded = _unquoted(relation)
    while folded.endswith(_BUILD_SUFFIXES):
        folded = folded.rpartition("__")[0]
    return folded


def is_build_step(relation: str) -> bool:
    """Whether a name is one that dbt gives a table only while it builds another."""
    return _unquoted(relation).strip().endswith(_BUILD_SUFFIXES)


def _unquoted(relation: str) -> str:
    return relation.replace('"', "").replace("`", "").replace("[", "").replace("]", "").casefold()


def fold_table(name: str) -> str:
    """A table's name as a tool writes it, as it is compared: BigQuery's `project:set.table$20260101` is told too."""
    folded = _DECORATOR.sub("", ".".join(part.strip() for part in fold_relation(name).split(".")))
    return _LEGACY.sub(r"\1.", folded) if ":" in folded else folded


class Tables:
    """Finds tables by the names that tools outside give them. Names are looked up once; nodes are indexed once."""

    def __init__(self, nodes: Sequence[Node], upstream: Sequence[Sequence[int]] = ()) -> None:
        self._nodes = nodes
        self._upstream = upstream
        self._known: dict[str, Match] = {}
        self._decided: dict[str, Match] = {}
        self._by_name: dict[str, list[int]] = defaultdict(list)
        self._shards: dict[str, list[int]] = defaultdict(list)
        self._outside: dict[str, list[int]] = defaultdict(list)
        """Tables that only systems outside dbt tell of, by their whole relation."""
        self._place: dict[int, tuple[str, str]] = {}
        """Catalog and schema of every table."""
        self._built: set[str] = set()
        """Where dbt builds: `catalog.schema`, and `schema`."""
        self._declared: set[str] = set()
        """The same of sources."""
        self._layers: dict[str, set[str]] = defaultdict(set)
        """Ending of a schema's name -> schemas that dbt builds in and that end so."""
        self._sources: dict[str, set[str]] = defaultdict(set)
        """The same of schemas that hold sources."""
        for i, node in enumerate(nodes):
            if node.relation and is_table(node):
                self._index(i, node)

    def _index(self, i: int, node: Node) -> None:
        parts = fold_relation(node.relation).split(".")
        if is_outside(node):
            self._outside[".".join(parts)].append(i)
            return
        table, schema, catalog = [*reversed(parts), "", ""][:3]
        place = (catalog, schema)
        self._place[i] = place
        for start in range(max(0, len(parts) - 3), len(parts)):
            self._by_name[".".join(parts[start:])].append(i)
        if table[-1:] == "*" or table[-1:].isdigit():
            stem = _SHARD.sub("_*", table)
            if stem != table or table.endswith("_*"):
                for name in dict.fromkeys((stem, ".".join(filter(None, (schema, stem))), _joined(*place, stem))):
                    self._shards[name].append(i)
        known = self._built if node.kind in _BUILT else self._declared
        known.add(schema)
        known.add(_joined(*place))
        layers = self._layers if node.kind in _BUILT else self._sources
        for ending in _endings(schema):
            layers[ending].add(schema)

    # ------------------------------------------------------------------ finding

    def match(self, name: str) -> Match:
        """The nodes that a table's name means, by the first tier at which it fits any."""
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._match(fold_table(name))
        return found

    def decide(self, name: str, match: Match) -> None:
        """From now on a table's name, as `fold_table` gives it, means what a person said."""
        self._decided[name] = match
        self._known.clear()

    def _match(self, name: str) -> Match:
        if name in self._decided:
            return self._decided[name]
        parts = name.split(".")[-3:]
        if not all(parts):
            return Match(())
        outside = Match(tuple(self._outside.get(".".join(parts), ())), "relation")
        for count in range(len(parts), 0, -1):
            if count == 1 and outside.nodes:
                break
            hits = self._called(".".join(parts[-count:]))
            tier: Tier = "relation" if count == 3 else "schema and table" if count == 2 else "table"
            if count == 1 and len(parts) > 1:
                fitting = self._of_layer(hits, parts[-2])
                if not fitting and hits:
                    return Match((), "", tuple(hits))
                hits = fitting
            nodes = self.outputs(hits)
            if nodes:
                return Match(nodes, tier)
            if self._authoritative(parts, count):
                return outside if outside.nodes else Match((), "", tuple(self._called(parts[-1])))
        return outside if outside.nodes else Match(())

    def _called(self, name: str) -> Sequence[int]:
        """Tables that are called so; of date-sharded ones any day means all."""
        hits = self._by_name.get(name)
        if hits is None and (name[-1:] == "*" or name[-1:].isdigit()):
            hits = self._shards.get(_SHARD.sub("_*", name))
        return hits or ()

    def _authoritative(self, parts: Sequence[str], count: int) -> bool:
        """Whether a name that was just not found with `count` parts is in a place whose tables are all known."""
        if count == 1:
            return False
        schema = parts[-2]
        place = ".".join(parts[-count:-1])
        if place in self._built:
            return count == 3 or len(parts) == 2
        return place in self._declared and count == len(parts) and not self._layer(schema)

    def _layer(self, schema: str) -> set[str]:
        """The schemas that dbt builds in of the layer that a schema is of: those with the longest ending in common."""
        return next((self._layers[ending] for ending in _endings(schema) if ending in self._layers), set())

    def _of_layer(self, hits: Sequence[int], schema: str) -> list[int]:
        """Those of `hits` that may lie in a schema under another target; all of them where its layer is not known."""
        layer = self._layer(schema)
        if layer:
            return [i for i in hits if self._place[i][1] in layer or self._layer(self._place[i][1]) & layer]
        layer = next((self._sources[ending] for ending in _endings(schema) if ending in self._sources), set())
        return [i for i in hits if not layer or self._place[i][1] in layer]

    # ------------------------------------------------------------------ sources that are built here

    def outputs(self, hits: Sequence[int]) -> tuple[int, ...]:
        """The nodes, with sources that name what a model builds replaced by the model."""
        if not any(self._nodes[i].kind == "source" for i in hits):
            return tuple(hits)
        found = (self.builder(i) if self._nodes[i].kind == "source" else i for i in hits)
        return tuple(dict.fromkeys(i if built is None else built for i, built in zip(hits, found, strict=True)))

    def builder(self, source: int) -> int | None:
        """The one model, snapshot or seed that builds what a source names; None when it comes from elsewhere."""
        schema = self._place[source][1]
        layer = self._layer(schema)
        table = fold_relation(self._nodes[source].relation).rpartition(".")[2]
        found = [i for i in self._by_name[table] if self._nodes[i].kind in _BUILT and self._place[i][1] in layer]
        if len(found) != 1 or self._stands_on(found[0], source):
            return None
        return found[0]

    def _stands_on(self, node: int, source: int) -> bool:
        if not self._upstream:
            return False
        seen, todo = {node}, [node]
        while todo:
            for above in self._upstream[todo.pop()]:
                if above == source:
                    return True
                if above not in seen:
                    seen.add(above)
                    todo.append(above)
        return False

    # ------------------------------------------------------------------ places

    def builds_in(self, name: str) -> bool:
        """Whether dbt builds in the schema that a table's name says, as far as it says one."""
        parts = fold_table(name).split(".")[-3:]
        return len(parts) > 1 and ".".join(parts[:-1]) in self._built

    def is_built(self, node: int) -> bool:
        """Whether a node is a table that dbt builds, as opposed to a source."""
        return self._nodes[node].kind in _BUILT


def is_outside(node: Node) -> bool:
    """Whether a node is a table, or another dataset, that only a system outside dbt tells of."""
    return node.kind == "source" and ":" in node.id and not node.id.startswith("dbt:")


def is_table(node: Node) -> bool:
    """Whether a node is something that a tool outside can read as a table."""
    return KINDS[node.kind].band in _TABLE_BANDS and node.materialized != "ephemeral"


def _joined(*parts: str) -> str:
    return ".".join(filter(None, parts))


def _endings(schema: str) -> Iterator[str]:
    """`a_b_c`, `b_c`, `c`: the longest first."""
    while schema:
        yield schema
        schema = schema.partition("_")[2]
