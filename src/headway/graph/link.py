"""Linking: from what a record names to the node it means.

A name is tried as an id first, then as a full relation, then by fewer and fewer parts, and only counts when it fits
exactly one node. What fits none or several is said, never guessed. Tables as tools outside dbt name them have rules
of their own: see `headway.graph.tables`.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headway.graph.merge import Address, address
from headway.graph.model import KINDS, Edge, Gap, Node
from headway.graph.tables import Match, Tables, fold_relation, is_outside

__all__ = [
    "REFERENCE",
    "TABLE",
    "Directory",
    "Match",
    "dangling_gaps",
    "fold_relation",
    "reached_names",
    "unmatched_summary",
]

REFERENCE = "ref:"
TABLE = "ref:table/"
"""Beginning of a reference to a table as a tool outside names it."""


@dataclass(slots=True)
class Directory:
    """Finds nodes by id, name, title, url or relation. Built once from the nodes of a graph."""

    nodes: Sequence[Node]
    ids: Mapping[str, int]
    upstream: Sequence[Sequence[int]] = ()
    """Declared lineage, where it is known: a source that a model reads is not what the model builds."""
    _tables: Tables | None = field(init=False, default=None)
    _addresses: dict[Address, list[int]] = field(init=False, default_factory=dict)
    _names: dict[str, list[int]] = field(init=False, default_factory=dict)
    _relations: dict[str, list[int]] = field(init=False, default_factory=dict)

    def reference(self, reference: str) -> Match:
        """Resolve an id or `ref:<what>/<name>`. What: a kind, `asset`, `shown`, `relation` or `table`."""
        if not reference.startswith(REFERENCE):
            found = self.ids.get(reference)
            return Match(()) if found is None else Match((found,), "id")
        what, _, name = reference[len(REFERENCE) :].partition("/")
        if what == "table":
            return self.table(name)
        return self.relation(name) if what == "relation" else self.find(name, what)

    def find(self, name: str, what: str = "asset") -> Match:
        """Nodes called `name`: by id (namespace optional), name, title or url, in this order."""
        for key in (name, f"dbt:{name}", f"goal:{name}"):
            found = self.ids.get(key)
            if found is not None and _fits(self.nodes[found], what):
                return Match((found,), "id")
        if not self._names:
            self._index_names()
        hits = [i for i in self._names.get(name.casefold(), ()) if _fits(self.nodes[i], what)]
        # A name outranks a title or url, and a whole match of case outranks a folded one.
        for rank in (lambda n: n.name == name, lambda n: n.name.casefold() == name.casefold(), lambda _: True):
            if best := tuple(i for i in hits if rank(self.nodes[i])):
                return Match(best, "name")
        # The same page has many addresses: with or without a tab, a filter, a slash at the end.
        place = address(name) if "://" in name else None
        return Match(tuple(i for i in self._addresses.get(place, ()) if _fits(self.nodes[i], what)) if place else ())

    def near(self, name: str, what: str = "asset") -> tuple[str, ...]:
        """Up to three names of the right kind that look like `name`. Costly: for a sentence to a person only."""
        folded = name.casefold()
        candidates = {n.name.casefold(): n.name for n in self.nodes if _fits(n, what) and _plausible(n.name, folded)}
        return tuple(candidates[c] for c in difflib.get_close_matches(folded, candidates, n=3, cutoff=0.6))

    def relation(self, relation: str) -> Match:
        """Nodes whose relation is `relation`, or ends with it on a part boundary when fewer parts are given.

        A source that names what a model builds stands for the model (see `headway.graph.tables`).
        """
        if not self._relations:
            self._index_relations()
        folded = fold_relation(relation)
        hits = self._relations.get(folded, [])
        if any(self.nodes[i].kind == "source" and not is_outside(self.nodes[i]) for i in hits):
            # A project may declare its own tables as sources: what is done to one is done to what the model builds.
            called = self._relations[folded.rpartition(".")[2]]
            if len(called) > 1:
                return Match(self.tables.outputs(hits), "relation")
        return Match(tuple(hits), "relation" if hits else "")

    def table(self, relation: str) -> Match:
        """The node whose relation a tool outside means by `relation` (see `headway.graph.tables`)."""
        return self.tables.match(relation)

    @property
    def tables(self) -> Tables:
        """What dbt builds and reads, as tools outside name it."""
        if self._tables is None:
            self._tables = Tables(self.nodes, self.upstream)
        return self._tables

    def _index_names(self) -> None:
        names: dict[str, list[int]] = defaultdict(list)
        for i, node in enumerate(self.nodes):
            # A source is also known as `<source>.<table>`, a key result as `<objective>.<key result>`.
            tail = ".".join(node.id.rsplit(".", 2)[-2:]) if node.kind in {"source", "key_result"} else ""
            for key in {text.casefold() for text in (node.name, node.title, node.url, tail) if text}:
                names[key].append(i)
            place = address(node.url) if node.url else None
            if place is not None and place.path:
                self._addresses.setdefault(place, []).append(i)
        self._names = names

    def _index_relations(self) -> None:
        relations: dict[str, list[int]] = defaultdict(list)
        outside: list[tuple[str, int]] = []
        for i, node in enumerate(self.nodes):
            if not node.relation or KINDS[node.kind].goal:
                continue
            folded = fold_relation(node.relation)
            if is_outside(node):
                outside.append((folded, i))
                continue
            while folded:
                relations[folded].append(i)
                folded = folded.partition(".")[2]
        for folded, i in outside:
            # By its whole name alone, and not before a table of dbt's.
            if not any(not is_outside(self.nodes[j]) for j in relations.get(folded, ())):
                relations[folded].append(i)
        self._relations = relations


_LITERAL = re.compile(r"'(?:[^']|'')*'")
_REACHED = re.compile(r"[a-z_]\w*__\w+")
_GRAIN = re.compile(r"__(?:day|week|month|quarter|year)$")


def reached_names(conditions: Iterable[str]) -> set[str]:
    """The `entity__dimension` names in a key result's conditions: what a filter joins, the last hop of each."""
    found = set()
    for condition in conditions:
        # Plain names and `{{ Dimension('entity__name') }}` are both read; what is compared with is not.
        text = re.sub(r"Dimension\(\s*'([^']*)'", r"\1", condition.lower().replace("dimension(", "Dimension("))
        for name in _REACHED.findall(_LITERAL.sub("''", text)):
            found.add("__".join(_GRAIN.sub("", name).split("__")[-2:]))
    return found


