"""dbt-style selectors over a graph.

A selector is a union of terms parted by spaces; a term is an intersection of criteria parted by commas. A criterion is
`[n+]method:value[+n]`: a leading plus adds everything upstream (at most n steps), a trailing one everything downstream.
Values may hold `*`, `?` and `[...]`. Without a method the value is a name or an id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from headway.errors import UnknownName, UsageError
from headway.graph.model import KINDS, Node, team_of

if TYPE_CHECKING:
    from headway.graph.graph import Graph

_CRITERION = re.compile(r"^(?P<up>(?P<up_steps>\d*)\+)?(?P<body>[^+].*?)(?P<down>\+(?P<down_steps>\d*))?$", re.DOTALL)

_FIELDS: dict[str, Callable[[Node], tuple[str, ...]]] = {
    "owner": lambda n: (n.owner, team_of(n.owner)),
    "tag": lambda n: n.tags,
    "group": lambda n: (n.group,),
    "package": lambda n: (n.package,),
    "path": lambda n: (n.path, *_folders(n.path)),
    "relation": lambda n: (n.relation,),
    "name": lambda n: (n.name, n.title),
    "materialized": lambda n: (n.materialized,),
    "connector": lambda n: (n.origin.connector, *(origin.connector for origin in n.also)),
}

METHODS = (*_FIELDS, "kind", "objective", "key_result", "id")


def select(graph: Graph, selector: str) -> frozenset[int]:
    """Indexes of the nodes that `selector` names.

    Raises UsageError for a malformed selector and UnknownName for an objective or key result that does not exist.
    A name that fits nothing selects nothing, as in dbt.
    """
    chosen: set[int] = set()
    for term in selector.split():
        parts = [_criterion(graph, text) for text in term.split(",") if text]
        if not parts:
            raise UsageError(f"the selector {selector!r} has an empty term", hint="write kind:model,owner:growth-team")
        chosen |= frozenset.intersection(*parts)
    return frozenset(chosen)


def _criterion(graph: Graph, text: str) -> frozenset[int]:
    found = _CRITERION.match(text)
    if not found:
        raise UsageError(f"cannot read {text!r} as a selector", hint="write name, +name, name+, or method:value")
    base = _matching(graph, found["body"])
    chosen = set(base)
    if found["up"]:
        chosen.update(graph.walk(base, "upstream", int(found["up_steps"] or 0)))
    if found["down"]:
        chosen.update(graph.walk(base, "downstream", int(found["down_steps"] or 0)))
    return frozenset(chosen)


def _matching(graph: Graph, body: str) -> frozenset[int]:
    method, colon, value = body.partition(":")
    if not colon or (method not in METHODS and method not in KINDS):
        if colon and method not in {"dbt", "goal"}:
            raise UsageError(
                f"there is no selector method {method!r}", hint=f"use one of {', '.join(sorted(METHODS))}, or a kind"
            )
        return _named(graph, body)
    if method in {"objective", "key_result"}:
        return _serving(graph, method, value)
    if method == "id":
        return _named(graph, value)
    if method == "kind":
        kinds = {k.name for k in KINDS.values() if fnmatchcase(k.name, value) or fnmatchcase(k.is_a, value)}
        return _where(graph, lambda n: n.kind in kinds)
    if method in KINDS:
        kinds = {k.name for k in KINDS.values() if method in {k.name, k.is_a} and not k.goal}
        names = _named(graph, value)
        return frozenset(i for i in names if graph.nodes[i].kind in kinds)
    field = _FIELDS[method]
    return _where(graph, lambda n: any(fnmatchcase(v.casefold(), value.casefold()) for v in field(n) if v))


def _named(graph: Graph, value: str) -> frozenset[int]:
    if any(c in value for c in "*?["):
        return _where(graph, lambda n: fnmatchcase(n.name, value) or fnmatchcase(n.id, value))
    return frozenset(graph.directory.find(value).nodes or graph.directory.find(value, "objective").nodes)


def _serving(graph: Graph, method: str, value: str) -> frozenset[int]:
    if any(c in value for c in "*?["):
        goals = [i for i, n in enumerate(graph.nodes) if n.kind == method and fnmatchcase(n.name, value)]
    else:
        goals = list(graph.directory.find(value, method).nodes)
    if not goals:
        raise UnknownName(method.replace("_", " "), value, graph.directory.near(value, method))
    wanted = 0
    for goal in goals:
        wanted |= graph.goal_mask(goal)
    return frozenset(i for i in graph.assets if (graph.computes[i] | graph.informs[i]) & wanted)


def _where(graph: Graph, keep: Callable[[Node], bool]) -> frozenset[int]:
    return frozenset(i for i in graph.assets if keep(graph.nodes[i]))


def _folders(path: str) -> tuple[str, ...]:
    """Every folder above `path`, so that `path:models/marts` selects what lies below it."""
    parts = path.split("/")[:-1]
    return tuple("/".join(parts[: k + 1]) for k in range(len(parts)))
