"""Search: over goals, key results, assets and owners, not only over what is drawn."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from headway.answer import plural
from headway.graph.graph import Graph
from headway.graph.model import KINDS
from headway.graph.search import Hit, index_of, words
from headway.project.pages import figures
from headway.project.pages.page import Page, said
from headway.project.pages.table import address
from headway.project.workspace import Project
from headway.questions.evidence import asset_name
from headway.questions.usage import quadrants

MOST = 50
"""Hits that are shown."""
MOST_OWNERS = 5

_QUADRANTS = {
    "serving": "serves an objective, used",
    "neglected": "serves an objective, nobody looks",
    "shadow": "used, no objective",
    "zombie": "no objective, nobody uses it",
    "unknown": "use not known",
}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One hit."""

    kind: str
    """`key result`, `model`, ..., `owner`."""
    id: str
    name: str
    title: str
    """What people call it, where that is not the name; ''."""
    place: str
    """Where it stands: its objective, its folder, its team."""
    state: str
    to: str
    on_map: str
    """'' where it is not on the map."""


class Search(Page, frozen=True, kw_only=True):
    """The page."""

    q: str
    hits: tuple[Found, ...]
    more: bool
    """There are further hits; a longer text has fewer."""
    searched: str


def search(project: Project, *, q: str = "") -> Search:
    """What a text is about, best first; goals before assets that fit as well."""
    graph = project.graph()
    text = q.strip()
    hits = index_of(graph).find(text, limit=MOST + 1) if text else ()
    owners = _owners(graph, text)
    best = max((h.coverage for h in hits), default=0.0)
    # Of two that say the whole text, the goal is what the other is for.
    ordered = sorted(hits[:MOST], key=lambda h: not (KINDS[graph.nodes[h.node].kind].goal and h.coverage >= best))
    found = (*owners, *(_found(graph, h) for h in ordered))
    goals = sum(KINDS[n.kind].goal for n in graph.nodes)
    searched = (
        f"{plural(goals, 'goal')}, {plural(len(graph.assets), 'asset')} and {plural(len(_teams(graph)), 'owner')}"
    )
    if not text:
        sentence = f"Search looks through {searched}"
    elif not found:
        sentence = f"Nothing is called \u201c{text}\u201d, or says it"
    else:
        count = f"More than {MOST}" if len(hits) > MOST else f"{len(found):,}"
        sentence = f"{count} {'hit' if count == '1' else 'hits'} for \u201c{text}\u201d"
    return Search(
        title="Search",
        sentence=said(sentence),
        as_of=graph.as_of,
        synced_at=graph.synced_at,
        q=text,
        hits=found,
        more=len(hits) > MOST,
        searched=searched,
    )


def _found(graph: Graph, hit: Hit) -> Found:
    node = graph.nodes[hit.node]
    kind = KINDS[node.kind]
    name = node.label if kind.goal else asset_name(graph, hit.node)
    if kind.goal:
        page = node.kind if node.kind in {"objective", "key_result"} else ""
        over = graph.objective_of(hit.node)
        place = graph.nodes[over].label if over != hit.node else figures.team(node.owner)
        to = address(page, node.id) if page else address("objective", graph.nodes[over].id)
        return Found(
            kind=node.kind.replace("_", " "),
            id=node.id,
            name=name,
            title="",
            place=place,
            state="",
            to=to,
            on_map=address("map", objective=graph.nodes[over].id),
        )
    place = node.path.rpartition("/")[0] or node.relation.rpartition(".")[0] or node.package
    state = _QUADRANTS.get(quadrants(graph)[hit.node] or "", "") if not node.disabled else "disabled"
    return Found(
        kind=node.kind.replace("_", " "),
        id=node.id,
        name=name,
        title=node.label if node.label != name else "",
        place=place,
        state=state,
        to=address("asset", node.id),
        on_map=address("map", asset=node.id),
    )


@lru_cache(maxsize=4)
def _teams(graph: Graph) -> dict[str, int]:
    """Teams with the number of nodes that they own."""
    found: dict[str, int] = {}
    for node in graph.nodes:
        if name := figures.team(node.owner):
            found[name] = found.get(name, 0) + 1
    return found


def _owners(graph: Graph, text: str) -> tuple[Found, ...]:
    asked = words(text)
    if not asked:
        return ()
    fits = [t for t in _teams(graph) if all(any(w.startswith(a) for w in words(t)) for a in asked)]
    fits.sort(key=lambda t: (-_teams(graph)[t], t))
    return tuple(
        Found(
            kind="owner",
            id=t,
            name=t,
            title="",
            place=f"owns {plural(_teams(graph)[t], 'node')}",
            state="",
            to=address("list", department=t) or address("objectives", department=t),
            on_map="",
        )
        for t in fits[:MOST_OWNERS]
    )
