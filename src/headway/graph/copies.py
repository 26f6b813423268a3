"""Goals that are copies: what Headway exported into a dbt project and reads back from there.

A copy stands in where the goals themselves are not at hand, such as for a manifest alone. Where they are, every copy is
left out, so that a goal is there once and one that was taken back does not live on in an export that was not renewed.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from headway.graph.model import KINDS, Deliverable, Edge, Node, Objective, Target

_KEYS: Mapping[type, str] = {Target: "key_result", Objective: "objective", Deliverable: "deliverable"}


def is_copy(node: Node) -> bool:
    """Whether a node is a goal that was exported and read back."""
    return bool(node.meta.get("exported")) and KINDS[node.kind].goal and node.origin.connector == "dbt"


def leave_out_copies(kinds: MutableMapping[type, list[Any]]) -> None:
    """Take the copies of goals out of records, by their type, where there are goals of another source than dbt."""
    copies = {n.id: n.origin for n in kinds[Node] if n.meta and is_copy(n)}
    if not copies:
        return
    if not any(KINDS[n.kind].goal and n.origin.connector != "dbt" for n in kinds[Node]):
        return
    files = set(copies.values())
    kinds[Node] = [n for n in kinds[Node] if not (n.id in copies and n.meta and is_copy(n))]
    for shape, key in _KEYS.items():
        kinds[shape] = [r for r in kinds[shape] if r.origin not in files or getattr(r, key) not in copies]
    kinds[Edge] = [e for e in kinds[Edge] if e.origin not in files or not {e.upstream, e.downstream} & copies.keys()]
