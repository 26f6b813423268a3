"""Links from tools to tables, and what people decided about them.

A `Link` is one table that something of a tool reads, with how it was found. A decision stands above every rule: an
accepted table means the node that it names, a declined one is not linked, and neither is asked for again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from headway.graph.link import TABLE, Directory, Match
from headway.graph.model import Decision, Gap, Node, Origin
from headway.graph.tables import fold_table, is_table


@dataclass(frozen=True, slots=True)
class Link:
    """A table that a chart, a dataset or anything else outside dbt reads."""

    node: int
    """What reads it."""
    name: str
    """The table as the tool names it."""
    match: Match
    """The nodes it fits, and by which tier."""
    evidence: str
    """How the tool's own side is known: `matched` where it names the table, `parsed` where a query does."""
    origin: Origin
    decision: Decision | None = None
    """What somebody decided about it."""

    @property
    def declined(self) -> bool:
        """Somebody said that it is no link."""
        return self.decision is not None and not self.decision.accepted

    @property
    def upstream(self) -> int | None:
        """The node it is linked to; None when it is not."""
        return None if self.declined else self.match.node

    @property
    def open(self) -> bool:
        """It fits no node, or several, and nobody has decided."""
        return self.match.node is None and not self.declined


@dataclass(frozen=True, slots=True)
class Accepted:
    """A link between two nodes that a person accepted."""

    upstream: int
    downstream: int
    decision: Decision


class Decided:
    """Decisions with the nodes that they are about."""

    def __init__(self, decisions: Iterable[Decision], directory: Directory) -> None:
        self._directory = directory
        self._tables: dict[tuple[str, int], Decision] = {}
        """Folded name of a table, and who reads it (-1: everybody) -> decision."""
        self._means: dict[tuple[str, int], int] = {}
        self.accepted: list[Accepted] = []
        self.declined: dict[tuple[int, int], Decision] = {}
        """Upstream and downstream -> the decision that they are not linked."""
        self.gaps: list[Gap] = []
        for decision in decisions:
            if decision.upstream.startswith(TABLE):
                self._table(decision)
            else:
                self._pair(decision)

    def _table(self, decision: Decision) -> None:
        reader = -1
        if decision.downstream:
            found = self._one(decision, decision.downstream)
            if found is None:
                return
            reader = found
        key = fold_table(decision.upstream[len(TABLE) :]), reader
        if decision.accepted:
            means = self._meant(decision)
            if means is None:
                return
            self._means[key] = means
        self._tables[key] = decision
        if reader < 0:
            self._directory.tables.decide(key[0], self._match(key))

    def _meant(self, decision: Decision) -> int | None:
        """The node that an accepted table means: the one it says, or the one that is found without."""
        if decision.target:
            return self._one(decision, decision.target)
        match = self._directory.table(decision.upstream[len(TABLE) :])
        if match.node is None:
            fits = f"fits {len(match.nodes)} nodes" if match.nodes else "fits no node"
            self._note(decision, f"the table {decision.upstream[len(TABLE) :]!r} {fits}", "say which it means with as:")
        return match.node

    def _pair(self, decision: Decision) -> None:
        ends = [self._one(decision, name) for name in (decision.upstream, decision.downstream)]
        up, down = ends
        if up is None or down is None:
            return
        if decision.accepted:
            self.declined.pop((up, down), None)
            self.accepted.append(Accepted(up, down, decision))
        else:
            self.declined[up, down] = decision
            self.accepted = [a for a in self.accepted if (a.upstream, a.downstream) != (up, down)]

    def _one(self, decision: Decision, name: str) -> int | None:
        match = meant(self._directory, name)
        if match.node is None:
            what = f"fits {len(match.nodes)} nodes" if match.nodes else "is not in the graph"
            self._note(decision, f"{name or 'nothing'} {what}", "headway links prints the ids that there are")
        return match.node

    def _note(self, decision: Decision, message: str, hint: str) -> None:
        where = f"{decision.origin}: " if str(decision.origin) else ""
        message = f"{where}a decision has no effect: {message}"
        self.gaps.append(Gap(topic="links", message=message, hint=hint, origin=decision.origin))

    def link(self, node: int, name: str, evidence: str, origin: Origin) -> Link:
        """The link of a table that `node` reads: as decided for this reader, else for all, else as it is found."""
        if self._tables:
            folded = fold_table(name)
            for key in ((folded, node), (folded, -1)):
                decision = self._tables.get(key)
                if decision is not None:
                    said = "accepted" if decision.accepted else evidence
                    return Link(node, name, self._match(key), said, origin, decision)
        return Link(node, name, self._directory.table(name), evidence, origin)

    def _match(self, key: tuple[str, int]) -> Match:
        means = self._means.get(key)
        return Match((), "decision") if means is None else Match((means,), "decision")


def meant(directory: Directory, name: str) -> Match:
    """The nodes that a person means by an id, a name or a reference: an asset, else a goal."""
    if not name:
        return Match(())
    found = directory.reference(name)
    for what in ("asset", "key_result", "objective"):
        if found.nodes or name.startswith("ref:"):
            break
        found = directory.find(name, what)
    return found


def table_meant(directory: Directory, name: str) -> Match:
    """The nodes that a person means by a name where only a table can be meant: a model before a source it builds."""
    match = meant(directory, name)
    hits = [i for i in match.nodes if is_table(directory.nodes[i])]
    return Match(directory.tables.outputs(hits) if len(hits) > 1 else tuple(hits), match.tier)


def short_name(directory: Directory, node: int) -> str:
    """What a table can be called where only a table can be meant: its name, or its id where that is not enough."""
    name = directory.nodes[node].name
    return name if table_meant(directory, name).node == node else directory.nodes[node].id


def handle(upstream: str, downstream: str) -> str:
    """A short name for an open link that can be typed: `@1f0c9a2`. It is the same as long as the ends are."""
    return "@" + blake2b(f"{upstream}\n{downstream}".encode(), digest_size=4).hexdigest()[:7]


def table_handle(link: Link, node: Node | None) -> str:
    """The handle of a table as one reader reads it, or, without one, as all do."""
    return handle(f"table:{fold_table(link.name)}", node.id if node is not None else "")


def link_gaps(links: Sequence[Link], broken: Collection[str]) -> Iterator[Gap]:
    """What the links leave open, counted and by name. `broken` has the names of tables that are not built any more."""
    lost = {link.name: None for link in links if link.open and not link.match.nodes and link.name not in broken}
    several = {link.name: None for link in links if link.open and link.match.nodes}
    for names, fit in ((lost, "no node"), (several, "several nodes")):
        if names:
            shown = ", ".join(list(names)[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
            message = f"{_tables(len(names))} {'fits' if len(names) == 1 else 'fit'} {fit}: {shown}"
            yield Gap(topic="lineage", message=message, hint="headway links lists them")
    if broken:
        message = f"{_tables(len(broken))} {'is' if len(broken) == 1 else 'are'} not built any more"
        yield Gap(topic="lineage", message=message, hint="headway broken says which dashboards read them")


def _tables(count: int) -> str:
    return "1 table that a dashboard tool reads" if count == 1 else f"{count:,} tables that dashboard tools read"


def is_tool(node: Node) -> bool:
    """Whether a node is content of a tool outside dbt that shows data, or one with it."""
    if node.kind in {"source", "job"}:
        return False
    namespace, colon, _ = node.id.partition(":")
    return bool(node.also) or (bool(colon) and namespace not in {"dbt", "goal"})
