"""Tables that dashboards read and nothing builds any more, as opposed to tables that were never dbt's business.

A table that fits no node is broken when a disabled node is called so, when an earlier sync knew a node that was, with
its schema, or when it lies where dbt builds: in a schema of the manifest, or in one whose other tables, as tools name
them, are found to be built by dbt (which also tells the schemas of another target). Everything else lies outside the
DAG: a tool's own metadata, a spreadsheet, another system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from headway.graph.decided import Link
from headway.graph.model import Node
from headway.graph.tables import Tables, fold_table

if TYPE_CHECKING:
    from headway.graph.graph import Graph


@dataclass(frozen=True, slots=True)
class Broken:
    """Why a table is not built any more."""

    why: str
    disabled: Node | None = None
    """The node that built it, where it is still known."""
    gone: date | None = None
    """The day of the first sync that did not know its node any more."""

    @property
    def since(self) -> str | None:
        """ISO date from which it was announced to go, or was found to be gone; None when nothing says."""
        if self.gone is not None:
            return self.gone.isoformat()
        return self.disabled.deprecated or None if self.disabled is not None else None


@dataclass(frozen=True, slots=True)
class Gone:
    """A node that an earlier sync knew, and none since."""

    node: Node
    since: date
    """Day of the first sync that did not know it any more."""


def broken(graph: Graph) -> Mapping[str, Broken]:
    """The names of tables that are read and not built any more, as the tools write them."""
    lost = {link.name: link for link in graph.links if link.open and not link.match.nodes}
    if not lost:
        return {}
    switched_off = Tables(graph.disabled)
    earlier = graph.knew
    before = Tables([one.node for one in earlier])
    places = {_place(link.name) for link in graph.links if _built(graph, link)}
    found: dict[str, Broken] = {}
    for name in lost:
        gone = switched_off.match(name).nodes
        place = _place(name)
        if gone:
            node = graph.disabled[gone[0]]
            found[name] = Broken(f"{node.name} is disabled in dbt", node)
        elif (left := before.match(name)).nodes and left.tier != "table":
            last = max((earlier[i] for i in left.nodes), key=lambda one: one.since)
            found[name] = Broken(f"{last.node.name} built it, and left the dbt project", gone=last.since)
        elif place and (place in places or graph.directory.tables.builds_in(name)):
            found[name] = Broken("dbt builds other tables in this schema, but not this one")
    return found


def _built(graph: Graph, link: Link) -> bool:
    """Whether a link leads to a table that dbt builds, by its name and not because somebody said so."""
    up = link.upstream
    return up is not None and link.decision is None and graph.directory.tables.is_built(up)


def _place(name: str) -> str:
    """Catalog and schema of a name, as far as it says them."""
    return ".".join(fold_table(name).split(".")[-3:-1])