def unmatched_summary(names: Iterable[tuple[str, int]], most: int = 3) -> str:
    """`a (12 rows), b (3 rows) and 4 more` for names with their counts, largest first."""
    ranked = sorted(names, key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{name} ({count:,} {'row' if count == 1 else 'rows'})" for name, count in ranked[:most])
    return shown + (f" and {len(ranked) - most:,} more" if len(ranked) > most else "")


def _fits(node: Node, what: str) -> bool:
    kind = KINDS[node.kind]
    if what == "asset":
        return not kind.goal
    if what == "shown":
        return not kind.goal and kind.band == "dashboard"
    if what == "model":
        # `model` in a goals file means anything that is a table of the project.
        return kind.name in {"model", "snapshot", "seed"}
    return what in {kind.name, kind.is_a} and (kind.goal == KINDS[what].goal if what in KINDS else True)


def _plausible(name: str, folded: str) -> bool:
    """Cheap filter before the costly comparison: lengths that could be alike at all."""
    return abs(len(name) - len(folded)) <= max(3, len(folded) // 2)


def dangling_gaps(
    nodes: Sequence[Node], index: Mapping[str, int], dangling: Sequence[tuple[Edge, str]]
) -> Iterator[Gap]:
    """Edges with the end that nothing declares: dashboards that say they show it, each by name; others counted."""
    loose = set()
    for edge, end in dangling:
        shower = index.get(edge.upstream)
        if edge.role == "shows" and shower is not None:
            name = end.rpartition("/")[2]
            message = f"{nodes[shower].name} says that it shows the key result {name!r}, which does not exist"
            yield Gap(topic="goals", message=message, node=edge.upstream, origin=edge.origin)
        else:
            loose.add(end)
    if loose:
        count, names = len(dangling), ", ".join(sorted(loose)[:3])
        edges = "1 edge leads to a node" if count == 1 else f"{count:,} edges lead to nodes"
        message = f"{edges} that nothing declares and {'is' if count == 1 else 'are'} left out: {names}"
        yield Gap(topic="lineage", message=message)
