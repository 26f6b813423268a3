"""Suggested links, for whoever decides about them on a page or over the API: which there are, accepting, declining.

A decision is an entry of links.yml (see project/decisions.py). Where Triage asks about the same dashboard, accepting is
also its decision, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from headway.connectors.artifact import read, shown
from headway.connectors.links import decisions
from headway.errors import HeadwayError, UsageError
from headway.graph.decided import handle
from headway.graph.graph import Graph
from headway.graph.ledger import Entry
from headway.graph.model import Decision
from headway.graph.suggest import Suggestion, suggestions
from headway.project import triage
from headway.project.decisions import decide, file_of

if TYPE_CHECKING:
    from headway.project.workspace import Project

State = Literal["", "accepted", "declined"]
"""What was decided and no sync has read yet; '' while nobody has decided."""


@lru_cache(maxsize=4)
def _offered(graph: Graph) -> tuple[Suggestion, ...]:
    return tuple(suggestions(graph))


def suggested(graph: Graph, boards: Collection[int], goals: Collection[int]) -> list[Suggestion]:
    """The suggestions about some dashboards or some key results (node indexes), best first."""
    return [s for s in _offered(graph) if s.board in boards or s.goal in goals]


def states(project: Project) -> Mapping[tuple[str, str], State]:
    """What links.yml says now of links that no sync has read yet: (dashboard, key result), as ids -> what was decided.

    Nothing where the file cannot be read, which the next sync says. Nothing for an earlier day: the file is today's.
    """
    path = file_of(project)
    if project.looking_back or not path.exists():
        return {}
    try:
        name = shown(path, project.config.root)
        found = [d for d in decisions(bytes(read(path, name)), name) if isinstance(d, Decision)]
    except HeadwayError:
        return {}
    return {(d.upstream, d.downstream): "accepted" if d.accepted else "declined" for d in found}


def written_mark(project: Project) -> str:
    """Another text whenever the file of decisions may say something else; '' where there is none."""
    try:
        found = file_of(project).stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns}/{found.st_size}"


def decide_suggested(
    project: Project, short: str, *, accepted: bool, by: str, note: str = ""
) -> tuple[tuple[str, ...], tuple[Entry, ...]]:
    """Accept or decline a suggested link by its handle (`@1f0c9a2`): what was done, in sentences, and its entries.

    Raises UsageError for a handle of no suggestion, for what is decided already and where no store is kept; and what
    `decisions.decide` and `triage.link` raise.
    """
    graph = project.graph()
    board, goal = _ends(graph, short)
    if not project.use_store:
        raise UsageError("what people decide is kept in a store", hint="leave out what names the files one by one")
    asks = [
        c.item.handle
        for c in triage.open_cases(project)
        if "link" in c.item.acts and graph.nodes[c.item.node].id == board
    ]
    if accepted and asks:
        outcome = triage.link(project, asks[:1], by=by, key_result=goal, reason=note)
        return outcome.sentences, outcome.entries
    done = decide(project, accepted=accepted, upstream=board, downstream=goal, by=by, note=note)
    said = [f"{done.sentence}: {done.file}, line {done.line}"]
    if graph.synced_at is not None:
        said.append("It counts after the next headway sync.")
    return tuple(said), ()


def state_of(project: Project, short: str) -> State:
    """What was decided about a suggested link since the last sync. Raises UsageError for a handle of none."""
    return states(project).get(_ends(project.graph(), short), "")


def _ends(graph: Graph, short: str) -> tuple[str, str]:
    for s in _offered(graph):
        board, goal = graph.nodes[s.board].id, graph.nodes[s.goal].id
        if handle(board, goal) == short:
            return board, goal
    raise UsageError(f"there is no suggested link {short[:40]}", hint="headway links lists them")
