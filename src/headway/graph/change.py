"""What differs between two graphs of the same goals: assets that came, went and changed, and in which facets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from headway.graph.model import KINDS

if TYPE_CHECKING:
    from headway.graph.graph import Graph

LOST = "gone"
"""Said of a part that was there: `column amount is gone`."""

_WITHOUT_CODE = frozenset({"exposure", "saved_query"})
"""What has no SQL of its own that would tell that it does not read something any more."""


@lru_cache(maxsize=4)
def changes(graph: Graph) -> Changes | None:
    """What differs between a graph and the one before it; None where there is none before it."""
    return None if graph.base is None else Changes(graph.base, graph)


class Changes:
    """The difference from one graph to the next. Assets are told apart by their ids.

    `added` are indexes of the later graph, `removed` of the earlier one; `changed` maps indexes of the later graph to
    what differs, in words: `SQL`, `column amount is gone`, `macro cents_to_euros`.
    """

    def __init__(self, before: Graph, after: Graph) -> None:
        self.before = before
        self.after = after
        self.added: Sequence[int] = [i for i in after.assets if after.nodes[i].id not in before.index]
        self.removed: Sequence[int] = [i for i in before.assets if before.nodes[i].id not in after.index]

    @property
    def told(self) -> bool:
        """Whether facets of both are known, so that a change inside a node shows."""
        return bool(self.before.facets and self.after.facets)

    @cached_property
    def changed(self) -> Mapping[int, tuple[str, ...]]:
        """Assets that are in both graphs and differ, with what differs."""
        found = {}
        for i in self.after.assets:
            j = self.before.index.get(self.after.nodes[i].id)
            if j is not None and (what := tuple(self._differences(j, i))):
                found[i] = what
        return found

    def earlier(self, i: int) -> int | None:
        """Index in the earlier graph of a node of the later one; None when it is new."""
        return self.before.index.get(self.after.nodes[i].id)

    def lost_columns(self, i: int) -> tuple[str, ...]:
        """Columns that a node of the later graph had and has not any more, as far as both are known."""
        j = self.earlier(i)
        if j is None or not self.before.columns.complete(j) or not self.after.columns.complete(i):
            return ()
        now = {name for name, column in self.after.columns.columns(i).items() if column.declared}
        return tuple(n for n, column in self.before.columns.columns(j).items() if column.declared and n not in now)

    def renamed(self, j: int) -> int | None:
        """The new asset that is what a removed one was, under another name; None when there is none."""
        digests = self.before.facets.get(self.before.nodes[j].id, {})
        same = [
            i for i in self.added if self._same(digests, i) and self.after.nodes[i].kind == self.before.nodes[j].kind
        ]
        return same[0] if len(same) == 1 else None

    def _same(self, digests: Mapping[str, str], i: int) -> bool:
        now = self.after.facets.get(self.after.nodes[i].id, {})
        return any(digests.get(f, "") == now.get(f) for f in ("SQL", "definition") if f in now)

    def _differences(self, j: int, i: int) -> Iterator[str]:
        node = self.after.nodes[i]
        was, now = self.before.facets.get(node.id, {}), self.after.facets.get(node.id, {})
        # Where one side says nothing of a node, nothing is known to differ.
        if was is not now and (was and now):
            for facet in dict.fromkeys((*was, *now)):
                part = " " in facet
                if was.get(facet) == now.get(facet) or (part and facet not in was):
                    continue
                yield f"{facet} is {LOST}" if part and facet not in now else facet
        if self.before.column_lineage and self.after.column_lineage:
            yield from (f"column {name} is {LOST}" for name in self.lost_columns(i) if f"column {name}" not in was)
        if KINDS[node.kind].is_a in _WITHOUT_CODE:
            here = {self.after.nodes[u].id for u in self.after.upstream[i]}
            for u in self.before.upstream[j]:
                name = self.before.nodes[u].id
                if name not in here and name in self.after.index:
                    yield f"{self.before.nodes[u].name} is not read any more"
