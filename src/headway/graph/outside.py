"""Tables as systems outside dbt tell of them: one that dbt knows is dbt's node, every other is a node of its own.

A job that an orchestrator runs writes `wh.raw.orders`; dbt reads a source of that relation. Both are one table, so they
become one node: dbt's id stays the id, both ids find it, and what dbt does not say (owner, description) is taken from
outside. Nothing is guessed:

- the whole relation has to be the same, case folded. Only in the warehouse that dbt builds in (`meta.warehouse`, said
  by the configuration or by dbt's own events) may one side leave the catalog out;
- a table that two of dbt's nodes could be stays apart, as do two that could be one of dbt's, and a gap says so;
- of a model and a source with one relation the model is meant, since it builds the table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from headway.graph.merge import Merged, united
from headway.graph.model import Gap, Node
from headway.graph.tables import fold_relation, is_outside, is_table

_BUILT = frozenset({"model", "snapshot", "seed"})
_PARTS = 3
_ONE_EACH = "give each of them a relation of its own"
_NAME_IT = "name the namespace of dbt's warehouse: {name: openlineage, warehouse: [...]}"


def one_table_each(nodes: Sequence[Node]) -> Merged:
    """The nodes, with tables from outside that dbt knows made one with dbt's. Costs one look at every node."""
    outside = [node for node in nodes if is_outside(node) and node.relation]
    if not outside:
        return Merged(tuple(nodes))
    known = _Known(nodes)
    claims: dict[str, list[Node]] = defaultdict(list)
    unclear: dict[str, list[tuple[Node, str]]] = defaultdict(list)
    for node in outside:
        hits = known.called(node)
        if len(hits) == 1:
            claims[hits[0].id].append(node)
        elif hits:
            unclear[_ONE_EACH].append((node, f"could be {_listed(hits)}"))
    aliases: dict[str, str] = {}
    told: dict[str, list[Node]] = {}
    for name, claiming in claims.items():
        certain = [node for node in claiming if node.meta.get("warehouse")] or claiming
        if len(certain) == 1:
            told[name] = certain
            aliases[certain[0].id] = name
        else:
            unclear[_NAME_IT].append((certain[0], f"and {_listed(certain[1:])} are both called like {name}"))
    return Merged(tuple(_merged(nodes, aliases, told)), aliases, tuple(_gaps(unclear)))


def _merged(nodes: Sequence[Node], aliases: Mapping[str, str], told: Mapping[str, Sequence[Node]]) -> Iterator[Node]:
    for node in nodes:
        if node.id in aliases:
            continue
        for other in told.get(node.id, ()):
            node = _with(node, other)  # noqa: PLW2901 - the node, with what is known of it beside
        yield node


def _with(node: Node, outside: Node) -> Node:
    """Both as one: what names the table outside, and where it was, says nothing of dbt's."""
    return replace(united(node, outside), meta=node.meta, title=node.title)


class _Known:
    """The tables of dbt by their relation."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._whole: dict[str, list[Node]] = defaultdict(list)
        self._without_catalog: dict[str, list[Node]] = defaultdict(list)
        for node in nodes:
            if node.relation and is_table(node) and not is_outside(node):
                folded = fold_relation(node.relation)
                self._whole[folded].append(node)
                if folded.count(".") == _PARTS - 1:
                    self._without_catalog[folded.partition(".")[2]].append(node)

    def called(self, outside: Node) -> list[Node]:
        """What a table from outside may be: none, one, or several of which nothing says which."""
        folded = fold_relation(outside.relation)
        hits = self._whole.get(folded, [])
        if not hits and outside.meta.get("warehouse"):
            parts = folded.count(".") + 1
            rest = folded.partition(".")[2]
            hits = self._whole.get(rest, []) if parts == _PARTS else self._without_catalog.get(folded, [])
        exact = [node for node in hits if node.relation == outside.relation] or hits
        built = [node for node in exact if node.kind in _BUILT]
        return built if len(built) == 1 else exact


def _gaps(unclear: Mapping[str, Sequence[tuple[Node, str]]]) -> Iterator[Gap]:
    """One gap for each thing to do, with the first table it is about, and how many more there are."""
    for hint, tables in unclear.items():
        node, what = tables[0]
        more = f", and so it is with {len(tables) - 1:,} more" if len(tables) > 1 else ""
        message = f"the table {node.name} {what}{more}; nothing is guessed, and it stays a node of its own"
        yield Gap(topic="lineage", message=message, node=node.id, hint=hint, origin=node.origin)


def _listed(nodes: Sequence[Node], most: int = 3) -> str:
    shown = [node.id for node in nodes[:most]]
    return " or ".join(shown) + (f" or one of {len(nodes) - most:,} more" if len(nodes) > most else "")
